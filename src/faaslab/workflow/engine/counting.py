"""Where each event of a history belongs, and what is counted over the states of an execution.

Pure. Events form a chain by `previous_id`; what entered a state opens a frame, what left it closes it, and a
Map or Parallel has the frames of its states inside its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.model.workflow import WorkflowExecutionStatistics
from faaslab.model.workflow_steps import HistoryRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from faaslab.workflow.effects import Event

_MOST = 60_000
# Of the events that begin an attempt of a state each but the first is a retry.
_ATTEMPTS = frozenset({
    "LambdaFunctionScheduled", "TaskScheduled", "ActivityScheduled", "MapStateStarted",
    "ParallelStateStarted",
})  # fmt: skip
# What ends states that were going on inside -> the kinds of the frame that they are inside of.
_UNWINDS = {
    "MapIterationSucceeded": ("Map",), "MapIterationFailed": ("Map",), "MapIterationAborted": ("Map",),
    "MapStateFailed": ("Map",), "MapStateAborted": ("Map",), "MapStateSucceeded": ("Map",),
    "MapRunFailed": ("Map",), "ParallelStateFailed": ("Parallel",), "ParallelStateAborted": ("Parallel",),
    "ParallelStateSucceeded": ("Parallel",), "ExecutionFailed": (), "ExecutionTimedOut": (),
    "ExecutionAborted": (),
}  # fmt: skip
_FAILS = frozenset({
    "MapIterationFailed", "MapStateFailed", "MapRunFailed", "ParallelStateFailed", "ExecutionFailed",
    "ExecutionTimedOut",
})  # fmt: skip


class _Frame:
    """A state that was entered."""

    __slots__ = (
        "at", "attempts", "blamed", "failed", "id", "kind", "outer", "retried", "since", "spent_ms",
        "state",
    )  # fmt: skip

    def __init__(self, id: int, kind: str, state: str | None, at: datetime, outer: _Frame | None) -> None:  # noqa: A002
        self.id = id
        self.kind = kind
        self.state = state
        self.at = at
        self.outer = outer
        self.attempts = 0
        self.spent_ms: float | None = None
        """How long it took, once it ended; what was redriven ends more than once, and the last one counts."""
        self.since: datetime | None = None
        """The redrive that its attempts are counted from."""
        self.failed = self.retried = False
        self.blamed: str | None = None
        """Of a Map or a Parallel the state inside that failed it last."""


class Counted:
    """The states of one execution so far."""

    __slots__ = (
        "_at", "_completed", "_cut", "_ended", "_failed", "_open", "_redriven", "_retried", "_spent_ms",
        "_total", "current_state",
    )  # fmt: skip

    def __init__(self) -> None:
        self._at: dict[int, _Frame | None] = {}
        self._open: dict[int, _Frame] = {}
        self._total = self._completed = self._failed = self._retried = 0
        self._ended = 0
        self._spent_ms = 0.0
        self._redriven: datetime | None = None
        self._cut: dict[str | None, _Frame] = {}
        """The states that were cut short, by name: a redriven execution goes on in them."""
        self.current_state: str | None = None
        """The last that was entered of those that were not left; of an execution that ended, its last."""

    def placed(self, events: Iterable[Event]) -> list[HistoryRow]:
        """The rows of what just happened, counted."""
        rows = []
        frames = self._at
        for event in events:
            number, previous, kind, at, state, details = event
            frame = frames.get(previous)
            duration = None
            if self._redriven is not None:
                frame = self._resumed(frame, kind, state)
            if kind.endswith("StateEntered"):
                frame = _Frame(number, kind[:-12], state, at, frame)
                self._total += 1
                self._open[number] = frame
                self.current_state = state
                belongs: _Frame | None = frame
            elif kind.endswith("StateExited"):
                belongs = frame
                if frame is not None:
                    self._completed += 1
                    duration = self._took(frame, at)
                    self._left(frame)
                    frame = frame.outer
            else:
                if kind in _ATTEMPTS and frame is not None:
                    self._attempted(frame)
                elif kind == "ExecutionRedriven":
                    self._redriven = at
                elif kind in _UNWINDS:
                    if kind == "ExecutionFailed" and frame is not None:
                        self.current_state = frame.blamed or frame.state
                    frame = self._unwound(frame, _UNWINDS[kind], at, fails=kind in _FAILS)
                if kind.endswith("StateAborted"):
                    self._aborted(kind.removesuffix("StateAborted"), state, at)
                belongs = frame
            frames[number] = frame
            entered = outer = None
            if belongs is not None:
                entered = belongs.id
                if belongs.outer is not None:
                    outer = belongs.outer.id
            rows.append(HistoryRow(number, previous, kind, at, state, details, entered, outer, duration))
        if len(frames) > _MOST:
            # An express execution has any number of events, and what follows refers to late ones.
            for old in list(frames)[: len(frames) // 2]:
                del frames[old]
        return rows

    def _resumed(self, frame: _Frame | None, kind: str, state: str | None) -> _Frame | None:
        """The state that an event of a redriven execution is in, which was not entered again."""
        left = kind.endswith("StateExited") and frame is not None and frame.state != state
        if state is None or kind.endswith("StateEntered") or not (frame is None or left):
            return frame
        return self._cut.get(state, frame)

    def _attempted(self, frame: _Frame) -> None:
        """A state is at it: for the first time, once more, or again as the execution was redriven."""
        if self._redriven is not None and frame.since != self._redriven and frame.at < self._redriven:
            frame.since, frame.attempts = self._redriven, 0
            if frame.id not in self._open:
                self._open[frame.id] = frame
                self.current_state = frame.state
        frame.attempts += 1
        frame.blamed = None
        if frame.attempts == 2 and not frame.retried:
            frame.retried = True
            self._retried += 1

    def _took(self, frame: _Frame, at: datetime) -> float:
        """A state ended, well or not; how many ms it took."""
        began = frame.at
        if self._redriven is not None and began < self._redriven:
            began = self._redriven  # the time that the execution lay dead is no state's
        took = 0.0 if at is began else (at - began).total_seconds() * 1000
        if frame.spent_ms is None:
            self._ended += 1
        else:
            self._spent_ms -= frame.spent_ms
        frame.spent_ms = took
        self._spent_ms += took
        return took

    def _aborted(self, kind: str, state: str | None, at: datetime) -> None:
        """One beside what failed ended with it; the event follows what failed, and only names its state."""
        found = (each for each in self._open.values() if each.kind == kind and each.state == state)
        frame = next(found, None)
        if frame is not None:
            self._took(frame, at)
            self._left(frame)
            self._cut[frame.state] = frame

    def _unwound(
        self, frame: _Frame | None, kinds: tuple[str, ...], at: datetime, *, fails: bool
    ) -> _Frame | None:
        blamed = None
        while frame is not None and frame.kind not in kinds:
            blamed = blamed or frame.blamed or frame.state
            self._took(frame, at)
            if kinds:
                self._left(frame)
            if fails and not frame.failed:
                frame.failed = True
                self._failed += 1
            self._cut[frame.state] = frame
            frame = frame.outer
        if fails and frame is not None and blamed is not None:
            frame.blamed = blamed
        return frame

    def _left(self, frame: _Frame) -> None:
        self._open.pop(frame.id, None)
        if self._open:
            self.current_state = self._open[next(reversed(self._open))].state

    def statistics(self) -> WorkflowExecutionStatistics:
        """What was counted."""
        return WorkflowExecutionStatistics(
            total_states=self._total,
            completed_states=self._completed,
            failed_states=self._failed,
            retried_states=self._retried,
            mean_state_duration_ms=self._spent_ms / self._ended if self._ended else None,
        )
