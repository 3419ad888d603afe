"""The book of an execution under way: its events, what it waits for, and what is to be done.

Rule: numbers and keys are given in the order of what happens, so that the same signals give the same ones.
"""

from __future__ import annotations

import heapq
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.workflow.effects import (
    Call,
    Effect,
    Event,
    Fired,
    Forget,
    More,
    ReadItems,
    Signal,
    StartChild,
    Submitted,
    Timer,
    WriteResults,
)
from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.interpret.payload import moment
from faaslab.workflow.items.item import Item
from faaslab.workflow.scope import ABSENT, Chance, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.workflow.interpret.frame import Frame

DEADLINE = "deadline"
"""The key of the timer that ends the execution."""
EVENTS_A_STEP = 2_000
HISTORY_LIMIT = 25_000
NOT_TRUNCATED: Mapping[str, Any] = {"truncated": False}
NOTHING: Mapping[str, Any] = {}
FOREVER = datetime.max

Wanted = Call | Timer | ReadItems | WriteResults | StartChild


@dataclass(slots=True)
class Trial:
    """What is different when one state is tried by itself (TestState), and what came of it.

    `result` stands for the state's work, or `failure` does; with neither the work is done. `retries` is how
    often a retrier was used before, `failures` how many iterations of a Map are to have failed, `items` what
    its ItemReader is to have read.
    """

    result: Any = ABSENT
    failure: StateFailure | None = None
    retries: int = 0
    failures: int | None = None
    items: tuple[Item, ...] = ()
    retriable: bool = False
    caught: StateFailure | None = None
    next_state: str | None = None

    @property
    def is_mocked(self) -> bool:
        """Whether the work is not done."""
        return self.result is not ABSENT or self.failure is not None

    def answer(self) -> Any:
        """The result that stands for the work; the failure is raised."""
        if self.failure is not None:
            raise self.failure
        return self.result


class HistoryFull(Exception):
    """There is no room for another event but the one that ends the execution."""


class Course:
    """What the walks of one execution write down and ask of the outside."""

    __slots__ = (
        "arn",
        "chance",
        "context",
        "due",
        "effects",
        "events",
        "expired",
        "express",
        "inspection",
        "last_id",
        "limit",
        "now",
        "outstanding",
        "queue",
        "role",
        "room",
        "serial",
        "submitted",
        "trial",
        "waiting",
    )

    def __init__(
        self,
        context: Mapping[str, Any],
        chance: Chance,
        arn: str,
        *,
        role: str | None,
        express: bool,
        inspected: bool,
    ) -> None:
        self.context: dict[str, Any] = dict(context)
        self.chance = chance
        self.arn = arn
        self.role = role
        self.express = express
        self.limit = 0 if express else HISTORY_LIMIT
        self.events: list[Event] = []
        self.effects: list[Effect] = []
        self.now = datetime.min
        self.last_id = 0
        self.room = EVENTS_A_STEP
        self.serial = 0
        self.queue: deque[tuple[Frame, Any]] = deque()
        self.waiting: dict[str, Frame] = {}
        self.outstanding: dict[str, Wanted] = {}
        self.submitted: dict[str, Any] = {}
        self.due: list[tuple[datetime, int, str]] = []
        self.expired = False
        self.inspection: dict[str, Any] | None = {} if inspected else None
        self.trial: Trial | None = None

    # -- events

    def note(self, kind: str, previous: int, details: Mapping[str, Any], state: str | None) -> int:
        """Write an event down; its id."""
        number = self.last_id + 1
        if number == self.limit and not kind.startswith("Execution"):
            raise HistoryFull
        self.last_id = number
        self.room -= 1
        self.events.append(Event(number, previous, kind, self.now, state, details))
        return number

    def follow(self, frame: Frame, kind: str, details: Mapping[str, Any] = NOTHING) -> int:
        """Write down what follows the frame's last event, as part of its present state."""
        state = frame.state
        frame.previous = number = self.note(kind, frame.previous, details, state.name if state else None)
        return number

    # -- what is awaited

    def key(self, kind: str) -> str:
        """A new key."""
        self.serial += 1
        return f"{kind}-{self.serial}"

    def want(self, frame: Frame, effect: Wanted) -> None:
        """Ask for something whose answer is the frame's."""
        key = effect.key
        self.effects.append(effect)
        self.outstanding[key] = effect
        self.await_again(frame, key)

    def await_again(self, frame: Frame, key: str) -> None:
        """The frame waits for the key, which was asked for before."""
        self.waiting[key] = frame
        frame.awaiting[key] = None

    def timer(self, frame: Frame, key: str, seconds: float) -> None:
        """Wake the frame in so many seconds; setting a key again moves it."""
        try:
            due = self.now + timedelta(seconds=seconds)
        except OverflowError:
            due = FOREVER
        self.timer_at(frame, key, due)

    def timer_at(self, frame: Frame, key: str, due: datetime) -> None:
        """Wake the frame at an instant."""
        self.serial += 1
        heapq.heappush(self.due, (due, self.serial, key))
        self.want(frame, Timer(key, due))

    def forget(self, key: str) -> None:
        """Nothing is wanted under the key any more."""
        if self.outstanding.pop(key, None) is not None:
            self.effects.append(Forget(key))
        frame = self.waiting.pop(key, None)
        if frame is not None:
            frame.awaiting.pop(key, None)
        self.submitted.pop(key, None)

    def arrive(self, signal: Signal) -> None:
        """Hand a signal to who waits for it. With a timer come all those that are due by now."""
        if isinstance(signal, Fired):
            self._fire(signal.key)
            return
        key: str = signal.key  # type: ignore[union-attr] # the others are the run's own
        frame = self.waiting.get(key)
        if frame is None:
            return
        if isinstance(signal, Submitted):
            self.submitted[key] = signal.output
        self._wake(frame, key, signal)

    def _fire(self, key: str) -> None:
        # Timers that were set together are due together, and the service tells of all before it acts on one.
        timer = self.outstanding.get(key)
        if isinstance(timer, Timer) and timer.due > self.now:
            self.effects.append(timer)  # it was moved in the meantime
            return
        due = self.due
        while due and due[0][0] <= self.now:
            _, _, each = heapq.heappop(due)
            timer = self.outstanding.get(each)
            if not isinstance(timer, Timer) or timer.due > self.now:
                continue
            del self.outstanding[each]
            if each == DEADLINE:  # nothing that is due as late as this counts any more
                self.expired = True
                return
            if each != key:
                self.effects.append(Forget(each))
            frame = self.waiting.get(each)
            if frame is not None:
                self._wake(frame, each, Fired(each))

    def _wake(self, frame: Frame, key: str, signal: Signal) -> None:
        if frame.map_run is not None:  # its thousands of children go on being awaited
            del self.waiting[key]
            frame.awaiting.pop(key, None)
        else:
            for each in frame.awaiting:
                self.waiting.pop(each, None)
            frame.awaiting.clear()
        self.queue.append((frame, signal))

    def answered(self, key: str) -> None:
        """The key has had its answer."""
        self.outstanding.pop(key, None)
        self.submitted.pop(key, None)

    def unqueue(self, frame: Frame) -> None:
        """What was to come to the frame is of no use to what it does next."""
        left = [entry for entry in self.queue if entry[0] is not frame]
        self.queue.clear()
        self.queue.extend(left)

    def go_on_later(self) -> None:
        """Give way to other executions."""
        self.effects.append(More())

    # -- what expressions see

    def scope(self, frame: Frame, value: Any, *, token: str | None = None) -> Scope:
        """What the expressions of the frame's present state see; `value` is what `$` stands for."""
        return Scope(
            value, self.view(frame, token), frame.variables, self.chance, self.now, state_input=frame.input
        )

    def view(self, frame: Frame, token: str | None = None) -> dict[str, Any]:
        """The context object at this moment."""
        view = dict(self.context)
        state = frame.state
        if state is not None and not (self.trial is not None and "State" in view):
            about: dict[str, Any] = {"Name": state.name, "EnteredTime": moment(frame.entered_at or self.now)}
            if state.retrying:
                about["RetryCount"] = frame.retry_count if self.trial is None else self.trial.retries
            view["State"] = about
        if frame.item is not None:
            view["Map"] = frame.item
        if token is not None and "Task" not in view:
            view["Task"] = {"Token": token}
        return view

    def inspected(self, phase: str, value: Any) -> None:
        """Keep what a state's data is after a phase, where TestState asked for it."""
        if self.inspection is not None and value is not ABSENT:
            self.inspection[phase] = value

    def uuid(self) -> str:
        """A name that no one else has, from the execution's own chance."""
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))


def runtime(cause: str) -> StateFailure:
    """A failure that nothing catches, told with its state."""
    return StateFailure(RUNTIME, cause, framed=True)
