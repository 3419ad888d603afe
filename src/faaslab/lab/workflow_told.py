"""What others are told of executions: log groups of their events, the default bus of their status.

Rule: in the background, and nothing when nobody asks for it. Logs are in the form of AWS's vended logs
(Step Functions Developer Guide, "Using CloudWatch Logs"), and written when the execution has ended.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed, FaaslabError
from faaslab.lab.tasks import values
from faaslab.lab.tasks.workers import Workers
from faaslab.model.workflow import LoggingConfiguration, Workflow, WorkflowExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.model.workflow import HistoryEvent, WorkflowExecution

LOG = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1)
_OFF = LoggingConfiguration()
_FATAL = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
_ERRORS = ("Failed", "Aborted", "TimedOut")
_DATA = ("input", "output", "parameters", "result", "error", "cause")
_BATCH_BYTES = 1_000_000
_BATCH = 10_000
_REMEMBERED = 10_000


class Told:
    """Of one lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._workers = Workers(2, 2)
        self._generation: int | None = None
        self._logging: dict[tuple[str, str], LoggingConfiguration] = {}
        self._guard = threading.Lock()
        self._since = lab.clock.now()
        self._said: dict[str, None] = {}

    def started(self, execution: WorkflowExecution) -> None:
        """An execution has begun; its end may have been told already."""
        if self._is_asked_for(execution) and self._first(execution):
            self._later(self._send, (execution,))

    def ended(self, execution: WorkflowExecution) -> None:
        """An execution has ended."""
        configuration = self._of(execution)
        if configuration.level != "OFF" and configuration.destinations:
            self._later(self._log, execution, configuration)
        if self._is_asked_for(execution):
            # One that ends with its first step is told of before who started it knows.
            begun = execution.started_at >= self._since and self._first(execution)
            self._later(self._send, (_begun(execution), execution) if begun else (execution,))

    def close(self) -> None:
        """Let what is under way end."""
        self._workers.close()

    def _later(self, deed: Any, *given: Any) -> None:
        def done() -> None:
            try:
                deed(*given)
            except Closed:
                return
            except Exception:
                LOG.exception("what happened to an execution could not be told")

        try:
            self._workers.submit("", object(), done)
        except Closed:
            return

    def _of(self, execution: WorkflowExecution) -> LoggingConfiguration:
        """What the workflow of an execution logs; kept while no definition changes anywhere."""
        kept = self._lab.store.definitions
        generation = kept.generation()
        if generation != self._generation:
            self._generation = generation
            self._logging.clear()
        key = (execution.workflow, execution.workflow_version)
        found = self._logging.get(key)
        if found is None:
            workflow = kept.get(Workflow, key[0], int(key[1])) if key[1].isdecimal() else None
            found = self._logging[key] = workflow.configuration.logging if workflow is not None else _OFF
        return found

    # -- logs

    def _log(self, execution: WorkflowExecution, configuration: LoggingConfiguration) -> None:
        events = self._lab.store.workflows.history(execution.id)
        lines = [
            {"timestamp": _milliseconds(event.at), "message": line(event, execution, configuration)}
            for event in events
            if is_logged(event.type, configuration.level)
        ]
        if not lines:
            return
        at = execution.started_at.strftime("%Y-%m-%d-%H-%M")
        stream = f"states/{execution.workflow}/{at}/{uuid.uuid5(uuid.NAMESPACE_URL, execution.id).hex[:8]}"
        for destination in configuration.destinations:
            self._write(destination, stream, lines)

    def _write(self, destination: str, stream: str, lines: Sequence[Mapping[str, Any]]) -> None:
        parts = destination.split(":")
        group = parts[6] if len(parts) > 6 else destination
        region = (parts[3] if len(parts) > 3 else "") or self._lab.region
        where = {"logGroupName": group, "logStreamName": stream}
        try:
            try:
                self._lab.targets.ask("logs", "CreateLogStream", where, region=region)
            except Exception as error:
                if getattr(error, "code", "") != "ResourceAlreadyExistsException":
                    raise
            for batch in _batches(lines):
                self._lab.targets.ask("logs", "PutLogEvents", {**where, "logEvents": batch}, region=region)
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 -- the service's own errors among them
            LOG.warning("the log of an execution was not written to %s: %s", destination, error)

    # -- the default bus

    def _is_asked_for(self, execution: WorkflowExecution) -> bool:
        # Express workflows and children of a Map send none, as on AWS.
        return execution.type == "STANDARD" and execution.map_run is None and self._lab.store.marks.has(RULES)

    def _first(self, execution: WorkflowExecution) -> bool:
        """Whether it was not told of yet."""
        with self._guard:
            if execution.id in self._said:
                del self._said[execution.id]
                return False
            self._said[execution.id] = None
            while len(self._said) > _REMEMBERED:
                del self._said[next(iter(self._said))]
            return True

    def _send(self, executions: Sequence[WorkflowExecution]) -> None:
        from faaslab.events import envelope

        region = executions[0].id.split(":")[3] or self._lab.region
        events = [
            envelope.event(
                identity=str(uuid.UUID(bytes=os.urandom(16), version=4)),
                kind="Step Functions Execution Status Change",
                source="aws.states",
                at=execution.ended_at or execution.started_at,
                region=region,
                account=execution.id.split(":")[4],
                resources=(execution.id,),
                detail=status_detail(execution),
            )
            for execution in executions
        ]
        try:
            targets = self._lab.targets
            targets.put(targets.buses.orders("default", events, region=region))
        except FaaslabError as error:
            LOG.warning("the status of an execution was not sent: %s", error)


def _begun(execution: WorkflowExecution) -> WorkflowExecution:
    """As it was when it began."""
    status = WorkflowExecutionStatus.RUNNING
    return dataclasses.replace(execution, status=status, ended_at=None, output=None, error=None)


RULES = "event_rules"
"""The mark that a rule asks for events of the default bus, or did."""


def is_logged(kind: str, level: str) -> bool:
    """Whether a log of that level has events of that type. Pure."""
    if level == "ALL":
        return True
    if level == "ERROR":
        return kind.endswith(_ERRORS) or kind == "FailStateEntered"
    return level == "FATAL" and kind in _FATAL


def line(event: HistoryEvent, execution: WorkflowExecution, configuration: LoggingConfiguration) -> str:
    """An event as a line of a vended log. Pure."""
    details = event.details
    if not configuration.include_execution_data:
        details = {name: value for name, value in details.items() if name not in _DATA}
    return values.text(
        {
            "id": str(event.id),
            "type": event.type,
            "details": dict(details),
            "redrive_count": str(execution.redrive_count),
            "previous_event_id": str(event.previous_id),
            "event_timestamp": str(_milliseconds(event.at)),
            "execution_arn": execution.id,
        }
    )


def status_detail(execution: WorkflowExecution) -> dict[str, Any]:
    """The detail of a status change (Developer Guide, "Automating Step Functions event delivery"). Pure."""
    ended = execution.status is not WorkflowExecutionStatus.RUNNING
    error = execution.error
    head = execution.id.partition(":execution:")[0]
    return {
        "executionArn": execution.id,
        "stateMachineArn": f"{head}:stateMachine:{execution.workflow}",
        "name": execution.name,
        "status": execution.status.value,
        "startDate": _milliseconds(execution.started_at),
        "stopDate": _milliseconds(execution.ended_at) if ended and execution.ended_at else None,
        "input": execution.input,
        "output": execution.output,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": execution.redrive_count,
        "redriveDate": _milliseconds(execution.redriven_at) if execution.redriven_at else None,
        "redriveStatus": "REDRIVABLE" if ended and error is not None else "NOT_REDRIVABLE",
        "redriveStatusReason": None,
        "inputDetails": {"included": True},
        "outputDetails": None if execution.output is None else {"included": True},
        "error": None if error is None else error.error,
        "cause": None if error is None else error.cause,
    }


def _batches(lines: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    size = 0
    for each in lines:
        length = len(str(each["message"]).encode("utf-8", "replace")) + 26
        if batch and (size + length > _BATCH_BYTES or len(batch) >= _BATCH):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += length
    if batch:
        yield batch


def _milliseconds(at: datetime) -> int:
    return int((at - _EPOCH).total_seconds() * 1000)
