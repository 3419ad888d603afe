"""The latest executions of a workflow, out of the state alone: what ListExecutions answers, in a millisecond.

Rule: it answers only where nothing that the history may have is missing. Executions that an older version
began, and what a prune may have taken from the history, lie below the mark; from there on it leaves the
question to the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import shown
from faaslab.store.leases import seconds
from faaslab.store.workflow_record import STANDS, standing_of

if TYPE_CHECKING:
    import sqlite3

    from faaslab.model.workflow import WorkflowExecution
    from faaslab.store.blobs import Blobs
    from faaslab.store.questions.workflow_lists import Wanted
    from faaslab.store.state import State

MARK = "workflows_listed"
"""The mark whose value is the start (seconds since 1970) above which the state names all executions."""


def latest(state: State, blobs: Blobs, wanted: Wanted) -> list[WorkflowExecution] | None:
    """The page without payloads and statistics; None where the history has to be asked."""
    odd = (wanted.qualifier, wanted.alias, wanted.map_run, wanted.parent, wanted.redriven)
    if wanted.workflow is None or wanted.limit is None or any(each is not None for each in odd):
        return None
    if not state.path.exists():
        return None
    since = 0.0 if wanted.since is None else seconds(wanted.since)
    parts, values = ["listed = ?", "started >= ?"], [wanted.workflow, since]
    if wanted.statuses:
        parts.append(f"status IN ({', '.join('?' * len(wanted.statuses))})")
        values += wanted.statuses
    if wanted.after is not None:
        at, identity = wanted.after
        parts.append("(started, id) < (?, ?)")
        values += (seconds(at), identity)
    with state.read() as connection:
        rows = connection.execute(
            f"SELECT started, {STANDS} FROM workflow_executions WHERE {' AND '.join(parts)} "
            "ORDER BY started DESC, id DESC LIMIT ?",
            (*values, wanted.limit),
        ).fetchall()
        mark = _mark(connection)
    reaches = rows[-1][0] if len(rows) == wanted.limit and rows else since
    if reaches <= mark:
        return None
    return [_named(row[1:], blobs) for row in rows]


def _named(row: tuple[Any, ...], blobs: Blobs) -> WorkflowExecution:
    body, status, current_state, _, _ = row  # the payloads stay where they are
    return shown(standing_of((body, status, current_state, None, None), blobs))


def _mark(connection: sqlite3.Connection) -> float:
    row = connection.execute("SELECT value FROM marks WHERE name = ?", (MARK,)).fetchone()
    return float("inf") if row is None else float(row[0])


def raise_mark(connection: sqlite3.Connection, to: float) -> None:
    """What started until then may be gone from the history."""
    connection.execute("UPDATE marks SET value = max(value, ?) WHERE name = ?", (to, MARK))
