"""`store.workflows`: executions of workflows while they run, and what is kept of them afterwards.

Rule: what an execution was told, the events that came of it, and how it stands are kept in one transaction
that survives power loss; an owner who lost it by then writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.errors import StoreError
from faaslab.model.workflow import WorkflowExecutionStatus, shown
from faaslab.model.workflow_steps import Letter, Outcome
from faaslab.store.leases import seconds
from faaslab.store.workflow_lately import Lately, Standing
from faaslab.store.workflow_listing import latest
from faaslab.store.workflow_past import event_of, events_of, past_execution
from faaslab.store.workflow_preparing import Prepared, Preparing, is_passing
from faaslab.store.workflow_record import (
    RUNNING_ROWS,
    STANDS,
    execution_line,
    execution_of_line,
    standing_of,
)
from faaslab.store.workflow_taking import Taking

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from faaslab.clock import Clock
    from faaslab.model.workflow import HistoryEvent, WorkflowExecution
    from faaslab.model.workflow_steps import Change, Taken
    from faaslab.store.blobs import Blobs
    from faaslab.store.capture import Capture
    from faaslab.store.questions.workflow_lists import Wanted
    from faaslab.store.reading import Connection
    from faaslab.store.state import State

RUNNING = WorkflowExecutionStatus.RUNNING
SUCCEEDED = WorkflowExecutionStatus.SUCCEEDED
_ALL = 10**9


_STOP = '{"v":1,"kind":"Stop"}'
"""The signal `Stop`, as the engine reads it."""


class Workflows:
    """The executions of one store."""

    def __init__(
        self,
        state: State,
        blobs: Blobs,
        capture: Callable[[], Capture],
        clock: Clock,
        *,
        nudge: Callable[[int], None],
        connect: Callable[[], Connection],
    ) -> None:
        """`nudge` is told of so many rows in the outbox; `connect` asks the history."""
        self._state = state
        self._blobs = blobs
        self._capture = capture
        self._clock = clock
        self._posted = 0
        self._taking = Taking(state, blobs, clock)
        self._preparing = Preparing(blobs, capture)
        self._nudge = nudge
        self._connect = connect
        self._lately = Lately(clock)

    # -- writing

    def keep(self, changes: Sequence[Change], owner: str) -> Outcome:
        """Keep all of it in one transaction; what is lost or known is left out.

        It is of level `durable`. What begins and ends at once has touched nothing outside: power loss could
        only undo it as a whole, so for that alone `written` is enough, and does not wait for the disk.
        """
        durable = any(change.beginning is None or not change.ended for change in changes)
        prepared = [self._preparing.of(change) for change in changes]
        if hide := any(change.execution.hidden for change in changes):
            self._state.overwrite()
        lost: set[str] = set()
        known: dict[str, WorkflowExecution] = {}
        written = 0
        with self._state.write(durable=durable) as connection:
            for one in prepared:
                change = one.change
                if change.beginning is not None:
                    found = self._begin(connection, one, owner)
                    if found is not None:
                        known[change.execution.id] = found
                        continue
                elif not self._goes_on(connection, one, owner):
                    lost.add(change.execution.id)
                    continue
                self._rows_of(connection, one)
                written += len(one.rows)
        for one in prepared:
            if (identity := one.change.execution.id) not in lost and identity not in known:
                self._lately.note(one.change, one.events, one.line)
        if hide and any(change.ended and change.execution.hidden for change in changes):
            self._state.empty_log()
        self._nudge(written)
        return Outcome(lost=frozenset(lost), known=known)

    def _begin(self, connection: sqlite3.Connection, one: Prepared, owner: str) -> WorkflowExecution | None:
        """Write a new execution; the one of its id that has begun before, where there is one."""
        change, w = one.change, one.change.execution
        beginning = change.beginning
        assert beginning is not None
        ended = change.ended
        if is_passing(change):
            return None
        added = connection.execute(
            "INSERT INTO workflow_executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO NOTHING",
            (
                w.id,
                w.status.value,
                None if ended else owner,
                change.epoch,
                w.parent,
                beginning.key,
                beginning.machine,
                beginning.seed,
                "" if w.status is SUCCEEDED else beginning.context,
                seconds(w.started_at),
                seconds(w.ended_at) if w.ended_at else None,
                w.current_state,
                one.body,
                one.input_blob,
                one.output_blob,
                w.workflow if w.map_run is None else None,
            ),
        ).rowcount
        if not added:
            row = connection.execute(f"SELECT {STANDS} FROM workflow_executions WHERE id = ?", (w.id,))
            return standing_of(row.fetchone(), self._blobs)
        if w.status is not SUCCEEDED:
            # It may be a megabyte: it is only handed over where it is not there.
            there = connection.execute(
                "SELECT 1 FROM workflow_machines WHERE digest = ?", (beginning.machine,)
            ).fetchone()
            if there is None:
                connection.execute(
                    "INSERT INTO workflow_machines VALUES (?, ?)", (beginning.machine, beginning.definition)
                )
        return None

    def _goes_on(self, connection: sqlite3.Connection, one: Prepared, owner: str) -> bool:
        """Note how an execution stands; False when it is not its owner's any more."""
        change, w = one.change, one.change.execution
        mine = (w.id, owner, change.epoch)
        if not change.ended:
            return (
                connection.execute(
                    "UPDATE workflow_executions SET current_state = ? "
                    "WHERE id = ? AND owner = ? AND epoch = ? AND status = 'RUNNING'",
                    (w.current_state, *mine),
                ).rowcount
                == 1
            )
        assert w.ended_at is not None
        values = (w.status.value, seconds(w.ended_at), one.body, w.current_state, one.input_blob)
        changed = connection.execute(
            "UPDATE workflow_executions SET status = ?, owner = NULL, ended = ?, body = ?, "
            "current_state = ?, input_blob = ?, output_blob = ? "
            "WHERE id = ? AND owner = ? AND epoch = ? AND status = 'RUNNING'",
            (*values, one.output_blob, *mine),
        ).rowcount
        if not changed:
            return False
        self._end(connection, w)
        return True

    @staticmethod
    def _end(connection: sqlite3.Connection, w: WorkflowExecution) -> None:
        """What has ended is told nothing; what succeeded is not gone through again, nor are its children."""
        for table in ("workflow_letters", "workflow_tokens"):
            connection.execute(f"DELETE FROM {table} WHERE execution_id = ?", (w.id,))
        if w.hidden:  # what others told it is in its steps, or is of no use any more
            connection.execute(
                "UPDATE workflow_executions SET body = json_remove(json_set(body, '$.output', NULL, "
                "'$.error', NULL), '$.hidden') "
                "WHERE parent = ? AND key IS NULL AND status = 'SUCCEEDED' AND body LIKE '%\"hidden\":%'",
                (w.id,),
            )
        if w.status is not SUCCEEDED:
            return
        connection.execute("DELETE FROM workflow_steps WHERE execution_id = ?", (w.id,))
        connection.execute(
            "DELETE FROM workflow_steps WHERE execution_id IN "
            "(SELECT id FROM workflow_executions WHERE parent = ? AND key IS NOT NULL)",
            (w.id,),
        )
        connection.execute("DELETE FROM workflow_executions WHERE parent = ? AND key IS NOT NULL", (w.id,))
        if w.type == "EXPRESS" and w.map_run is None:
            connection.execute("DELETE FROM workflow_executions WHERE id = ?", (w.id,))

    def _rows_of(self, connection: sqlite3.Connection, one: Prepared) -> None:
        change = one.change
        if one.steps:
            connection.executemany("INSERT INTO workflow_steps VALUES (?, ?, ?, ?, ?, ?, ?)", one.steps)
        self._state.append_within(connection, one.rows)
        if change.stops:
            connection.executemany(
                "INSERT INTO workflow_letters (execution_id, signal) "
                "SELECT id, ? FROM workflow_executions WHERE id = ? AND status = 'RUNNING'",
                [(_STOP, name) for name in change.stops],
            )
        if change.ended:
            if change.final:
                connection.execute(
                    "DELETE FROM workflow_steps WHERE execution_id = ?", (change.execution.id,)
                )
            return
        identity = change.execution.id
        if change.tokens:
            connection.executemany(
                "INSERT OR REPLACE INTO workflow_tokens VALUES (?, ?, ?)",
                [(token, identity, key) for token, key in change.tokens.items()],
            )
        if change.spent:
            connection.executemany(
                "DELETE FROM workflow_tokens WHERE token = ?", [(token,) for token in change.spent]
            )
        if change.taken:
            connection.executemany(
                "DELETE FROM workflow_letters WHERE number = ?", [(number,) for number in change.taken]
            )

    # -- who has what

    def claim(
        self,
        owner: str,
        gone: Callable[[str], bool],
        *,
        limit: int,
        held: Callable[[], Collection[str]] | None = None,
    ) -> list[Taken]:
        """Take up to `limit` running executions over that nobody owns, or whose owner is gone.

        Gone is also who has not said for long that it is at work (`alive`), at this question and at one
        half a minute before. With `held` (the ids that
        `owner` has, asked at the last moment) those are taken as well that are its own, and it has not.
        """
        if not self._state.path.exists():
            return []
        return self._taking.claim(owner, gone, held, limit)

    def claim_ended(self, execution_id: str, owner: str, *, key: str | None = None) -> Taken | None:
        """Take over one that failed, timed out or was aborted, as RUNNING; None when that cannot be.

        With `key` its parent awaits it under that from now on.
        It cannot where it succeeded, runs, or is older than what is kept of it.
        """
        with self._state.write(durable=True) as connection:
            changed = connection.execute(
                "UPDATE workflow_executions SET status = 'RUNNING', owner = ?, epoch = epoch + 1, "
                "ended = NULL, key = coalesce(?, key), body = json_set(body, '$.redriven_at', ?, "
                "'$.redrive_count', json_extract(body, '$.redrive_count') + 1) "
                "WHERE id = ? AND status NOT IN ('RUNNING', 'SUCCEEDED') "
                "AND EXISTS (SELECT 1 FROM workflow_steps WHERE execution_id = id)",
                (owner, key, self._clock.now().isoformat(), execution_id),
            ).rowcount
        if not changed:
            return None
        found = self._taking.taken([execution_id], owner)
        if not found:
            raise StoreError(
                f"{execution_id} cannot be read at the moment", hint="it goes on once `resume` can read it"
            )
        return found[0]

    def release(self, owner: str) -> None:
        """Let others take what `owner` holds."""
        if not self._state.path.exists():
            return
        with self._state.write(durable=True) as connection:
            connection.execute("UPDATE workflow_executions SET owner = NULL WHERE owner = ?", (owner,))
            connection.execute("DELETE FROM workflow_owners WHERE owner = ?", (owner,))

    def alive(self, owner: str, until: datetime) -> None:
        """Note that `owner` is at work, at least until then."""
        with self._state.write(durable=False) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO workflow_owners VALUES (?, ?)", (owner, seconds(until))
            )

    def runs_elsewhere(self, owner: str) -> bool:
        """Whether any execution runs that is not held by `owner`."""
        if not self._state.path.exists():
            return False
        row = self._state.one(f"SELECT 1 {RUNNING_ROWS} AND owner IS NOT ? LIMIT 1", (owner,))
        return row is not None

    # -- what is said to them

    def post(self, execution_id: str, signal: str) -> bool:
        """Leave a signal for the owner of a running execution; False when none of that id runs."""
        with self._state.write(durable=True) as connection:
            self._posted += 1
            return (
                connection.execute(
                    "INSERT INTO workflow_letters (execution_id, signal) "
                    "SELECT id, ? FROM workflow_executions WHERE id = ? AND status = 'RUNNING'",
                    (signal, execution_id),
                ).rowcount
                == 1
            )

    def spend(self, token: str, signal: str) -> bool:
        """Leave the one answer under a task token; False for a token that is none, or was answered before."""
        with self._state.write(durable=True) as connection:
            self._posted += 1
            connection.execute(
                "INSERT INTO workflow_letters (execution_id, signal) "
                "SELECT execution_id, ? FROM workflow_tokens WHERE token = ?",
                (signal, token),
            )
            return connection.execute("DELETE FROM workflow_tokens WHERE token = ?", (token,)).rowcount == 1

    def letters(self, owner: str) -> list[Letter]:
        """What was left for the executions of `owner`, in order."""
        with self._state.read() as connection:
            # CROSS JOIN keeps that order: the letters are few, the executions may be many.
            rows = connection.execute(
                "SELECT number, execution_id, signal FROM workflow_letters CROSS JOIN workflow_executions "
                "ON id = execution_id WHERE owner = ? AND status = 'RUNNING' ORDER BY number",
                (owner,),
            ).fetchall()
        return [Letter(*row) for row in rows]

    def of_token(self, token: str) -> tuple[str, str] | None:
        """(execution, key) of what awaits an answer under a task token."""
        row = self._state.one("SELECT execution_id, key FROM workflow_tokens WHERE token = ?", (token,))
        return None if row is None else (row[0], row[1])

    def changes(self) -> int:
        """A number that differs when another process has written, or a letter was left here; microseconds."""
        # What this connection writes itself SQLite does not count: two labs of a process share the store.
        return self._state.foreign_changes() + self._posted

    # -- looking

    def find(self, execution_id: str) -> WorkflowExecution | None:
        """How an execution stands, running or ended, with what is known of it; None when nothing is."""
        row = None
        if self._state.path.exists():
            row = self._state.one(f"SELECT {STANDS} FROM workflow_executions WHERE id = ?", (execution_id,))
        if row is not None:
            w = shown(standing_of(row, self._blobs))
            if w.status is RUNNING:
                return w
            return self._from_history(execution_id, w.started_at) or w
        return self._from_history(execution_id, None)

    def has(self, execution_id: str) -> bool:
        """Whether the state has an execution of that id; the history alone may know others, of long ago."""
        if not self._state.path.exists():
            return False
        return self._state.one("SELECT 1 FROM workflow_executions WHERE id = ?", (execution_id,)) is not None

    def whole(self, execution_id: str) -> WorkflowExecution | None:
        """The same with the values of secrets, as far as they are kept for another that waits for it."""
        row = self._state.one(f"SELECT {STANDS} FROM workflow_executions WHERE id = ?", (execution_id,))
        if row is not None:
            w = standing_of(row, self._blobs)
            if w.hidden:
                return w
        return self.find(execution_id)

    def running(self) -> list[WorkflowExecution]:
        """Those that run, the oldest first."""
        if not self._state.path.exists():
            return []
        with self._state.read() as connection:
            rows = connection.execute(f"SELECT {STANDS} {RUNNING_ROWS} ORDER BY started").fetchall()
        return [shown(standing_of(row, self._blobs)) for row in rows]

    def latest(self, wanted: Wanted) -> list[WorkflowExecution] | None:
        """A page of a workflow's executions without payloads and statistics, the latest first.

        None where the history has to be asked: for what is rarely asked, and of long ago.
        """
        return latest(self._state, self._blobs, wanted)

    def history(
        self, execution_id: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> list[HistoryEvent]:
        """The events of an execution in order, those above the id `after`; with `reverse` the last first.

        Backwards `after` is the id below which it goes on, 0 for the end.
        """
        if self._lately.has(execution_id):
            if reverse and after == 1:
                return []
            first = after + 1 if not reverse else max(after - 1, 0)
            count = _ALL if limit is None else int(limit)
            rows = self._lately.events(
                execution_id, self._stands_at(execution_id), first, count, reverse=reverse
            )
            if rows is not None:
                return [event_of(execution_id, row, self._blobs) for row in rows]
        with self._connect() as connection:
            return events_of(connection, self._blobs, execution_id, after=after, limit=limit, reverse=reverse)

    def _stands_at(self, execution_id: str) -> Standing | None:
        row = self._state.one("SELECT status, epoch FROM workflow_executions WHERE id = ?", (execution_id,))
        return None if row is None else Standing(row[0] != "RUNNING", row[1])

    def forget_lately(self) -> None:
        """Ask the history from now on: something of it was deleted."""
        self._lately.forget()

    def lines(self, connection: sqlite3.Connection) -> list[str]:
        """Those that run as rows of the history's table; for questions, within a transaction that is open."""
        rows = connection.execute(f"SELECT {STANDS} {RUNNING_ROWS}").fetchall()
        capture = self._capture()
        found = []
        for body, status, current_state, input_blob, _ in rows:
            w = shown(standing_of((body, status, current_state, None, None), self._blobs))
            line = execution_line(w, capture, self._blobs, input_blob=input_blob)
            found.append(line.partition("\t")[2])
        return found

    def _from_history(self, execution_id: str, started_at: datetime | None) -> WorkflowExecution | None:
        if self._lately.has(execution_id):
            row = self._lately.row(execution_id, self._stands_at(execution_id))
            if row is not None:
                return execution_of_line(row, self._blobs)
        with self._connect() as connection:
            return past_execution(connection, self._blobs, execution_id, started_at)
