"""How fast a function may get new environments: a bucket that is refilled all the time. Pure.

Rule (Lambda, "Lambda scaling behavior"): 1,000 new environments for each function every 10 seconds, refilled
continuously, and what is not used does not add up beyond that.
"""

from __future__ import annotations

from typing import NamedTuple

PERIOD_S = 10.0


class Bucket(NamedTuple):
    """How many environments may start, as of `at` in seconds on any steady clock."""

    left: float
    at: float


def full(rate: int, now: float) -> Bucket:
    """A function that has started nothing for a while."""
    return Bucket(float(rate), now)


def refilled(bucket: Bucket, now: float, *, rate: int) -> Bucket:
    """The bucket as it stands at `now`; `rate` is for 10 seconds."""
    gained = max(now - bucket.at, 0.0) * rate / PERIOD_S
    return Bucket(min(bucket.left + gained, float(rate)), max(now, bucket.at))


def has_room(bucket: Bucket) -> bool:
    """Whether one environment may start."""
    return bucket.left >= 1.0


def taken(bucket: Bucket) -> Bucket:
    """The bucket after one environment started."""
    return bucket._replace(left=bucket.left - 1.0)
