"""The newest log lines, and those that come: of executions that ended, each of them once.

Rule: an execution is recorded with its lines when it has ended, so what is new is what ended since, however
old its lines are. Of one whose lines were told while it ran, those below `told` are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from faaslab.store.reading import Connection

_SELECTED = (
    "l.\"timestamp\", l.function, l.execution_id, coalesce(l.request_id, ''), coalesce(l.seq, 0), "
    "coalesce(l.stream, 'function'), l.level, l.message"
)


_BEFORE = timedelta(seconds=60)
"""A line may be so much older than its execution's start: of an init that came before."""


class TailLine(NamedTuple):
    """A log line; `timestamp` is naive UTC, `level` as the function gave it, None where it gave none."""

    timestamp: datetime
    function: str
    execution_id: str | None
    request_id: str
    seq: int
    stream: str
    level: str | None
    message: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Whose lines: of a function, of one execution, or (neither) of all; `grep`: that it finds (RE2)."""

    function: str | None = None
    execution: str | None = None
    grep: str | None = None

    def conditions(self, parameters: dict[str, Any], table: str = "l") -> list[str]:
        """The conditions of a row of `logs`; adds their parameters."""
        found = []
        if self.execution is not None:
            parameters["execution"] = self.execution
            found.append(f"{table}.execution_id = $execution")
        elif self.function is not None:
            parameters["function"] = self.function
            found.append(f"{table}.function = $function")
        if self.grep is not None:
            parameters["grep"] = self.grep
            found.append(f"regexp_matches({table}.message, $grep)")
        return found

    def ended(self, parameters: dict[str, Any]) -> list[str]:
        """The same of a row of `executions`."""
        if self.execution is not None:
            parameters["execution"] = self.execution
            return ["id = $execution"]
        if self.function is not None:
            parameters["function"] = self.function
            return ["function = $function"]
        return []


def newest(
    connection: Connection, wanted: Wanted, *, rows: int, since: datetime | None, ended_since: datetime
) -> tuple[list[TailLine], set[str]]:
    """(the last `rows` lines, oldest first; the executions that ended since then).

    One question, so that no execution is both among those and new to who asks again.
    """
    parameters: dict[str, Any] = {"rows": rows, "ended_since": ended_since}
    conditions = wanted.conditions(parameters)
    if since is not None:
        parameters["since"] = since
        conditions.append('l."timestamp" >= $since')
    where = " AND ".join(["true", *conditions])
    ended = " AND ".join(["ended_at >= $ended_since", *wanted.ended(parameters)])
    found = connection.execute(
        f"""WITH found AS (
            SELECT {_SELECTED} FROM logs l WHERE {where}
            ORDER BY l."timestamp" DESC, l.execution_id DESC, l.seq DESC LIMIT $rows)
        SELECT *, NULL AS ended FROM found
        UNION ALL SELECT {", ".join(["NULL"] * 8)}, id FROM executions WHERE {ended}""",
        parameters,
    ).fetchall()
    lines = [TailLine(*row[:8]) for row in found if row[8] is None]
    lines.sort(key=lambda line: (line.timestamp, line.execution_id or "", line.seq))
    return lines, {row[8] for row in found if row[8] is not None}


def coming(
    connection: Connection,
    wanted: Wanted,
    *,
    rows: int,
    ended_since: datetime,
    known: Iterable[str],
    told: Mapping[str, int],
) -> tuple[list[TailLine], int, set[str]]:
    """(lines of executions that ended since then and are not known, by their end; all of them; which).

    Of more than `rows` lines those of the latest. An execution and its lines are recorded in one, so the
    lines of those that are found are there.
    """
    parameters: dict[str, Any] = {"ended_since": ended_since, "known": list(known)}
    ended = " AND ".join(
        ["ended_at >= $ended_since", "NOT list_contains($known::VARCHAR[], id)", *wanted.ended(parameters)]
    )
    new = connection.execute(
        f"SELECT id, ended_at, started_at FROM executions WHERE {ended} ORDER BY ended_at, id", parameters
    ).fetchall()
    if not new:
        return [], 0, set()
    place = {row[0]: number for number, row in enumerate(new)}
    # The bound keeps a long history out of it: what is older lies in parts of the file that are not read.
    begun = min(row[2] for row in new) - _BEFORE
    first = [told.get(name, 0) for name in place]
    parameters = {"rows": rows, "begun": begun, "new": list(place), "first": first}
    conditions = ['l."timestamp" >= $begun', "l.execution_id = n.id", "coalesce(l.seq, 0) >= n.first"]
    where = " AND ".join([*conditions, *wanted.conditions(parameters)])
    found = connection.execute(
        f"""SELECT {_SELECTED}, count(*) OVER () AS many FROM logs l, (
            SELECT unnest($new::VARCHAR[]) AS id, unnest(range(len($new))) AS place,
            unnest($first::BIGINT[]) AS first) n WHERE {where}
        ORDER BY n.place DESC, l.seq DESC, l."timestamp" DESC LIMIT $rows""",
        parameters,
    ).fetchall()
    return [TailLine(*row[:8]) for row in found[::-1]], found[0][8] if found else 0, set(place)


def matching(connection: Connection, messages: Iterable[str], pattern: str) -> list[bool]:
    """Which of the messages the regular expression (RE2) finds something in."""
    found = connection.execute(
        "SELECT regexp_matches(message, $pattern) FROM "
        "(SELECT unnest($messages::VARCHAR[]) AS message, unnest(range(len($messages))) AS place) "
        "ORDER BY place",
        {"messages": list(messages), "pattern": pattern},
    ).fetchall()
    return [bool(row[0]) for row in found]
