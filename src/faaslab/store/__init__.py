"""The store: what changes is in SQLite, what happened is in DuckDB; nobody else touches either."""

from __future__ import annotations

import atexit
import functools
import threading
import warnings
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from faaslab.clock import SYSTEM
from faaslab.errors import Closed, NotFound, StoreMoved
from faaslab.model.execution import Execution
from faaslab.store import remedies, upkeep, workflow_upkeep
from faaslab.store.bell import Bell
from faaslab.store.blobs import Blobs
from faaslab.store.capture import Capture
from faaslab.store.definitions import Definitions
from faaslab.store.health import Finding, findings
from faaslab.store.history import History
from faaslab.store.leases import Lease, Leases
from faaslab.store.log_groups import LogGroups
from faaslab.store.map_runs import MapRuns
from faaslab.store.marks import Marks
from faaslab.store.merge import Merger
from faaslab.store.queue import Claim, Entry, Queue, Waiting
from faaslab.store.reading import Connection, Result, Session, Sessions
from faaslab.store.record import execution_rows, reject_line, rows_of, without_surrogates
from faaslab.store.report_runs import Going, ReportRuns
from faaslab.store.running import Beat, Ongoing, Running, end_within
from faaslab.store.state import State
from faaslab.store.timers import Timer, Timers
from faaslab.store.upkeep import Compacted, Doomed, Pruned
from faaslab.store.workflows import Workflows

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Sequence
    from datetime import timedelta
    from types import TracebackType

    import pandas as pd

    from faaslab.clock import Clock
    from faaslab.store.reading import Parameters
    from faaslab.store.record import Row

__all__ = [
    "Beat",
    "Capture",
    "Claim",
    "Compacted",
    "Connection",
    "Doomed",
    "Entry",
    "Finding",
    "Going",
    "Lease",
    "Ongoing",
    "Pruned",
    "Result",
    "Store",
    "Timer",
    "Waiting",
]

T = TypeVar("T")
Level = Literal["written", "durable"]

HEAVY_TAIL_ROWS = 2000
"""A question that finds more rows than this in the outbox merges them first."""


class Store:
    """One store, for any number of threads; any number of processes may have it open at once.

    `path` is the DuckDB file of the history. Beside it stand `PATH.state` (SQLite: definitions, leases,
    queue, timers, and the outbox), `PATH.blobs/` and `PATH.locks/`. Nothing is created before it is needed.
    A context manager; `close()` may be called twice and is called at exit.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock = SYSTEM,
        capture: Capture | None = None,
        busy_limit_s: float = 30.0,
    ) -> None:
        """`busy_limit_s`: how long a question or a merge waits for a program that holds the history."""
        self.path = Path(path).expanduser().resolve()
        self.settings = capture or Capture()
        self.clock = clock
        self.busy_limit_s = busy_limit_s
        beside = self.path.name
        self._locks = self.path.with_name(beside + ".locks")
        self._state = State(self.path.with_name(beside + ".state"), self.path)
        self._history = History(self.path, self._state, self._locks, limit_s=busy_limit_s)
        self._merger = Merger(self._state, self._history, self._locks, clock)
        self.blobs = Blobs(self.path.with_name(beside + ".blobs"), self._state.require_in_place)
        self.definitions = Definitions(self._state, clock)
        self.leases = Leases(self._state, clock)
        self.queue = Queue(self._state, clock)
        self.timers = Timers(self._state, clock)
        self.running = Running(self._state, clock)
        self.log_groups = LogGroups(self._state)
        self.marks = Marks(self._state)
        self.map_runs = MapRuns(self._state)
        self.report_runs = ReportRuns(self._state, clock, lambda runs: self._rows(runs, durable=True))
        self.bell = Bell(self._locks / "bell")
        self.workflows = Workflows(
            self._state,
            self.blobs,
            lambda: self.settings,
            clock,
            nudge=self._merger.nudge,
            connect=self.connect,
        )
        running = self.workflows.lines
        self._sessions = Sessions(lambda: Session(self._history, self._state, clock, running))
        self._closing = threading.Lock()
        self._closed = False
        self._at_exit = functools.partial(_close, weakref.ref(self))
        atexit.register(self._at_exit)

    # -- writing

    def record(self, *entities: object, level: Level = "written", ended: Collection[str] = ()) -> None:
        """Keep what happened, in one transaction, before an answer is given.

        The executions `ended` are no longer among those that run, from that moment on.

        Takes Execution (with payloads and logs), Metric, Event, Delivery, WorkflowExecution, HistoryEvent,
        DurableOperation, Deployment, AlarmChange and ReportRun. Level `written` survives the death of the
        process, `durable` power loss too. Raises `RecordRejected` for a value that cannot be kept (nothing of
        the call is), `StoreFull` on a full disk, `StoreTooNew` when a newer faaslab has taken the store.
        """
        durable = level == "durable"
        rows = self._rows(entities, durable=durable)
        try:
            self._append(rows, durable=durable, ended=ended)
        except UnicodeEncodeError:
            # Half a character somewhere, in a log line most likely: not worth losing the record for.
            whole = [(kind, without_surrogates(body)) for kind, body in rows]
            self._append(whole, durable=durable, ended=ended)
        self._merger.nudge(len(rows))

    def settle(
        self,
        claim: Claim,
        *entities: object,
        again_in_s: float | None = None,
        body: Any = None,
        put: Sequence[Entry] = (),
        ended: Collection[str] = (),
    ) -> bool:
        """Keep what came of a claimed entry of the queue and end it, in one transaction of level `durable`.

        With `again_in_s` it goes back, with a new `body` if given; else it is taken out and the entries of
        `put` are queued. So what is recorded has left the queue, and what has not is run again. False when
        the claim had gone to another: then `entities` are kept all the same, as they happened, and the
        other one says what follows. `ended` and what it raises: as in `record`.
        """
        rows = self._rows(entities, durable=True)

        def end(rows: list[Row]) -> bool:
            if again_in_s is not None:
                return self.queue.release(claim, delay_s=again_in_s, body=body, rows=rows, ended=ended)
            return self.queue.done(claim, rows=rows, put=put, ended=ended)

        if not _written(rows, end):
            _written(rows, lambda rows: self._append(rows, durable=True, ended=ended))
            return False
        self._merger.nudge(len(rows))
        return True

    def _rows(self, entities: Sequence[object], *, durable: bool) -> list[Row]:
        rows: list[Row] = []
        for entity in entities:
            if type(entity) is Execution:
                rows += execution_rows(entity, self.settings, self.blobs, durable=durable)
            else:
                rows += rows_of(entity, self.settings, self.blobs, durable=durable)
        return rows

    def _append(self, rows: list[Row], *, durable: bool, ended: Collection[str] = ()) -> None:
        if ended:
            with self._state.write(durable=durable) as connection:
                self._state.append_within(connection, rows)
                end_within(connection, ended)
        elif len(rows) == 1 and not durable:
            self._state.append(*rows[0])
        elif rows:
            self._state.append_all(rows, durable=durable)

    def reject(self, kind: str, error: str, body: str, *, seq: int | None = None) -> None:
        """Keep something that could not be read or stored as a row of `rejects`."""
        text = reject_line(kind, error, body, seq=seq, at=self.clock.now())
        self._append([("reject", text)], durable=False)
        self._merger.nudge(1)

    def merge(self) -> int:
        """Move the outbox into the history now; the number of rows moved.

        Never needed for a question: those see the outbox. Raises `StoreBusy` when the file stays held.
        """
        self._require_open()
        return self._merger.merge(wait_s=self.busy_limit_s, limit_s=self.busy_limit_s)

    # -- reading

    def connect(self) -> Connection:
        """A connection for questions in SQL to the tables and views of the history, outbox included."""
        self._require_open()
        return Connection(self._sessions.take(), self._sessions.give_back, self._before_question)

    def sql(self, text: str, params: Parameters = None) -> pd.DataFrame:
        """The answer to one question as a DataFrame. `params`: a list for `?`, a mapping for `$name`.

        Raises `RequestError` for what is no question (a DELETE, a CREATE): `connect()` keeps what it makes.
        """
        refused = remedies.refusal(self._kinds(text))
        if refused is not None:
            raise refused
        with self.connect() as connection:
            return connection.execute(text, params).df()

    def position(self) -> tuple[int, int]:
        """How far the store has come: two that are equal say that no answer to a question has changed.

        A new record, a new definition and a step of a workflow count, by whatever process; a merge, a prune
        and an import of another store count as well. Costs microseconds, and makes no file.
        """
        self._require_open()
        try:
            written_ns = self.path.stat().st_mtime_ns
        except FileNotFoundError:
            written_ns = 0
        return self._state.last_row() if self._state.path.exists() else 0, written_ns

    @classmethod
    def statements(cls, text: str) -> int:
        """How many statements a text is; the answer to several is the last one's."""
        return len(cls._kinds(text)) or 1

    @staticmethod
    def _kinds(text: str) -> list[str]:
        """What kind of statement each of a text's is; none where it cannot be read: running it says why."""
        import duckdb

        try:
            return [statement.type.name for statement in duckdb.extract_statements(text)]
        except duckdb.Error:
            return []

    def payload(self, execution_id: str) -> tuple[bytes | None, bytes | None]:
        """Payload and result of an execution, as they were captured; None for what was not.

        Raises `NotFound` for an unknown execution.
        """
        with self.connect() as connection:
            row = connection.execute(
                "SELECT p.payload, p.payload_blob, p.result, p.result_blob FROM executions e "
                "LEFT JOIN payloads p ON p.execution_id = e.id WHERE e.id = $1",
                [execution_id],
            ).fetchone()
        if row is None:
            raise NotFound("execution", execution_id)
        return self._whole(row[0], row[1]), self._whole(row[2], row[3])

    def _whole(self, text: str | None, blob: str | None) -> bytes | None:
        if blob is not None:
            return self.blobs.get(blob)
        return None if text is None else text.encode()

    def _before_question(self) -> None:
        self._require_open()
        low, high = self._state.one("SELECT min(seq), max(seq) FROM outbox")
        if high is not None and high - low >= HEAVY_TAIL_ROWS:
            self._merger.try_merge(limit_s=0.2)

    # -- looking after it

    def doomed(self, keep: timedelta) -> tuple[Doomed, ...]:
        """What `prune(keep)` would delete, by table; deletes nothing."""
        self.merge()
        return upkeep.doomed(self._history, self._state, self.clock.now(), keep)

    def prune(self, keep: timedelta) -> Pruned:
        """Delete what is older than `keep`, with its blobs; definitions stay. Files shrink by `compact`."""
        self.merge()
        self.workflows.forget_lately()
        return upkeep.prune(self._history, self._state, self.blobs, self.clock.now(), keep)

    def compact(self) -> Compacted:
        """Write the history anew, in the order of time and without gaps."""
        self.merge()
        return upkeep.compact(self._history, self._state)

    def backup(self, to: str | os.PathLike[str]) -> Path:
        """Copy the whole store (history, state, blobs) as of now to the path of a new one.

        Others may go on meanwhile. Raises `AlreadyExists` when something is there.
        """
        self._require_open()
        target = Path(to).absolute()
        upkeep.backup(self._history, self._state, self.blobs, target)
        return target

    def export(self, directory: str | os.PathLike[str]) -> dict[str, int]:
        """Write Parquet by day, `TABLE/day=YYYY-MM-DD/`; the rows by table. `s3://` needs httpfs."""
        self._require_open()
        session = self._sessions.take()
        try:
            return upkeep.export(session, directory)
        finally:
            self._sessions.give_back(session)

    def import_store(self, other_path: str | os.PathLike[str]) -> dict[str, int]:
        """Take over what another store has and this one has not; the new rows by table.

        Definitions come along where their name is free here. Importing again adds nothing.
        """
        self.merge()
        other_path = Path(other_path).absolute()
        upkeep.require_another(self.path, other_path)
        with Store(other_path, clock=self.clock, busy_limit_s=self.busy_limit_s) as other:
            upkeep.import_blobs(other.blobs, self.blobs)
            workflow_upkeep.importing(self._state, self.clock.now())
            counts = upkeep.import_history(other._sessions.take(), self._history)
            upkeep.import_definitions(other._state, self._state)
        return counts

    def check(self) -> tuple[Finding, ...]:
        """What a doctor finds: file system, schema, holders with their PID, outbox, rejects, home."""
        self._require_open()
        return findings(self._state, self._history, self._merger, self.leases, self.connect)

    # -- the end

    def _require_open(self) -> None:
        if self._closed:
            raise Closed(f"the store {self.path} is closed", hint="open it again")

    def close(self) -> None:
        """Merge what this process wrote if nobody else does, and let go of all; may be called twice.

        Raises `StoreMoved`, when all is closed, where rows could not be merged for that: they are kept.
        """
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._sessions.close()
        self._merger.close()
        self._history.close()
        self._state.close()
        atexit.unregister(self._at_exit)
        if isinstance(self._merger.last_error, StoreMoved):
            raise self._merger.last_error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _written(rows: list[Row], write: Callable[[list[Row]], T]) -> T:
    """What `write` answers, given the rows again without half characters where those stop it."""
    try:
        return write(rows)
    except UnicodeEncodeError:
        return write([(kind, without_surrogates(body)) for kind, body in rows])


def _close(store: weakref.ref[Store]) -> None:
    found = store()
    if found is not None:
        try:
            found.close()
        except StoreMoved as error:  # nobody is left who could catch it
            warnings.warn(str(error), RuntimeWarning, stacklevel=1)
