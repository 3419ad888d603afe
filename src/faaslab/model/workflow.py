"""A workflow (a Step Functions state machine), its executions and their history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from faaslab.model.execution import Source


class WorkflowStatus(StrEnum):
    """Whether it may be started."""

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
    """Role, logging, tracing and tags."""

    role: str | None = None
    logging: LoggingConfiguration = field(default_factory=LoggingConfiguration)
    tracing: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


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
    """A state machine; `definition` is Amazon States Language as text."""

    id: str
    name: str
    definition: str
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    status: WorkflowStatus = WorkflowStatus.ACTIVE
    configuration: WorkflowConfiguration = field(default_factory=WorkflowConfiguration)
    statistics: WorkflowStatistics | None = None
    version: str = "1"
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class WorkflowError:
    """What an execution failed with."""

    error: str
    cause: str | None = None


@dataclass(frozen=True, kw_only=True)
class WorkflowExecutionStatistics:
    """Counts over the states of one execution."""

    total_states: int = 0
    completed_states: int = 0
    failed_states: int = 0
    retried_states: int = 0
    mean_state_duration_ms: float | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryEvent:
    """One event of an execution's history; `details` is the type's own member of Step Functions' shape."""

    execution_id: str
    id: int
    previous_id: int
    type: str
    at: datetime
    state: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class WorkflowExecution:
    """One run of a workflow. `input` and `output` are JSON text."""

    id: str
    workflow: str
    workflow_version: str = "1"
    name: str
    status: WorkflowExecutionStatus
    source: Source = Source.LOCAL
    input: str = "{}"
    output: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    current_state: str | None = None
    history: tuple[HistoryEvent, ...] = ()
    error: WorkflowError | None = None
    statistics: WorkflowExecutionStatistics = field(default_factory=WorkflowExecutionStatistics)


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
