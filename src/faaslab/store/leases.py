"""Leases: at most one holder of a name over all processes, with an epoch that fences a sleeper out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faaslab.clock import Clock
    from faaslab.store.state import State

_START = datetime(1970, 1, 1)
_FAR = 2.0**35


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
    `notes` are what the holder says of itself, and what others ask of it (JSON).
    """

    name: str
    owner: str
    epoch: int
    until: datetime
    ttl_s: float
    address: str | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)


class Leases:
    """The leases of one store."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def acquire(
        self,
        name: str,
        owner: str,
        *,
        ttl_s: float,
        address: str | None = None,
        notes: Mapping[str, Any] | None = None,
        instead_of: Lease | None = None,
    ) -> Lease | None:
        """Hold `name` for `ttl_s` seconds from now; None while another holds it.

        The same owner gets it again under the same epoch; from a lapsed or released one it goes to the next
        under a higher. So it does from the very holder `instead_of`, who is known to be dead or has to give
        it up: None when another has it by now.
        """
        now = seconds(self._clock.now())
        text = json.dumps(dict(notes or {}))
        with self._state.write(durable=True) as connection:
            row = connection.execute(
                "SELECT owner, CAST(epoch AS INTEGER), CAST(until AS REAL) FROM leases WHERE name = ?",
                (name,),
            ).fetchone()
            held = row is not None and row[0] is not None and row[2] > now
            if held and row[0] != owner:
                if instead_of is None or (row[0], row[1]) != (instead_of.owner, instead_of.epoch):
                    return None
                held = False
            epoch = row[1] if held else (row[1] + 1 if row else 1)
            connection.execute(
                "INSERT INTO leases (name, owner, epoch, until, address, notes) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, "
                "until = excluded.until, address = excluded.address, notes = excluded.notes",
                (name, owner, epoch, now + ttl_s, address, text),
            )
        return Lease(
            name=name,
            owner=owner,
            epoch=epoch,
            until=instant(now + ttl_s),
            ttl_s=ttl_s,
            address=address,
            notes=dict(notes or {}),
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

    def keep(self, lease: Lease, *, address: str | None, notes: Mapping[str, Any]) -> Lease | None:
        """Hold it for another `ttl_s`, even when it had lapsed, if nobody else has had it since; else None.

        A machine that was suspended so goes on where it stopped. `notes` are laid over those that are there.
        Written at the level `written`: after a loss of power there is no holder whom this would matter to.
        """
        now = seconds(self._clock.now())
        with self._state.write(durable=False) as connection:
            row = connection.execute(
                "UPDATE leases SET until = ?, address = ?, notes = json_patch(notes, ?) "
                "WHERE name = ? AND owner = ? AND epoch = ? RETURNING notes",
                (
                    now + lease.ttl_s,
                    address,
                    json.dumps(dict(notes)),
                    lease.name,
                    lease.owner,
                    lease.epoch,
                ),
            ).fetchone()
        if row is None:
            return None
        return Lease(
            name=lease.name,
            owner=lease.owner,
            epoch=lease.epoch,
            until=instant(now + lease.ttl_s),
            ttl_s=lease.ttl_s,
            address=address,
            notes=_object(row[0]),
        )

    def ask(self, lease: Lease, notes: Mapping[str, Any]) -> bool:
        """Lay `notes` over those of the very holder `lease`; False when it is not the holder any more."""
        with self._state.write(durable=False) as connection:
            changed = connection.execute(
                "UPDATE leases SET notes = json_patch(notes, ?) WHERE name = ? AND owner = ? AND epoch = ?",
                (json.dumps(dict(notes)), lease.name, lease.owner, lease.epoch),
            ).rowcount
        return changed == 1

    def hand_over(self, lease: Lease, to: str) -> bool:
        """Give it to the owner `to` under the next epoch, for `ttl_s` from now; False as in `release`."""
        now = seconds(self._clock.now())
        with self._state.write(durable=True) as connection:
            changed = connection.execute(
                "UPDATE leases SET owner = ?, epoch = epoch + 1, until = ?, address = NULL, notes = '{}' "
                "WHERE name = ? AND owner = ? AND epoch = ?",
                (to, now + lease.ttl_s, lease.name, lease.owner, lease.epoch),
            ).rowcount
        return changed == 1

    def release(self, lease: Lease) -> bool:
        """Give it back; False when it was no longer held."""
        with self._state.write(durable=True) as connection:
            changed = connection.execute(
                "UPDATE leases SET owner = NULL, until = 0, address = NULL, notes = '{}' "
                "WHERE name = ? AND owner = ? AND epoch = ?",
                (lease.name, lease.owner, lease.epoch),
            ).rowcount
        return changed == 1

    def holder(self, name: str) -> Lease | None:
        """Who holds it now; None for nobody."""
        last = self.last(name)
        return last if last is not None and last.until > self._clock.now() else None

    def last(self, name: str) -> Lease | None:
        """Who holds it, or let it lapse (`ttl_s` is then negative); None when it was released."""
        now = seconds(self._clock.now())
        row = self._state.one(
            "SELECT owner, CAST(epoch AS INTEGER), CAST(until AS REAL), address, notes FROM leases "
            "WHERE name = ? AND owner IS NOT NULL",
            (name,),
        )
        if row is None:
            return None
        until = min(max(row[2], 0.0), _FAR)
        return Lease(
            name=name,
            owner=row[0],
            epoch=row[1],
            until=instant(until),
            ttl_s=until - now,
            address=row[3],
            notes=_object(row[4]),
        )


def _object(text: str) -> dict[str, Any]:
    """Notes as they were written; none for what nobody of ours wrote."""
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
