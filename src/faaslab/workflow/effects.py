"""What an interpreter is told (signals) and what it wants done (effects). Frozen data.

A `key` names what is awaited, unique within an execution and the same when its history is gone through again.
Payloads in signals and effects are JSON values, never text. `hide` of a signal are the values of secrets that
it has, which are hidden in the history and in all that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from faaslab.workflow.scope import ABSENT

# -- signals: what happened outside


@dataclass(frozen=True, slots=True)
class Started:
    """The first signal of every execution."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """What was called gave `output`."""

    key: str
    output: Any
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """What was called failed. `phase` says which event tells it (LambdaFunctionScheduleFailed and so on)."""

    key: str
    error: str | None
    cause: str | None = None
    phase: Literal["failed", "schedule", "start", "submit"] = "failed"
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was called has taken the work, and will say later what came of it (`.sync`, a task token)."""

    key: str
    output: Any
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Begun:
    """An activity's worker has taken the task."""

    key: str
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A worker says that it is still at it."""

    key: str


@dataclass(frozen=True, slots=True)
class Fired:
    """A timer is due."""

    key: str


@dataclass(frozen=True, slots=True)
class ChildEnded:
    """A child execution of a distributed Map has ended."""

    key: str
    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Any = None
    error: str | None = None
    cause: str | None = None
    started: str | None = None
    stopped: str | None = None
    """When, as Step Functions writes it (RFC 3339)."""
    hide: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class MapRunChanged:
    """UpdateMapRun: what a running distributed Map is held to from now on; None leaves it."""

    key: str
    max_concurrency: int | None = None
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """StopExecution."""

    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Redrive:
    """RedriveExecution: what failed, timed out or was aborted goes on at the state it failed in."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on: the last step gave way to others."""


Signal = (
    Started | Succeeded | Failed | Submitted | Begun | Heartbeat | Fired | ChildEnded | MapRunChanged | Stop
    | Redrive | Continue
)  # fmt: skip


Telling = Succeeded | Failed | Submitted | ChildEnded
"""The signals that bring something into an execution."""


# -- effects: what is to be done


@dataclass(frozen=True, slots=True)
class Call:
    """Do what a Task state says, then signal Succeeded or Failed (Submitted, Begun before, where it applies).

    `resource` is the state's Resource. `pattern` is how the integration answers; with "token" it is
    `token` that SendTaskSuccess and its like will name; an activity's task has one as well. `state` is its
    name, for messages. A call whose answer is not recorded when the process dies is made again. `event_id` is
    the event that tells of the call (LambdaFunctionScheduled and its like).
    """

    key: str
    state: str
    kind: Literal["lambda", "activity", "task"]
    resource: str
    pattern: Literal["request", "sync", "token"]
    parameters: Any
    token: str | None = None
    role: str | None = None
    timeout_s: float | None = None
    heartbeat_s: float | None = None
    event_id: int = 0


@dataclass(frozen=True, slots=True)
class Timer:
    """Signal Fired at `due` (UTC, naive), at once when that has passed. Setting it again moves it."""

    key: str
    due: datetime


@dataclass(frozen=True, slots=True)
class ReadItems:
    """Read what an ItemReader names; signal Succeeded with what `items.item.told` makes, or Failed.

    `reader` is the rendered ItemReader: Resource, Parameters (or Arguments), ReaderConfig.
    """

    key: str
    reader: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WriteResults:
    """Write the results of a map run as its ResultWriter says; signal Succeeded with ResultWriterDetails.

    `results` has one entry a child: what ListExecutions and DescribeExecution would tell of it.
    """

    key: str
    writer: Mapping[str, Any]
    map_run_arn: str
    results: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start a child execution of a distributed Map under `name`; signal ChildEnded. Twice is once."""

    key: str
    name: str
    map_run_arn: str
    processor: Mapping[str, Any]
    """The ItemProcessor: a state machine by itself."""
    input: Any
    type: Literal["STANDARD", "EXPRESS"]
    item_context: Mapping[str, Any] = field(default_factory=dict)
    redrive: int = 0
    """How often its map run was redriven: above 0 a child of that name that ended otherwise goes on."""


@dataclass(frozen=True, slots=True)
class MapRunState:
    """How a map run stands now: what DescribeMapRun answers. For the record only."""

    map_run_arn: str
    state: str
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    item_counts: Mapping[str, int]
    execution_counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Forget:
    """What was wanted under `key` (a call, a timer, a child) is of no use any more: end it if you can."""

    key: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The execution has ended."""

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Any = ABSENT
    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class More:
    """The interpreter has more to do at once: signal Continue after others have had their turn."""


Effect = Call | Timer | ReadItems | WriteResults | StartChild | MapRunState | Forget | Ended | More


# -- what a step gives

_NO_DETAILS: Mapping[str, Any] = MappingProxyType({})


class Event(NamedTuple):
    """One event of the history. `details` is the member of Step Functions' HistoryEvent for its type.

    Names inside are the API's (`input`, `inputDetails`, `name`); payloads are JSON text, as the API has them.
    """

    id: int
    previous_id: int
    type: str
    at: datetime
    state: str | None = None
    details: Mapping[str, Any] = _NO_DETAILS


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one signal: first the events are recorded, then the effects are carried out in order."""

    events: tuple[Event, ...]
    effects: tuple[Effect, ...]
