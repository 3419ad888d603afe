"""The history of an execution as visits of states: who was entered where, when, and what came of it. Pure.

Events are taken one after the other and may come in parts, so that a live view asks only for what changed.
They are HistoryEvents, the interpreter's Events, or dicts of the same names; the API's own dicts
(`previousEventId`, `timestamp`, `…EventDetails`) do as well. Nothing raises: what does not fit is
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from faaslab.workflow.graph.palette import Standing

Doing = Literal["queued", "running", "held", "backoff"]
"""What a visit does: waits for someone to begin, runs, waits on purpose, or waits to be tried again."""

_STATE = re.compile(r"(Pass|Task|Choice|Wait|Succeed|Fail|Parallel|Map)State(\w+)")
_WORK = re.compile(r"(Activity|LambdaFunction|Task)(\w+)")
_NAME_OF_DETAILS = re.compile(r"\w+EventDetails")


@dataclass(frozen=True, slots=True)
class Cut:
    """What a visit did before an end of the execution cut it short, that a redrive went on after."""

    entered: datetime | None
    left: datetime | None
    standing: Standing
    doings: tuple[tuple[Doing, datetime], ...]


@dataclass(slots=True, eq=False)
class Visit:
    """One time in a state. `place` is the branch or the iteration it is in."""

    state: str
    kind: str
    place: Place
    number: int
    entered: datetime | None
    left: datetime | None = None
    standing: Standing = "running"
    retries: int = 0
    error: str | None = None
    cause: str | None = None
    failed: bool = False
    """Something in it failed, and nothing was tried since."""
    doings: list[tuple[Doing, datetime]] = field(default_factory=list)
    """What it did from when on, until the next one or until it was left."""
    before: list[Cut] = field(default_factory=list)
    """Of what was redriven, one for each redrive."""
    places: list[Place] = field(default_factory=list)
    """Its branches and iterations, those of earlier tries included."""
    stood: dict[Standing, int] = field(default_factory=dict)
    """How many of them stand how (of the last try)."""
    length: int | None = None
    """How many items a Map has."""
    current: bool = True
    """Not done again since, in a loop or a retry."""

    @property
    def open(self) -> bool:
        """Still in it."""
        return self.standing == "running"


@dataclass(slots=True, eq=False)
class Place:
    """Where states are entered: the execution itself, a branch, an iteration."""

    parent: Visit | None = None
    index: int | None = None
    standing: Standing = "running"
    visits: list[Visit] = field(default_factory=list)
    now: dict[str, Visit] = field(default_factory=dict)
    """The last visit of each state."""

    def stand(self, standing: Standing) -> None:
        """It stands so from now on, and the visit that it is part of counts it so."""
        if self.parent is not None:
            stood = self.parent.stood
            stood[self.standing] = stood.get(self.standing, 0) - 1
            stood[standing] = stood.get(standing, 0) + 1
        self.standing = standing


class Visits:
    """All visits of one execution, in the order in which they began."""

    def __init__(self) -> None:
        self.root = Place()
        self.every: list[Visit] = []
        self.transitions: dict[tuple[str, str], int] = {}
        """How often one state was entered from another; `""` is the beginning and the end."""
        self.began: datetime | None = None
        self.ended: datetime | None = None
        self._owner: dict[int, Visit] = {}
        self._inside: dict[int, Place] = {}
        self._open: dict[str, dict[int, Visit]] = {}
        self._was_redriven = False

    def take(self, event: Any) -> list[Visit]:
        """Take the next event; the visits that it changed."""
        told = Told.of(event)
        if told is None:
            return []
        found = self._taken(told)
        if found and told.id is not None:
            self._owner[told.id] = found[0]
        return found

    def of(self, event_id: int) -> Visit | None:
        """The visit that an event belongs to; None for one of the execution itself."""
        return self._owner.get(event_id)

    def _taken(self, told: Told) -> list[Visit]:
        if self.began is None:
            self.began = told.at
        if told.type.startswith("Execution"):
            return self._execution(told)
        if told.type.startswith("MapIteration"):
            return self._iteration(told)
        state = _STATE.fullmatch(told.type)
        if state:
            return (
                self._entered(told, state[1]) if state[2] == "Entered" else self._state(told, *state.groups())
            )
        visit = self._owner.get(told.previous)
        if visit is None or not visit.open or (told.name is not None and visit.state != told.name):
            visit = self._in(self._inside.get(told.previous), told.name) or self._named(told.name)
        elif told.previous in self._inside:  # of an iteration that was taken up again
            visit = self._in(self._inside[told.previous], told.name) or visit
        work = _WORK.fullmatch(told.type)
        if visit is None:
            return []
        if work:
            self._work(visit, told, work[2])
        elif told.type in ("EvaluationFailed", "MapRunFailed", "MapRunAborted"):
            _note(visit, told)
        elif told.type in ("MapRunStarted", "MapRunRedriven"):
            visit.length = None  # its iterations are executions of their own
            visit.failed = False
            _do(visit, "running", told.at)
        return [visit]

    def _entered(self, told: Told, kind: str) -> list[Visit]:
        before = self._owner.get(told.previous)
        place = self._inside.get(told.previous) or (before.place if before else self.root)
        visit = Visit(told.name or "?", kind, place, len(self.every), told.at)
        self.every.append(visit)
        self._open.setdefault(visit.state, {})[visit.number] = visit
        from_state = before.state if before and before.place is place else ""
        self._step(from_state, visit.state)
        changed = [visit]
        earlier = place.now.get(visit.state)
        if earlier is not None:
            changed += _outdated(earlier)
        place.now[visit.state] = visit
        place.visits.append(visit)
        if kind == "Fail":
            self._close(visit, "failed", told.at)
            _note(visit, told)
        else:
            _do(visit, "held" if kind == "Wait" else "running", told.at)
        return changed

    def _step(self, source: str, target: str) -> None:
        self.transitions[source, target] = self.transitions.get((source, target), 0) + 1

    def _state(self, told: Told, kind: str, what: str) -> list[Visit]:
        """Exited, Started, Succeeded, Failed or Aborted of a state."""
        visit = self._climbed(told, kind)
        if visit is None:
            return []
        changed = [visit]
        if what == "Exited":
            self._close(visit, "caught" if visit.failed else "succeeded", told.at)
        elif what == "Started":
            changed += self._started(visit, told)
        elif what == "Failed":
            _note(visit, told)
            changed += self._ended_inside(visit, told.at, "aborted")
        elif what == "Aborted":
            # AWS writes this of a task as well that ran out of its time and so brought the others down.
            self._close(visit, "failed" if visit.failed else "aborted", told.at)
            changed += self._ended_inside(visit, told.at, "aborted")
        return changed

    def _started(self, visit: Visit, told: Told) -> list[Visit]:
        """A Parallel or a Map begins, the first time or again."""
        changed: list[Visit] = []
        if visit.places:
            visit.retries += 1
            changed = self._ended_inside(visit, told.at, "aborted")
            for place in visit.places:
                for each in place.now.values():
                    changed += _outdated(each)
        visit.failed = False
        length = told.details.get("length")
        visit.length = length if isinstance(length, int) else visit.length
        _do(visit, "running", told.at)
        if visit.kind == "Parallel":
            place = Place(visit)
            visit.places.append(place)
            if told.id is not None:
                self._inside[told.id] = place
        else:
            visit.places, visit.stood = [], {}
        return changed

    def _iteration(self, told: Told) -> list[Visit]:
        index = told.details.get("index")
        what = told.type.removeprefix("MapIteration")
        visit = self._climbed(told, "Map")
        if visit is None:
            return []
        if what == "Started":
            number = index if isinstance(index, int) else len(visit.places)
            # A redriven execution starts again those that had not succeeded, without entering their states.
            again = (each for each in visit.places if each.index == number and each.standing == "running")
            place = next(again, None) if self._was_redriven else None
            if place is None:
                place = Place(visit, number)
                visit.places.append(place)
                visit.stood["running"] = visit.stood.get("running", 0) + 1
            if told.id is not None:
                self._inside[told.id] = place
            return [visit]
        place_ended = next((each for each in reversed(visit.places) if each.index == index), None)
        if place_ended is None:
            return [visit]
        ways: dict[str, Standing] = {"Succeeded": "succeeded", "Failed": "failed"}
        place_ended.stand(ways.get(what, "aborted"))
        standing: Standing = "failed" if what == "Failed" else "aborted"
        changed = [visit]
        for each in place_ended.now.values():
            if each.open:
                self._close(each, standing, told.at)
                changed += [each, *self._ended_inside(each, told.at, "aborted")]
        return changed

    def _work(self, visit: Visit, told: Told, what: str) -> None:
        """What a Task's work tells."""
        if what == "Scheduled":
            visit.retries += bool(visit.failed)
            visit.failed = False
            _do(visit, "queued", told.at)
        elif what == "Started":
            _do(visit, "running", told.at)
        elif what == "Submitted":
            _do(visit, "held" if _waits(told.details) else "running", told.at)
        elif what == "TimedOut" or what.endswith("Failed"):
            _note(visit, told)
            _do(visit, "backoff", told.at)

    def _again(self, visit: Visit, at: datetime | None) -> None:
        """What the end of the execution cut short begins anew: the time that it lay dead is no state's."""
        visit.before.append(Cut(visit.entered, visit.left, visit.standing, tuple(visit.doings)))
        visit.entered, visit.doings = at or visit.entered, []
        visit.failed = False
        visit.standing, visit.left = "running", None
        self._open.setdefault(visit.state, {})[visit.number] = visit

    def _execution(self, told: Told) -> list[Visit]:
        what = told.type.removeprefix("Execution")
        if what in ("Started", "Redriven"):
            self.ended = None
            self._was_redriven |= what == "Redriven"
            return self._redriven(told.at) if what == "Redriven" else []
        self.ended = told.at
        chain = set()
        about = self._owner.get(told.previous)
        if what == "Succeeded" and about is not None and about.place is self.root:
            self._step(about.state, "")
        while about is not None:
            chain.add(about.number)
            about = about.place.parent
        changed = []
        for each in [one for named in self._open.values() for one in named.values()]:
            failed = what == "Failed" and (each.failed or each.number in chain)
            if failed:
                _note(each, told)
            self._close(each, "failed" if failed or each.failed else "aborted", told.at)
            changed.append(each)
        return changed

    def _redriven(self, at: datetime | None) -> list[Visit]:
        """What had failed or was aborted goes on, with the branches and iterations that it was in."""
        changed: list[Visit] = []
        waiting = [self.root]
        while waiting:
            place = waiting.pop()
            for visit in place.now.values():
                if visit.standing not in ("failed", "aborted") or visit.kind == "Fail":
                    continue
                self._again(visit, at)
                changed.append(visit)
                for inner in visit.places:
                    if inner.standing != "succeeded":
                        inner.stand("running")
                        waiting.append(inner)
        return changed

    def _climbed(self, told: Told, kind: str) -> Visit | None:
        """Which open visit an event is about: the one it follows, or one around that."""
        first = visit = self._owner.get(told.previous)
        if visit is None and told.previous in self._inside:
            visit = self._inside[told.previous].parent
        while visit is not None:
            if visit.kind == kind and visit.open and told.name in (None, visit.state):
                return visit
            visit = visit.place.parent
        return self._named(told.name or (first.state if first else None), kind)

    def _in(self, place: Place | None, name: str | None) -> Visit | None:
        """The open visit in a branch or an iteration."""
        found = place.now.values() if place is not None else ()
        return next((visit for visit in found if visit.open and name in (None, visit.state)), None)

    def _named(self, name: str | None, kind: str | None = None) -> Visit | None:
        named = self._open.get(name or "", {})
        return next((visit for visit in named.values() if kind in (None, visit.kind)), None)

    def _close(self, visit: Visit, standing: Standing, at: datetime | None) -> None:
        visit.standing, visit.left = standing, at
        self._open.get(visit.state, {}).pop(visit.number, None)

    def _ended_inside(self, visit: Visit, at: datetime | None, standing: Standing) -> list[Visit]:
        """What is still open in the branches and iterations of a visit ends with it."""
        changed: list[Visit] = []
        waiting = list(visit.places)
        while waiting:
            place = waiting.pop()
            if place.standing == "running":
                place.stand(standing)
            for each in place.now.values():
                if each.open:
                    self._close(each, "failed" if each.failed else standing, at)
                    changed.append(each)
                waiting += each.places
        return changed


def _outdated(visit: Visit) -> list[Visit]:
    """A visit that is done again, with all in it: none of them says how things are."""
    changed: list[Visit] = []
    waiting = [visit]
    while waiting:
        each = waiting.pop()
        if each.current:
            each.current = False
            changed.append(each)
            waiting += [inner for place in each.places for inner in place.now.values()]
    return changed


def _note(visit: Visit, told: Told) -> None:
    visit.failed = True
    error, cause = told.details.get("error"), told.details.get("cause")
    if told.type.endswith("TimedOut") and error is None:
        error = "States.Timeout"
    visit.error = str(error) if error is not None else visit.error
    visit.cause = str(cause) if cause is not None else visit.cause


def _do(visit: Visit, doing: Doing, at: datetime | None) -> None:
    if at is not None:
        visit.doings.append((doing, at))


def _waits(details: Mapping[str, Any]) -> bool:
    return str(details.get("resource", "")).endswith(".waitForTaskToken")


@dataclass(frozen=True, slots=True)
class Told:
    """An event, wherever it came from."""

    id: int | None
    previous: int
    type: str
    at: datetime | None
    name: str | None
    details: Mapping[str, Any]

    @classmethod
    def of(cls, event: Any) -> Told | None:
        """What an event tells; None for what is no event."""
        get = (
            event.get
            if isinstance(event, Mapping)
            else lambda name, default=None: getattr(event, name, default)
        )
        kind = get("type")
        if not isinstance(kind, str):
            return None
        details = get("details")
        if not isinstance(details, Mapping) and isinstance(event, Mapping):
            members = (value for name, value in event.items() if _NAME_OF_DETAILS.fullmatch(str(name)))
            details = next((value for value in members if isinstance(value, Mapping)), None)
        details = details if isinstance(details, Mapping) else {}
        number, previous = get("id"), get("previous_id", get("previousEventId"))
        named = "name" if "State" in kind or kind.startswith("MapIteration") else "state"
        name = details.get(named)
        name = name if isinstance(name, str) else get("state")
        return cls(
            number if isinstance(number, int) else None,
            previous if isinstance(previous, int) else 0,
            str(kind),
            _instant(get("at", get("timestamp"))),
            name if isinstance(name, str) else None,
            details,
        )


def _member(event: Any, name: str, default: Any = None) -> Any:
    return getattr(event, name, default)


def _instant(at: Any) -> datetime | None:
    """Naive UTC."""
    if isinstance(at, str):
        try:
            at = datetime.fromisoformat(at)
        except ValueError:
            return None
    if not isinstance(at, datetime):
        return None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def in_order(events: Iterable[Any]) -> list[Any]:
    """A whole history from its beginning, also where it was asked for from its end."""
    listed = list(events)
    ends = [told.id if told else None for told in map(Told.of, (*listed[:1], *listed[-1:]))]
    backwards = len(ends) == 2 and None not in ends and ends[0] > ends[1]  # type: ignore[operator]
    return listed[::-1] if backwards else listed


def taken(events: Iterable[Any]) -> Visits:
    """The visits of a whole history."""
    visits = Visits()
    for event in in_order(events):
        visits.take(event)
    return visits
