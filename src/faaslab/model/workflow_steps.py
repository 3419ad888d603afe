"""What the engine of workflows hands to whoever keeps executions, and gets back: rows, no behaviour.

Rule: an execution is its beginning and the signals that it was told, in order; all else follows from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.model.workflow import WorkflowExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from faaslab.model.workflow import WorkflowExecution


class HistoryRow(NamedTuple):
    """An event of a history, and where it belongs.

    `entered_id` is the event that entered the state it belongs to, `outer_id` the one of the Map or Parallel
    around that; `duration_ms` stands on the event that left a state: how long the state took.
    """

    id: int
    previous_id: int
    type: str
    at: datetime
    state: str | None
    details: Mapping[str, Any]
    entered_id: int | None = None
    outer_id: int | None = None
    duration_ms: float | None = None


class StepRow(NamedTuple):
    """One step: the signal (JSON text) that an execution was told at an instant, and what came of it.

    `last_event_id` and `check` (a CRC of the events) tell whether going through it again gives the same.
    """

    number: int
    at: datetime
    signal: str
    last_event_id: int
    check: int


class Beginning(NamedTuple):
    """What an execution is begun with, again and again: it never changes.

    `machine` is the SHA-256 of `definition`, the state machine as JSON text, which many executions share.
    `seed` makes its random numbers. `context` is JSON text: what else the interpreter is told. `key` is what
    the parent awaits it under. `once` is one that is not gone on with when its process has ended.
    """

    machine: str
    definition: str
    seed: int
    context: str
    key: str | None = None
    once: bool = False


class Change(NamedTuple):
    """What is to be kept of one execution at once: steps, their events, and how it stands after them.

    With `beginning` it is new. `epoch` is the one that its owner holds it under. `tokens` (token -> key) can
    be answered from now on, `spent` cannot any more. `taken` are the letters that the steps answer. `final`
    is one that was given up: it is not gone through again, and its steps are of no use. `stops` are the
    executions that end with it: they are told to with all the rest, whatever becomes of this process.
    """

    execution: WorkflowExecution
    epoch: int
    beginning: Beginning | None = None
    steps: Sequence[StepRow] = ()
    events: Sequence[HistoryRow] = ()
    tokens: Mapping[str, str] = {}
    spent: Sequence[str] = ()
    taken: Sequence[int] = ()
    final: bool = False
    stops: Sequence[str] = ()

    @property
    def ended(self) -> bool:
        """Whether the execution has ended with it."""
        return self.execution.status is not WorkflowExecutionStatus.RUNNING


class Outcome(NamedTuple):
    """What came of changes: `lost` had gone to another owner, `known` had begun before.

    Nothing was kept of either.
    """

    lost: frozenset[str] = frozenset()
    known: Mapping[str, WorkflowExecution] = {}


class Taken(NamedTuple):
    """An execution that now belongs to the one who asked, under `epoch`, with all that it was told so far.

    `unreadable` tells why it cannot go on, where something of it is gone for good.
    """

    execution: WorkflowExecution
    epoch: int
    beginning: Beginning
    steps: Sequence[StepRow]
    unreadable: str | None = None


class Letter(NamedTuple):
    """A signal (JSON text) that another process left for an execution."""

    number: int
    execution_id: str
    signal: str
