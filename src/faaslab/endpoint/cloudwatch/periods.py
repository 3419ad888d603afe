"""Periods and statistics of CloudWatch: where a period begins, and what is told of the values in it. Pure.

Source: the API's GetMetricStatistics and GetMetricData; CloudWatch User Guide, "Statistics definitions".
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.store.questions.metrics import Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EPOCH = datetime(1970, 1, 1)
_LAST = datetime(9000, 1, 1)
MINUTE = 60
SHORT = (1, 5, 10, 20, 30)
"""Periods below a minute that may be asked for."""
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100(?:\.0{1,10})?)")
_PLAIN = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")


def is_period(seconds: int) -> bool:
    """Whether CloudWatch takes such a period."""
    return seconds in SHORT or (seconds >= MINUTE and seconds % MINUTE == 0)


def clipped(at: datetime) -> datetime:
    """An instant that can be counted with: from 1970 on, and not at the end of all time."""
    return min(max(at, EPOCH), _LAST)


def floor(at: datetime, seconds: int, origin: datetime = EPOCH) -> datetime:
    """The beginning of the period that an instant is in."""
    step = timedelta(seconds=seconds)
    return origin + (at - origin) // step * step


def ceiling(at: datetime, seconds: int) -> datetime:
    """The first beginning of a period that is not before an instant."""
    return -((EPOCH - at) // timedelta(seconds=seconds)) * timedelta(seconds=seconds) + EPOCH


def percentile(statistic: str) -> float | None:
    """The share that `p99.9` names, from 0 to 1; None for what is no percentile."""
    match = _PERCENTILE.fullmatch(statistic)
    return None if match is None else round(float(match[1]) / 100, 12)


def is_statistic(statistic: str) -> bool:
    """Whether it is one that is told here: trimmed means and the like are not."""
    return statistic in _PLAIN or percentile(statistic) is not None


def told(point: Point, statistic: str, percentiles: Sequence[float]) -> float:
    """A statistic of a point that was counted with those `percentiles`."""
    match statistic:
        case "Sum":
            return point.sum
        case "Average":
            return point.sum / point.samples
        case "Minimum":
            return point.minimum
        case "Maximum":
            return point.maximum
        case "SampleCount":
            return float(point.samples)
    share = percentile(statistic)
    assert share is not None
    return point.percentiles[list(percentiles).index(share)]


def counted(
    samples: Iterable[tuple[datetime, float]],
    *,
    seconds: int,
    origin: datetime,
    percentiles: Sequence[float] = (),
) -> list[Point]:
    """Values at instants as points by period, in the order of time."""
    by_start: dict[datetime, list[float]] = {}
    for at, value in samples:
        by_start.setdefault(floor(floor(at, MINUTE), seconds, origin), []).append(value)
    points = []
    for start, values in sorted(by_start.items()):
        values.sort()
        points.append(
            Point(
                start,
                len(values),
                math.fsum(values),
                values[0],
                values[-1],
                tuple(_quantile(values, share) for share in percentiles),
            )
        )
    return points


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Between the two values that are nearest, as the store's own are."""
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
