"""The queue of what is to be done later: entries are claimed for a while, and come back unless ended."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, RecordRejected
from faaslab.store.leases import instant, seconds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

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


class Queue:
    """Durable entries with a due time, in as many named queues as wanted. All of it survives power loss."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def put(self, queue: str, body: Any, *, due: datetime | None = None, id: str | None = None) -> str:  # noqa: A002
        """Add an entry (`body` is JSON) that can be claimed from `due` on, now by default; its id.

        Raises `AlreadyExists` for an id that is waiting or was claimed: so nothing is queued twice.
        """
        entry = id or str(uuid.uuid4())
        text = document(body)
        when = seconds(due or self._clock.now())
        with self._state.write(durable=True) as connection:
            if connection.execute("SELECT 1 FROM queue WHERE id = ?", (entry,)).fetchone():
                raise AlreadyExists(f"an entry {entry!r} is in the queue already")
            connection.execute(
                "INSERT INTO queue (id, queue, body, due) VALUES (?, ?, ?, ?)", (entry, queue, text, when)
            )
        return entry

    def claim(self, queue: str, owner: str, *, ttl_s: float, limit: int = 1) -> tuple[Claim, ...]:
        """Up to `limit` entries that are due and that nobody holds, oldest due first, for `ttl_s` seconds."""
        now = seconds(self._clock.now())
        claims = []
        with self._state.write(durable=True) as connection:
            rows = connection.execute(
                "SELECT seq, id, body, due, attempts, token FROM queue "
                "WHERE queue = ? AND due <= ? AND (until IS NULL OR until <= ?) ORDER BY due, seq LIMIT ?",
                (queue, now, now, limit),
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

    def done(self, claim: Claim, *, rows: Sequence[Row] = ()) -> bool:
        """Take it out for good; False when it went to another (then nothing was written).

        `rows` of the outbox are written in the same transaction.
        """
        return self._change(
            "DELETE FROM queue WHERE id = ? AND token = ? AND owner = ?",
            (claim.id, claim.token, claim.owner),
            rows,
        )

    def release(self, claim: Claim, *, delay_s: float = 0.0, body: Any = None) -> bool:
        """Give it back, to be claimed after `delay_s`, with a new body if given; False as in `done`."""
        due = seconds(self._clock.now()) + delay_s
        text = document(claim.body if body is None else body)
        return self._change(
            "UPDATE queue SET owner = NULL, until = NULL, due = ?, body = ? "
            "WHERE id = ? AND token = ? AND owner = ?",
            (due, text, claim.id, claim.token, claim.owner),
        )

    def depth(self, queue: str) -> int:
        """How many entries are in it, claimed ones included."""
        return int(self._state.one("SELECT count(*) FROM queue WHERE queue = ?", (queue,))[0])

    def next_due(self, queue: str) -> datetime | None:
        """When the next entry can be claimed (a held one: when its claim lapses); None if empty."""
        row = self._state.one(
            "SELECT min(max(due, coalesce(until, due))) FROM queue WHERE queue = ?", (queue,)
        )
        return None if row[0] is None else instant(row[0])

    def _change(self, text: str, parameters: Sequence[Any], rows: Sequence[Row] = ()) -> bool:
        with self._state.write(durable=True) as connection:
            changed: sqlite3.Cursor = connection.execute(text, parameters)
            if changed.rowcount and rows:
                self._state.append_within(connection, rows)
            return changed.rowcount == 1


def document(body: Any) -> str:
    """`body` as JSON text. Raises `RecordRejected` for what has none."""
    try:
        text = json.dumps(body, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise RecordRejected(
            f"it cannot be kept: {error}", hint="use strings, finite numbers, booleans, lists and objects"
        ) from None
    return text
