"""Executions of workflows that go from one owner to another, and are read with all that they were told.

Rule: each is read by itself. What is missing of one, or is no JSON any more, is told of that one alone, and
what can only not be read now is let go again: nothing stays claimed that nobody was given.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.errors import FaaslabError, NotFound
from faaslab.model.workflow import WorkflowExecution, WorkflowExecutionStatus
from faaslab.model.workflow_steps import Beginning, StepRow, Taken
from faaslab.store.leases import instant, seconds
from faaslab.store.workflow_record import RUNNING_ROWS, STANDS, standing_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence

    from faaslab.clock import Clock
    from faaslab.store.blobs import Blobs
    from faaslab.store.state import State

SILENT_S = 30.0
"""For how long an owner that is overdue is watched before what it has is taken: it speaks each 20 s."""
_AT_ONCE = 500
_AMONG = "IN (SELECT value FROM json_each(?))"


class Taking:
    """Of one store."""

    def __init__(self, state: State, blobs: Blobs, clock: Clock) -> None:
        self._state = state
        self._blobs = blobs
        self._clock = clock
        self._guard = threading.Lock()
        self._overdue: dict[tuple[str, float], float] = {}
        """(owner, what it said last) -> since when it is seen to be overdue, by a clock that never jumps."""

    def claim(
        self,
        owner: str,
        gone: Callable[[str], bool],
        held: Callable[[], Collection[str]] | None,
        limit: int,
    ) -> list[Taken]:
        """What `Workflows.claim` gives."""
        with self._state.read() as connection:
            owners = [row[0] for row in connection.execute(f"SELECT DISTINCT owner {RUNNING_ROWS}")]
            alive = dict(connection.execute("SELECT owner, until FROM workflow_owners").fetchall())
            strayed = held is not None and owner in owners and bool(_strayed(connection, owner, held))
        silent = self._silent(alive)
        free = [
            other
            for other in owners
            if other is None or (other != owner and (other in silent or gone(other)))
        ]
        if not free and not strayed:
            return []
        with self._state.write(durable=True) as connection:
            ids = [
                row[0]
                for row in connection.execute(
                    f"SELECT id {RUNNING_ROWS} AND (owner IS NULL OR owner {_AMONG}) "
                    "ORDER BY started LIMIT ?",
                    (json.dumps([other for other in free if other is not None]), limit),
                )
            ]
            if held is not None and strayed:
                ids += _strayed(connection, owner, held)[: limit - len(ids)]
            connection.executemany(
                "UPDATE workflow_executions SET owner = ?, epoch = epoch + 1 WHERE id = ?",
                [(owner, identity) for identity in ids],
            )
        return self.taken(ids, owner)

    def _silent(self, alive: Mapping[str, float]) -> set[str]:
        """Who has not said for long that it is at work, and has not while this one looked either.

        A machine that has slept finds every instant long past: who lives says so soon after.
        """
        now, since = seconds(self._clock.now()), self._clock.monotonic()
        with self._guard:
            self._overdue = {
                (owner, until): self._overdue.get((owner, until), since)
                for owner, until in alive.items()
                if until < now
            }
            return {owner for (owner, _), first in self._overdue.items() if since - first >= SILENT_S}

    def taken(self, ids: Sequence[str], owner: str) -> list[Taken]:
        """Those that `owner` has claimed; what cannot be read now is let go again, and not among them."""
        found: list[Taken] = []
        unread: list[str] = []
        try:
            for start in range(0, len(ids), _AT_ONCE):
                self._read(ids[start : start + _AT_ONCE], found, unread)
        except BaseException:
            self._let_go(ids, owner)
            raise
        if unread:
            self._let_go(unread, owner)
        return found

    def _let_go(self, ids: Sequence[str], owner: str) -> None:
        with self._state.write(durable=True) as connection:
            connection.execute(
                f"UPDATE workflow_executions SET owner = NULL WHERE owner = ? AND id {_AMONG}",
                (owner, json.dumps(ids)),
            )

    def _read(self, ids: Sequence[str], found: list[Taken], unread: list[str]) -> None:
        named = (json.dumps(ids),)
        with self._state.read() as connection:
            rows = connection.execute(
                f"SELECT {STANDS}, id, started, epoch, machine, definition, seed, context, key "
                f"FROM workflow_executions LEFT JOIN workflow_machines ON digest = machine WHERE id {_AMONG} "
                "ORDER BY started",
                named,
            ).fetchall()
            steps: dict[str, list[tuple[Any, ...]]] = {}
            for identity, *step in connection.execute(
                'SELECT execution_id, number, at, signal, signal_blob, last_event_id, "check" '
                f"FROM workflow_steps WHERE execution_id {_AMONG} ORDER BY execution_id, number",
                named,
            ):
                steps.setdefault(identity, []).append(tuple(step))
        for row in rows:
            try:
                found.append(self._one(row, steps.get(row[5], ())))
            except (FaaslabError, OSError):
                unread.append(row[5])

    def _one(self, row: Sequence[Any], steps: Sequence[tuple[Any, ...]]) -> Taken:
        """Raises where it may be read another time; what never can be is told as `unreadable`."""
        *standing, identity, started, epoch, machine, definition, seed, context, key = row
        why = None
        if definition is None:
            definition, why = "{}", "its definition is not kept any more"
        once = False
        try:
            once = json.loads(standing[0]).get("once") is True
            if standing[3] is not None:
                self._blobs.get(standing[3])
            execution = standing_of(standing, self._blobs)
        except NotFound:
            execution = standing_of((*standing[:3], None, None), self._blobs)
            why = "its input is not kept any more"
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            why = f"what is kept of it cannot be read: {error}"
            execution = WorkflowExecution(
                id=identity,
                workflow=identity.rpartition(":")[0].rpartition(":")[2] or identity,
                name=identity.rpartition(":")[2],
                status=WorkflowExecutionStatus.RUNNING,
                started_at=instant(started),
                input="{}",
            )
        told = []
        for number, at, signal, blob, *last in steps:
            try:
                text = self._blobs.get(blob).decode("utf-8", "surrogatepass") if blob else signal or ""
                when = datetime.fromisoformat(at)
            except (NotFound, ValueError) as error:
                text, when = "", execution.started_at
                why = why or f"its signal {number} cannot be read: {error}"
            told.append(StepRow(number, when, text, *last))
        return Taken(execution, epoch, Beginning(machine, definition, seed, context, key, once), told, why)


def _strayed(connection: sqlite3.Connection, owner: str, held: Callable[[], Collection[str]]) -> list[str]:
    """What is kept as the owner's own, and it has not; `held` is asked after the rows were read."""
    ids = [row[0] for row in connection.execute(f"SELECT id {RUNNING_ROWS} AND owner = ?", (owner,))]
    present = held()
    return [identity for identity in ids if identity not in present]
