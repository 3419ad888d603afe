"""Which invocation is drawn where: a lane for each environment, bars, and what is joined when it is too much.

Rule: every invocation is in exactly one bar of one lane; whatever shares a lane or a bar is said.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.monitoring.timeline.runs import BY_WEIGHT, Look, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

MOST_LANES = 60
MOST_BARS = 2_000


@dataclass(frozen=True, slots=True)
class Lane:
    """What is drawn in one line. `environments` are those in it; () where they are not known."""

    label: str
    runs: tuple[Run, ...]
    environments: tuple[str, ...] = ()

    @property
    def busy_ms(self) -> float:
        """How long invocations took in it, together."""
        return sum((run.ended - run.began).total_seconds() for run in self.runs) * 1_000


@dataclass(frozen=True, slots=True)
class Lanes:
    """Lanes from the top down, and what a reader has to know of them."""

    lanes: tuple[Lane, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One invocation, or several neighbours of a lane, from x to `end`."""

    runs: tuple[Run, ...]
    x: float
    end: float

    @property
    def look(self) -> Look:
        """The weightiest way in which one of them ended."""
        looks = {run.look for run in self.runs}
        return next(each for each in BY_WEIGHT if each in looks)

    @property
    def counts(self) -> Counter[Look]:
        """How they ended."""
        return Counter(run.look for run in self.runs)


def lanes_of(runs: Sequence[Run], most: int = MOST_LANES) -> Lanes:
    """The lanes of runs that are in the order of their beginning: environments by their first invocation.

    What was throttled never had an environment and stands on top. Where the environment was not recorded
    the runs take as few lanes as they need. More than `most` lanes are joined.
    """
    turned_away = tuple(run for run in runs if run.look == "throttled")
    unknown = [run for run in runs if run.look != "throttled" and run.environment is None]
    by_environment: dict[str, list[Run]] = {}
    for run in runs:
        if run.look != "throttled" and run.environment is not None:
            by_environment.setdefault(run.environment, []).append(run)
    names = _short(by_environment)
    lanes = [Lane(names[name], tuple(each), (name,)) for name, each in by_environment.items()]
    packed = _packed([[run] for run in unknown])
    lanes += [Lane(f"not known {place}", tuple(_flat(each))) for place, each in enumerate(packed, 1)]
    notes = []
    if unknown:
        notes.append(
            f"the environment of {len(unknown):,} was not recorded: they take as few lanes as they need"
        )
    room = most - bool(turned_away)
    if len(lanes) > room:
        before = len(lanes)
        lanes, crowded = _joined(lanes, room)
        said = f"{before:,} environments share {len(lanes)} lanes"
        notes.append(f"{said}; bars of one lane may lie over each other" if crowded else f"{said}, in turn")
    if turned_away:
        lanes.insert(0, Lane("throttled", turned_away))
    return Lanes(tuple(lanes), tuple(notes))


def _short(names: Iterable[str]) -> dict[str, str]:
    """So much of each name as tells them apart; of a log stream (`2026/11/27/[1]0123…`) its last part."""
    tails = {name: name.rsplit("]", 1)[-1].rsplit("/", 1)[-1] or name for name in names}
    size = 8
    while size < 40 and len({tail[:size] for tail in tails.values()}) < len(tails):
        size += 2
    return {name: tail[:size] for name, tail in tails.items()}


def _flat(groups: Iterable[Iterable[Run]]) -> list[Run]:
    return sorted((run for group in groups for run in group), key=lambda run: (run.began, run.id))


def _packed(groups: Sequence[list[Run]]) -> list[list[list[Run]]]:
    """Groups of runs, in the order of their beginning, in as few lines as hold them one after the other."""
    lines: list[list[list[Run]]] = []
    free: list[tuple[datetime, int]] = []
    for group in groups:
        end = max(run.ended for run in group)
        if free and free[0][0] <= group[0].began:
            _, place = heapq.heappop(free)
            lines[place].append(group)
        else:
            place = len(lines)
            lines.append([group])
        heapq.heappush(free, (end, place))
    return lines


def _joined(lanes: list[Lane], most: int) -> tuple[list[Lane], bool]:
    """At most so many lanes, and whether any of them lie over each other."""
    lanes = sorted(lanes, key=lambda lane: lane.runs[0].began)
    owner = {id(lane.runs[0]): lane for lane in lanes}
    lines = [[owner[id(group[0])] for group in line] for line in _packed([list(lane.runs) for lane in lanes])]
    size = -(-len(lines) // max(most, 1))
    groups = [
        [lane for line in lines[place : place + size] for lane in line]
        for place in range(0, len(lines), size)
    ]
    return [_one(group) for group in groups], size > 1


def _one(lanes: list[Lane]) -> Lane:
    if len(lanes) == 1:
        return lanes[0]
    environments = tuple(name for lane in lanes for name in lane.environments)
    return Lane(f"{len(lanes):,} in one", tuple(_flat(lane.runs for lane in lanes)), environments)


def bars_of(
    lanes: Sequence[Lane], at: Callable[[datetime], float], width: float, most: int = MOST_BARS
) -> tuple[list[list[Bar]], int]:
    """The bars of each lane, and how many invocations are in bars that they share with others.

    Neighbours are joined where there would be more than `most` bars, those first that are nearest. `at`
    gives the place of an instant, from 0 to `width`.
    """
    single = [[Bar((run,), at(run.began), at(run.ended)) for run in lane.runs] for lane in lanes]
    bars, gap = single, width / 1_000
    # At last, with a gap wider than the picture, a lane is one bar.
    while sum(map(len, bars)) > most and gap < 4 * width:
        bars = [_closer(each, gap) for each in single]
        gap *= 2
    return bars, sum(len(bar.runs) for each in bars for bar in each if len(bar.runs) > 1)


def _closer(bars: list[Bar], gap: float) -> list[Bar]:
    """Neighbours joined, as long as what comes of it is no wider than the gap or they touch within it."""
    found: list[list[Bar]] = []
    end = 0.0
    for bar in bars:
        if found and bar.x - end < gap:
            found[-1].append(bar)
            end = max(end, bar.end)
        else:
            found.append([bar])
            end = bar.end
    return [
        each[0]
        if len(each) == 1
        else Bar(tuple(run for bar in each for run in bar.runs), each[0].x, max(bar.end for bar in each))
        for each in found
    ]
