"""What one visit of a state was given, tried and gave, from the history of its execution. Pure.

`visits` says who was where and when; here are the data and the attempts, read for those visits only that
somebody looks at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.workflow.graph.palette import BY_WEIGHT, Standing
from faaslab.workflow.graph.visits import Place, Told, Visit, Visits

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WORK = ("LambdaFunction", "Activity", "Task")
_AROUND = ("ParallelState", "MapState")


@dataclass(slots=True)
class Attempt:
    """One time that a state tried. `input`, `output` are JSON text; `resource` is what it called.

    `event_id` is the event that scheduled it, `request_id` what a function's answer says of itself. `worker`
    is who took the task of an activity. An attempt that others cut short is `aborted`.
    """

    event_id: int
    began: datetime | None
    resource: str = ""
    function: bool = False
    input: str | None = None
    standing: Standing = "running"
    ended: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    request_id: str | None = None
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Inside:
    """An iteration of a Map, or all branches of a Parallel; `error` is that of what failed in it."""

    index: int | None
    standing: Standing
    began: datetime | None
    ended: datetime | None
    error: str | None


@dataclass(slots=True)
class Stay:
    """One visit of a state, with its data.

    `around` are the states that it is inside of, the outermost first, each with the number of the iteration
    (None for a branch). `assigned` are the variables that were set when it was left, as JSON text.
    """

    number: int
    state: str
    kind: str
    around: tuple[tuple[str, int | None], ...]
    entered: datetime | None
    left: datetime | None
    standing: Standing
    retries: int
    error: str | None
    cause: str | None
    input: str | None = None
    output: str | None = None
    assigned: Mapping[str, str] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    insides: tuple[Inside, ...] = ()
    map_runs: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Where it is: `Score all [2]`; empty for a state of the execution itself."""
        return " / ".join(name if index is None else f"{name} [{index}]" for name, index in self.around)


def visits_of(visits: Visits, state: str) -> list[Visit]:
    """All visits of a state, in the order in which they began."""
    return [visit for visit in visits.every if visit.state == state]


def visits_inside(visit: Visit, index: int | None) -> list[Visit]:
    """The visits of the states in one iteration of a Map (the last time that it ran), or in a Parallel."""
    places = [place for place in visit.places if place.index == index]
    return places[-1].visits if places else []


def telling(found: Sequence[Visit]) -> Visit | None:
    """Of several visits the one that one would look at first: what failed, else what runs, else the last."""
    weights: tuple[Standing, ...] = ("failed", "running", "caught")
    for standing in weights:
        those = [visit for visit in found if visit.standing == standing and visit.current]
        if those:
            return those[-1]
    return found[-1] if found else None


def stays(visits: Visits, events: Iterable[Any], wanted: Sequence[Visit]) -> list[Stay]:
    """What the events (those that `visits` took) tell of the wanted visits, in the order of these."""
    found = {visit.number: _begun(visit) for visit in wanted}
    for event in events:
        told = Told.of(event)
        if told is None or told.id is None:
            continue
        visit = visits.of(told.id)
        stay = None if visit is None else found.get(visit.number)
        if stay is not None:
            _note(stay, told)
    for stay in found.values():
        _close(stay)
    return [found[visit.number] for visit in wanted]


def _begun(visit: Visit) -> Stay:
    around: list[tuple[str, int | None]] = []
    outer = visit.place
    while outer.parent is not None:
        around.append((outer.parent.state, outer.index))
        outer = outer.parent.place
    return Stay(
        visit.number,
        visit.state,
        visit.kind,
        tuple(reversed(around)),
        visit.entered,
        visit.left,
        visit.standing,
        visit.retries,
        visit.error,
        visit.cause,
        insides=tuple(_inside(place) for place in visit.places),
    )


def _inside(place: Place) -> Inside:
    entered = [visit.entered for visit in place.visits if visit.entered is not None]
    left = [visit.left for visit in place.visits if visit.left is not None]
    standing = place.standing
    if place.index is None and standing == "running":  # of branches only their states tell
        stood = {visit.standing for visit in place.now.values()}
        standing = next((each for each in BY_WEIGHT if each in stood), standing)
    failed = [visit.error for visit in place.visits if visit.error and visit.standing == "failed"]
    going = standing == "running"
    return Inside(
        place.index,
        standing,
        min(entered, default=None),
        None if going else max(left, default=None),
        failed[-1] if failed else None,
    )


def _note(stay: Stay, told: Told) -> None:
    kind, details = told.type, told.details
    if kind.endswith("StateEntered"):
        stay.input = _text(details, "input")
    elif kind.endswith("StateExited"):
        stay.output = _text(details, "output")
        assigned = details.get("assignedVariables")
        if isinstance(assigned, dict):
            stay.assigned = {str(name): str(value) for name, value in assigned.items()}
    elif kind == "MapRunStarted" and isinstance(details.get("mapRunArn"), str):
        stay.map_runs.append(details["mapRunArn"])
    elif kind.startswith(_WORK):
        _work(stay, told)
    elif kind.startswith(_AROUND) and kind.endswith(("Started", "Failed")):
        _again(stay, told)


def _work(stay: Stay, told: Told) -> None:
    kind, details = told.type, told.details
    if kind.endswith("Scheduled"):
        stay.attempts.append(_scheduled(told))
        return
    if not stay.attempts or stay.attempts[-1].standing != "running":
        stay.attempts.append(Attempt(told.id or 0, told.at))  # it could not even be scheduled
    attempt = stay.attempts[-1]
    if kind.endswith("Started"):
        worker = details.get("workerName")
        attempt.worker = worker if isinstance(worker, str) else None
    elif kind.endswith("Succeeded"):
        attempt.standing, attempt.ended = "succeeded", told.at
        attempt.output = _text(details, "output")
        attempt.request_id = _requested(attempt.output, "SdkResponseMetadata", "RequestId")
    elif kind.endswith(("Failed", "TimedOut")):
        attempt.standing, attempt.ended = "failed", told.at
        timed_out = "States.Timeout" if kind.endswith("TimedOut") else None
        attempt.error = _text(details, "error") or timed_out
        attempt.cause = _text(details, "cause")
        attempt.request_id = _requested(attempt.cause, "requestId")


def _scheduled(told: Told) -> Attempt:
    details = told.details
    resource, service = _text(details, "resource") or "", _text(details, "resourceType")
    invoked = (service, resource.partition(".")[0]) == ("lambda", "invoke")
    return Attempt(
        told.id or 0,
        told.at,
        f"{service}:{resource}" if service else resource,
        invoked or told.type.startswith("LambdaFunction"),
        _text(details, "parameters" if service else "input"),
    )


def _again(stay: Stay, told: Told) -> None:
    """A Map or a Parallel as a whole, which may be tried several times."""
    if told.type.endswith("Started"):
        stay.attempts.append(Attempt(told.id or 0, told.at))
    elif stay.attempts:
        attempt = stay.attempts[-1]
        attempt.standing, attempt.ended = "failed", told.at
        attempt.error, attempt.cause = _text(told.details, "error"), _text(told.details, "cause")


def _close(stay: Stay) -> None:
    """The end of a state is that of what it was at."""
    for attempt in stay.attempts:
        if attempt.standing == "running" and (stay.left is not None or attempt is not stay.attempts[-1]):
            own = stay.kind in ("Map", "Parallel") and attempt is stay.attempts[-1]
            attempt.standing = stay.standing if own and stay.standing != "running" else "aborted"
            attempt.ended = stay.left
    if stay.kind in ("Map", "Parallel") and len(stay.attempts) == 1:
        stay.attempts.clear()  # the only one is the visit itself


def _text(details: Mapping[str, Any], name: str) -> str | None:
    value = details.get(name)
    return value if isinstance(value, str) else None


def _requested(text: str | None, *names: str) -> str | None:
    """The request id in what a function, or Lambda's API, answered."""
    try:
        value: Any = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) and len(value) <= 64 else None
