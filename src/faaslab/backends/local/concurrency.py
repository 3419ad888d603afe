"""May an invocation run now, and where? Pure: it is told how things stand and says what to do.

Rule (Lambda, "Understanding Lambda function scaling"): an environment serves one invocation at a time; a
function runs at most its reserved concurrency over all versions, and no other can use that; what is
provisioned for a version counts in what its function has reserved, else in what the account has; all that
has neither shares the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThrottleReason = Literal[
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
]


@dataclass(frozen=True)
class Reuse:
    """Take the environment that became idle last; a `provisioned` one where there is one."""

    provisioned: bool = False


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
REUSE_PROVISIONED = Reuse(provisioned=True)
COLD_START = ColdStart()
EVICT_AND_COLD_START = ColdStart(evict=True)
RESERVED = Throttle("ReservedFunctionConcurrentInvocationLimitExceeded")
ACCOUNT = Throttle("ConcurrentInvocationLimitExceeded")
RESERVED_RATE = Throttle("ReservedFunctionInvocationRateLimitExceeded")
RATE = Throttle("FunctionInvocationRateLimitExceeded")


def admit(
    *,
    ready: int,
    idle: int,
    busy: int,
    on_demand: int,
    provisioned: int,
    reserved: int | None,
    unreserved_busy: int,
    unreserved: int,
    all_busy: int,
    all_alive: int,
    limit: int,
    may_start: bool,
) -> Admission:
    """What to do with one more invocation.

    Of this very definition: `ready`, idle provisioned environments; `idle`, idle on-demand ones.
    Of the function, all versions: `busy`, running invocations, `on_demand` of them outside of provisioned
    environments; `provisioned`, the provisioned environments that it has; `reserved`, its reserved
    concurrency, 0 blocks it.
    Of the account: `unreserved_busy`, on-demand invocations of functions that have nothing reserved, and
    `unreserved`, how many of those there may be; `all_busy`, `all_alive`, running invocations and living
    environments; `limit`, the account's concurrency.
    `may_start`: the scaling rate leaves room for a new environment.
    """
    if reserved is not None and busy >= reserved:
        return RESERVED
    if all_busy >= limit:
        return ACCOUNT
    if ready > 0:
        return REUSE_PROVISIONED
    if reserved is not None:
        if on_demand >= reserved - provisioned:
            return RESERVED
    elif unreserved_busy >= unreserved:
        return ACCOUNT
    if idle > 0:
        return REUSE
    if not may_start:
        return RATE if reserved is None else RESERVED_RATE
    return EVICT_AND_COLD_START if all_alive >= limit else COLD_START
