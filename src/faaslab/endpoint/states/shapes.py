"""Workflows, executions and their history as Step Functions shows them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import INITIAL, WorkflowExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from faaslab.model.workflow import (
        Activity,
        HistoryEvent,
        LoggingConfiguration,
        MapRun,
        Workflow,
        WorkflowAlias,
        WorkflowConfiguration,
        WorkflowExecution,
        WorkflowVersion,
    )

_OWNED_KEY = {"type": "AWS_OWNED_KEY"}
ROLE = "arn:aws:iam::000000000000:role/faaslab"
"""The role of a workflow that was made without one: nobody checks it here."""
_COUNTS = (
    "pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "resultsWritten",
)  # fmt: skip
_LATER_COUNTS = ("failuresNotRedrivable", "pendingRedrive")
_EXECUTION_DATA = frozenset({"input", "output", "parameters", "result"})


def state_machine(workflow: Workflow) -> dict[str, Any]:
    """As ListStateMachines has it."""
    return {
        "stateMachineArn": workflow.arn,
        "name": workflow.name,
        "type": workflow.type,
        "creationDate": workflow.created_at,
    }


def described(
    workflow: Workflow,
    *,
    arn: str,
    created_at: datetime | None,
    description: str | None,
    references: Mapping[str, Any],
    metadata_only: bool,
) -> dict[str, Any]:
    """As DescribeStateMachine has it: the workflow as it was when what `arn` names was published."""
    return {
        **state_machine(workflow),
        "stateMachineArn": arn,
        "creationDate": created_at or workflow.created_at,
        "status": "ACTIVE",
        **_defined(workflow, references, metadata_only=metadata_only),
        "description": description or None,
    }


def described_for(
    workflow: Workflow, execution: WorkflowExecution, *, references: Mapping[str, Any], metadata_only: bool
) -> dict[str, Any]:
    """As DescribeStateMachineForExecution has it."""
    label = _label(execution)
    return {
        "stateMachineArn": machine_arn(execution),
        "name": workflow.name,
        "updateDate": workflow.updated_at,
        **_defined(workflow, references, metadata_only=metadata_only),
        "mapRunArn": execution.map_run,
        "label": label,
    }


def revision(workflow: Workflow) -> str | None:
    """Its `revisionId`; None of one that was never updated."""
    return None if workflow.revision == INITIAL else workflow.revision


def parsed(text: str) -> Any:
    """What a JSON text says; None for what is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _defined(workflow: Workflow, references: Mapping[str, Any], *, metadata_only: bool) -> dict[str, Any]:
    configuration = workflow.configuration
    return {
        "definition": "{}" if metadata_only else workflow.definition,
        "roleArn": configuration.role or ROLE,
        "loggingConfiguration": _logging(configuration.logging),
        "tracingConfiguration": {"enabled": configuration.tracing},
        "encryptionConfiguration": _encryption(configuration),
        "revisionId": revision(workflow),
        "variableReferences": None if metadata_only or not references else dict(references),
    }


def _logging(logging: LoggingConfiguration) -> dict[str, Any]:
    told: dict[str, Any] = {"level": logging.level, "includeExecutionData": logging.include_execution_data}
    if logging.destinations:
        told["destinations"] = [
            {"cloudWatchLogsLogGroup": {"logGroupArn": arn}} for arn in logging.destinations
        ]
    return told


def _encryption(owner: WorkflowConfiguration | Activity) -> dict[str, Any]:
    return dict(owner.encryption or _OWNED_KEY)


def version(published: WorkflowVersion) -> dict[str, Any]:
    """As ListStateMachineVersions has it."""
    return {"stateMachineVersionArn": published.id, "creationDate": published.published_at}


def alias(one: WorkflowAlias) -> dict[str, Any]:
    """As ListStateMachineAliases has it."""
    return {"stateMachineAliasArn": one.id, "creationDate": one.created_at}


def described_alias(one: WorkflowAlias) -> dict[str, Any]:
    """As DescribeStateMachineAlias has it."""
    machine = one.id.removesuffix(f":{one.name}")
    return {
        **alias(one),
        "name": one.name,
        "description": one.description or None,
        "routingConfiguration": [
            {"stateMachineVersionArn": f"{machine}:{number}", "weight": weight}
            for number, weight in one.routes.items()
        ],
        "updateDate": one.updated_at,
    }


def activity(one: Activity) -> dict[str, Any]:
    """As ListActivities has it."""
    return {"activityArn": one.id, "name": one.name, "creationDate": one.created_at}


def described_activity(one: Activity) -> dict[str, Any]:
    """As DescribeActivity has it."""
    return {**activity(one), "encryptionConfiguration": _encryption(one)}


def machine_arn(execution: WorkflowExecution) -> str:
    """The ARN of the state machine that an execution is of, with the label of a distributed Map."""
    return _machine_of(execution.arn)


def _machine_of(arn: str) -> str:
    """The ARN of the state machine that an execution or a map run is of, by its own."""
    parts = arn.split(":")
    return ":".join([*parts[:5], "stateMachine", parts[6]])


def _label(execution: WorkflowExecution) -> str | None:
    return machine_arn(execution).rpartition(":")[2].partition("/")[2] or None


def _qualified(execution: WorkflowExecution) -> dict[str, Any]:
    arn = machine_arn(execution)
    return {
        "stateMachineArn": arn,
        "stateMachineVersionArn": execution.qualifier and f"{arn}:{execution.qualifier}",
        "stateMachineAliasArn": execution.alias and f"{arn}:{execution.alias}",
    }


def listed_execution(execution: WorkflowExecution) -> dict[str, Any]:
    """As ListExecutions has it."""
    return {
        "executionArn": execution.arn,
        **_qualified(execution),
        "name": execution.name,
        "status": execution.status.value,
        "startDate": execution.started_at,
        "stopDate": execution.ended_at,
        "mapRunArn": execution.map_run,
        "itemCount": execution.item_count,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redriven_at,
    }


def described_execution(
    execution: WorkflowExecution, *, not_redrivable: str | None, metadata_only: bool
) -> dict[str, Any]:
    """As DescribeExecution has it; `not_redrivable` is why it cannot be redriven."""
    told = listed_execution(execution) | _told(execution, metadata_only=metadata_only)
    if execution.map_run is not None and execution.type == "EXPRESS":
        redrive = {"redriveStatus": "REDRIVABLE_BY_MAP_RUN"} if not_redrivable is None else {}
    else:
        redrive = {"redriveStatus": "REDRIVABLE" if not_redrivable is None else "NOT_REDRIVABLE"}
    return told | redrive | {"redriveStatusReason": not_redrivable}


def ended_execution(execution: WorkflowExecution, *, metadata_only: bool) -> dict[str, Any]:
    """As StartSyncExecution has it."""
    assert execution.ended_at is not None
    took_ms = (execution.ended_at - execution.started_at).total_seconds() * 1000
    return {
        "executionArn": execution.arn,
        "stateMachineArn": machine_arn(execution),
        "name": execution.name,
        "startDate": execution.started_at,
        "stopDate": execution.ended_at,
        "status": execution.status.value,
        **_told(execution, metadata_only=metadata_only),
        "billingDetails": {
            "billedMemoryUsedInMB": 64,
            "billedDurationInMilliseconds": max(100, -(-int(took_ms) // 100) * 100),
        },
    }


def _told(execution: WorkflowExecution, *, metadata_only: bool) -> dict[str, Any]:
    """What went in and came out. Metadata alone has neither, and says so."""
    told: dict[str, Any] = {"traceHeader": execution.trace_header}
    included = not metadata_only
    told["inputDetails"] = {"included": included}
    if included:
        told["input"] = execution.input
    if execution.status is WorkflowExecutionStatus.SUCCEEDED:
        told["outputDetails"] = {"included": included}
        if included:
            told["output"] = execution.output
    if execution.error is not None and included:
        told["error"] = execution.error.error
        told["cause"] = execution.error.cause
    return told


def event(one: HistoryEvent, *, with_data: bool) -> dict[str, Any]:
    """As GetExecutionHistory has it."""
    kind = one.type
    if kind.endswith(("StateEntered", "StateExited")):
        kind = kind[-12:]
    details = one.details
    if not with_data:
        details = {name: value for name, value in details.items() if name not in _EXECUTION_DATA}
    return {
        "timestamp": one.at,
        "type": one.type,
        "id": one.id,
        "previousEventId": one.previous_id,
        # What the model has no details of is left out when the answer is written.
        f"{kind[0].lower()}{kind[1:]}EventDetails": details,
    }


def map_run(run: MapRun) -> dict[str, Any]:
    """As ListMapRuns has it."""
    return {
        "executionArn": run.execution_id,
        "mapRunArn": run.id,
        "stateMachineArn": _machine_of(run.id),
        "startDate": run.started_at,
        "stopDate": run.ended_at,
    }


def described_map_run(run: MapRun) -> dict[str, Any]:
    """As DescribeMapRun has it."""
    told = map_run(run)
    del told["stateMachineArn"]
    return {
        **told,
        "status": run.status,
        "maxConcurrency": run.max_concurrency,
        "toleratedFailureCount": run.tolerated_failure_count,
        "toleratedFailurePercentage": run.tolerated_failure_percentage,
        "itemCounts": _counts(run.item_counts),
        "executionCounts": _counts(run.execution_counts),
        "redriveCount": run.redrive_count,
        "redriveDate": run.redriven_at,
    }


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    told = {name: counts.get(name, 0) for name in _COUNTS}
    return told | {name: counts[name] for name in _LATER_COUNTS if name in counts}
