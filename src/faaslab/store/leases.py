"""Leases: at most one holder of a name over all processes, with an epoch that fences a sleeper out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.clock import Clock
    from faaslab.store.state import State

_START = datetime(1970, 1, 1)


def seconds(at: datetime) -> float:
    """An instant as the state keeps it."""
    return (at - _START).total_seconds()


def instant(value: float) -> datetime:
    """What `seconds` was made of."""
    return _START + timedelta(seconds=value)


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who holds `name` until `until` (naive UTC). `epoch` grows whenever it changes hands.

    What a holder writes under a lease carries the epoch: whoever sees a higher one ignores the lower.
    """

    name: str
    owner: str
    epoch: int
    until: datetime
    ttl_s: float
    address: str | None = None


class Leases:
    """The leases of one store."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def acquire(self, name: str, owner: str, *, ttl_s: float, address: str | None = None) -> Lease | None:
        """Hold `name` for `ttl_s` seconds from now; None while another holds it.

        The same owner gets it again under the same epoch; from a lapsed or released one it goes to the next
        under a higher.
        """
        now = seconds(self._clock.now())
        with self._state.write(durable=True) as connection:
            row = connection.execute(
                "SELECT owner, epoch, until FROM leases WHERE name = ?", (name,)
            ).fetchone()
            held = row is not None and row[0] is not None and row[2] > now
            if held and row[0] != owner:
                return None
            epoch = row[1] if held else (row[1] + 1 if row else 1)
            connection.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
                "owner = excluded.owner, epoch = excluded.epoch, until = excluded.until, "
                "address = excluded.address",
                (name, owner, epoch, now + ttl_s, address),
            )
        return Lease(
            name=name, owner=owner, epoch=epoch, until=instant(now + ttl_s), ttl_s=ttl_s, address=address
        )

    def renew(self, lease: Lease) -> bool:
        """Hold it for another `ttl_s` from now; False when it lapsed or went to another."""
        now = seconds(self._clock.now())
        with self._state.write(durable=True) as connection:
            changed = connection.execute(
                "UPDATE leases SET until = ? WHERE name = ? AND owner = ? AND epoch = ? AND until > ?",
                (now + lease.ttl_s, lease.name, lease.owner, lease.epoch, now),
            ).rowcount
        return changed == 1

    def release(self, lease: Lease) -> bool:
        """Give it back; False when it was no longer held."""
        with self._state.write(durable=True) as connection:
            changed = connection.execute(
                "UPDATE leases SET owner = NULL, until = 0, address = NULL "
                "WHERE name = ? AND owner = ? AND epoch = ?",
                (lease.name, lease.owner, lease.epoch),
            ).rowcount
        return changed == 1

    def holder(self, name: str) -> Lease | None:
        """Who holds it now; None for nobody."""
        now = seconds(self._clock.now())
        row = self._state.one(
            "SELECT owner, epoch, until, address FROM leases "
            "WHERE name = ? AND owner IS NOT NULL AND until > ?",
            (name, now),
        )
        if row is None:
            return None
        return Lease(
            name=name,
            owner=row[0],
            epoch=row[1],
            until=instant(row[2]),
            ttl_s=row[2] - now,
            address=row[3],
        )
