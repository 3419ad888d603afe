"""The executions of a lab: look at what ran, follow its logs, run it again."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.errors import Conflict, InvalidValue, NotFound, RequestError
from faaslab.lab.log_tail import LogTail
from faaslab.lab.running import ended_already
from faaslab.lab.waterfalls import waterfall
from faaslab.model.execution import (
    Execution,
    ExecutionError,
    ExecutionMetrics,
    ExecutionStatus,
    LogLine,
    LogStream,
    Source,
)
from faaslab.model.moment import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd

    from faaslab.backends.protocol import Debugger
    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution

Texts = list[str]
Values = list[Any]
Rows = list[dict[str, Any]]
_SHORTEST_ID = 6
_FLOOD = 100_000_000
_LOOK_S = 0.5
_OVERLAP = timedelta(seconds=60)  # records arrive after what they tell of
_BEGINNING = 200
_NEWEST = "ORDER BY e.started_at DESC, e.id DESC"
_FRAME = re.compile(r"\n(?=  File )")
_LISTED = (
    "id, function, version, definition, status, started_at, duration_ms AS ms, billed_ms AS billed, "
    "cold_start AS cold, init_ms, memory_mb, max_memory_mb, error_type, error_message, source, attempt, "
    "replay_of, batch_id, request_id, (epoch_us(started_at) - epoch_us(queued_at)) / 1000 AS queue_ms"
)


@dataclass(frozen=True, kw_only=True)
class RecordedPayload:
    """A payload in the history, and the executions that had it, the last one first.

    `status` and `started_at` are of the last one; `beginning` is empty for a large payload.
    """

    execution_ids: tuple[str, ...]
    status: ExecutionStatus
    started_at: datetime
    beginning: str

    @property
    def execution_id(self) -> str:
        """The last execution that had it."""
        return self.execution_ids[0]


class Executions:
    """`lab.executions`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._store = lab.store

    def get(self, execution_id: str) -> Execution:
        """The execution of that id , with logs and bodies; a request id or a beginning does too."""
        execution = self.find(execution_id)
        if execution is None:
            raise NotFound("execution", execution_id, hint="history lists them")
        return execution

    def find(self, execution_id: str) -> Execution | None:
        """The execution of that id, or None."""
        with self._store.connect() as connection:
            rows = self._matching(connection, execution_id)
            if not rows:
                return None
            row = rows[0]
            logs = connection.execute(
                'SELECT "timestamp", stream, level, message FROM logs WHERE execution_id = ? '
                'ORDER BY seq, "timestamp"',
                [row["id"]],
            ).fetchall()
        payload, result = self._store.payload(row["id"])
        return _execution(row, logs, payload, result)

    def of_requests(self, request_ids: Iterable[str], since: datetime) -> list[Execution]:
        """The executions that had one of these request ids, in order, with logs and without bodies.

        None of them began before `since`: of a long history only what came then is read.
        """
        wanted = [*request_ids]
        if not wanted:
            return []
        marks = ", ".join("?" * len(wanted))
        with self._store.connect() as connection:
            result = connection.execute(
                f"SELECT * FROM executions WHERE started_at >= ? AND request_id IN ({marks}) "
                "ORDER BY started_at, id",
                [since, *wanted],
            )
            rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
            lines: dict[str, list[tuple[Any, ...]]] = {row["id"]: [] for row in rows}
            if rows:
                marks = ", ".join("?" * len(rows))
                result = connection.execute(
                    f'SELECT execution_id, "timestamp", stream, level, message FROM logs '
                    f'WHERE "timestamp" >= ? AND execution_id IN ({marks}) ORDER BY seq, "timestamp"',
                    [since - _OVERLAP, *lines],
                )
                for identity, *line in result.fetchall():
                    lines[identity].append(tuple(line))
        return [_execution(row, lines[row["id"]], None, None) for row in rows]

    def _matching(self, connection: Any, text: str) -> Rows:
        result = connection.execute(
            "SELECT * FROM executions WHERE id = ? OR request_id = ? "
            "ORDER BY attempt DESC, started_at DESC LIMIT 1",
            [text, text],
        )
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
        if rows or len(text) < _SHORTEST_ID:
            return rows
        result = connection.execute("SELECT * FROM executions WHERE starts_with(id, ?) LIMIT 2", [text])
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
        if len(rows) > 1:
            raise InvalidValue(f"several executions begin with {text!r}", hint="give more of the id")
        return rows

    def list(
        self,
        function: str | None = None,
        *,
        status: str | None = None,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Executions as rows, newest first. `since` and `until` take instants, or spans such as `24h`."""
        if function is not None:
            self.known(function)
        where, values = self._window(since, until)
        if function is not None:
            where.append("function = ?")
            values.append(function)
        if status is not None:
            where.append("status = ?")
            values.append(str(ExecutionStatus(status)))
        return self._store.sql(
            f"SELECT {_LISTED} FROM executions{_where(where)} "
            f"ORDER BY started_at DESC, id DESC{_limit(limit)}",
            values,
        )

    def lately(
        self, function: str, *, limit: int = 50, since: datetime | None = None
    ) -> tuple[Execution, ...]:
        """The last executions of a function, newest first, without their logs, payloads and results.

        With `since` only those that started then or later, which a large history answers at once.
        """
        where = "function = ?" + (" AND started_at >= ?" if since is not None else "")
        with self._store.connect() as connection:
            result = connection.execute(
                f"SELECT * FROM executions e WHERE {where} {_NEWEST}{_limit(limit)}",
                [function, *([] if since is None else [since])],
            )
            rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
        return tuple(_execution(row, [], None, None) for row in rows)

    def payloads(
        self, function: str, *, since: datetime | None = None, limit: int = 20
    ) -> tuple[RecordedPayload, ...]:
        """The different payloads that a function was given (from `since` on), newest first.

        What was not captured is left out; what was hidden is as it was hidden.
        """
        begin = datetime.min if since is None else since
        with self._store.connect() as connection:
            rows = connection.execute(
                "SELECT e.id, e.status, e.started_at, left(p.payload, ?), p.payload_blob IS NOT NULL, "
                "coalesce(p.payload_blob, md5(p.payload)) FROM executions e JOIN payloads p "
                "ON p.execution_id = e.id WHERE e.function = ? AND e.started_at >= ? AND p.started_at >= ? "
                f"AND (p.payload IS NOT NULL OR p.payload_blob IS NOT NULL) {_NEWEST}",
                [_BEGINNING, function, begin, begin],
            ).fetchall()
        found: dict[str, RecordedPayload] = {}
        for execution_id, status, started_at, beginning, large, digest in rows:
            if digest in found:
                ids = (*found[digest].execution_ids, execution_id)
                found[digest] = replace(found[digest], execution_ids=ids)
            elif len(found) < limit:
                found[digest] = RecordedPayload(
                    execution_ids=(execution_id,),
                    status=ExecutionStatus(status),
                    started_at=started_at,
                    beginning="" if large else beginning,
                )
        return tuple(found.values())

    def logs(
        self,
        what: str | None = None,
        *,
        grep: str | None = None,
        since: str | datetime | timedelta | None = None,
        until: str | datetime | timedelta | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Log lines, oldest first, of a function, of one execution (its id), or of all.

        `grep` is a regular expression; with `limit` the newest lines are given. Without `until` the
        lines of what runs are among them, as far as it has come.
        """
        function, execution = self.whose(what)
        if until is None and self._lab.running.marks(function=function, execution=execution):
            return self._logs_by_now(what, grep=grep, since=since, limit=limit)
        where, values = self._window(since, until, column='"timestamp"')
        more, more_values = self._whose(what)
        where += more
        values += more_values
        if grep is not None:
            where.append("regexp_matches(message, ?)")
            values.append(self.pattern(grep))
        return self._store.sql(
            'SELECT "timestamp", function, execution_id, stream, level, message FROM '
            f'(SELECT * FROM logs{_where(where)} ORDER BY "timestamp" DESC, execution_id DESC, seq DESC'
            f'{_limit(limit)}) ORDER BY "timestamp", execution_id, seq',
            values,
        )

    def _logs_by_now(self, what: str | None, *, grep: Any, since: Any, limit: int | None) -> pd.DataFrame:
        import pandas as pd

        _limit(limit)
        tail = LogTail(self._lab, what, grep=grep, since=since, first=limit or _FLOOD)
        rows = [
            (line.timestamp, line.function, line.execution_id, line.stream, line.level, line.message)
            for line in tail.look().lines
        ]
        columns = ["timestamp", "function", "execution_id", "stream", "level", "message"]
        return pd.DataFrame(rows, columns=columns).astype({"timestamp": "datetime64[us]"})

    def follow(
        self,
        what: str | None = None,
        *,
        grep: str | None = None,
        since: str | datetime | timedelta | None = None,
        stop: threading.Event | None = None,
    ) -> Iterator[str]:
        """Log lines as they come, in this process or another, until `stop` is set or Ctrl-C; of one
        execution from its first line until it has ended.

        Of what has run for about a second while it runs, of shorter ones when they have ended.
        """  # noqa: D205
        stop = stop or threading.Event()
        _, execution = self.whose(what)
        # Unless somebody asks for more it is of what runs and of what comes.
        first = 0 if since is None and execution is None else _FLOOD
        tail = LogTail(self._lab, what, grep=grep, since=since, first=first, most=_FLOOD)
        seen: Any = None
        over = False
        while True:
            if execution is not None and seen != (seen := self._store.position()):
                with self._store.connect() as connection:
                    over = bool(self._matching(connection, execution))
            for line in tail.look().lines:
                yield line.message if what is not None else f"{line.function}\t{line.message}"
            if over or self._lab.clock.wait(stop, _LOOK_S):
                return

    def metrics(self, execution_id: str) -> ExecutionMetrics:
        """Cold start, init duration, memory size and the true maximum used."""
        return self.get(execution_id).metrics

    def phases(self, execution_id: str) -> pd.DataFrame:
        """What one execution spent its time on: phase, kind, started_at, ended_at (naive UTC), ms, note.

        Kinds: workflow (the task that called it), queue, before, init, failed init, restore, handler,
        extension, after, billed. What was not recorded has no row.
        """
        return waterfall(self._lab, self.get(execution_id)).table()

    def replay(self, execution_id: str) -> Execution:
        """Run the function of a recorded execution again, as it is now, with the recorded payload."""
        original, payload = self._recorded(execution_id)
        return self._lab.functions.invoke(original.function, payload, replay_of=original.id)

    def debug(
        self, execution_id: str, *, debugger: Debugger | None = None, breakpoints: bool = True
    ) -> Execution:
        """The same in this process, under a debugger; see `lab.functions.debug`."""
        original, payload = self._recorded(execution_id)
        return self._lab.functions.debug(
            original.function, payload, debugger=debugger, breakpoints=breakpoints, replay_of=original.id
        )

    def _recorded(self, execution_id: str) -> tuple[Execution, bytes]:
        original = self.get(execution_id)
        payload, _ = self._store.payload(original.id)
        if payload is None:
            raise InvalidValue(
                f"the payload of {original.id} was not recorded", hint="set payloads = 'all' before it runs"
            )
        return original, payload

    def running(self, function: str | None = None) -> pd.DataFrame:
        """What has run for about a second or longer, in whatever process, newest first: id, function,
        version, definition, state, started_at, ms, process, lines, request_id.

        `state` is running, ending (it was asked to end), or gone (its process has died).
        """  # noqa: D205
        if function is not None:
            self.known(function)
        return self._lab.running.table(function)

    def cancel(self, identity: str) -> Execution | WorkflowExecution:
        """End an invocation that has run for a second or longer, or an execution of a workflow.

        `identity` is its id, its request id or a beginning of the id; of a workflow a name or an ARN. It may
        run in any process that has this store open. Waits until it is recorded and gives what it came to: it
        may have ended by itself just before. Raises `Conflict` for what has ended, `NotFound` for what is not
        known, `BackendError` when its process has died, or does not end it.
        """
        row = self._lab.running.find(identity)
        if row is not None:
            return self._lab.running.cancel(row)
        ended = self.find(identity)
        if ended is not None:
            raise ended_already(ended)
        try:
            run = self._lab.workflows.execution(identity)
        except NotFound:
            raise NotFound(
                "execution",
                identity,
                hint="history --status running and runs --status RUNNING tell what runs",
            ) from None
        if run.ended_at is not None:
            raise Conflict(f"{identity} has ended at {run.ended_at:%Y-%m-%d %H:%M:%S} UTC: {run.status}")
        return self._lab.workflows.stop(identity)

    def batch(self, batch_id: str, *, failed: bool) -> tuple[str, Values]:
        """(function, payloads) of a recorded map; only the failed ones where asked."""
        with self._store.connect() as connection:
            rows = connection.execute(
                "SELECT id, function, status FROM executions WHERE batch_id = ? ORDER BY started_at, id",
                [batch_id],
            ).fetchall()
        if not rows:
            raise NotFound("map", batch_id, hint="history shows the batch of each execution")
        payloads = []
        for execution_id, _, status in rows:
            if failed and status == ExecutionStatus.COMPLETED:
                continue
            payload, _ = self._store.payload(execution_id)
            if payload is None:
                raise InvalidValue(f"the payload of {execution_id} was not recorded")
            payloads.append(payload)
        return rows[0][1], payloads

    def functions(self) -> tuple[str, ...]:
        """The names of all functions that are defined or have run."""
        with self._store.connect() as connection:
            rows = connection.execute("SELECT DISTINCT function FROM executions").fetchall()
        return tuple(sorted({*(row[0] for row in rows), *self._lab.functions.names()}))

    def is_known(self, name: str) -> bool:
        """Whether a function of that name is defined or has run."""
        return name in self._lab.functions.names() or name in self.functions()

    def known(self, name: str) -> None:
        """Complain about a name that is neither defined nor in the history."""
        if not self.is_known(name):
            raise NotFound("function", name, self.functions())

    def _window(self, since: Any, until: Any, column: str = "started_at") -> tuple[Texts, Values]:
        now = self._lab.clock.now()
        where: Texts = []
        values: Values = []
        if since is not None:
            where.append(f"{column} >= ?")
            values.append(moment(since, now=now, place="since"))
        if until is not None:
            where.append(f"{column} < ?")
            values.append(moment(until, now=now, place="until"))
        if len(values) == 2 and values[0] > values[1]:
            raise InvalidValue("is before --since", place="until")
        return where, values

    def whose(self, what: str | None) -> tuple[str | None, str | None]:
        """(function, id of an execution) of what a name stands for: one of them, or none for all."""
        if what is None:
            return None, None
        if what not in self._lab.functions.names():
            with self._store.connect() as connection:
                rows = self._matching(connection, what)
            if rows:
                return None, rows[0]["id"]
            if (row := self._lab.running.find(what)) is not None:
                return None, row.id
            self.known(what)
        return what, None

    def _whose(self, what: str | None) -> tuple[Texts, Values]:
        """The condition for the logs of a function, or of an execution by id."""
        function, execution = self.whose(what)
        if execution is not None:
            return ["execution_id = ?"], [execution]
        return ([], []) if function is None else (["function = ?"], [function])

    def pattern(self, text: str) -> str:
        """A regular expression of `grep`, checked: Python's words, as far as DuckDB (RE2) has them."""
        checked = _pattern(text).pattern
        try:
            with self._store.connect() as connection:
                connection.execute("SELECT regexp_matches('', ?)", [checked])
        except RequestError as error:
            raise InvalidValue(
                f"{text!r} is not a regular expression here: {error.message}", place="grep"
            ) from None
        return checked


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise InvalidValue(f"{text!r} is not a regular expression: {error}", place="grep") from None


def _where(conditions: list[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _limit(limit: int | None) -> str:
    if limit is None:
        return ""
    if limit < 1:
        raise InvalidValue(f"{limit} is not a number of rows", place="limit")
    return f" LIMIT {int(limit)}"


def _frames(stack: str) -> tuple[str, ...]:
    """The entries of a stack as they were: Python's have a line break inside, so only `File` begins one."""
    if not stack:
        return ()
    return tuple(_FRAME.split(stack) if "  File " in stack else stack.split("\n"))


def _execution(
    row: Mapping[str, Any], logs: list[tuple[Any, ...]], payload: bytes | None, result: bytes | None
) -> Execution:
    """The execution that a row of the history, its log rows and its bodies stand for."""
    fields = {
        key: value
        for key, value in row.items()
        if key in Execution.__dataclass_fields__ and value is not None
    }
    error = None
    if row["error_type"] is not None or row["error_message"] is not None:
        error = ExecutionError(
            type=row["error_type"] or "",
            message=row["error_message"] or "",
            stack_trace=_frames(row["error_stack"] or ""),
            request_id=row["request_id"],
        )
    fields |= {
        "status": ExecutionStatus(row["status"]),
        "source": Source(row["source"]),
        "error": error,
        "payload_body": payload,
        "result_body": result,
        "logs": tuple(
            LogLine(at=at, stream=LogStream(stream), level=level, message=message)
            for at, stream, level, message in logs
        ),
    }
    return Execution(**fields)
