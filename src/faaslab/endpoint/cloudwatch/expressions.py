"""Metric math: `errors / FILL(METRICS("inv"), 0) * 100`, of series, lists of series and numbers. Pure.

Source: CloudWatch User Guide, "Metric math syntax and functions". Two series meet at the instants that both
have; what cannot be computed at an instant (a division by zero, say) leaves it out.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.logs.scanning import Malformed, Scanner, unquoted

if TYPE_CHECKING:
    from collections.abc import Iterable

_WORDS = re.compile(
    r"""(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|\.\d+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"""
    r"""|(?P<text>"[^"]*"|'[^']*')|(?P<sign>==|!=|<=|>=|&&|\|\||[-+*/^<>(),\[\]])"""
)
LONGEST = 2048


@dataclass(frozen=True)
class Series:
    """Values at instants, a period of `seconds` each; `metric` says that it is one and no result."""

    points: Mapping[datetime, float]
    seconds: int = 60
    label: str = ""
    id: str = ""
    metric: bool = False

    def with_points(self, points: Mapping[datetime, float]) -> Series:
        """The same with other values."""
        return Series(points, self.seconds, self.label, self.id)


Value = float | Series | list[Series]


@dataclass
class Context:
    """What an expression may name: series by id, and the instants of each period of so many seconds."""

    value: Callable[[str], Value]
    metrics: Callable[[], list[Series]]
    instants: Callable[[int], list[datetime]]
    search: Callable[[str, str, int], list[Series]]
    """Of SEARCH: its text, the statistic and the period in seconds."""


def evaluate(text: str, context: Context) -> Value:
    """What an expression gives. Raises `Malformed`, which says why."""
    if len(text) > LONGEST:
        raise Malformed(f"it has more than {LONGEST} characters")
    scanner = Scanner(text, _WORDS)
    value = _either(scanner, context)
    if scanner.kind:
        raise Malformed(f"{scanner.word!r} stands where its end should be")
    return value


_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"||": lambda a, b: float(bool(a) or bool(b)), "OR": lambda a, b: float(bool(a) or bool(b))},
    {"&&": lambda a, b: float(bool(a) and bool(b)), "AND": lambda a, b: float(bool(a) and bool(b))},
    {
        "==": lambda a, b: float(a == b),
        "!=": lambda a, b: float(a != b),
        "<=": lambda a, b: float(a <= b),
        ">=": lambda a, b: float(a >= b),
        "<": lambda a, b: float(a < b),
        ">": lambda a, b: float(a > b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
)


def _either(scanner: Scanner, context: Context, level: int = 0) -> Value:
    if level == len(_LEVELS):
        return _power(scanner, context)
    value = _either(scanner, context, level + 1)
    while (word := scanner.word.upper()) in _LEVELS[level]:
        scanner.advance()
        value = _combined(_LEVELS[level][word], value, _either(scanner, context, level + 1))
    return value


def _power(scanner: Scanner, context: Context) -> Value:
    value = _signed(scanner, context)
    while scanner.take("^"):
        value = _combined(operator.pow, value, _signed(scanner, context))
    return value


def _signed(scanner: Scanner, context: Context) -> Value:
    if scanner.word in ("-", "+"):
        scanner.deeper()
        sign = -1.0 if scanner.advance() == "-" else 1.0
        value = _combined(operator.mul, sign, _signed(scanner, context))
        scanner.depth -= 1
        return value
    return _one(scanner, context)


def _one(scanner: Scanner, context: Context) -> Value:
    scanner.deeper()
    try:
        if scanner.take("("):
            value = _either(scanner, context)
            scanner.expect(")")
            return value
        if scanner.take("["):
            found = [_either(scanner, context)]
            while scanner.take(","):
                found.append(_either(scanner, context))
            scanner.expect("]")
            return _listed(found)
        if scanner.kind == "number":
            number = float(scanner.advance())
            if not math.isfinite(number):
                raise Malformed("a number is out of range")
            return number
        if scanner.kind != "name":
            raise Malformed(f"a value is missing before {scanner.word or 'the end'!r}")
        name = scanner.advance()
        if scanner.take("("):
            return _called(name.upper(), scanner, context)
        return context.value(name)
    finally:
        scanner.depth -= 1


def _listed(values: Iterable[Value]) -> list[Series]:
    found: list[Series] = []
    for value in values:
        if isinstance(value, (int, float)):
            raise Malformed("a list takes series, and no numbers")
        found += value if isinstance(value, list) else [value]
    return found


def _called(name: str, scanner: Scanner, context: Context) -> Value:
    if name == "METRICS":
        part = ""
        if scanner.kind == "text":
            part = unquoted(scanner.advance())
        scanner.expect(")")
        return [each for each in context.metrics() if part in each.id]
    if name == "SEARCH":
        return _searched(scanner, context)
    if name == "FILL":
        value = _either(scanner, context)
        scanner.expect(",")
        if scanner.word.upper() in ("REPEAT", "LINEAR"):
            filling: Value | str = scanner.advance().upper()
        else:
            filling = _either(scanner, context)
        scanner.expect(")")
        return _each(value, lambda series: _filled(series, filling, context))
    given: list[Value] = []
    while not scanner.take(")"):
        given.append(_either(scanner, context))
        if scanner.word != ")":
            scanner.expect(",")
    if name == "IF" and len(given) in (2, 3):
        return _if(*given)
    if len(given) == 1:
        if name in _SUMMARIES:
            return _summary(_SUMMARIES[name], given[0])
        if name in _ELEMENTS:
            return _mapped(_ELEMENTS[name], given[0])
        if name in _ALONG:
            return _each(given[0], _ALONG[name])
        if name in _FIGURES:
            return _figure(_FIGURES[name], given[0])
        if name == "REMOVE_EMPTY" and isinstance(given[0], list):
            return [each for each in given[0] if each.points]
        if name == "TIME_SERIES" and isinstance(given[0], (int, float)):
            constant = float(given[0])
            return Series(dict.fromkeys(context.instants(60), constant))
    if name in (*_SUMMARIES, *_ELEMENTS, *_ALONG, *_FIGURES, "IF", "TIME_SERIES", "REMOVE_EMPTY"):
        raise Malformed(f"{name} takes other arguments")
    raise Malformed(f"the function {name} is not there in faaslab")


def _searched(scanner: Scanner, context: Context) -> Value:
    texts = []
    for _ in range(2):
        if scanner.kind != "text":
            raise Malformed("SEARCH takes a text, a statistic and perhaps a period")
        texts.append(unquoted(scanner.advance()))
        if not scanner.take(","):
            break
    seconds = 300
    if scanner.kind == "number" and len(texts) == 2:
        seconds = int(float(scanner.advance()))
    scanner.expect(")")
    return context.search(texts[0], texts[1] if len(texts) > 1 else "Average", seconds)


def _combined(compute: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if isinstance(left, list) and isinstance(right, list):
        raise Malformed("an operator takes one list of series at most")
    if isinstance(left, list):
        return [_pair(compute, each, right) for each in left]  # type: ignore[arg-type,misc]
    if isinstance(right, list):
        return [_pair(compute, left, each) for each in right]  # type: ignore[misc]
    return _pair(compute, left, right)


def _pair(
    compute: Callable[[float, float], float], left: float | Series, right: float | Series
) -> float | Series:
    if isinstance(left, Series):
        other = right.points.get if isinstance(right, Series) else None
        pairs = ((at, value, other(at) if other else right) for at, value in left.points.items())
        found = ((at, _computed(compute, a, b)) for at, a, b in pairs if b is not None)
        return left.with_points({at: value for at, value in found if value is not None})
    if isinstance(right, Series):
        results = ((at, _computed(compute, left, value)) for at, value in right.points.items())
        return right.with_points({at: value for at, value in results if value is not None})
    value = _computed(compute, left, right)
    if value is None:
        raise Malformed("it cannot be computed: a number is divided by zero, or out of range")
    return value


def _computed(compute: Callable[..., Any], *values: object) -> float | None:
    """A finite number, or None."""
    try:
        value = compute(*values)
    except (ArithmeticError, ValueError, statistics.StatisticsError):
        return None
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _each(value: Value, change: Callable[[Series], Series]) -> Value:
    if isinstance(value, list):
        return [change(each) for each in value]
    if isinstance(value, Series):
        return change(value)
    raise Malformed("a series is missing where a number stands")


def _mapped(change: Callable[[float], float], value: Value) -> Value:
    if isinstance(value, (int, float)):
        found = _computed(change, value)
        if found is None:
            raise Malformed("it cannot be computed")
        return found

    def changed(series: Series) -> Series:
        results = ((at, _computed(change, each)) for at, each in series.points.items())
        return series.with_points({at: each for at, each in results if each is not None})

    return _each(value, changed)


def _summary(compute: Callable[[list[float]], float], value: Value) -> Value:
    """Of a series a number, of a list of series one series."""
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, Series):
        return _computed(compute, list(value.points.values())) or 0.0
    instants = sorted({at for each in value for at in each.points})
    values = (
        (at, _computed(compute, [each.points[at] for each in value if at in each.points])) for at in instants
    )
    first = value[0] if value else Series({})
    return first.with_points({at: each for at, each in values if each is not None})


def _figure(compute: Callable[[Series], float], value: Value) -> Value:
    if isinstance(value, Series):
        return compute(value)
    raise Malformed("a series is missing")


def _filled(series: Series, filling: Value | str, context: Context) -> Series:
    instants = context.instants(series.seconds)
    points = dict(series.points)
    if isinstance(filling, (int, float)):
        return series.with_points({at: points.get(at, float(filling)) for at in instants})
    if isinstance(filling, Series):
        both = {**filling.points, **points}
        return series.with_points({at: both[at] for at in instants if at in both})
    if filling == "REPEAT":
        told: dict[datetime, float] = {}
        last: float | None = None
        for at in instants:
            last = points.get(at, last)
            if last is not None:
                told[at] = last
        return series.with_points(told)
    if filling == "LINEAR":
        return series.with_points(_between(points, instants))
    raise Malformed("FILL takes a number, a series, REPEAT or LINEAR")


def _between(points: dict[datetime, float], instants: list[datetime]) -> dict[datetime, float]:
    told = dict(points)
    known = sorted(points)
    for before, after in itertools.pairwise(known):
        span = (after - before).total_seconds()
        for at in instants:
            if before < at < after:
                share = (at - before).total_seconds() / span
                told[at] = points[before] + (points[after] - points[before]) * share
    return told


def _if(condition: Value, then: Value, otherwise: Value | None = None) -> Value:
    if isinstance(condition, (int, float)):
        if condition:
            return then
        if otherwise is None:
            raise Malformed("IF of a number takes a third argument")
        return otherwise
    if isinstance(condition, list) or isinstance(then, list) or isinstance(otherwise, list):
        raise Malformed("IF takes series and numbers, and no lists")

    def at_(value: Value | None, at: datetime) -> float | None:
        return value.points.get(at) if isinstance(value, Series) else value  # type: ignore[return-value]

    chosen = ((at, at_(then if each else otherwise, at)) for at, each in condition.points.items())
    return condition.with_points({at: float(value) for at, value in chosen if value is not None})


def _along(step: Callable[[float, float, float], float]) -> Callable[[Series], Series]:
    """From one value to the next, with the seconds in between."""

    def change(series: Series) -> Series:
        ordered = sorted(series.points.items())
        pairs = itertools.pairwise(ordered)
        return series.with_points(
            {at: step(was, value, (at - before).total_seconds()) for (before, was), (at, value) in pairs}
        )

    return change


def _running(series: Series) -> Series:
    total, told = 0.0, {}
    for at, value in sorted(series.points.items()):
        total += value
        told[at] = total
    return series.with_points(told)


_SUMMARIES: dict[str, Callable[[list[float]], float]] = {
    "SUM": math.fsum,
    "AVG": statistics.fmean,
    "MIN": min,
    "MAX": max,
    "STDDEV": statistics.pstdev,
}
_ELEMENTS: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
    "LOG": math.log,
    "LOG10": math.log10,
}
_ALONG: dict[str, Callable[[Series], Series]] = {
    "DIFF": _along(lambda was, value, _: value - was),
    "RATE": _along(lambda was, value, seconds: (value - was) / seconds),
    "DIFF_TIME": _along(lambda _, __, seconds: seconds),
    "RUNNING_SUM": _running,
}
_FIGURES: dict[str, Callable[[Series], float]] = {
    "PERIOD": lambda series: float(series.seconds),
    "DATAPOINT_COUNT": lambda series: float(len(series.points)),
    "FIRST": lambda series: series.points[min(series.points)] if series.points else 0.0,
    "LAST": lambda series: series.points[max(series.points)] if series.points else 0.0,
}
