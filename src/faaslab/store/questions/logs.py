"""Log events as CloudWatch Logs shows them: streams, pages of events. Asked with a `store.connect()`.

Rule: an event's place is (timestamp, execution, number); a page is what lies behind a place, never more than
was asked for in rows and bytes. Rows of the source `local` only, and only those of a log stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from faaslab.store.reading import Connection

EVENT_BYTES = 26
"""What CloudWatch Logs counts for an event beside its message (PutLogEvents)."""
_LOGGED = "source = 'local' AND log_stream IS NOT NULL"
_ENDED = "execution_id IN (SELECT id FROM executions WHERE ended_at >= $ended_since)"
Place = tuple[datetime, str, int]
"""The place of an event: timestamp, execution_id, seq."""
Text = tuple[str, bool]
"""A text that a message contains, or a regular expression (True) that it matches somewhere."""


class LogEvent(NamedTuple):
    """One event; `timestamp` is naive UTC."""

    timestamp: datetime
    execution_id: str
    seq: int
    log_stream: str
    message: str
    request_id: str
    function: str

    @property
    def place(self) -> Place:
        """Where it stands among the others."""
        return self.timestamp, self.execution_id, self.seq


class Stream(NamedTuple):
    """A log stream, with the instants of its first and last event (naive UTC)."""

    name: str
    first: datetime
    last: datetime


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which events: of `functions`, from `since` on, before `until` (naive UTC), in one of `streams` or those
    with `prefix`, whose message has `all_of`, none of `none_of`, and one of `any_of`. `floors` is function ->
    the instant before which nothing of it is shown. `ended_since`: of executions that ended then or later,
    whose logs were recorded at that time, though they may be of long before.
    """  # noqa: D205

    functions: Sequence[str]
    since: datetime | None = None
    until: datetime | None = None
    streams: Sequence[str] = ()
    prefix: str | None = None
    all_of: Sequence[Text] = ()
    none_of: Sequence[Text] = ()
    any_of: Sequence[Text] = ()
    floors: Mapping[str, datetime] = field(default_factory=dict)
    ended_since: datetime | None = None

    def condition(self, parameters: dict[str, Any]) -> str:
        """The condition of a row of `logs`; adds its parameters."""
        parameters["functions"] = list(self.functions)
        found = [_LOGGED, "list_contains($functions, function)"]
        for name, text, value in (
            ("since", '"timestamp" >= $since', self.since),
            ("until", '"timestamp" < $until', self.until),
            ("streams", "list_contains($streams, log_stream)", list(self.streams) or None),
            ("ended_since", _ENDED, self.ended_since),
            ("prefix", "starts_with(log_stream, $prefix)", self.prefix),
        ):
            if value is not None:
                found.append(text)
                parameters[name] = value
        for number, (function, floor) in enumerate(self.floors.items()):
            parameters |= {f"floor_{number}": floor, f"floor_of_{number}": function}
            found.append(f'NOT (function = $floor_of_{number} AND "timestamp" < $floor_{number})')
        return " AND ".join([*found, *self.texts(parameters)])

    def texts(self, parameters: dict[str, Any]) -> list[str]:
        """The conditions of a message alone; adds their parameters."""
        found = [_has(text, parameters) for text in self.all_of]
        found += [f"NOT {_has(text, parameters)}" for text in self.none_of]
        if self.any_of:
            found.append(f"({' OR '.join(_has(text, parameters) for text in self.any_of)})")
        return found


def events(
    connection: Connection,
    wanted: Wanted,
    *,
    rows: int,
    most_bytes: int,
    after: Place | None = None,
    before: Place | None = None,
    newest: bool = False,
) -> tuple[list[LogEvent], bool]:
    """The first events behind the place `after`, or the last before `before` (`newest`), oldest first.

    At most `rows`, and of those as many as have `most_bytes` in all, but for the first; and whether there are
    more of them.
    """
    parameters: dict[str, Any] = {"rows": rows, "bytes": most_bytes}
    condition = wanted.condition(parameters)
    for place, name, sign in ((after, "after", ">"), (before, "before", "<")):
        if place is not None:
            at, execution_id, seq = (f"${name}_{part}" for part in ("at", "id", "seq"))
            parameters |= {f"{name}_at": place[0], f"{name}_id": place[1], f"{name}_seq": place[2]}
            condition += (
                f' AND "timestamp" {sign}= {at} AND ("timestamp" {sign} {at} OR execution_id {sign} '
                f"{execution_id} OR (execution_id = {execution_id} AND seq {sign} {seq}))"
            )
    turn = " DESC" if newest else ""
    order = f'"timestamp"{turn}, execution_id{turn}, seq{turn}'
    found = connection.execute(
        f"""SELECT * FROM (
            SELECT *, sum(strlen(message) + {EVENT_BYTES}) OVER (ORDER BY {order}) AS size,
                   row_number() OVER (ORDER BY {order}) AS number, count(*) OVER () AS seen FROM (
                SELECT "timestamp", coalesce(execution_id, '') AS execution_id, coalesce(seq, 0) AS seq,
                       log_stream, message, coalesce(request_id, '') AS request_id, function
                FROM logs WHERE {condition} ORDER BY {order} LIMIT $rows + 1))
        WHERE number <= $rows AND (size <= $bytes OR number = 1) ORDER BY number""",
        parameters,
    ).fetchall()
    told = [LogEvent(*row[:7]) for row in found]
    return told[::-1] if newest else told, bool(found) and found[0][-1] > len(found)


def streams(
    connection: Connection,
    wanted: Wanted,
    *,
    rows: int,
    by_last_event: bool = False,
    descending: bool = False,
    after: tuple[datetime, str] | None = None,
) -> list[Stream]:
    """Log streams in the order of their names, or of their last events; `after` is (last, name) of one."""
    parameters: dict[str, Any] = {"rows": rows}
    condition = wanted.condition(parameters)
    sign, turn = ("<", " DESC") if descending else (">", "")
    order = f"last{turn}, name{turn}" if by_last_event else f"name{turn}"
    having = ""
    if after is not None:
        parameters |= {"after_name": after[1]} | ({"after_last": after[0]} if by_last_event else {})
        having = f"WHERE name {sign} $after_name"
        if by_last_event:
            having = f"WHERE last {sign} $after_last OR (last = $after_last AND name {sign} $after_name)"
    return [
        Stream(*row)
        for row in connection.execute(
            f"""SELECT * FROM (SELECT log_stream AS name, min("timestamp") AS first, max("timestamp") AS last
                FROM logs WHERE {condition} GROUP BY 1) {having} ORDER BY {order} LIMIT $rows""",
            parameters,
        ).fetchall()
    ]


def any_event(connection: Connection, wanted: Wanted) -> bool:
    """Whether there is one."""
    parameters: dict[str, Any] = {}
    condition = wanted.condition(parameters)
    return bool(connection.execute(f"SELECT 1 FROM logs WHERE {condition} LIMIT 1", parameters).fetchall())


def matching(connection: Connection, messages: Sequence[str], wanted: Wanted) -> list[int]:
    """The places (from 0 on) of the messages that have the texts of `wanted`; nothing else of it counts."""
    parameters: dict[str, Any] = {"messages": list(messages), "count": len(messages)}
    condition = " AND ".join(["true", *wanted.texts(parameters)])
    return [
        row[0]
        for row in connection.execute(
            f"""SELECT place
            FROM (SELECT unnest($messages::VARCHAR[]) AS message, unnest(range($count)) AS place)
            WHERE {condition} ORDER BY 1""",
            parameters,
        ).fetchall()
    ]


def minutes(connection: Connection, wanted: Wanted) -> list[datetime]:
    """The minutes that have any of those events."""
    parameters: dict[str, Any] = {}
    condition = wanted.condition(parameters)
    return [
        row[0]
        for row in connection.execute(
            f"""SELECT DISTINCT date_trunc('minute', "timestamp") FROM logs WHERE {condition} ORDER BY 1""",
            parameters,
        ).fetchall()
    ]


def ended(connection: Connection, wanted: Wanted) -> tuple[str, ...]:
    """The ids of the executions whose events are wanted."""
    parameters: dict[str, Any] = {}
    condition = wanted.condition(parameters)
    rows = connection.execute(f"SELECT DISTINCT execution_id FROM logs WHERE {condition}", parameters)
    return tuple(row[0] for row in rows.fetchall())


def event(connection: Connection, execution_id: str, seq: int) -> LogEvent | None:
    """The event of that execution and number."""
    found = connection.execute(
        'SELECT "timestamp", execution_id, seq, log_stream, message, request_id, function FROM logs '
        "WHERE execution_id = $id AND seq = $seq AND source = 'local' LIMIT 1",
        {"id": execution_id, "seq": seq},
    ).fetchone()
    return None if found is None else LogEvent(*found)


def functions(connection: Connection) -> dict[str, datetime]:
    """The functions that ever ran here, and when each did first."""
    return dict(
        connection.execute(
            f"SELECT function, min(started_at) FROM executions WHERE {_LOGGED} GROUP BY 1"
        ).fetchall()
    )


def has_run(connection: Connection, function: str, since: datetime | None = None) -> bool:
    """Whether that function ever wrote to a log, or since then."""
    return bool(
        connection.execute(
            f"SELECT 1 FROM executions WHERE function = $function AND {_LOGGED} "
            "AND started_at >= $since LIMIT 1",
            {"function": function, "since": since or datetime.min},
        ).fetchall()
    )


def sizes(connection: Connection, wanted: Wanted) -> dict[str, int]:
    """Function -> bytes of its log events, as CloudWatch Logs counts them."""
    parameters: dict[str, Any] = {}
    condition = wanted.condition(parameters)
    return {
        name: int(size)
        for name, size in connection.execute(
            f"SELECT function, sum(strlen(message) + {EVENT_BYTES}) FROM logs WHERE {condition} GROUP BY 1",
            parameters,
        ).fetchall()
    }


def _has(text: Text, parameters: dict[str, Any]) -> str:
    name = f"text_{len(parameters)}"
    parameters[name] = text[0]
    return f"regexp_matches(message, ${name})" if text[1] else f"contains(message, ${name})"
