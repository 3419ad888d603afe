"""Model values as rows of the outbox: (kind, body), with no database in it.

A body is lines `table TAB row`, each row a JSON object; a column that it does not name is NULL. Rows that
begin alike share their beginning: `table TAB {"a":1 TAB "b":1} TAB "b":2}` is two rows (JSON has no raw
tabs). So one row of the outbox carries an execution with its payloads and its logs.

Executions stand on the hot path: every invocation pays before its answer for what is written here. Two of
them fit on one page of SQLite while a body is below 2,000 characters; a page each costs 8 us more.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import orjson

from faaslab.errors import InvalidValue, RecordRejected
from faaslab.model.alarm import AlarmChange
from faaslab.model.deployment import Deployment
from faaslab.model.event import Delivery, Event
from faaslab.model.execution import Execution
from faaslab.model.json import to_json
from faaslab.model.metric import Metric
from faaslab.model.report import ReportRun
from faaslab.model.workflow import DurableOperation, HistoryEvent, WorkflowExecution
from faaslab.store.schema import TABLES
from faaslab.store.sizes import CHUNK_CHARACTERS, CHUNK_LINES, INLINE_BYTES
from faaslab.store.workflow_record import execution_line, history_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from faaslab.model.execution import LogLine
    from faaslab.store.blobs import Blobs
    from faaslab.store.capture import Capture

Row = tuple[str, str]
"""(kind, body)"""

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode
_INT, _BIGINT = 2**31 - 1, 2**63 - 1


def line(table: str, row: dict[str, Any]) -> str:
    """One line of a body. Raises `RecordRejected` for what has no JSON form (NaN, infinity)."""
    try:
        return f"{table}\t{_encode(row)}"
    except (ValueError, TypeError, RecursionError) as error:
        raise RecordRejected(f"a row of {table} cannot be stored: {error}", hint=_NUMBERS) from None


_NUMBERS = "numbers must be finite, and values strings, numbers, booleans, lists or objects"


def without_surrogates(text: str) -> str:
    """`text` with half characters (lone surrogates) replaced by U+FFFD, as UTF-8 knows none."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _small(name: str, value: int | None, limit: int) -> None:
    if value is not None and not -limit <= value <= limit:
        raise RecordRejected(
            f"{name} is {value}, out of range", place=name, hint=f"the store holds up to {limit}"
        )


def execution_rows(e: Execution, capture: Capture, blobs: Blobs, *, durable: bool) -> list[Row]:
    """An execution, its payloads and its logs; one row unless the logs are a flood."""
    if (e.memory_mb or 0) > _INT or (e.billed_ms or 0) > _BIGINT or (e.max_memory_mb or 0) > _INT:
        for name, limit in (("memory_mb", _INT), ("max_memory_mb", _INT), ("billed_ms", _BIGINT)):
            _small(name, getattr(e, name), limit)
    figures = (e.timeout_s or 0) + (e.duration_ms or 0) + (e.init_ms or 0) + (e.restore_ms or 0)
    if not math.isfinite(figures):
        raise RecordRejected("a row of executions cannot be stored: a figure is not finite", hint=_NUMBERS)
    started, ended, error = e.started_at, e.ended_at, e.error
    payload, result, sizes = e.payload_body, e.result_body, capture.payloads != "none"
    payload_bytes, result_bytes = e.payload_bytes, e.result_bytes
    if payload_bytes is None and payload is not None:
        payload_bytes = len(payload)
    if result_bytes is None and result is not None:
        result_bytes = len(result)
    row: dict[str, Any] = {
        "id": e.id,
        "request_id": e.request_id,
        "function": e.function,
        "version": e.version,
        "definition": e.definition,
        "source": e.source,
        "backend": e.backend,
        "region": e.region,
        "runtime": e.runtime,
        "architecture": e.architecture,
        "memory_mb": e.memory_mb,
        "timeout_s": e.timeout_s,
        "invocation_type": e.invocation_type,
        "status": e.status,
        "started_at": started,
        "ended_at": ended,
        "duration_ms": e.duration_ms,
        "billed_ms": e.billed_ms,
        "init_ms": e.init_ms,
        "cold_start": e.cold_start,
        "init_type": e.init_type,
        "start_method": e.start_method,
        "environment_id": e.environment_id,
        "log_stream": e.log_stream,
        "max_memory_mb": e.max_memory_mb,
        "attempt": e.attempt,
        "trace_id": e.trace_id,
        "code_sha256": e.code_sha256,
        "payload_bytes": payload_bytes if sizes else None,
        "result_bytes": result_bytes if sizes else None,
    }
    # What few executions have is not named in the others: NULL costs bytes, too.
    for name in _SELDOM:
        value = getattr(e, name)
        if value is not None:
            row[name] = value
    if error is not None:
        row["error_type"], row["error_message"] = error.type, error.message
        if error.stack_trace:
            row["error_stack"] = "\n".join(error.stack_trace)
    lines = [f"executions\t{_quick('executions', row)}"]
    kept_payload = None if payload is None else capture.text(payload)
    kept_result = None if result is None else capture.text(result)
    if kept_payload is not None or kept_result is not None:
        payload_text, payload_blob = _inline_or_blob(kept_payload, blobs, durable=durable)
        result_text, result_blob = _inline_or_blob(kept_result, blobs, durable=durable)
        row = {"execution_id": e.id, "started_at": started, "payload": payload_text, "result": result_text}
        if payload_blob or result_blob:
            row |= {"payload_blob": payload_blob, "result_blob": result_blob}
        lines.append(f"payloads\t{_quick('payloads', row)}")
    if not e.logs:
        return [("execution", "\n".join(lines))]
    return _with_logs(lines, e)


_SELDOM = ("qualifier", "trigger", "restore_ms", "billed_restore_ms", "replay_of", "batch_id", "queued_at")


def _quick(table: str, row: dict[str, Any]) -> str:
    """The row as JSON for an eighth of what `line` costs. Floats must be finite; instants may stay such."""
    try:
        return orjson.dumps(row).decode()
    except TypeError:
        # Half a character, or a whole number above 64 bits: the other one knows what to say.
        instants = {name: value.isoformat() for name, value in row.items() if hasattr(value, "isoformat")}
        return line(table, row | instants).partition("\t")[2]


def _inline_or_blob(body: bytes | None, blobs: Blobs, *, durable: bool) -> tuple[str | None, str | None]:
    if body is None:
        return None, None
    if len(body) <= INLINE_BYTES:
        try:
            return body.decode(), None
        except UnicodeDecodeError:
            pass
    return None, blobs.put(body, durable=durable)


def _with_logs(lines: list[str], e: Execution) -> list[Row]:
    rows: list[Row] = []
    size = 0
    shared = {
        "execution_id": e.id,
        "request_id": e.request_id,
        "function": e.function,
        "source": e.source,
        "log_stream": e.log_stream,
    }
    # Without its closing brace: every row of the logs begins with it, see the module.
    start = "logs\t" + _quick("logs", shared)[:-1]
    parts = [start]
    for seq, (log, message) in enumerate(pieces(e.logs)):
        row = {"seq": seq, "timestamp": log.at, "stream": log.stream, "level": log.level, "message": message}
        text = _quick("logs", row)[1:]
        if len(parts) > CHUNK_LINES or size + len(text) > CHUNK_CHARACTERS:
            lines.append("\t".join(parts))
            rows.append(("logs" if rows else "execution", "\n".join(lines)))
            lines, size, parts = [], 0, [start]
        parts.append(text)
        size += len(text)
    lines.append("\t".join(parts))
    rows.append(("logs" if rows else "execution", "\n".join(lines)))
    return rows


def pieces(logs: Sequence[LogLine]) -> list[tuple[LogLine, str]]:
    """The lines with their text, as many times as a long one has rows: the place is the number of the row."""
    found: list[tuple[LogLine, str]] = []
    for log in logs:
        message = log.message
        if len(message) <= INLINE_BYTES:
            found.append((log, message))
        else:
            found += [
                (log, message[start : start + INLINE_BYTES]) for start in range(0, len(message), INLINE_BYTES)
            ]
    return found


def _plain(table: str) -> Callable[[Any], list[str]]:
    """Rows of an entity whose fields are the columns; what differs is named in `_RENAMED`."""
    columns = tuple(TABLES[table])

    def lines(entity: Any) -> list[str]:
        row = {}
        for column in columns:
            row[column] = _instant_or_json(getattr(entity, _RENAMED.get(column, column)))
        return [line(table, row)]

    return lines


_RENAMED = {"timestamp": "at"}


def _instant_or_json(value: Any) -> Any:
    if isinstance(value, str) or value is None or isinstance(value, (int, float)):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    try:
        return to_json(value)
    except InvalidValue as error:
        raise RecordRejected(error.message, hint=error.hint) from None


def _event(e: Event) -> list[str]:
    row = {
        column: _instant_or_json(getattr(e, column))
        for column in TABLES["events"]
        if column not in ("payload", "metadata")
    }
    payload, metadata = to_json(e.payload), to_json(e.metadata)
    # A bare JSON null in a JSON column reads as SQL NULL, which is what an event without payload has.
    return [line("events", {**row, "payload": payload, "metadata": metadata})]


_LINES: dict[type, tuple[str, Callable[[Any], list[str]]]] = {
    Metric: ("metric", _plain("metrics")),
    Event: ("event", _event),
    Delivery: ("delivery", _plain("deliveries")),
    DurableOperation: ("durable_operation", _plain("durable_operations")),
    Deployment: ("deployment", _plain("deployments")),
    AlarmChange: ("alarm_change", _plain("alarm_history")),
    ReportRun: ("report", _plain("reports")),
}


def rows_of(entity: Any, capture: Capture, blobs: Blobs, *, durable: bool) -> list[Row]:
    """The rows of any entity that the store records. Raises `RecordRejected` for what it does not."""
    if type(entity) is Execution:
        return execution_rows(entity, capture, blobs, durable=durable)
    if type(entity) is WorkflowExecution:
        history = history_rows(entity.id, entity.history, capture, blobs)
        bodies = [execution_line(entity, capture, blobs), *history]
        return [("workflow_execution", body) for body in bodies]
    if type(entity) is HistoryEvent:
        bodies = history_rows(entity.execution_id, [entity], capture, blobs)
        return [("history_event", body) for body in bodies]
    known = _LINES.get(type(entity))
    if known is None:
        raise RecordRejected(
            f"{type(entity).__name__} is nothing that the store records",
            hint="definitions go to store.definitions.put",
        )
    kind, lines = known
    found = lines(entity)
    return [
        (kind, "\n".join(found[start : start + CHUNK_LINES])) for start in range(0, len(found), CHUNK_LINES)
    ]


def definition_row(
    *, kind: str, name: str, version: str | None, revision_id: str, action: str, at: datetime, body: Any
) -> Row:
    """The row of one change of a definition."""
    row = {
        "kind": kind,
        "name": name,
        "version": version,
        "revision_id": revision_id,
        "action": action,
        "timestamp": at.isoformat(),
        "body": body,
    }
    return ("definition", line("definitions", row))


def reject_line(kind: str, error: str, body: str, *, seq: int | None, at: datetime) -> str:
    """The line of something that could not be stored or read."""
    row = {
        "timestamp": at.isoformat(),
        "kind": without_surrogates(kind),
        "seq": seq,
        "error": without_surrogates(error),
        "body": without_surrogates(body),
    }
    return line("rejects", row)
