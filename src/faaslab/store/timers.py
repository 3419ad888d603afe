"""Timers: something named that is due at an instant, once; set again it moves."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.store.leases import instant, seconds
from faaslab.store.queue import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.clock import Clock
    from faaslab.store.state import State


@dataclass(frozen=True, kw_only=True)
class Timer:
    """A timer; claimed when `owner` is given, with the `token` that fences out who held it before."""

    name: str
    due: datetime
    body: Any
    owner: str | None = None
    token: int = 0


class Timers:
    """The timers of one store. All of it survives power loss."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def put(self, name: str, due: datetime, body: Any = None) -> None:
        """Set it, or move it: who claimed the earlier one has it no more."""
        with self._state.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO timers (name, due, body) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "due = excluded.due, body = excluded.body, owner = NULL, until = NULL, token = 0",
                (name, seconds(due), document(body)),
            )

    def claim(self, owner: str, *, ttl_s: float, limit: int = 100) -> tuple[Timer, ...]:
        """Those that are due and that nobody holds, earliest first, held for `ttl_s` seconds."""
        now = seconds(self._clock.now())
        claimed = []
        with self._state.write(durable=True) as connection:
            rows = connection.execute(
                "SELECT name, due, body FROM timers WHERE due <= ? AND (until IS NULL OR until <= ?) "
                "ORDER BY due, name LIMIT ?",
                (now, now, limit),
            ).fetchall()
            for name, due, body in rows:
                # Not a count: a timer that was done and is set again must not repeat an old token.
                token = secrets.randbits(62)
                connection.execute(
                    "UPDATE timers SET owner = ?, until = ?, token = ? WHERE name = ?",
                    (owner, now + ttl_s, token, name),
                )
                claimed.append(
                    Timer(name=name, due=instant(due), body=json.loads(body), owner=owner, token=token)
                )
        return tuple(claimed)

    def done(self, timer: Timer) -> bool:
        """It was seen to; False when it was moved or went to another meanwhile."""
        return self._change(
            "DELETE FROM timers WHERE name = ? AND owner = ? AND token = ?",
            (timer.name, timer.owner, timer.token),
        )

    def release(self, timer: Timer, *, delay_s: float = 0.0) -> bool:
        """Give it back, due again after `delay_s`; False as in `done`."""
        due = seconds(self._clock.now()) + delay_s
        return self._change(
            "UPDATE timers SET owner = NULL, until = NULL, due = ? "
            "WHERE name = ? AND owner = ? AND token = ?",
            (due, timer.name, timer.owner, timer.token),
        )

    def cancel(self, name: str) -> bool:
        """Take it away, claimed or not; whether there was one."""
        return self._change("DELETE FROM timers WHERE name = ?", (name,))

    def list(self) -> tuple[Timer, ...]:
        """All, earliest first."""
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT name, due, body, owner, token FROM timers ORDER BY due, name"
            ).fetchall()
        return tuple(
            Timer(name=name, due=instant(due), body=json.loads(body), owner=owner, token=token)
            for name, due, body, owner, token in rows
        )

    def next_due(self) -> datetime | None:
        """When the earliest is due that nobody holds; for a held one, when its claim lapses."""
        row = self._state.one("SELECT min(max(due, coalesce(until, due))) FROM timers")
        return None if row[0] is None else instant(row[0])

    def _change(self, text: str, parameters: Sequence[Any]) -> bool:
        with self._state.write(durable=True) as connection:
            return connection.execute(text, parameters).rowcount == 1
