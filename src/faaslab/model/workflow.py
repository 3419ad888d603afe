"""A workflow (a Step Functions state machine), what belongs to it, its executions and their history.

Ids are ARNs, as Step Functions writes them; whoever is asked for one takes its name as well.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from faaslab.model.execution import Source
from faaslab.model.masking import mask_of
from faaslab.model.whole_texts import without_marked

INITIAL = "INITIAL"
"""The revision of a state machine that was never updated (PublishStateMachineVersion)."""

WorkflowType = Literal["STANDARD", "EXPRESS"]


class WorkflowStatus(StrEnum):
    """Whether it may be started.

    `inactive` was put to rest, `error` cannot be carried out by this faaslab though it was kept, and a
    `draft` does not validate yet.
    """

    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"
    DRAFT = "draft"


class WorkflowExecutionStatus(StrEnum):
    """Step Functions' `ExecutionStatus`."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


@dataclass(frozen=True, kw_only=True)
class LoggingConfiguration:
    """What a state machine logs, and where to."""

    level: Literal["ALL", "ERROR", "FATAL", "OFF"] = "OFF"
    include_execution_data: bool = False
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WorkflowConfiguration:
    """Role, logging, tracing and tags. `encryption` is AWS's EncryptionConfiguration: noted, no more."""

    role: str | None = None
    logging: LoggingConfiguration = field(default_factory=LoggingConfiguration)
    tracing: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    encryption: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowStatistics:
    """What the store has seen of a workflow."""

    executions: int = 0
    succeeded: int = 0
    failed: int = 0
    running: int = 0
    mean_duration_ms: float | None = None
    last_started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A state machine; `id` is its ARN, `definition` Amazon States Language as text.

    `version` counts its definitions from "1": what UpdateStateMachine changes makes the next one. What is
    published of them has numbers of its own, see `WorkflowVersion`.
    """

    id: str
    name: str
    definition: str
    type: WorkflowType = "STANDARD"
    status: WorkflowStatus = WorkflowStatus.ACTIVE
    status_reason: str | None = None
    configuration: WorkflowConfiguration = field(default_factory=WorkflowConfiguration)
    statistics: WorkflowStatistics | None = None
    version: str = "1"
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime

    def __repr__(self) -> str:
        # A line, as a person at a prompt wants it; `definition` and `to_json` tell everything.
        states = _states_of(self.definition)
        many = "" if states is None else f", {states} state{'' if states == 1 else 's'}"
        return f"<Workflow {self.name} definition {self.version}: {self.type}, {self.status}{many}>"

    @property
    def arn(self) -> str:
        """Its ARN, without a qualifier."""
        return self.id

    @property
    def revision(self) -> str:
        """Step Functions' `revisionId`: another one after each update, the same after a change of tags."""
        if self.version == "1":
            return INITIAL
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.id} {self.created_at.isoformat()} {self.version}"))


def _states_of(definition: str) -> int | None:
    """How many states a definition has outermost; None for what has none."""
    try:
        states = json.loads(definition)["States"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return len(states) if isinstance(states, dict) else None


@dataclass(frozen=True, kw_only=True)
class WorkflowVersion:
    """A definition of a workflow under a number that never changes (PublishStateMachineVersion).

    `version` counts the publications from "1", `definition` is the `Workflow.version` that was published.
    """

    id: str
    workflow: str
    version: str
    definition: str
    description: str = ""
    revision_id: str = ""
    published_at: datetime


@dataclass(frozen=True, kw_only=True)
class WorkflowAlias:
    """A name for one published version, or for two that share the starts; the percentages make 100."""

    id: str
    workflow: str
    name: str
    routes: Mapping[str, int]
    description: str = ""
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Activity:
    """A queue of tasks that a worker asks for (GetActivityTask)."""

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    encryption: Mapping[str, Any] | None = None
    revision_id: str = ""
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class MapRun:
    """One run of a distributed Map state (DescribeMapRun); the counts are by AWS's names (`succeeded`, …)."""

    id: str
    execution_id: str
    workflow: str
    state: str
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED"] = "RUNNING"
    max_concurrency: int = 0
    tolerated_failure_count: int = 0
    tolerated_failure_percentage: float = 0.0
    item_counts: Mapping[str, int] = field(default_factory=dict)
    execution_counts: Mapping[str, int] = field(default_factory=dict)
    redrive_count: int = 0
    redriven_at: datetime | None = None
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowError:
    """What an execution failed with; Step Functions leaves either out where nobody said it."""

    error: str | None = None
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowExecutionStatistics:
    """Counts over the states of one execution; the mean is of all that ended, those that failed as well."""

    total_states: int = 0
    completed_states: int = 0
    failed_states: int = 0
    retried_states: int = 0
    mean_state_duration_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryEvent:
    """One event of an execution's history; `details` is the type's own member of Step Functions' shape.

    `entered_id` is the event that entered the state it belongs to, `outer_id` the one of the Map or Parallel
    around that; `duration_ms` stands on the event that left a state: how long the state took.
    """

    execution_id: str
    id: int
    previous_id: int
    type: str
    at: datetime
    state: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    entered_id: int | None = None
    outer_id: int | None = None
    duration_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowExecution:
    """One run of a workflow. `input` and `output` are JSON text.

    `workflow` is its name and `workflow_version` the number of the definition that runs; `qualifier` the
    version that was started, `alias` the alias that led there. A child of a distributed Map has `map_run`,
    a workflow that a Task started has `parent`: the ARN of the execution that it belongs to.
    """

    id: str
    workflow: str
    workflow_version: str = "1"
    name: str
    type: WorkflowType = "STANDARD"
    status: WorkflowExecutionStatus
    source: Source = Source.LOCAL
    qualifier: str | None = None
    alias: str | None = None
    parent: str | None = None
    map_run: str | None = None
    trigger: str | None = None
    trace_header: str | None = None
    input: str = "{}"
    output: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    current_state: str | None = None
    history: tuple[HistoryEvent, ...] = ()
    error: WorkflowError | None = None
    redrive_count: int = 0
    redriven_at: datetime | None = None
    item_count: int | None = None
    statistics: WorkflowExecutionStatistics = field(default_factory=WorkflowExecutionStatistics)

    def __repr__(self) -> str:
        # A line, as a person at a prompt wants it; `dataclasses.asdict` and `to_json` tell everything.
        took = (
            "" if self.ended_at is None else f" in {(self.ended_at - self.started_at).total_seconds():.2f} s"
        )
        where = f" in {self.current_state}" if self.current_state and self.ended_at is None else ""
        error = self.error
        why = ": ".join(each for each in (error.error, error.cause) if each) if error is not None else ""
        said = f" {why if len(why) <= 100 else why[:99] + '…'}" if why else ""
        return f"<WorkflowExecution {self.name} of {self.workflow}: {self.status}{took}{where}{said}>"

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.id

    @property
    def hidden(self) -> tuple[str, ...]:
        """The values of secrets that it was told: no field, so that nothing that is shown has them."""
        found: tuple[str, ...] = self.__dict__.get("_hidden", ())
        return found

    @property
    def answer(self) -> str | None:
        """The output that the caller in this process is owed, the values of secrets included."""
        whole: str | None = self.__dict__.get("_answer", self.output)
        return whole


def altered(execution: WorkflowExecution, **changes: Any) -> WorkflowExecution:
    """`dataclasses.replace` for a tenth of its time, what is no field included; each pays this at its end."""
    made = object.__new__(type(execution))
    vars(made).update(vars(execution), **changes)
    return made


def hiding(execution: WorkflowExecution, values: Sequence[str]) -> WorkflowExecution:
    """The same, with these values of secrets hidden in what is recorded and shown of it."""
    new = tuple(value for value in values if value not in execution.hidden)
    return altered(execution, _hidden=execution.hidden + new) if new else execution


def shown(execution: WorkflowExecution) -> WorkflowExecution:
    """The execution as it may be recorded and shown: without the values of secrets. Pure."""
    return _without(execution, execution.hidden)


def owed(execution: WorkflowExecution) -> WorkflowExecution:
    """The execution as its caller has it: with what `redact` hides in what is kept. Pure."""
    return _without(execution, without_marked(execution.hidden))


def _without(execution: WorkflowExecution, values: tuple[str, ...]) -> WorkflowExecution:
    """Without these in its payloads; why it failed is prose, which has no value that is to be hidden."""
    if not execution.hidden:
        return execution
    mask, error, output = mask_of(values), execution.error, execution.output
    why = mask_of(execution.hidden)
    told = {} if output is None else {"_answer": execution.answer}
    return altered(
        execution,
        input=mask.json_text(execution.input),
        output=None if output is None else mask.json_text(output),
        error=None
        if error is None
        else WorkflowError(
            error=None if error.error is None else why.prose(error.error),
            cause=None if error.cause is None else why.prose(error.cause),
        ),
        **told,
    )


def task_request_id(execution_id: str, started_at: datetime, event_id: int) -> str:
    """The request id of the function that a task calls: whoever has the history finds what ran, and its log.

    `event_id` is the event that scheduled the call. A call that is made again because its process died has
    the same one, as a retry on Lambda has.
    """
    text = f"{execution_id} {started_at.isoformat()} {event_id}"
    digest = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


@dataclass(frozen=True, kw_only=True)
class DurableOperation:
    """One checkpointed operation of a durable function's execution."""

    execution_id: str
    id: str
    type: str
    status: str
    name: str | None = None
    parent_id: str | None = None
    attempt: int = 1
    started_at: datetime
    ended_at: datetime | None = None
    result: str | None = None
    error: str | None = None
