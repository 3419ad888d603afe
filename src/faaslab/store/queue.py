"""The queue of what is to be done later: entries are claimed for a while, and come back unless ended."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, RecordRejected
from faaslab.store.leases import instant, seconds
from faaslab.store.running import end_within

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from faaslab.clock import Clock
    from faaslab.store.record import Row
    from faaslab.store.state import State


@dataclass(frozen=True, kw_only=True)
class Claim:
    """An entry that `owner` may work on until `until`; `token` fences out who held it before."""

    id: str
    queue: str
    body: Any
    attempt: int
    """How often it was claimed, this time included."""
    due: datetime
    owner: str
    token: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something to be put into a queue; due now without `due`. `body` is JSON."""

    queue: str
    id: str
    body: Any
    due: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """An entry as it stands. `held_until` is in the future while `owner` works on it."""

    id: str
    queue: str
    body: Any
    due: datetime
    claims: int
    owner: str | None
    held_until: datetime | None


class Queue:
    """Durable entries with a due time, in as many named queues as wanted. All of it survives power loss."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def put(self, queue: str, body: Any, *, due: datetime | None = None, id: str | None = None) -> str:  # noqa: A002
        """Add an entry (`body` is JSON) that can be claimed from `due` on, now by default; its id.

        Raises `AlreadyExists` for an id that is waiting or was claimed: so nothing is queued twice.
        """
        entry = Entry(queue=queue, id=id or str(uuid.uuid4()), body=body, due=due)
        row = self._row(entry)
        with self._state.write(durable=True) as connection:
            if connection.execute("SELECT 1 FROM queue WHERE id = ?", (entry.id,)).fetchone():
                raise AlreadyExists(f"an entry {entry.id!r} is in the queue already")
            connection.execute(_PUT, row)
        return entry.id

    def claim(
        self, queue: str, owner: str, *, ttl_s: float, limit: int = 1, ids: Collection[str] | None = None
    ) -> tuple[Claim, ...]:
        """Up to `limit` entries that are due and that nobody holds, oldest due first, for `ttl_s` seconds.

        With `ids` only those.
        """
        now = seconds(self._clock.now())
        claims = []
        among, named = _among(ids)
        with self._state.write(durable=True) as connection:
            rows = connection.execute(
                "SELECT seq, id, body, due, attempts, token FROM queue WHERE queue = ? AND due <= ? "
                f"AND (until IS NULL OR until <= ?){among} ORDER BY due, seq LIMIT ?",
                (queue, now, now, *named, limit),
            ).fetchall()
            for seq, entry, body, due, attempts, token in rows:
                connection.execute(
                    "UPDATE queue SET owner = ?, token = ?, until = ?, attempts = ? WHERE seq = ?",
                    (owner, token + 1, now + ttl_s, attempts + 1, seq),
                )
                claims.append(
                    Claim(
                        id=entry,
                        queue=queue,
                        body=json.loads(body),
                        attempt=attempts + 1,
                        due=instant(due),
                        owner=owner,
                        token=token + 1,
                        until=instant(now + ttl_s),
                    )
                )
        return tuple(claims)

    def renew(self, claim: Claim, *, ttl_s: float) -> bool:
        """Hold it for another `ttl_s` from now; False when it went to another."""
        until = seconds(self._clock.now()) + ttl_s
        return self._change(
            "UPDATE queue SET until = ? WHERE id = ? AND token = ? AND owner = ?",
            (until, claim.id, claim.token, claim.owner),
        )

    def done(
        self,
        claim: Claim,
        *,
        rows: Sequence[Row] = (),
        put: Sequence[Entry] = (),
        ended: Collection[str] = (),
    ) -> bool:
        """Take it out for good; False when it went to another (then nothing was written).

        `rows` of the outbox are written, the entries of `put` are queued, and the executions `ended` run no
        more, all in the same transaction.
        """
        return self._change(
            "DELETE FROM queue WHERE id = ? AND token = ? AND owner = ?",
            (claim.id, claim.token, claim.owner),
            rows,
            put,
            ended,
        )

    def release(
        self,
        claim: Claim,
        *,
        delay_s: float = 0.0,
        body: Any = None,
        rows: Sequence[Row] = (),
        ended: Collection[str] = (),
    ) -> bool:
        """Give it back, to be claimed after `delay_s`, with a new body if given; False as in `done`."""
        due = seconds(self._clock.now()) + delay_s
        text = document(claim.body if body is None else body)
        return self._change(
            "UPDATE queue SET owner = NULL, until = NULL, due = ?, body = ? "
            "WHERE id = ? AND token = ? AND owner = ?",
            (due, text, claim.id, claim.token, claim.owner),
            rows,
            ended=ended,
        )

    def exchange(self, gone: Collection[str], *, put: Sequence[Entry] = ()) -> None:
        """Take entries out, whoever works on them, and add others, in one transaction.

        Who held one of `gone` cannot end it any more, so that nothing follows from it. Raises
        `AlreadyExists` when an id of `put` is in a queue, and has then done nothing.
        """
        rows = [self._row(entry) for entry in put]
        among, named = _among(gone)
        with self._state.write(durable=True) as connection:
            connection.execute(f"DELETE FROM queue WHERE 1{among}", named)
            taken, ids = _among([entry.id for entry in put])
            found = connection.execute(f"SELECT id FROM queue WHERE 1{taken}", ids).fetchone()
            if found:
                raise AlreadyExists(f"an entry {found[0]!r} is in the queue already")
            connection.executemany(_PUT, rows)

    def take_from(self, owner: str) -> int:
        """Give back all that `owner` holds, because it is known to have died; how many."""
        with self._state.write(durable=True) as connection:
            return connection.execute(
                "UPDATE queue SET owner = NULL, until = NULL WHERE owner = ?", (owner,)
            ).rowcount

    def remove(self, id: str) -> bool:  # noqa: A002
        """Take an entry out, unless somebody works on it; whether it was there."""
        with self._state.write(durable=True) as connection:
            return (
                connection.execute(
                    "DELETE FROM queue WHERE id = ? AND (until IS NULL OR until <= ?)",
                    (id, seconds(self._clock.now())),
                ).rowcount
                == 1
            )

    # -- where it is used

    @property
    def path(self) -> Path:
        """The file that it stands in. Raises `StoreMoved` where another one, or none, is at its place."""
        self._state.require_in_place()
        return self._state.path

    def note_place(self, place: str) -> None:
        """Remember that entries were queued from `place`."""
        with self._state.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO marks VALUES (?, 1) ON CONFLICT (name) DO NOTHING", (PLACE_MARK + place,)
            )

    def knows_place(self, place: str) -> bool:
        """Whether entries were queued from there."""
        return self._state.one("SELECT 1 FROM marks WHERE name = ?", (PLACE_MARK + place,)) is not None

    # -- looking

    def exists(self) -> bool:
        """Whether there can be any entry at all: a store that is not there yet has none, and stays away."""
        return self._state.path.exists()

    def depth(self, queue: str) -> int:
        """How many entries are in it, claimed ones included."""
        return int(self._state.one("SELECT count(*) FROM queue WHERE queue = ?", (queue,))[0])

    def next_due(self, queue: str, *, ids: Collection[str] | None = None) -> datetime | None:
        """When the next entry can be claimed (a held one: when its claim lapses); None if empty."""
        among, named = _among(ids)
        # Along one index to the first that nobody holds, and through the other (hence the +) over those held.
        row = self._state.one(
            "SELECT min(due) FROM ("
            "SELECT * FROM (SELECT due FROM queue WHERE queue = ? AND owner IS NULL"
            f"{among} ORDER BY due LIMIT 1) UNION ALL SELECT min(max(due, until)) FROM queue "
            f"WHERE owner IS NOT NULL AND +queue = ?{among})",
            (queue, *named, queue, *named),
        )
        return None if row[0] is None else instant(row[0])

    def present(self, ids: Collection[str]) -> set[str]:
        """Which of these are still in a queue."""
        among, named = _among(ids)
        with self._state.read() as connection:
            return {row[0] for row in connection.execute(f"SELECT id FROM queue WHERE 1{among}", named)}

    def changes(self) -> int:
        """A number that differs when anybody has written to the file since; costs microseconds."""
        return int(self._state.one("PRAGMA data_version")[0])

    def owners(self) -> set[str]:
        """All who hold an entry."""
        with self._state.read() as connection:
            rows = connection.execute("SELECT DISTINCT owner FROM queue WHERE owner IS NOT NULL")
            return {row[0] for row in rows}

    def names(self) -> tuple[str, ...]:
        """The queues that are not empty."""
        with self._state.read() as connection:
            return tuple(row[0] for row in connection.execute("SELECT DISTINCT queue FROM queue ORDER BY 1"))

    def waiting(self, queue: str, *, limit: int = 1000) -> tuple[Waiting, ...]:
        """The entries of a queue, next due first."""
        return self._look("queue = ? ORDER BY due, seq LIMIT ?", (queue, limit))

    def find(self, id: str) -> Waiting | None:  # noqa: A002
        """The entry of that id, in whatever queue."""
        return next(iter(self._look("id = ?", (id,))), None)

    # -- within

    def _look(self, where: str, parameters: Sequence[Any]) -> tuple[Waiting, ...]:
        with self._state.read() as connection:
            rows = connection.execute(
                f"SELECT id, queue, body, due, attempts, owner, until FROM queue WHERE {where}", parameters
            ).fetchall()
        return tuple(
            Waiting(
                id=entry,
                queue=name,
                body=json.loads(body),
                due=instant(due),
                claims=claims,
                owner=owner,
                held_until=None if until is None else instant(until),
            )
            for entry, name, body, due, claims, owner, until in rows
        )

    def _row(self, entry: Entry) -> tuple[str, str, str, float, int]:
        # Not from zero: who held an entry that was put in again under its id must not hold the new one.
        token = secrets.randbits(48)
        return entry.id, entry.queue, document(entry.body), seconds(entry.due or self._clock.now()), token

    def _change(
        self,
        text: str,
        parameters: Sequence[Any],
        rows: Sequence[Row] = (),
        put: Sequence[Entry] = (),
        ended: Collection[str] = (),
    ) -> bool:
        entries = [self._row(entry) for entry in put]
        with self._state.write(durable=True) as connection:
            changed: sqlite3.Cursor = connection.execute(text, parameters)
            if changed.rowcount:
                if rows:
                    self._state.append_within(connection, rows)
                connection.executemany(_PUT, entries)
                end_within(connection, ended)
            return changed.rowcount == 1


PLACE_MARK = "queue_place:"
_PUT = "INSERT INTO queue (id, queue, body, due, token) VALUES (?, ?, ?, ?, ?)"


def _among(ids: Collection[str] | None) -> tuple[str, tuple[str, ...]]:
    """A condition on the id, as SQL and its parameter: one JSON text, so that there is no limit to them."""
    if ids is None:
        return "", ()
    return " AND id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)


def document(body: Any) -> str:
    """`body` as JSON text. Raises `RecordRejected` for what has none."""
    try:
        text = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordRejected(
            f"it cannot be kept: {error}", hint="use strings, finite numbers, booleans, lists and objects"
        ) from None
    return text
