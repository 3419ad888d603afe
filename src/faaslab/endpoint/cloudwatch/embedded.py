"""The embedded metric format: metrics in a line of JSON that a function printed. Pure.

Source: CloudWatch User Guide, "Specification: Embedded metric format". What a document has wrong is passed
over, as CloudWatch does.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_EPOCH = datetime(1970, 1, 1)
_VALUES = 100
_DIMENSIONS = 30


class Sample(NamedTuple):
    """The values of one metric at an instant (naive UTC), for one set of dimensions."""

    at: datetime
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    """In the order of their names."""
    values: tuple[float, ...]
    unit: str


def samples(message: str) -> Iterator[Sample]:
    """The metrics of a log message; text before the document is passed over, as Lambda's own is."""
    begin = message.find("{")
    if begin < 0:
        return
    try:
        document = json.loads(message[begin:])
        told = document["_aws"]
        at = _EPOCH + timedelta(milliseconds=told["Timestamp"])
        directives = told["CloudWatchMetrics"]
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return
    for directive in directives if isinstance(directives, list) else ():
        if isinstance(directive, dict) and isinstance(directive.get("Namespace"), str):
            yield from _of_directive(document, directive, at)


def _of_directive(document: dict[str, Any], directive: dict[str, Any], at: datetime) -> Iterator[Sample]:
    metrics = directive.get("Metrics")
    for dimensions in _dimension_sets(document, directive.get("Dimensions")):
        for metric in metrics if isinstance(metrics, list) else ():
            name = metric.get("Name") if isinstance(metric, dict) else None
            values = _values(document.get(name)) if isinstance(name, str) else ()
            if isinstance(name, str) and values:
                unit = str(metric.get("Unit") or "None")
                yield Sample(at, directive["Namespace"], name, dimensions, values, unit)


def _dimension_sets(document: dict[str, Any], sets: Any) -> Iterator[tuple[tuple[str, str], ...]]:
    """Each set of names with the values that the document has for them; one that lacks any is left out."""
    if sets is None or sets == []:
        yield ()
        return
    for names in sets if isinstance(sets, list) else ():
        if not isinstance(names, list) or len(names) > _DIMENSIONS:
            continue
        if all(isinstance(name, str) and isinstance(document.get(name), (str, int, float)) for name in names):
            yield tuple(sorted((name, str(document[name])) for name in names))


def _values(value: Any) -> tuple[float, ...]:
    values = value if isinstance(value, list) else [value]
    if len(values) > _VALUES:
        return ()
    if not all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in values):
        return ()
    return tuple(float(each) for each in values if math.isfinite(each))
