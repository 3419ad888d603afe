"""Filter patterns for JSON log events: `{ $.latency >= 500 && ($.user.id = 1 || $.error NOT EXISTS) }`. Pure.

What a selector leads to must be a value: of an object or a list no comparison is true, nor of what is not
there (CloudWatch Logs User Guide).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.logs.scanning import Malformed, Scanner, comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Condition = Callable[[Any], bool]

_WORDS = re.compile(
    r"""(?P<selector>\$(?:\.[^\s.\[\](){}=!<>&|",]+|\[(?:\d{1,9}|\*|"(?:[^"\\]|\\.)*")\])+)"""
    r"""|(?P<and>&&)|(?P<or>\|\|)|(?P<operator>!=|<=|>=|=|<|>)|(?P<bracket>[(){}])"""
    r"""|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<regex>%[^%]*%)|(?P<bare>[^\s(){}=!<>&|"%]+)"""
)
_SELECTOR = re.compile(r"""\$(?:\.[^\s.\[\](){}=!<>&|",]+|\[(?:\d{1,9}|"(?:[^"\\]|\\.)*")\])+""")
_STEP = re.compile(r"""\.([^.\[]+)|\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]""")
_MISSING = object()


def read(text: str) -> Callable[[str], bool]:
    """Whether a message matches. Raises `Malformed`."""
    scanner = Scanner(text, _WORDS)
    scanner.expect("{")
    condition = _any(scanner)
    scanner.expect("}")
    if scanner.kind:
        raise Malformed(f"{scanner.word!r} stands behind its end")

    def test(message: str) -> bool:
        if not message.lstrip().startswith("{"):
            return False
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return condition(document)

    return test


def selectors(pattern: str) -> list[str]:
    """The selectors that a pattern names, each once."""
    return list(dict.fromkeys(match[0] for match in _SELECTOR.finditer(pattern)))


def value(selector: str) -> Callable[[str], str | None]:
    """What a selector such as `$.latency` leads to in a message; None for no value. Raises `Malformed`."""
    if not _SELECTOR.fullmatch(selector):
        raise Malformed(f"{selector!r} is no selector such as $.name")
    steps = _steps(selector)

    def found(message: str) -> str | None:
        try:
            return next((_text(each) for each in _at(json.loads(message), steps)), None)
        except (ValueError, RecursionError):
            return None

    return found


def _any(scanner: Scanner) -> Condition:
    conditions = [_all(scanner)]
    while scanner.take("||"):
        conditions.append(_all(scanner))
    return conditions[0] if len(conditions) == 1 else lambda found: any(each(found) for each in conditions)


def _all(scanner: Scanner) -> Condition:
    conditions = [_one(scanner)]
    while scanner.take("&&"):
        conditions.append(_one(scanner))
    return conditions[0] if len(conditions) == 1 else lambda found: all(each(found) for each in conditions)


def _one(scanner: Scanner) -> Condition:
    if scanner.take("("):
        scanner.deeper()
        condition = _any(scanner)
        scanner.expect(")")
        scanner.depth -= 1
        return condition
    if scanner.kind != "selector":
        raise Malformed(f"a selector such as $.name is missing before {scanner.word or 'the end'!r}")
    steps = _steps(scanner.advance())
    if scanner.take("IS"):
        for word, value in (("NULL", None), ("TRUE", True), ("FALSE", False)):
            if scanner.take(word):
                return lambda found: any(each is value for each in _at(found, steps))
        raise Malformed("IS takes NULL, TRUE or FALSE")
    if scanner.take("NOT"):
        scanner.expect("EXISTS")
        return lambda found: all(each is _MISSING for each in _at(found, steps))
    if scanner.take("EXISTS"):
        return lambda found: any(each is not _MISSING for each in _at(found, steps))
    if scanner.kind != "operator":
        raise Malformed(f"a comparison is missing before {scanner.word or 'the end'!r}")
    operator = scanner.advance()
    if scanner.kind == "regex":
        raise Malformed("here regular expressions are matched in patterns of terms only")
    if scanner.kind not in ("quoted", "bare"):
        raise Malformed(f"a value is missing before {scanner.word or 'the end'!r}")
    test = comparison(operator, scanner.advance())
    return lambda found: any(text is not None and test(text) for text in map(_text, _at(found, steps)))


def _steps(selector: str) -> list[str | int | None]:
    """Names, places in lists, and None for all that is there."""
    steps: list[str | int | None] = []
    for name, place, quoted in _STEP.findall(selector):
        if name:
            steps.append(None if name == "*" else name)
        elif place:
            steps.append(None if place == "*" else int(place))
        else:
            steps.append(re.sub(r"\\(.)", r"\1", quoted))
    return steps


def _at(value: Any, steps: list[str | int | None]) -> Iterator[Any]:
    """What the steps lead to; one `_MISSING` for each way that ends before."""
    here = [value]
    for step in steps:
        following: list[Any] = []
        for each in here:
            if step is None and isinstance(each, (dict, list)):
                following += each.values() if isinstance(each, dict) else each
            elif isinstance(step, str) and isinstance(each, dict):
                following.append(each.get(step, _MISSING))
            elif isinstance(step, int) and isinstance(each, list) and step < len(each):
                following.append(each[step])
            else:
                following.append(_MISSING)
        here = following
    return iter(here)


def _text(value: Any) -> str | None:
    """A value as a pattern writes it; None for what cannot be compared."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return None
