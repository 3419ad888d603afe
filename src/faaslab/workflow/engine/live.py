"""One execution in memory: its interpreter, what it awaits, and what of it is not kept yet.

Touched by one thread at a time: whoever has it marked busy. Rule: `tell` only thinks; nothing is carried out
before what `change` gives is kept.
"""

from __future__ import annotations

import json
import random
import zlib
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.model.workflow import WorkflowError, WorkflowExecutionStatus, altered, hiding, owed
from faaslab.model.workflow_steps import Change, HistoryRow, StepRow
from faaslab.workflow.effects import (
    Begun,
    Call,
    ChildEnded,
    Ended,
    Event,
    Failed,
    Fired,
    Forget,
    Heartbeat,
    More,
    ReadItems,
    Redrive,
    StartChild,
    Started,
    Step,
    Stop,
    Submitted,
    Succeeded,
    Telling,
    Timer,
    WriteResults,
)
from faaslab.workflow.engine.children import waited_for
from faaslab.workflow.engine.counting import Counted
from faaslab.workflow.engine.signals import packed, unpacked
from faaslab.workflow.failure import RUNTIME
from faaslab.workflow.scope import ABSENT

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from faaslab.model.workflow import WorkflowExecution
    from faaslab.model.workflow_steps import Beginning, Taken
    from faaslab.workflow.effects import Effect, Signal
    from faaslab.workflow.engine.protocol import Interpreter

RUNNING = WorkflowExecutionStatus.RUNNING
_ANSWERS = (Succeeded, Failed, ChildEnded)
_OF_A_KEY = (Succeeded, Failed, ChildEnded, Submitted, Begun, Heartbeat)
Awaited = Call | ReadItems | WriteResults | StartChild
NO_LAG = timedelta(0)
_AWAITED = (Call, ReadItems, WriteResults, StartChild)


class Chance:
    """Random numbers from a seed; most executions never ask for one."""

    __slots__ = ("_made", "_seed")

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made: random.Random | None = None

    def _source(self) -> random.Random:
        if self._made is None:
            self._made = random.Random(self._seed)  # noqa: S311 - not for secrets
        return self._made

    def random(self) -> float:
        """In [0, 1)."""
        return self._source().random()

    def getrandbits(self, count: int, /) -> int:
        """A whole number of that many bits."""
        return self._source().getrandbits(count)


class Live:
    """See the module."""

    __slots__ = (
        "_events", "_make", "_spent", "_steps", "_stops", "_taken", "_tokens", "awaited", "beginning", "busy",
        "counted", "epoch", "execution", "gave_way", "given", "gone", "hopeless", "interpreter", "lag",
        "last_event_id", "new", "number", "over", "owed", "queued", "signals", "standing", "timers", "told",
        "whole",
    )  # fmt: skip

    def __init__(
        self,
        execution: WorkflowExecution,
        beginning: Beginning,
        make: Callable[[Live], Interpreter],
        *,
        epoch: int = 0,
        new: bool = True,
    ) -> None:
        self.execution = execution
        self.standing = owed(execution)
        """How it stands as far as that is kept: what its caller is told, without the values of secrets."""
        self.whole = execution
        """The same with them, for the execution that waits for this one."""
        self.beginning = beginning
        self.given: tuple[Any, Any] | None = None
        """Its input and its context as values, where they are at hand."""
        self.epoch = epoch
        self.new = new
        """Whether nothing is kept of it yet."""
        self._make = make
        self.interpreter: Interpreter | None = None
        self.counted = Counted()
        self.lag = NO_LAG
        """What the clock was set back by since it began; its own time goes on."""
        self.number = 0
        self.last_event_id = 0
        self.awaited: dict[str, Awaited] = {}
        """What was asked for and is not answered, by key, in order."""
        self.gone: dict[str, Awaited] = {}
        """What was awaited and is of no use any more, until somebody ends it."""
        self.told: dict[str, list[Signal]] = {}
        """What was said of it on the way: Submitted, Begun."""
        self.timers: dict[str, datetime] = {}
        self.signals: deque[tuple[Signal | None, int | None]] = deque()
        """(signal, number of its letter) not told yet; None for a letter that nobody could read."""
        self.busy = self.queued = self.gave_way = self.hopeless = False
        """`hopeless` is what was given up: it cannot be gone through again."""
        self.owed: list[Effect] = []
        """What came of steps that are not kept yet, as the store could not."""
        self.over: threading.Event | None = None
        """Set at the end, where somebody waits."""
        self._steps: list[StepRow] = []
        self._events: list[HistoryRow] = []
        self._tokens: dict[str, str] = {}
        self._spent: list[str] = []
        self._taken: list[int] = []
        self._stops: list[str] = []

    @property
    def id(self) -> str:
        """Its ARN."""
        return self.execution.id

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.execution.status is not RUNNING

    def chance(self) -> Chance:
        """The source of its random numbers, from the first one on."""
        return Chance(self.beginning.seed)

    def hear(self, signal: Signal | None, letter: int | None = None) -> None:
        """Have it told this after what it heard before; a stop goes before all but its start."""
        if type(signal) is Stop:
            begins = bool(self.signals) and type(self.signals[0][0]) is Started
            self.signals.insert(int(begins), (signal, letter))
        else:
            self.signals.append((signal, letter))

    # -- thinking

    def tell(self, signal: Signal | None, now: datetime, letter: int | None = None) -> tuple[Effect, ...]:
        """Go a step at the clock's `now`; the effects, to be carried out once the change is kept."""
        if letter is not None:
            self._taken.append(letter)
        if signal is None or not self._wanted(signal):
            return ()
        try:
            text = packed(signal)
        except InvalidValue as error:
            signal = Failed(getattr(signal, "key", ""), RUNTIME, error.message)
            text = packed(signal)
        now += self.lag
        step = self._stepped(signal, now)
        self.number += 1
        last = step.events[-1].id if step.events else self.last_event_id
        self._steps.append(StepRow(self.number, now, text, last, _check(step)))
        self._take(signal, step, now)
        return step.effects

    def _wanted(self, signal: Signal) -> bool:
        """Whether it is of use: an answer that nobody awaits any more is not."""
        if self.ended:
            return isinstance(signal, Redrive)
        if isinstance(signal, _OF_A_KEY):
            return signal.key in self.awaited
        if isinstance(signal, Fired):
            return signal.key in self.timers
        return not isinstance(signal, Redrive)

    def _stepped(self, signal: Signal, now: datetime) -> Step:
        try:
            if self.interpreter is None:
                self.interpreter = self._make(self)
            return self.interpreter.step(signal, now)
        except Exception as error:  # noqa: BLE001 - one execution must not take the others with it
            return self._broken(f"faaslab could not go on: {type(error).__name__}: {error}", now)

    def _broken(self, cause: str, now: datetime) -> Step:
        """What ends an execution that cannot go on."""
        details = {"error": RUNTIME, "cause": cause[:32768]}
        event = Event(self.last_event_id + 1, self.last_event_id, "ExecutionFailed", now, None, details)
        return Step((event,), (Ended("FAILED", error=RUNTIME, cause=cause[:32768]),))

    def _take(self, signal: Signal, step: Step, now: datetime) -> None:
        self._note(signal)
        if step.events:
            self._events += self.counted.placed(step.events)
            self.last_event_id = step.events[-1].id
        for effect in step.effects:
            self._expect(effect)
        ending = next((effect for effect in step.effects if type(effect) is Ended), None)
        if type(signal) is Redrive and step.events:  # else it cannot go on, and stays as it ended
            self.execution = altered(self.execution, status=RUNNING, ended_at=None, error=None, output=None)
        if ending is not None:
            self._end(ending, step, now)
        elif self.counted.current_state != self.execution.current_state:
            self.execution = altered(self.execution, current_state=self.counted.current_state)

    def _note(self, signal: Signal) -> None:
        if isinstance(signal, Telling) and signal.hide:
            self.execution = hiding(self.execution, signal.hide)
        if isinstance(signal, _ANSWERS):
            gone = self.awaited.pop(signal.key, None)
            self.told.pop(signal.key, None)
            self._spend(gone)
        elif isinstance(signal, (Submitted, Begun)):
            self.told.setdefault(signal.key, []).append(signal)
        elif type(signal) is Fired:
            self.timers.pop(signal.key, None)

    def _expect(self, effect: Effect) -> None:
        if isinstance(effect, _AWAITED):
            self.awaited[effect.key] = effect
            if type(effect) is Call and effect.token is not None:
                self._tokens[effect.token] = effect.key
        elif type(effect) is Timer:
            self.timers[effect.key] = effect.due
        elif type(effect) is Forget:
            self.timers.pop(effect.key, None)
            told = self.told.pop(effect.key, ())
            gone = self.awaited.pop(effect.key, None)
            if gone is not None:
                self._leave(gone, told)
                self._spend(gone)
                self.gone[effect.key] = gone

    def _leave(self, gone: Awaited, told: Sequence[Signal]) -> None:
        child = waited_for(gone, told)
        if child is not None:
            self._stops.append(child)

    def _spend(self, gone: Awaited | None) -> None:
        if type(gone) is Call and gone.token is not None and self._tokens.pop(gone.token, None) is None:
            self._spent.append(gone.token)

    def _end(self, ending: Ended, step: Step, now: datetime) -> None:
        output = None
        if ending.output is not ABSENT and ending.status == "SUCCEEDED":
            text = step.events[-1].details.get("output") if step.events else None
            output = text if isinstance(text, str) else json.dumps(ending.output, separators=(",", ":"))
        failed = ending.error is not None or ending.cause is not None
        for key, gone in self.awaited.items():
            self._leave(gone, self.told.get(key, ()))
        self.execution = altered(
            self.execution,
            status=WorkflowExecutionStatus(ending.status),
            output=output,
            error=WorkflowError(error=ending.error, cause=ending.cause) if failed else None,
            ended_at=now,
            current_state=self.counted.current_state,
            statistics=self.counted.statistics(),
        )

    # -- keeping

    def change(self) -> Change | None:
        """All that was thought and is not kept, for the keeper; None for nothing."""
        if not (self._steps or self._taken or self._events):
            return None
        return Change(
            self.execution,
            self.epoch,
            self.beginning if self.new else None,
            self._steps,
            self._events,
            self._tokens,
            self._spent,
            self._taken,
            self.hopeless,
            self._stops,
        )

    def kept(self) -> None:
        """What `change` gave is kept."""
        self.new = False
        self.whole, self.standing = self.execution, owed(self.execution)
        self._steps, self._events, self._tokens, self._spent, self._taken = [], [], {}, [], []
        self._stops = []

    # -- going through it again

    def replay(self, taken: Taken) -> str | None:
        """Go through what was kept; None, or why the execution cannot go on."""
        if taken.unreadable is not None:
            return taken.unreadable
        for row in taken.steps:
            try:
                signal = unpacked(row.signal)
            except InvalidValue as error:
                return f"its signal {row.number} cannot be read: {error.message}"
            step = self._stepped(signal, row.at)
            last = step.events[-1].id if step.events else self.last_event_id
            if last != row.last_event_id or _check(step) != row.check:
                return (
                    "going through its signals again gave another history from event "
                    f"#{self.last_event_id + 1} on, as it does when another version of faaslab began it"
                )
            self.number = row.number
            self.gave_way = bool(step.effects) and type(step.effects[-1]) is More
            self._take(signal, step, row.at)
            self._events, self._tokens, self._spent, self._stops, self.gone = [], {}, [], [], {}
        return None

    def unkept(self, why: Exception, now: datetime) -> tuple[Effect, ...]:
        """End it in place of what was thought, and can never be kept."""
        first = self._events[0].id if self._events else self.last_event_id + 1
        self._steps, self._events, self._tokens, self._spent, self._stops = [], [], {}, [], []
        self.execution, self.last_event_id = self.standing, first - 1
        return self.give_up(f"what happened cannot be kept: {type(why).__name__}: {why}", now, 0)

    def give_up(self, cause: str, now: datetime, last_event_id: int) -> tuple[Effect, ...]:
        """End it as one that cannot go on; its history goes on above `last_event_id`."""
        self.last_event_id = max(self.last_event_id, last_event_id)
        self.hopeless = True
        now += self.lag
        step = self._broken(cause, now)
        self._take(Failed("", RUNTIME), step, now)
        return step.effects


def _check(step: Step) -> int:
    return zlib.crc32(",".join([event.type for event in step.events]).encode())


def as_json(text: str) -> Any:
    """An input or a context, as the interpreter wants it. Raises `InvalidValue` for what is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"the input is not JSON: {error}", place="input") from None
