"""How the states of a definition stand in an execution, from its history. Pure.

`status_of` answers for a whole history; a `Progress` is fed as events come and says what changed. What
happens in the iterations of a Map is counted together under the state's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph.palette import BY_WEIGHT, Standing
from faaslab.workflow.graph.visits import Visit, Visits, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Items:
    """How the iterations of a Map stand (of its current visits); `total` may be more than have begun."""

    total: int
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    aborted: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Items:
        """From the counts of a distributed Map's run, as DescribeMapRun has them."""
        get = counts.get
        return cls(
            get("total", 0),
            get("succeeded", 0),
            get("failed", 0) + get("timedOut", 0),
            get("running", 0),
            get("aborted", 0),
        )


@dataclass(frozen=True, slots=True)
class Status:
    """How a state stands: of several visits at the same time (a Map's iterations) the one that matters most.

    `entered` and `retries` count from the beginning; `duration` is what all ended visits took together,
    `ended` how many they are, `since` when the first one began that goes on. `error` and `cause` are of the
    last failure.
    """

    standing: Standing = "waiting"
    entered: int = 0
    retries: int = 0
    ended: int = 0
    duration: timedelta = timedelta()
    since: datetime | None = None
    error: str | None = None
    cause: str | None = None
    items: Items | None = None
    stood: Mapping[Standing, int] = field(default_factory=dict)
    """How many of its visits stand how, where there are several that were not done again since."""


class Progress:
    """The standing of every state that was entered, kept up with the events."""

    def __init__(self) -> None:
        self.visits = Visits()
        self._of: dict[str, _Tally] = {}
        self._last: dict[str, Status] = {}
        self._known: dict[int, tuple[Standing, bool]] = {}

    @property
    def transitions(self) -> Mapping[tuple[str, str], int]:
        """How often a state followed another; `""` is the beginning (of a place) and the end."""
        return self.visits.transitions

    def feed(self, events: Iterable[Any]) -> dict[str, Status]:
        """Take further events; the states whose status is another now."""
        touched: dict[str, _Tally] = {}
        for event in events:
            for visit in self.visits.take(event):
                touched[visit.state] = tally = self._of.setdefault(visit.state, _Tally())
                self._count(visit, tally)
        now = {name: tally.status() for name, tally in touched.items()}
        changed = {name: status for name, status in now.items() if status != self._last.get(name)}
        self._last |= changed
        return changed

    def statuses(self) -> dict[str, Status]:
        """The status of every state that was entered, in that order."""
        return dict(self._last)

    def _count(self, visit: Visit, tally: _Tally) -> None:
        known = self._known.get(visit.number)
        if known is None:
            tally.entered += 1
            tally.open[visit.number] = visit
        elif known[1]:
            tally.standings[known[0]] -= 1
        if visit.current:
            tally.standings[visit.standing] += 1
        self._known[visit.number] = (visit.standing, visit.current)
        tally.note(visit)


class _Tally:
    """What is counted of one state."""

    def __init__(self) -> None:
        self.entered = 0
        self.ended = 0
        self.duration = timedelta()
        self.open: dict[int, Visit] = {}
        self.took: dict[int, timedelta] = {}
        self.retries = 0
        self.retried: dict[int, int] = {}
        self.standings: Counter[Standing] = Counter()
        self.problem: Visit | None = None
        self.current: dict[int, Visit] = {}

    def note(self, visit: Visit) -> None:
        if visit.retries:
            self.retries += visit.retries - self.retried.get(visit.number, 0)
            self.retried[visit.number] = visit.retries
        if visit.error is not None:
            self.problem = visit
        if visit.kind == "Map":
            if visit.current:
                self.current[visit.number] = visit
            else:
                self.current.pop(visit.number, None)
        if visit.open:
            self.open[visit.number] = visit
            if visit.number in self.took:  # redriven
                self.ended -= 1
                self.duration -= self.took.pop(visit.number)
        elif self.open.pop(visit.number, None) is not None:
            took = timedelta()
            if visit.entered is not None and visit.left is not None:
                took = max(took, visit.left - visit.entered)
            self.ended += 1
            self.duration += took
            self.took[visit.number] = took

    def status(self) -> Status:
        standing: Standing = next((each for each in BY_WEIGHT if self.standings[each] > 0), "waiting")
        return Status(
            standing,
            self.entered,
            self.retries,
            self.ended,
            self.duration,
            min((each.entered for each in self.open.values() if each.entered), default=None),
            self.problem.error if self.problem else None,
            self.problem.cause if self.problem else None,
            self._items(),
            stood={each: self.standings[each] for each in BY_WEIGHT if self.standings[each]},
        )

    def _items(self) -> Items | None:
        visits = self.current.values()
        if not any(visit.places or visit.length is not None for visit in visits):
            return None
        found: Counter[Standing] = Counter()
        for visit in visits:
            found.update(visit.stood)
        total = sum(max(len(visit.places), visit.length or 0) for visit in visits)
        return Items(total, found["succeeded"], found["failed"], found["running"], found["aborted"])


def status_of(events: Iterable[Any]) -> dict[str, Status]:
    """The status of every state that the history tells of, by name."""
    progress = Progress()
    progress.feed(in_order(events))
    return progress.statuses()


def together(found: Iterable[Mapping[str, Status]]) -> dict[str, Status]:
    """The statuses of several executions of one machine, as the children of a distributed Map are."""
    whole: dict[str, Status] = {}
    for statuses in found:
        for name, status in statuses.items():
            whole[name] = _sum(whole[name], status) if name in whole else status
    return whole


def _sum(one: Status, other: Status) -> Status:
    standings = {one.standing, other.standing}
    standing = next((each for each in BY_WEIGHT if each in standings), one.standing)
    begun = [each.since for each in (one, other) if each.since is not None]
    problem = other if other.error is not None else one
    items = [each.items for each in (one, other) if each.items is not None]
    return Status(
        standing,
        one.entered + other.entered,
        one.retries + other.retries,
        one.ended + other.ended,
        one.duration + other.duration,
        min(begun, default=None),
        problem.error,
        problem.cause,
        Items(
            sum(each.total for each in items),
            sum(each.succeeded for each in items),
            sum(each.failed for each in items),
            sum(each.running for each in items),
            sum(each.aborted for each in items),
        )
        if items
        else None,
        {each: many for each in BY_WEIGHT if (many := one.stood.get(each, 0) + other.stood.get(each, 0))},
    )
