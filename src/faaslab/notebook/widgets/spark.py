"""How long the last runs took and how much memory they used, as small pictures of bars. Pure.

A bar a run, the newest at the right; one that started cold has a dot above it, one that failed a cross, and
one that did both has both.
The picture is SVG that takes its colours from the page; what it says stands in words beside it.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from faaslab.notebook import units
from faaslab.notebook.markup import Html, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.model.execution import Execution

_WIDTH, _HEIGHT = 340.0, 84.0
_TOP, _BASE = 16.0, 80.0
_FEWEST = 24
_WIDEST_BAR = 9.0
_UNEVEN = 15.0
_FEW = 3


def sparklines(runs: Sequence[Execution]) -> Html:
    """Both pictures, beside each other where there is room. `runs` are listed newest first."""
    if not runs:
        return tag("div", "no runs yet: durations and memory stand here after the first", class_="soft none")
    oldest_first = [*reversed(runs)]
    return tag("div", durations(oldest_first), memory(oldest_first), class_="sparks")


def durations(runs: Sequence[Execution]) -> Html:
    """The duration of each run, without its init; oldest first."""
    known = [run.duration_ms for run in runs if run.duration_ms is not None]
    middle = median(known) if len(known) >= _FEW else None
    share, uneven = _scale(known)
    bars = [_bar(run, place, len(runs), share(run.duration_ms)) for place, run in enumerate(runs)]
    lines = [] if middle is None else [_line(share(middle), "median")]
    words = _words(
        [
            ("last", units.duration(known[-1]) if known else None),
            ("median", units.duration(middle)),
            ("longest", units.duration(max(known)) if len(known) > 1 else None),
        ]
    )
    said = f"duration of {units.amount(len(runs), 'run')}: {words}{_counts(runs)}"
    return _figure(
        "duration",
        words,
        said,
        [*lines, *bars],
        top=units.duration(max(known)) if known else None,
        legend=_legend(runs, uneven=uneven),
    )


def _scale(known: Sequence[float]) -> tuple[Callable[[float | None], float], bool]:
    """How high a bar is (0 to 1), and whether by logarithms, as one is far above the others."""
    top = max(known, default=0.0) or 1.0
    least = min((each for each in known if each > 0), default=top)
    uneven = bool(known) and top > _UNEVEN * max(median(known), least)
    if not uneven:
        return lambda value: 0.0 if value is None else value / top, False
    floor = least / 2
    whole = math.log(top / floor)
    return lambda value: 0.0 if not value else max(math.log(value / floor), 0.0) / whole, True


def memory(runs: Sequence[Execution]) -> Html:
    """The most memory that each run used, against what it had; oldest first."""
    used = [run.max_memory_mb for run in runs if run.max_memory_mb is not None]
    sizes = [run.memory_mb for run in runs if run.memory_mb is not None]
    top = float(max([*used, *sizes], default=1)) or 1.0
    bars = [
        _bar(run, place, len(runs), (run.max_memory_mb or 0) / top, marked=False)
        for place, run in enumerate(runs)
    ]
    steps = _steps([None if run.memory_mb is None else run.memory_mb / top for run in runs])
    size = f"{sizes[-1]:,} MB" if sizes else None
    words = _words(
        [
            ("last", f"{used[-1]:,} MB" if used else None),
            ("most", f"{max(used):,} MB" if used else None),
            ("memory size", size),
        ]
    )
    said = f"memory of {units.amount(len(runs), 'run')}: {words}"
    return _figure("max memory", words, said, [*bars, *steps], top=f"{top:,.0f} MB" if sizes else None)


def _figure(
    name: str, words: str, said: str, marks: Sequence[Html], *, top: str | None, legend: Html | None = None
) -> Html:
    scale = [
        tag("line", x1="0", x2=_n(_WIDTH), y1=_n(_BASE + 0.5), y2=_n(_BASE + 0.5), class_="base"),
        tag("text", top, x="0", y="9", class_="scale") if top else None,
    ]
    picture = tag(
        "svg",
        *scale,
        *marks,
        viewBox=f"0 0 {_n(_WIDTH)} {_n(_HEIGHT)}",
        role="img",
        aria_label=said,
        class_="spark",
    )
    head = tag("div", tag("span", name, class_="title"), tag("span", words, class_="soft"), class_="head")
    return tag("figure", head, picture, legend)


def _legend(runs: Sequence[Execution], *, uneven: bool) -> Html:
    marks = []
    if any(run.cold_start for run in runs):
        marks.append(tag("span", "● cold start", class_="cold"))
    if any(_bad(run) for run in runs):
        marks.append(tag("span", "✕ failed", class_="bad"))
    if len(runs) > 1:
        dashes = "; dashes: median" if len(runs) >= _FEW else ""
        marks.append(tag("span", f"{len(runs)} runs, the newest at the right{dashes}"))
    if uneven:
        marks.append(tag("span", "logarithmic: one took far longer than the others"))
    return tag("figcaption", *marks, class_="soft")


def _bar(run: Execution, place: int, count: int, share: float, *, marked: bool = True) -> Html:
    slot = _WIDTH / max(count, _FEWEST)
    width = min(slot * 0.72, _WIDEST_BAR)
    middle = _WIDTH - (count - place - 0.5) * slot
    height = max(share * (_BASE - _TOP), 1.0)
    top = _BASE - height
    kind = "bad" if _bad(run) else "cold" if run.cold_start else "warm"
    marks = []
    if marked and _bad(run):
        arm = min(width / 2, 2.6)
        y = top - 5
        marks.append(
            tag(
                "path",
                d=f"M{_n(middle - arm)} {_n(y - arm)}L{_n(middle + arm)} {_n(y + arm)}"
                f"M{_n(middle + arm)} {_n(y - arm)}L{_n(middle - arm)} {_n(y + arm)}",
            )
        )
    if marked and run.cold_start:
        y = top - (11 if marks else 5)
        marks.append(tag("circle", cx=_n(middle), cy=_n(y), r=_n(min(width / 2, 2.4))))
    return tag(
        "g",
        tag("title", _told(run)),
        # The whole slot answers the pointer, however low its bar is.
        tag("rect", x=_n(middle - slot / 2), y="0", width=_n(slot), height=_n(_BASE), class_="touch"),
        tag("rect", x=_n(middle - width / 2), y=_n(top), width=_n(width), height=_n(height), rx="1.5"),
        *marks,
        class_=f"{kind} last" if place == count - 1 else kind,
    )


def _line(share: float, class_: str) -> Html:
    y = _n(_BASE - share * (_BASE - _TOP))
    return tag("line", x1="0", x2=_n(_WIDTH), y1=y, y2=y, class_=class_)


def _steps(shares: Sequence[float | None]) -> list[Html]:
    """The memory size, which may have changed from run to run, as a line in steps."""
    slot = _WIDTH / max(len(shares), _FEWEST)
    path, at = "", None
    for place, share in enumerate(shares):
        if share is None:
            at = None
            continue
        y = _n(_BASE - share * (_BASE - _TOP))
        left = 0.0 if place == 0 else _WIDTH - (len(shares) - place) * slot
        right = _n(_WIDTH - (len(shares) - place - 1) * slot)
        path += (f"M{_n(left)} {y}" if at is None else "" if at == y else f"V{y}") + f"H{right}"
        at = y
    return [tag("path", d=path, class_="size")] if path else []


def _bad(run: Execution) -> bool:
    return str(run.status) not in ("completed", "running")


def _told(run: Execution) -> str:
    """A run in words, for who points at its bar."""
    parts = [
        f"{units.time_of_day(run.started_at)} UTC",
        str(run.status),
        units.duration(run.duration_ms),
        f"cold, init {units.duration(run.init_ms)}" if run.cold_start and run.init_ms is not None else None,
        "cold" if run.cold_start and run.init_ms is None else None,
        None if run.max_memory_mb is None else f"{run.max_memory_mb:,} of {run.memory_mb or 0:,} MB",
    ]
    return " · ".join(part for part in parts if part)


def _counts(runs: Sequence[Execution]) -> str:
    cold, bad = sum(bool(run.cold_start) for run in runs), sum(_bad(run) for run in runs)
    return (f", {units.amount(cold, 'cold start')}" if cold else "") + (f", {bad} failed" if bad else "")


def _words(pairs: Sequence[tuple[str, str | None]]) -> str:
    return " · ".join(f"{name} {said}" for name, said in pairs if said is not None)


def _n(value: float) -> str:
    """A coordinate, as short as it may be."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
