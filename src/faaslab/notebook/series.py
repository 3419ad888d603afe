"""Small charts of what happened over time, as SVG that follows the page's theme. Pure.

Rule: a value that is not known is a gap and never a zero; every axis says its unit; what a picture shows can
be heard as well (`aria-label`) and read for each bucket (its `title`). Instants are naive UTC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from faaslab.notebook.markup import Html, joined, tag
from faaslab.notebook.units import compact

WIDTH, HEIGHT = 300, 121
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 8, 8, 23
_PLOT = WIDTH - _LEFT - _RIGHT
_TALL = HEIGHT - _TOP - _BOTTOM
_TICKS_S = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400),
    *(172_800, 345_600, 604_800, 1_209_600, 2_419_200, 7_257_600, 14_515_200, 31_449_600),
)
_DAY_S = 86_400
_LABELS = 5
_LOG_FROM = 30.0
"""A logarithmic axis is for values of which the largest is so many times the smallest."""
_MOST_DECADES = 4
_LEAST = 1e-200
_SHORT = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Times:
    """The buckets that a chart has: `count` of them, each `width` long; the first begins at `begin`."""

    begin: datetime
    width: timedelta
    count: int

    @property
    def end(self) -> datetime:
        """Of the last bucket."""
        return self.begin + self.count * self.width


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value a bucket; None where it is not known. `hue` is a class of the style sheet."""

    name: str
    values: Sequence[float | None]
    hue: str = "info"
    dashed: bool = False


Say = Callable[[float], str]
"""A value with its unit, as it stands at an axis."""


def bars(title: str, unit: str, times: Times, stack: Sequence[Series], *, say: Say = compact) -> Html:
    """Bars, what is first in `stack` at the bottom. A bucket of which nothing is known has none."""
    known = [_clean(each.values, times.count) for each in stack]
    sums = [sum(value or 0.0 for value in each) for each in zip(*known, strict=True)]
    axis = _linear(max(sums, default=0.0), whole=say is compact)
    step = _PLOT / max(times.count, 1)
    room = min(max(step * 0.18, 0.4), 3.0)
    marks: list[Html] = []
    for place in range(times.count):
        foot = 0.0
        for each, values in zip(stack, known, strict=True):
            value = values[place] or 0.0
            if value <= 0:
                continue
            low, high = axis.y(foot), axis.y(foot + value)
            high = min(high, low - 1.0)
            marks.append(
                tag(
                    "rect",
                    x=_n(_LEFT + place * step + room / 2),
                    y=_n(high),
                    width=_n(max(step - room, 0.6)),
                    height=_n(low - high),
                    class_=f"fill {each.hue}",
                )
            )
            foot += value
    return _figure(title, unit, times, stack, axis=axis, marks=marks, say=say)


def lines(
    title: str, unit: str, times: Times, drawn: Sequence[Series], *, say: Say = compact, log: bool = False
) -> Html:
    """Lines with a break where nothing is known. With `log` the axis is logarithmic where that helps."""
    known = [_clean(each.values, times.count) for each in drawn]
    there = [value for values in known for value in values if value is not None]
    positive = [value for value in there if value > 0]
    apart = bool(positive) and max(positive) / _LOG_FROM >= min(positive)
    axis = _logarithmic(min(positive), max(positive)) if log and apart else _linear(max(there, default=0.0))
    marks: list[Html] = []
    for each, values in zip(drawn, known, strict=True):
        for run in _runs(values):
            points = [(_middle(times, place), axis.y(values[place] or 0.0)) for place in run]
            hue = f"line {each.hue}" + (" dashed" if each.dashed else "")
            if len(points) == 1:
                (x, y) = points[0]
                marks.append(tag("circle", cx=_n(x), cy=_n(y), r="1.8", class_=f"fill {each.hue}"))
            else:
                path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
                marks.append(tag("path", d=path, class_=hue))
    unit = ", ".join(filter(None, [unit, "log axis" if axis.log else ""]))
    return _figure(title, unit, times, drawn, axis=axis, marks=marks, say=say)


def steps(title: str, unit: str, times: Times, drawn: Series, *, say: Say = compact) -> Html:
    """An area of steps: one value holds for its whole bucket."""
    values = _clean(drawn.values, times.count)
    axis = _linear(max((value for value in values if value is not None), default=0.0), whole=say is compact)
    step = _PLOT / max(times.count, 1)
    marks: list[Html] = []
    for run in _runs(values):
        top = "L".join(
            f"{_n(_LEFT + place * step)} {_n(axis.y(values[place] or 0.0))}"
            f"L{_n(_LEFT + (place + 1) * step)} {_n(axis.y(values[place] or 0.0))}"
            for place in run
        )
        left, right, foot = _LEFT + run[0] * step, _LEFT + (run[-1] + 1) * step, axis.y(0.0)
        area = f"M{_n(left)} {_n(foot)}L{top}L{_n(right)} {_n(foot)}Z"
        marks += [
            tag("path", d=area, class_=f"area {drawn.hue}"),
            tag("path", d=f"M{top}", class_=f"line {drawn.hue}"),
        ]
    return _figure(title, unit, times, [drawn], axis=axis, marks=marks, say=say)


@dataclass(frozen=True, kw_only=True)
class _Axis:
    ticks: tuple[float, ...]
    log: bool = False

    def y(self, value: float) -> float:
        """Where on the picture it stands; what is outside stands at the rim."""
        low, high = self.ticks[0], self.ticks[-1]
        if self.log:
            value = max(value, low)
            share = (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
        else:
            share = value / high
        return _TOP + _TALL * (1 - min(max(share, 0.0), 1.0))


def _linear(most: float, *, whole: bool = False) -> _Axis:
    """From 0, with a round step, two or three of them."""
    if most <= 0:
        return _Axis(ticks=(0.0, 1.0))
    rough = most / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    if whole:
        step = max(float(math.ceil(step)), 1.0)
    count = max(math.ceil(most / step - 1e-9), 1)
    return _Axis(ticks=tuple(place * step for place in range(count + 1)))


def _logarithmic(least: float, most: float) -> _Axis:
    """Powers of ten around both, as far as numbers go."""
    least, most = max(least, _LEAST), min(most, 1 / _LEAST)
    low, high = math.floor(math.log10(least) + 1e-9), math.ceil(math.log10(most) - 1e-9)
    high = max(high, low + 1)
    by = math.ceil((high - low) / _MOST_DECADES)
    return _Axis(ticks=tuple(10.0 ** min(power, 308) for power in range(low, high + by, by)), log=True)


def time_ticks(times: Times) -> list[tuple[datetime, str]]:
    """At most `_LABELS` round instants within the buckets, and how each is called: a time, or a day."""
    length = times.count * times.width
    step_s = next((each for each in _TICKS_S if length <= _LABELS * timedelta(seconds=each)), None)
    step = timedelta(days=364 * math.ceil(length / timedelta(days=364 * _LABELS))) if step_s is None else None
    step = step or timedelta(seconds=step_s or 1)
    monday = datetime(2000, 1, 3)
    at = times.begin + (monday - times.begin) % step
    ticks: list[tuple[datetime, str]] = []
    while at < times.end and len(ticks) <= _LABELS:
        ticks.append((at, _called(at, step)))
        at += step
    return ticks


def _called(at: datetime, step: timedelta) -> str:
    if step.total_seconds() >= 364 * _DAY_S:
        return f"{at:%b %Y}"
    if step.total_seconds() >= _DAY_S or (at.hour, at.minute, at.second) == (0, 0, 0):
        return f"{at.day} {at:%b}"
    return f"{at:%H:%M}" if step.total_seconds() >= 60 else f"{at:%H:%M:%S}"


def period(since: datetime, until: datetime) -> str:
    """`14:00 to 15:00 UTC`, with the days where they are not one, and seconds where it is short."""
    if until - since < _SHORT:
        return f"{since:%Y-%m-%d %H:%M:%S} to {until:%H:%M:%S} UTC"
    if since.date() == until.date():
        return f"{since:%Y-%m-%d %H:%M} to {until:%H:%M} UTC"
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"


def _figure(
    title: str,
    unit: str,
    times: Times,
    drawn: Sequence[Series],
    *,
    axis: _Axis,
    marks: list[Html],
    say: Say,
) -> Html:
    grid: list[Html] = []
    for tick in axis.ticks:
        y = _n(axis.y(tick))
        grid.append(tag("path", d=f"M{_LEFT} {y}H{WIDTH - _RIGHT}", class_="grid"))
        grid.append(tag("text", say(tick), x=_LEFT - 5, y=_n(axis.y(tick) + 3.4), text_anchor="end"))
    foot = HEIGHT - 5
    for at, word in time_ticks(times):
        x = _LEFT + _PLOT * ((at - times.begin) / (times.count * times.width))
        anchor = "end" if x > WIDTH - 16 else "middle"
        grid.append(tag("path", d=f"M{_n(x)} {HEIGHT - _BOTTOM}v4", class_="tick"))
        grid.append(tag("text", word, x=_n(x), y=foot, text_anchor=anchor))
    legend = [
        tag("span", tag("i", class_=f"{each.hue}{' dashed' if each.dashed else ''}"), each.name, class_="key")
        for each in drawn
        if len(drawn) > 1
    ]
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("span", title, class_="what"),
            tag("span", unit, class_="soft") if unit else None,
            *legend,
        ),
        tag(
            "svg",
            *grid,
            *marks,
            *_hovers(times, drawn, say),
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=heard(title, unit, times, drawn, say),
        ),
        class_="series",
    )


def heard(title: str, unit: str, times: Times, drawn: Sequence[Series], say: Say = compact) -> str:
    """The picture in a sentence: its time, and the range of each series."""
    parts = []
    for each in drawn:
        there = [value for value in _clean(each.values, times.count) if value is not None]
        name = f"{each.name} " if len(drawn) > 1 else ""
        parts.append(f"{name}{say(min(there))} to {say(max(there))}" if there else f"{name}not known")
    return f"{title}{f' ({unit})' if unit else ''}, {period(times.begin, times.end)}: {'; '.join(parts)}"


def _hovers(times: Times, drawn: Sequence[Series], say: Say) -> list[Html]:
    """For the mouse: what stands in each bucket."""
    step = _PLOT / max(times.count, 1)
    clean = [_clean(each.values, times.count) for each in drawn]
    form = "%H:%M:%S" if times.width < timedelta(minutes=1) else "%H:%M"
    form = f"%Y-%m-%d {form}" if times.count * times.width > timedelta(days=1) else form
    found = []
    for place in range(times.count):
        words = [
            f"{each.name} {say(value)}"
            for each, values in zip(drawn, clean, strict=True)
            if (value := values[place]) is not None
        ]
        if any(values[place] for values in clean):
            begin = times.begin + place * times.width
            found.append(
                tag(
                    "rect",
                    tag("title", f"{begin.strftime(form)} UTC: {', '.join(words)}"),
                    x=_n(_LEFT + place * step),
                    y=_TOP,
                    width=_n(step),
                    height=_TALL,
                    class_="hover",
                )
            )
    return found


def _clean(values: Sequence[float | None], count: int) -> list[float | None]:
    """`count` values, none of them below 0 or without an end."""
    known = [
        max(float(value), 0.0) if value is not None and math.isfinite(value) else None for value in values
    ]
    return [*known[:count], *[None] * (count - len(known))]


def _runs(values: Sequence[float | None]) -> list[list[int]]:
    """The places of values that stand side by side."""
    runs: list[list[int]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _middle(times: Times, place: int) -> float:
    return _LEFT + _PLOT * (place + 0.5) / max(times.count, 1)


def _n(value: float) -> str:
    """A length on the picture, as short as it may be."""
    return f"{value:.1f}".removesuffix(".0")


def charts(*each: Html) -> Html:
    """Charts side by side where there is room, else one below the other."""
    return tag("div", joined(*each), class_="charts")
