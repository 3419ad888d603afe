"""Who is to be the home of a store: one decision out of what the lease says. Nothing is touched here.

A Lab that becomes the home because it needed one is so by the way: it gives way to one that was told to be
the home (`faaslab serve`). One that was told so gives way to nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from faaslab.store.leases import Lease

if TYPE_CHECKING:
    from collections.abc import Mapping

TTL_S = 10.0
"""A home that was not heard of for so long is none any more."""
RENEW_S = 3.0
"""How often it says that it is there."""
LOOK_S = 1.0
"""How often one that would be the home looks whether there is one."""
_SLEPT_S = 5.0
_ADDRESS = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}")

STANDING, WANTED, QUEUE, SINCE, WAY, FILE = "standing", "wanted", "queue", "since", "way", "file"
"""Notes of the lease: it was told to be the home; who asks for it; whose events it runs; since when (ISO);
a digest of the settings and the Python with which it runs functions; which file that is about."""


class Wish(Enum):
    """What a Lab wants of the home."""

    NOTHING = "nothing"
    BY_THE_WAY = "by the way"
    """To be it when there is none."""
    STANDING = "standing"
    """To be it, also in the place of one that is it by the way."""


class Step(Enum):
    """What a Lab does next."""

    REST = "rest"
    """It has nothing to do with the home, or another one is it."""
    KEEP = "keep"
    """It is the home and says so again."""
    HAND_OVER = "hand over"
    """It is the home, and another was told to be it."""
    STEP_DOWN = "step down"
    """It was the home, and another is it by now."""
    TAKE = "take"
    """There is none: be it."""
    ASK = "ask"
    """Have the present one hand over."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known: the lease as it stands (lapsed or not), and whether its owner is known to have died.

    `slept`: this machine or process has slept or its clock was moved, so that a live home had no time yet
    to say that it is there.
    """

    lease: Lease | None
    gone: bool = False
    slept: bool = False


def decide(seen: Seen, wish: Wish, *, me: str, held: int | None, now: datetime) -> Step:
    """The next step of the Lab `me`, which believes to hold the lease under the epoch `held`."""
    lease = seen.lease
    mine = lease is not None and lease.owner == me
    if held is not None:
        if lease is None or not mine or lease.epoch != held:
            return Step.STEP_DOWN
        wanted = lease.notes.get(WANTED)
        return Step.HAND_OVER if wanted and wish is not Wish.STANDING else Step.KEEP
    if wish is Wish.NOTHING:
        return Step.REST
    if lease is None or mine or seen.gone:
        return Step.TAKE
    if not _current(lease, now):
        return Step.REST if seen.slept else Step.TAKE
    if wish is Wish.STANDING and not lease.notes.get(STANDING):
        return Step.REST if lease.notes.get(WANTED) == me else Step.ASK
    return Step.REST


def slept(*, wall_s: float, steady_s: float) -> bool:
    """Whether the time of day went on further than the time that was lived through, or went back."""
    return abs(wall_s - steady_s) > _SLEPT_S


def is_live(lease: Lease | None, *, gone: bool, now: datetime) -> bool:
    """Whether that is a home that can be used."""
    return lease is not None and not gone and _current(lease, now)


def _current(lease: Lease, now: datetime) -> bool:
    """Whether it was said lately. One that holds it until a far future said so before the clock was put back,
    or was written into a file by somebody else.
    """  # noqa: D205
    return now < lease.until <= now + timedelta(seconds=2 * TTL_S)


def trusted(address: str | None) -> str | None:
    """The address of a home, if it is one of this machine: a store may have been made by anybody."""
    return address if address is not None and _ADDRESS.fullmatch(address) else None


def process_of(lease: Lease) -> str:
    """Its process id, as text; the whole owner where that is not known."""
    parts = lease.owner.split("/")
    return parts[1] if len(parts) == 4 else lease.owner


def told(lease: Lease) -> str:
    """Who is the home, in words: `process 4711 at http://127.0.0.1:40000`."""
    where = f" at {lease.address}" if lease.address else ""
    return f"process {process_of(lease)}{where}"


def runs_queue(notes: Mapping[str, Any], place: str) -> bool:
    """Whether a home with these notes runs what is queued from `place` (see `owners.place_of`)."""
    return notes.get(QUEUE) == place
