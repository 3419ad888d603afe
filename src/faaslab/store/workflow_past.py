"""Executions and their events out of the history."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import HistoryEvent
from faaslab.store.workflow_record import execution_of, whole_details

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.model.workflow import WorkflowExecution
    from faaslab.store.blobs import Blobs
    from faaslab.store.reading import Connection

_COLUMNS = (
    "id", "previous_id", "type", "timestamp", "state", "details", "entered_id", "outer_id", "duration_ms",
)  # fmt: skip


def events_of(
    connection: Connection,
    blobs: Blobs,
    execution_id: str,
    *,
    after: int = 0,
    limit: int | None = None,
    reverse: bool = False,
) -> list[HistoryEvent]:
    """The events of an execution in order, those above the id `after`; with `reverse` the last first.

    Backwards `after` is the id below which it goes on, 0 for the end.
    """
    bound = ("id < $after OR $after = 0" if reverse else "id > $after") if after else "$after = 0"
    rows = connection.execute(
        'SELECT id, previous_id, type, "timestamp", state, details, entered_id, outer_id, '
        f"duration_ms FROM workflow_history WHERE execution_id = $id AND ({bound}) "
        f"ORDER BY id {'DESC' if reverse else ''} LIMIT {10**9 if limit is None else int(limit)}",
        {"id": execution_id, "after": after},
    ).fetchall()
    return [event_of(execution_id, dict(zip(_COLUMNS, row, strict=True)), blobs) for row in rows]


def event_of(execution_id: str, row: Mapping[str, Any], blobs: Blobs) -> HistoryEvent:
    """The event of a row of the history, or of the outbox, where instant and details are not read yet."""
    at, details = row["timestamp"], row["details"]
    return HistoryEvent(
        execution_id=execution_id,
        id=row["id"],
        previous_id=row["previous_id"],
        type=row["type"],
        at=datetime.fromisoformat(at) if isinstance(at, str) else at,
        state=row["state"],
        details=whole_details(details if isinstance(details, dict) else json.loads(details or "{}"), blobs),
        entered_id=row["entered_id"],
        outer_id=row["outer_id"],
        duration_ms=row.get("duration_ms"),
    )


def past_execution(
    connection: Connection, blobs: Blobs, execution_id: str, started_at: datetime | None
) -> WorkflowExecution | None:
    """An execution that has ended, as the history has it; when it was started narrows the search."""
    parameters: dict[str, Any] = {"id": execution_id}
    since = ""
    if started_at is not None:
        since = " AND started_at = $started_at"
        parameters["started_at"] = started_at
    answer = connection.execute(
        f"SELECT * FROM workflow_executions WHERE id = $id{since} LIMIT 1", parameters
    )
    row = answer.fetchone()
    return None if row is None else execution_of(dict(zip(answer.columns, row, strict=True)), blobs)
