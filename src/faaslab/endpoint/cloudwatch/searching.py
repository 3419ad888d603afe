"""Search expressions: `{AWS/Lambda,FunctionName} MetricName="Errors" FunctionName=("a" OR "b")`. Pure.

Source: CloudWatch User Guide, "CloudWatch search expression syntax". Between braces stand the namespace and
the names of exactly the dimensions that a metric has; what stands behind must all hold.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from faaslab.endpoint.logs.scanning import Malformed, Scanner, unquoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_WORDS = re.compile(r"""(?P<text>"[^"]*")|(?P<sign>[{},()=:])|(?P<bare>[^\s"{},()=:]+)""")


class Metric(Protocol):
    """What is searched for."""

    @property
    def namespace(self) -> str:
        """Its namespace."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def dimensions(self) -> Sequence[tuple[str, str]]:
        """Names and values."""


def read(text: str) -> Callable[[Metric], bool]:
    """Whether a metric is found. Raises `Malformed`."""
    scanner = Scanner(text, _WORDS)
    tests: list[Callable[[Metric], bool]] = []
    if scanner.take("{"):
        tests.append(_schema(_list(scanner, ",", "}")))
    while scanner.kind:
        tests.append(_term(scanner))
    if not tests:
        raise Malformed("SEARCH looks for nothing")
    return lambda metric: all(test(metric) for test in tests)


def _schema(names: list[str]) -> Callable[[Metric], bool]:
    namespace, *dimensions = names
    wanted = sorted(dimensions)
    return lambda metric: (
        metric.namespace == namespace and sorted(name for name, _ in metric.dimensions) == wanted
    )


def _term(scanner: Scanner) -> Callable[[Metric], bool]:
    """`NAME=VALUE`, `NAME=(VALUE OR VALUE)`, `NOT …`, or a word that is in any of it."""
    if scanner.take("NOT"):
        scanner.deeper()
        test = _term(scanner)
        scanner.depth -= 1
        return lambda metric: not test(metric)
    if scanner.take("AND"):
        return _term(scanner)
    exact = scanner.kind == "text"
    word = _word(scanner)
    if scanner.take("=", ":"):
        values = _list(scanner, "OR", ")") if scanner.take("(") else [_word(scanner)]
        return lambda metric: _of(metric, word) in values
    if exact:
        return lambda metric: word in _texts(metric)
    return lambda metric: any(word.lower() in text.lower() for text in _texts(metric))


def _list(scanner: Scanner, between: str, end: str) -> list[str]:
    found = [_word(scanner)]
    while not scanner.take(end):
        scanner.expect(between)
        found.append(_word(scanner))
    return found


def _word(scanner: Scanner) -> str:
    if scanner.kind not in ("text", "bare"):
        raise Malformed(f"SEARCH misses a word before {scanner.word or 'the end'!r}")
    return unquoted(scanner.advance())


def _of(metric: Metric, name: str) -> str | None:
    if name in ("MetricName", "Namespace"):
        return metric.name if name == "MetricName" else metric.namespace
    return dict(metric.dimensions).get(name)


def _texts(metric: Metric) -> Iterable[str]:
    return [metric.namespace, metric.name, *(text for pair in metric.dimensions for text in pair)]
