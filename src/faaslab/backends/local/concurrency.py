"""May an invocation run now, and where? Pure: it is told how things stand and says what to do.

Rule (Lambda, "Understanding Lambda function scaling"): an environment serves one invocation at a time, a
function runs at most its reserved concurrency over all versions, everything together at most the account's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThrottleReason = Literal[
    "ReservedFunctionConcurrentInvocationLimitExceeded", "ConcurrentInvocationLimitExceeded"
]


@dataclass(frozen=True)
class Reuse:
    """Take the environment that became idle last."""


@dataclass(frozen=True)
class ColdStart:
    """Start a new environment; `evict` an idle one of another definition first, for its memory."""

    evict: bool = False


@dataclass(frozen=True)
class Throttle:
    """Turn it away; `reason` in Lambda's words."""

    reason: ThrottleReason


Admission = Reuse | ColdStart | Throttle
REUSE = Reuse()
COLD_START = ColdStart()
EVICT_AND_COLD_START = ColdStart(evict=True)


def admit(
    *, idle: int, function_busy: int, all_busy: int, all_alive: int, reserved: int | None, limit: int
) -> Admission:
    """What to do with one more invocation.

    `idle`: idle environments of this very definition; `function_busy`: running invocations of the function,
    all versions; `all_busy`, `all_alive`: running invocations and living environments of the backend;
    `reserved`: the function's reserved concurrency, 0 blocks it; `limit`: the backend's concurrency.
    """
    if reserved is not None and function_busy >= reserved:
        return Throttle("ReservedFunctionConcurrentInvocationLimitExceeded")
    if all_busy >= limit:
        return Throttle("ConcurrentInvocationLimitExceeded")
    if idle > 0:
        return REUSE
    return EVICT_AND_COLD_START if all_alive >= limit else COLD_START
