"""What runs at this moment, by whatever process: invocations that have lasted a while, and what they wrote.

Rule: a row belongs to the process that runs the invocation, which renews it; it goes in the very transaction
that records the execution. So nobody sees one that has ended as one that runs, nor loses a line between both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from faaslab.model.execution import LogLine, LogStream
from faaslab.store.leases import instant, seconds
from faaslab.store.record import pieces, without_surrogates

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from faaslab.clock import Clock
    from faaslab.store.state import State

MOST_LINES = 2_000
"""About so many lines of an invocation are written in one transaction: a flood holds nobody up for long."""


class Came(NamedTuple):
    """Lines that came, about as many as were asked for, and whether there are more by now."""

    lines: Sequence[LogLine]
    more: bool


@dataclass(frozen=True, kw_only=True)
class Beat:
    """An invocation that runs, as its process tells of it. `lines(first, most)` are those from there on."""

    id: str
    request_id: str
    function: str
    version: str
    definition: int | None
    environment_id: str
    started_at: datetime
    lines: Callable[[int, int], Came]


@dataclass(frozen=True, kw_only=True)
class Ongoing:
    """An invocation that runs, or whose process has died. `owner` is that process, as `lab.owners` names it.

    `until`: it is known to run until then (naive UTC). `asked`: somebody wants that it ends. `lines`: how
    many rows its log has by now.
    """

    id: str
    request_id: str
    function: str
    version: str
    definition: int | None
    environment_id: str
    started_at: datetime
    owner: str
    until: datetime
    asked: bool
    lines: int


class NumberedLine(NamedTuple):
    """A line of what runs, with the number that it will have in the history."""

    seq: int
    line: LogLine


class Kept(NamedTuple):
    """What a beat found: which are asked to end, and whether there are lines that wait for the next beat."""

    asked: frozenset[str]
    more: bool


class Running:
    """What runs, in one store. Written at the level `written`: nothing runs after a loss of power."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    # -- by the process that runs them

    def keep(self, owner: str, beats: Sequence[Beat], *, ttl_s: float) -> Kept:
        """Say that they run, for `ttl_s` seconds from now, and add the lines that came.

        A row that was taken away meanwhile is made anew, with all its lines.
        """
        until = seconds(self._clock.now()) + ttl_s
        told = self._told(beats)
        # Before the transaction: to take the secrets out of a flood takes its time, and holds up nobody here.
        came = [beat.lines(told.get(beat.id, 0), MOST_LINES) for beat in beats]
        asked, more = set(), any(each.more for each in came)
        with self._state.write(durable=False) as connection:
            for beat, (lines, _) in zip(beats, came, strict=True):
                row = connection.execute(
                    "UPDATE running SET until = ?, owner = ? WHERE id = ? RETURNING asked, told, lines",
                    (until, owner, beat.id),
                ).fetchone()
                if row is None:
                    _begin(connection, beat, owner, until)
                    row = (0, 0, 0)
                if row[0]:
                    asked.add(beat.id)
                if row[1] == told.get(beat.id, 0):
                    _add(connection, beat.id, lines, told=row[1], seq=row[2])
                else:  # it was taken away since it was looked at
                    more = True
        return Kept(frozenset(asked), more)

    def _told(self, beats: Sequence[Beat]) -> dict[str, int]:
        """How many lines of each have come, of those that are there."""
        if not self._state.path.exists():
            return {}
        ids = [beat.id for beat in beats]
        with self._state.read() as connection:
            return dict(
                connection.execute(
                    f"SELECT id, told FROM running WHERE id IN ({', '.join('?' * len(ids))})", ids
                ).fetchall()
            )

    def forget(self, ids: Collection[str]) -> None:
        """They run no more, and nothing was recorded of it."""
        with self._state.write(durable=False) as connection:
            end_within(connection, ids)

    # -- by whoever looks

    def ask(self, execution_id: str) -> bool:
        """Ask the process that runs it to end it; False when it does not run any more."""
        with self._state.write(durable=False) as connection:
            return (
                connection.execute("UPDATE running SET asked = 1 WHERE id = ?", (execution_id,)).rowcount == 1
            )

    def present(self, *, function: str | None = None) -> tuple[Ongoing, ...]:
        """All of them (of one function), the oldest first; those of dead processes, too."""
        where = "" if function is None else "WHERE function = ? "
        return tuple(self._rows(f"{where}ORDER BY started, id", () if function is None else (function,)))

    def found(self, text: str, *, shortest: int) -> tuple[Ongoing, ...]:
        """Those with that id or request id; else those whose id begins so, if it is long enough to tell."""
        exact = tuple(self._rows("WHERE id = ? OR request_id = ?", (text, text)))
        if exact or len(text) < shortest:
            return exact
        return tuple(self._rows("WHERE substr(id, 1, ?) = ?", (len(text), text)))

    def lines(self, execution_id: str, first: int) -> list[NumberedLine]:
        """The lines of one from number `first` on, in order."""
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT seq, at, stream, level, message FROM running_lines "
                "WHERE execution_id = ? AND seq >= ? ORDER BY seq",
                (execution_id, first),
            ).fetchall()
        return [
            NumberedLine(
                seq,
                LogLine(
                    at=datetime.fromisoformat(at), message=message, stream=LogStream(stream), level=level
                ),
            )
            for seq, at, stream, level, message in rows
        ]

    def _rows(self, rest: str, parameters: Sequence[object]) -> Iterator[Ongoing]:
        if not self._state.path.exists():
            return
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT id, request_id, function, version, definition, environment_id, started, owner, "
                f"until, asked, lines FROM running {rest}",
                parameters,
            ).fetchall()
        for row in rows:
            yield Ongoing(
                id=row[0],
                request_id=row[1],
                function=row[2],
                version=row[3],
                definition=row[4],
                environment_id=row[5],
                started_at=instant(row[6]),
                owner=row[7],
                until=instant(row[8]),
                asked=bool(row[9]),
                lines=row[10],
            )


def end_within(connection: sqlite3.Connection, ids: Collection[str]) -> None:
    """They run no more; within the transaction that records what came of them."""
    for name in ids:
        connection.execute("DELETE FROM running WHERE id = ?", (name,))
        connection.execute("DELETE FROM running_lines WHERE execution_id = ?", (name,))


def _begin(connection: sqlite3.Connection, beat: Beat, owner: str, until: float) -> None:
    connection.execute("DELETE FROM running_lines WHERE execution_id = ?", (beat.id,))
    connection.execute(
        "INSERT INTO running (id, request_id, function, version, definition, environment_id, started, owner, "
        "until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            beat.id,
            without_surrogates(beat.request_id),
            beat.function,
            beat.version,
            beat.definition,
            beat.environment_id,
            seconds(beat.started_at),
            owner,
            until,
        ),
    )


def _add(
    connection: sqlite3.Connection, execution_id: str, came: Sequence[LogLine], *, told: int, seq: int
) -> None:
    """Lines behind the `told` that are there, which stand in `seq` rows: a long line has several."""
    if not came:
        return
    rows = [
        (execution_id, seq + place, log.at.isoformat(), str(log.stream), log.level, without_surrogates(text))
        for place, (log, text) in enumerate(pieces(came))
    ]
    connection.executemany("INSERT INTO running_lines VALUES (?, ?, ?, ?, ?, ?)", rows)
    connection.execute(
        "UPDATE running SET told = ?, lines = ? WHERE id = ?",
        (told + len(came), seq + len(rows), execution_id),
    )
