"""One execution of a state machine: signals in, events and effects out.

Rule: nothing here knows the time, chance or the world but by what it is handed; going through the same
signals at the same instants gives the same events and effects, and leaves the run as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.effects import (
    Call,
    Continue,
    Effect,
    Ended,
    More,
    Redrive,
    Signal,
    Started,
    Step,
    Stop,
)
from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.interpret import inline
from faaslab.workflow.interpret.course import (
    DEADLINE,
    EVENTS_A_STEP,
    HISTORY_LIMIT,
    NOT_TRUNCATED,
    Course,
    HistoryFull,
    Trial,
)
from faaslab.workflow.interpret.frame import GIVE_WAY, Frame
from faaslab.workflow.interpret.payload import moment, text_of_input
from faaslab.workflow.interpret.plan import plan_of
from faaslab.workflow.interpret.retries import TIMEOUT
from faaslab.workflow.interpret.walk import walk
from faaslab.workflow.scope import ABSENT, Chance

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Over = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
Status = Literal["RUNNING"] | Over
EXPRESS_LIMIT_S = 300


class Run:
    """An execution as it stands between two signals.

    `machine` is a definition that validates, and is not changed while it runs. `context` is what the context
    object begins with: `Execution` {Id, Input, StartTime, Name, RoleArn, RedriveCount}, `StateMachine` {Id,
    Name}, and for a child of a distributed Map `Map`. Where it has no `Execution`, one is made of `arn`.
    `express` ends the execution after five minutes and gives its history no limit. `inspected` notes what
    each phase makes of a state's data. `input_text` is the input as it was written: so the history has it,
    and what passes it on unchanged. `trial` walks one state only; `variables` are those it begins with.
    """

    def __init__(
        self,
        machine: Mapping[str, Any],
        *,
        input: Any,  # noqa: A002 - the word of the field
        context: Mapping[str, Any],
        chance: Chance,
        arn: str,
        role: str | None = None,
        express: bool = False,
        inspected: bool = False,
        trial: Trial | None = None,
        variables: Mapping[str, Any] | None = None,
        input_text: str | None = None,
    ) -> None:
        self.machine = machine
        self.input = input
        self.status: Status = "RUNNING"
        plan = plan_of(machine)
        self._course = Course(context, chance, arn, role=role, express=express, inspected=inspected)
        self._course.trial = trial
        self._root = Frame("root", plan, input, text_of_input(input) if input_text is None else input_text)
        if variables is not None:
            self._root.variables = variables
        self._limit_s = plan.timeout_s
        if express:
            self._limit_s = min(self._limit_s or EXPRESS_LIMIT_S, EXPRESS_LIMIT_S)
        self._begun = False
        self._redriven = 0
        self.output: Any = ABSENT
        self.error: str | None = None
        self.cause: str | None = None

    # -- what is told and asked

    def step(self, signal: Signal, now: datetime) -> Step:
        """What comes of a signal at `now` (UTC, without a zone).

        A signal that nothing waits for, as one that comes after the end, gives an empty step.
        """
        course = self._course
        course.now = now
        course.room = EVENTS_A_STEP
        try:
            self._take(signal)
            self._drive()
        except HistoryFull:
            self._overflow()
        step = Step(tuple(course.events), tuple(course.effects))
        course.events = []
        course.effects = []
        return step

    def pending(self) -> tuple[Effect, ...]:
        """What is still wanted: calls without an answer that were not submitted, timers as they stand, reads,

        writes and children, in the order in which they were asked for; More where it gave way. After going
        through recorded signals this is what remains to be carried out.
        """
        course = self._course
        wanted: list[Effect] = [
            effect for key, effect in course.outstanding.items() if key not in course.submitted
        ]
        if course.queue:
            wanted.append(More())
        return tuple(wanted)

    def submitted(self) -> tuple[tuple[Call, Any], ...]:
        """The calls that were taken and have not said yet what came of them, with what they said."""
        course = self._course
        found = ((course.outstanding.get(key), output) for key, output in course.submitted.items())
        return tuple((call, output) for call, output in found if isinstance(call, Call))

    @property
    def where(self) -> tuple[str, ...]:
        """The names of the states that it is in now, innermost, in the order of branches and iterations."""
        names: dict[str, None] = {}
        todo = [self._root]
        while todo:
            frame = todo.pop()
            inside = [child for child in frame.children if child is not None and child.phase == "open"]
            if inside:
                todo += reversed(inside)
            elif frame.state is not None and frame.entered and self.status == "RUNNING":
                names[frame.state.name] = None
        return tuple(names)

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables of the machine itself, as they are now."""
        return self._root.variables

    @property
    def inspection(self) -> dict[str, Any]:
        """What each phase made of the data of the state walked last; empty when it was not asked for."""
        return self._course.inspection or {}

    # -- taking signals

    def _take(self, signal: Signal) -> None:
        course = self._course
        if isinstance(signal, Started):
            if not self._begun:
                self._begin()
        elif isinstance(signal, Redrive):
            self._redrive()
        elif self.status != "RUNNING" or isinstance(signal, Continue):
            return
        elif isinstance(signal, Stop):
            self._stop("ABORTED", signal.error, signal.cause)
        else:
            course.arrive(signal)
            if course.expired:
                course.expired = False
                self._stop("TIMED_OUT", TIMEOUT, None)

    def _begin(self) -> None:
        self._begun = True
        course, root = self._course, self._root
        context = course.context
        if "Execution" not in context:
            context["Execution"] = {
                "Id": course.arn,
                "Input": self.input,
                "StartTime": moment(course.now),
                "Name": course.arn.rpartition(":")[2],
                "RedriveCount": 0,
            }
        if course.role is None:
            course.role = context["Execution"].get("RoleArn")
        details: dict[str, Any] = {"input": root.text, "inputDetails": NOT_TRUNCATED}
        if course.role is not None:
            details["roleArn"] = course.role
        course.note("ExecutionStarted", 0, details, None)
        root.item = context.get("Map")
        self._clock()
        root.phase = "open"
        course.queue.append((root, None))

    def _clock(self) -> None:
        if self._limit_s is not None:
            self._course.timer(self._root, DEADLINE, self._limit_s)
            self._course.waiting.pop(DEADLINE, None)
            self._root.awaiting.pop(DEADLINE, None)

    def _redrive(self) -> None:
        if self.status in {"RUNNING", "SUCCEEDED"} or self._course.express or not self._begun:
            return
        if self._course.last_id >= HISTORY_LIMIT - 1:
            return
        course, root = self._course, self._root
        self._redriven += 1
        self.status, self.error, self.cause = "RUNNING", None, None
        execution = dict(course.context["Execution"])
        execution["RedriveCount"] = self._redriven
        execution["RedriveTime"] = moment(course.now)
        course.context["Execution"] = execution
        root.previous = course.note(
            "ExecutionRedriven", course.last_id, {"redriveCount": self._redriven}, None
        )
        self._clock()
        root.phase, root.failure, root.walk = "open", None, None
        root.resumed = root.state is not None
        root.attempts.clear()
        course.queue.append((root, None))

    # -- driving

    def _drive(self) -> None:
        course = self._course
        queue = course.queue
        while queue:
            if course.room <= 0:
                course.go_on_later()
                return
            frame, value = queue.popleft()
            if frame.phase != "open":
                continue
            moved = frame.walk
            try:
                if moved is None:
                    frame.walk = moved = walk(course, frame)
                    asked = next(moved)
                else:
                    asked = moved.send(value)
                if asked is GIVE_WAY:
                    queue.append((frame, None))
                continue
            except StopIteration:
                frame.phase = "succeeded"
            except StateFailure as failure:
                frame.phase, frame.failure = "failed", failure
            except RecursionError:
                frame.phase = "failed"
                frame.failure = StateFailure(RUNTIME, "The data or the expression is nested too deeply.")
            frame.walk = None
            if frame.parent is None:
                self._finish(frame)
                return
            queue.appendleft((frame.parent, frame))

    def _finish(self, root: Frame) -> None:
        course = self._course
        if root.failure is not None:
            self._failed(root.failure, root.previous)
            return
        self.output = root.output
        course.note(
            "ExecutionSucceeded",
            root.previous,
            {"output": root.text, "outputDetails": NOT_TRUNCATED},
            None,
        )
        self._end("SUCCEEDED", None, None)

    def _failed(self, failure: StateFailure, previous: int) -> None:
        self._course.note("ExecutionFailed", previous, _words(failure.error, failure.cause), None)
        self._end("FAILED", failure.error, failure.cause)

    def _stop(self, status: Literal["ABORTED", "TIMED_OUT"], error: str | None, cause: str | None) -> None:
        course, root = self._course, self._root
        if root.entered and root.state is not None and root.state.type in {"Parallel", "Map"}:
            inline.abort(course, root, root.previous)
        else:
            inline.close(course, root)
        kind = "ExecutionAborted" if status == "ABORTED" else "ExecutionTimedOut"
        course.note(kind, course.last_id, _words(error, cause), None)
        self._end(status, error, cause)

    def _overflow(self) -> None:
        """The history is full: the one event that still has room ends the execution."""
        course, root = self._course, self._root
        course.limit = 0
        kept = len(course.events)
        last = course.last_id
        for frame in _open_frames(root):
            inline.close(course, frame)
        del course.events[kept:]
        failure = StateFailure(
            RUNTIME, f"The execution reached the maximum number of history events ({last + 1})."
        )
        self._failed(failure, root.previous)

    def _end(self, status: Over, error: str | None, cause: str | None) -> None:
        course = self._course
        self.status, self.error, self.cause = status, error, cause
        course.queue.clear()
        for key in tuple(course.outstanding):
            course.forget(key)
        course.due.clear()
        course.waiting.clear()
        course.effects.append(Ended(status, self.output, error, cause))


def _open_frames(root: Frame) -> list[Frame]:
    found, todo = [], [root]
    while todo:
        frame = todo.pop()
        found.append(frame)
        todo += [child for child in frame.children if child is not None and child.phase == "open"]
    return found


def _words(error: str | None, cause: str | None) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if error is not None:
        details["error"] = error
    if cause is not None:
        details["cause"] = cause
    return details
