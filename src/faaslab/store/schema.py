"""The tables of the history, as its migrations leave them.

Rules: no primary key and no index (rows arrive in time order, zone maps do it); instants are naive UTC
TIMESTAMP; money is DECIMAL; payloads stand in a table of their own, so that scans do not read them.
The instant of a row that has only one is called `timestamp`: DuckDB 2 reserves the word `at`.
"""

from __future__ import annotations

TABLES: dict[str, dict[str, str]] = {
    "executions": {
        "id": "VARCHAR",
        "request_id": "VARCHAR",
        "function": "VARCHAR",
        "version": "VARCHAR",  # `$LATEST`, or the number of a published version
        "definition": "INTEGER",  # which definition of the function ran, where that is known
        "qualifier": "VARCHAR",
        "source": "VARCHAR",
        "backend": "VARCHAR",
        "region": "VARCHAR",
        "runtime": "VARCHAR",
        "architecture": "VARCHAR",
        "memory_mb": "INTEGER",
        "timeout_s": "DOUBLE",
        "invocation_type": "VARCHAR",
        "trigger": "VARCHAR",
        "status": "VARCHAR",
        "started_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "duration_ms": "DOUBLE",
        "billed_ms": "BIGINT",
        "init_ms": "DOUBLE",
        "restore_ms": "DOUBLE",
        "billed_restore_ms": "BIGINT",
        "cold_start": "BOOLEAN",
        "init_type": "VARCHAR",
        "start_method": "VARCHAR",
        "environment_id": "VARCHAR",
        "log_stream": "VARCHAR",
        "max_memory_mb": "INTEGER",
        "attempt": "INTEGER",
        "replay_of": "VARCHAR",
        "batch_id": "VARCHAR",
        "trace_id": "VARCHAR",
        "code_sha256": "VARCHAR",
        "payload_bytes": "BIGINT",
        "result_bytes": "BIGINT",
        "error_type": "VARCHAR",
        "error_message": "VARCHAR",
        "error_stack": "VARCHAR",  # the lines joined by \n
        "queued_at": "TIMESTAMP",  # since when this attempt waited in the queue of events
    },
    "payloads": {
        "execution_id": "VARCHAR",
        "started_at": "TIMESTAMP",
        "payload": "VARCHAR",
        "payload_blob": "VARCHAR",  # the digest, where the text is over 64 KB
        "result": "VARCHAR",
        "result_blob": "VARCHAR",
    },
    "logs": {
        "execution_id": "VARCHAR",
        "request_id": "VARCHAR",
        "function": "VARCHAR",
        "source": "VARCHAR",
        "log_stream": "VARCHAR",
        "seq": "INTEGER",  # the order within an execution
        "timestamp": "TIMESTAMP",
        "stream": "VARCHAR",
        "level": "VARCHAR",
        "message": "VARCHAR",
    },
    "metrics": {
        "timestamp": "TIMESTAMP",
        "namespace": "VARCHAR",
        "name": "VARCHAR",
        "value": "DOUBLE",
        "unit": "VARCHAR",
        "function": "VARCHAR",
        "execution_id": "VARCHAR",
        "dimensions": "JSON",
        "source": "VARCHAR",
    },
    "events": {
        "id": "VARCHAR",
        "type": "VARCHAR",
        "source": "VARCHAR",
        "payload": "JSON",
        "metadata": "JSON",
        "timestamp": "TIMESTAMP",
        "processed_at": "TIMESTAMP",
    },
    "deliveries": {
        "id": "VARCHAR",
        "event_id": "VARCHAR",
        "trigger": "VARCHAR",
        "target": "VARCHAR",
        "attempt": "INTEGER",
        "status": "VARCHAR",
        "execution_id": "VARCHAR",
        "error": "VARCHAR",
        "delivered_at": "TIMESTAMP",
    },
    "workflow_executions": {
        "id": "VARCHAR",
        "workflow": "VARCHAR",
        "workflow_version": "VARCHAR",
        "name": "VARCHAR",
        "status": "VARCHAR",
        "source": "VARCHAR",
        "input": "VARCHAR",
        "output": "VARCHAR",
        "started_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "current_state": "VARCHAR",
        "error": "VARCHAR",
        "cause": "VARCHAR",
        "total_states": "INTEGER",
        "completed_states": "INTEGER",
        "failed_states": "INTEGER",
        "retried_states": "INTEGER",
        "mean_state_duration_ms": "DOUBLE",
        "type": "VARCHAR",  # STANDARD, EXPRESS
        "qualifier": "VARCHAR",
        "alias": "VARCHAR",
        "parent": "VARCHAR",
        "map_run": "VARCHAR",  # the ARN of the map run that it is a child of
        "trigger": "VARCHAR",
        "trace_header": "VARCHAR",
        "duration_ms": "DOUBLE",
        "redrive_count": "INTEGER",
        "redriven_at": "TIMESTAMP",
        "item_count": "INTEGER",
        "input_blob": "VARCHAR",  # the digest, where the text is over 64 KB
        "output_blob": "VARCHAR",
    },
    "workflow_history": {
        "execution_id": "VARCHAR",
        "id": "BIGINT",
        "previous_id": "BIGINT",
        "type": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "state": "VARCHAR",
        "details": "JSON",  # a member over 64 KB is {"blob": digest}
        "entered_id": "BIGINT",  # the event that entered the state which this one belongs to
        "outer_id": "BIGINT",  # the same of the Map or Parallel around that state
        "duration_ms": "DOUBLE",  # on the event that left a state: how long that took
    },
    "durable_operations": {
        "execution_id": "VARCHAR",
        "id": "VARCHAR",
        "type": "VARCHAR",
        "status": "VARCHAR",
        "name": "VARCHAR",
        "parent_id": "VARCHAR",
        "attempt": "INTEGER",
        "started_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "result": "VARCHAR",
        "error": "VARCHAR",
    },
    "deployments": {
        "id": "VARCHAR",
        "target": "VARCHAR",
        "target_kind": "VARCHAR",
        "version": "VARCHAR",
        "backend": "VARCHAR",
        "alias": "VARCHAR",
        "previous_version": "VARCHAR",
        "status": "VARCHAR",
        "started_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "error": "VARCHAR",
    },
    "alarm_history": {
        "alarm": "VARCHAR",
        "timestamp": "TIMESTAMP",
        "previous": "VARCHAR",
        "state": "VARCHAR",
        "reason": "VARCHAR",
    },
    "reports": {
        "id": "VARCHAR",
        "name": "VARCHAR",
        "notebook": "VARCHAR",
        "parameters": "JSON",
        "status": "VARCHAR",
        "started_at": "TIMESTAMP",
        "ended_at": "TIMESTAMP",
        "outputs": "JSON",
        "failed_cell": "INTEGER",
        "error_type": "VARCHAR",
        "error_message": "VARCHAR",
        "schedule": "VARCHAR",
        "scheduled_for": "TIMESTAMP",
        "attempt": "INTEGER",
        "log": "VARCHAR",  # the path of its log
    },
    "definitions": {  # every change of everything that was defined
        "kind": "VARCHAR",  # function, alias, workflow, trigger, alarm, report_schedule
        "name": "VARCHAR",
        "version": "VARCHAR",  # a function's: the number of its definition
        "revision_id": "VARCHAR",
        "action": "VARCHAR",  # created, updated, deleted
        "timestamp": "TIMESTAMP",
        "body": "JSON",
    },
    "rejects": {
        "timestamp": "TIMESTAMP",
        "kind": "VARCHAR",
        "seq": "BIGINT",
        "error": "VARCHAR",
        "body": "VARCHAR",
    },
}
"""Table name -> column name -> DuckDB type."""

LATER: dict[tuple[str, str], int] = {("executions", "definition"): 2}
LATER |= {("workflow_history", name): 3 for name in ("entered_id", "outer_id", "duration_ms")}
LATER |= {
    ("workflow_executions", name): 3
    for name in list(TABLES["workflow_executions"])[
        list(TABLES["workflow_executions"]).index("mean_state_duration_ms") + 1 :
    ]
}
LATER |= {("reports", name): 4 for name in ("scheduled_for", "attempt", "log")}
LATER |= {("executions", "queued_at"): 5}
"""(table, column) of what a later migration than the first added -> the number of that migration."""
