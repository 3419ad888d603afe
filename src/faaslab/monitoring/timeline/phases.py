"""What one execution spent its time on, as far as it was recorded, and what was not. Pure.

Sources: the figures of the execution, and the platform's lines in its log, which have the instants.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from faaslab.backends.report_line import LineKind, PlatformLine, parse

if TYPE_CHECKING:
    from faaslab.model.execution import Execution

Kind = Literal[
    "workflow", "queue", "before", "init", "failed init", "restore", "handler", "extension", "after", "billed"
]
_TEXT_EXTENSION = re.compile(r"EXTENSION\tName: (?P<name>[^\t]*)\tState: (?P<state>[^\t]*)")
_JSON_EXTENSION = re.compile(
    r'"platform\.extension","record":\{"name":"(?P<name>[^"]*)","state":"(?P<state>[^"]*)"'
)
_SEEN = timedelta(microseconds=100)
"""What is shorter is how exactly instants are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A stretch of an execution; `note` says what there is to know of it."""

    name: str
    kind: Kind
    begin: datetime
    end: datetime
    note: str = ""

    @property
    def ms(self) -> float:
        """How long it was."""
        return (self.end - self.begin).total_seconds() * 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The task of a workflow that called it, `scheduled` until `ended`; `entered` is when its state was."""

    workflow: str
    run: str
    state: str
    scheduled: datetime
    entered: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Phases:
    """Phases by their beginning (those around others first), and in words what was not recorded."""

    phases: tuple[Phase, ...]
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class _Told:
    """What the log tells."""

    at: dict[LineKind, datetime] = field(default_factory=dict)
    failed_inits: list[tuple[datetime, PlatformLine]] = field(default_factory=list)
    runtime_ms: float | None = None
    extensions: list[str] = field(default_factory=list)


def phases_of(execution: Execution, caller: Caller | None = None) -> Phases:
    """The phases of an execution. What is not recorded is left out, and named in `unknown`."""
    told = _told(execution)
    found: list[Phase] = []
    unknown: list[str] = []
    if caller is not None:
        found += _calling(caller, execution)
    elif execution.trigger is not None and ":states:" in execution.trigger:
        unknown.append("which task of the workflow called it")
    if execution.queued_at is not None:
        found += _queued(execution.queued_at, execution)
    elif execution.invocation_type == "Event":
        unknown.append("how long it waited in the queue")
    if execution.status == "throttled":
        unknown.append("nothing else: it was turned away, and nothing ran")
        return Phases(tuple(found), tuple(unknown))
    local = execution.source == "local"
    handler = _handler_at(execution, told, local=local)
    if handler is None:
        unknown.append("when its handler began, and how long it took")
        return Phases(tuple(found), tuple(unknown))
    found += _before(execution, told, handler, unknown, local=local)
    found += _running(execution, told, handler, unknown)
    billed = _billed(execution, found)
    return Phases((*found, *billed), tuple(unknown))


def _queued(since: datetime, execution: Execution) -> list[Phase]:
    """Its wait in the queue of events, into which what failed or was throttled is put back."""
    if execution.started_at - since < _SEEN:
        return []
    note = "since it was put into the queue"
    if execution.attempt > 1:
        note = f"attempt {execution.attempt}, since it was put back into the queue"
    return [Phase(name="queue", kind="queue", begin=since, end=execution.started_at, note=note)]


def _told(execution: Execution) -> _Told:
    told = _Told()
    for line in execution.logs:
        if line.stream != "platform":
            continue
        extension = _TEXT_EXTENSION.match(line.message) or _JSON_EXTENSION.search(line.message)
        if extension is not None:
            told.extensions.append(f"{extension['name']} ({extension['state'].lower()})")
            continue
        read = parse(line.message)
        if read is None:
            continue
        told.at.setdefault(read.kind, line.at)
        if read.kind is LineKind.INIT_REPORT and read.status not in (None, "success"):
            told.failed_inits.append((line.at, read))
        if read.kind is LineKind.RUNTIME_DONE:
            told.runtime_ms = read.duration_ms
    return told


def _handler_at(execution: Execution, told: _Told, *, local: bool) -> datetime | None:
    if execution.duration_ms is None:
        return None
    start = told.at.get(LineKind.START)
    if not local:
        return start or execution.started_at
    if execution.ended_at is None:
        return start
    measured = execution.ended_at - timedelta(milliseconds=execution.duration_ms)
    # The line is written when the event was given; a figure that ends after its end was rounded up.
    return max(min(start, measured) if start is not None else measured, execution.started_at)


def _calling(caller: Caller, execution: Execution) -> list[Phase]:
    end = caller.ended or execution.ended_at or caller.scheduled
    where = f"state {caller.state} of {caller.workflow}, run {caller.run}"
    found = []
    if caller.entered is not None:
        found.append(
            Phase(name=f"state {caller.state}", kind="workflow", begin=caller.entered, end=end, note=where)
        )
    note = "from the call to its answer" if caller.ended else "the call, not answered so far"
    found.append(Phase(name="task", kind="workflow", begin=caller.scheduled, end=end, note=note))
    return found


def _before(
    execution: Execution, told: _Told, handler: datetime, unknown: list[str], *, local: bool
) -> list[Phase]:
    """What came before the handler."""
    found: list[Phase] = []
    begin = execution.started_at if local else None
    for at, line in told.failed_inits:
        init = at - timedelta(milliseconds=line.init_ms or 0)
        how = f"{line.status}" + (f", {line.error_type}" if line.error_type else "")
        found.append(Phase(name="init, failed", kind="failed init", begin=init, end=at, note=how))
    ms = execution.restore_ms if execution.restore_ms is not None else execution.init_ms
    first: datetime | None = None
    if ms is not None:
        restored = execution.restore_ms is not None
        stated = told.at.get(LineKind.RESTORE_START if restored else LineKind.INIT_START)
        first = handler - timedelta(milliseconds=ms)
        if local and stated is not None and stated <= handler and not found:
            first = stated
        end = min(first + timedelta(milliseconds=ms), handler)
        note = f"extensions: {', '.join(told.extensions)}" if told.extensions else ""
        if execution.start_method and execution.start_method.startswith("fork"):
            note = "; ".join(part for part in ("a fork of a template", note) if part)
        name, kind = ("restore", "restore") if restored else ("init", "init")
        found.append(Phase(name=name, kind=kind, begin=first, end=end, note=note))  # type: ignore[arg-type]
    elif execution.cold_start and not found:
        unknown.append("how long its init took")
    if begin is None:
        unknown.append("when it was asked for (its log begins with the environment)")
        return found
    until = min([each.begin for each in found], default=handler)
    if until - begin >= _SEEN:
        cold = bool(execution.cold_start)
        name = "environment start" if cold else "wait for the environment"
        note = "preparing and choosing an environment; not billed" if cold else "not billed"
        found.insert(0, Phase(name=name, kind="before", begin=begin, end=until, note=note))
    return found


def _running(execution: Execution, told: _Told, handler: datetime, unknown: list[str]) -> list[Phase]:
    """The handler, and what came after it."""
    duration = timedelta(milliseconds=execution.duration_ms or 0)
    runtime = duration
    if told.runtime_ms is not None:
        runtime = min(timedelta(milliseconds=told.runtime_ms), duration)
    elif told.extensions:
        unknown.append("how long the extensions took after the handler (it is within the handler's time)")
    how = str(execution.status) + (f": {execution.error.type}" if execution.error is not None else "")
    found = [Phase(name="handler", kind="handler", begin=handler, end=handler + runtime, note=how)]
    if duration - runtime >= _SEEN:
        note = "after the answer, until the extensions were done" if told.extensions else "after the answer"
        found.append(
            Phase(
                name="extensions",
                kind="extension",
                begin=handler + runtime,
                end=handler + duration,
                note=note,
            )
        )
    if execution.source == "local" and execution.ended_at is not None:
        left = execution.ended_at - (handler + duration)
        if left >= _SEEN:
            found.append(
                Phase(
                    name="answer and log",
                    kind="after",
                    begin=handler + duration,
                    end=execution.ended_at,
                    note="taking over the answer and the log; not billed",
                )
            )
    return found


def _billed(execution: Execution, found: list[Phase]) -> list[Phase]:
    """The billed time: it begins with the init where that is in it, else with the handler."""
    if execution.billed_ms is None:
        return []
    handler = next(each for each in found if each.kind == "handler")
    init = next((each for each in found if each.kind in ("init", "restore")), None)
    begin = handler.begin
    if init is not None and execution.duration_ms is not None:
        billable = execution.billed_restore_ms if init.kind == "restore" else init.ms
        with_init = execution.duration_ms + (billable or 0.0)
        if execution.billed_ms >= int(with_init):
            begin = init.begin
    end = begin + timedelta(milliseconds=execution.billed_ms)
    return [Phase(name="billed", kind="billed", begin=begin, end=end, note="in whole milliseconds")]
