"""The environments of one function definition, and who may take one.

Rule: idle ones are a stack. The one used last is warmest, and those at the bottom grow old and are ended.
Provisioned ones are a stack of their own, which nobody ends for its age.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING

from faaslab.backends.local import scaling
from faaslab.backends.local.concurrency import ColdStart, Reuse, Throttle, admit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.backends.local.concurrency import ThrottleReason
    from faaslab.backends.local.environment import Environment
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.clock import Clock
    from faaslab.model.function import Function


class Share:
    """What a function has of the account's concurrency, over all its versions."""

    __slots__ = ("bucket", "busy", "on_demand", "provisioned", "reserved")

    def __init__(self) -> None:
        self.busy = 0
        self.on_demand = 0
        self.provisioned = 0
        self.reserved: int | None = None
        self.bucket: scaling.Bucket | None = None


class Pool:
    """All environments of one definition under one version.

    Its counts are guarded by the lock of `Pools`.
    """

    def __init__(self, function: Function, share: Share, *, tenant: str | None = None) -> None:
        self.tenant = tenant
        """Whose environments these are, where tenants are isolated."""
        self.function = function
        self.share = share
        self.definition: Definition | None = None
        self.preparing = threading.Lock()
        self.idle: list[Environment] = []
        self.ready: list[Environment] = []
        """Provisioned ones that are idle."""
        self.busy: set[Environment] = set()
        self.provisioned = 0
        """Provisioned ones, idle or busy."""
        self.wanted = 0
        """How many are to be provisioned."""
        self.retired = False

    @property
    def version(self) -> str:
        """As the function sees it."""
        return self.function.version


class Pools:
    """All pools of a backend: one lock, short holds."""

    def __init__(self, *, limit: int, rate: int, clock: Clock) -> None:
        self.limit = limit
        self.lock = threading.Lock()
        self._rate = rate
        self._clock = clock
        self._pools: dict[tuple[object, ...], Pool] = {}
        self._leaving: list[Pool] = []
        # The function is kept beside its pool, so that its id cannot become another's.
        self._by_identity: dict[tuple[int, str | None], tuple[Function, Pool]] = {}
        self._shares: dict[str, Share] = {}
        self._told = False
        self._busy = 0
        self._unreserved_busy = 0
        self._unreserved = limit

    def of(self, function: Function, *, tenant: str | None = None) -> Pool:
        """The pool of this definition; the same object again costs a look-up only."""
        found = self._by_identity.get((id(function), tenant))
        if found is not None:
            return found[1]
        # What is reserved belongs to the function and makes no other definition of it.
        configuration = dataclasses.replace(
            function.configuration, reserved_concurrency=None, provisioned_concurrency=None
        )
        key = (
            function.name,
            function.version,
            function.definition,
            function.code_digest,
            function.code_sha256,
            function.handler,
            function.runtime,
            function.region,
            function.architecture,
            repr(configuration),
            tenant,
        )
        with self.lock:
            share = self._share(function.name)
            if not self._told and share.reserved != function.configuration.reserved_concurrency:
                self._reserve(share, function.configuration.reserved_concurrency)
                self._count_unreserved()
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = Pool(function, share, tenant=tenant)
            if len(self._by_identity) > 1000:
                self._by_identity.clear()
            self._by_identity[id(function), tenant] = (function, pool)
            return pool

    # --- what is reserved -------------------------------------------------------------------------

    def reserve(self, reservations: Mapping[str, int]) -> None:
        """What every function has reserved, by name; those that are not named have nothing.

        Until this was told once, what stands in a function's own configuration holds.
        """
        with self.lock:
            self._told = True
            for name in {*self._shares, *reservations}:
                self._reserve(self._share(name), reservations.get(name))
            self._count_unreserved()

    def _share(self, name: str) -> Share:
        share = self._shares.get(name)
        if share is None:
            share = self._shares[name] = Share()
        return share

    def _reserve(self, share: Share, reserved: int | None) -> None:
        if (share.reserved is None) != (reserved is None):
            self._unreserved_busy += share.on_demand if reserved is None else -share.on_demand
        share.reserved = reserved

    def _count_unreserved(self) -> None:
        shares = self._shares.values()
        set_aside = sum(share.provisioned if share.reserved is None else share.reserved for share in shares)
        self._unreserved = max(self.limit - set_aside, 0)

    # --- who may run ------------------------------------------------------------------------------

    def admit(self, pool: Pool) -> Environment | ColdStart | ThrottleReason:
        """Count one more invocation in: an environment to use, leave to start one, or why not."""
        share = pool.share
        with self.lock:
            ready, idle = len(pool.ready), len(pool.idle)
            starts = not (ready or idle)
            decision = admit(
                ready=ready,
                idle=idle,
                busy=share.busy,
                on_demand=share.on_demand,
                provisioned=share.provisioned,
                reserved=share.reserved,
                unreserved_busy=self._unreserved_busy,
                unreserved=self._unreserved,
                all_busy=self._busy,
                all_alive=self._busy + self._count_idle() if starts else 0,
                limit=self.limit,
                may_start=self._may_start(share) if starts else True,
            )
            if isinstance(decision, Throttle):
                return decision.reason
            self._busy += 1
            share.busy += 1
            if isinstance(decision, Reuse):
                if decision.provisioned:
                    environment = pool.ready.pop()
                    pool.busy.add(environment)
                    return environment
                environment = pool.idle.pop()
                pool.busy.add(environment)
            elif share.bucket is not None:
                share.bucket = scaling.taken(share.bucket)
            share.on_demand += 1
            if share.reserved is None:
                self._unreserved_busy += 1
            return environment if isinstance(decision, Reuse) else decision

    def _may_start(self, share: Share) -> bool:
        now = self._clock.monotonic()
        bucket = share.bucket or scaling.full(self._rate, now)
        share.bucket = scaling.refilled(bucket, now, rate=self._rate)
        return scaling.has_room(share.bucket)

    def _count_idle(self) -> int:
        return sum(len(pool.idle) + len(pool.ready) for pool in self._pools.values())

    @property
    def alone(self) -> bool:
        """Whether no more than one invocation runs, as far as can be told without the lock."""
        return self._busy <= 1

    def took(self, pool: Pool, environment: Environment) -> None:
        """A new environment is in use."""
        with self.lock:
            pool.busy.add(environment)

    def release(self, pool: Pool, environment: Environment | None, *, now: float, keep: bool) -> bool:
        """The invocation is over; False when the caller has to close the environment."""
        share = pool.share
        with self.lock:
            self._busy -= 1
            share.busy -= 1
            if environment is not None and environment.provisioned:
                pool.busy.discard(environment)
                # One that crashed is replaced, not started again.
                if keep and not pool.retired and environment.runs and pool.provisioned <= pool.wanted:
                    environment.released_at = time.perf_counter()
                    pool.ready.append(environment)
                    return True
                self._lose_provisioned(pool, 1)
                return False
            share.on_demand -= 1
            if share.reserved is None:
                self._unreserved_busy -= 1
            if environment is None:
                return True
            pool.busy.discard(environment)
            if not keep or pool.retired:
                return False
            environment.idle_since = now
            environment.released_at = time.perf_counter()
            pool.idle.append(environment)
            return True

    # --- provisioned ------------------------------------------------------------------------------

    def provide(self, pool: Pool, environment: Environment) -> bool:
        """A provisioned environment can be used; False when it is not wanted any more."""
        with self.lock:
            if pool.retired or pool.provisioned >= pool.wanted:
                return False
            environment.released_at = time.perf_counter()
            pool.ready.append(environment)
            pool.provisioned += 1
            pool.share.provisioned += 1
            self._count_unreserved()
            return True

    def withdraw(self, pool: Pool) -> list[Environment]:
        """Take the idle provisioned ones that are more than wanted, to end them."""
        with self.lock:
            surplus = min(max(pool.provisioned - pool.wanted, 0), len(pool.ready))
            gone, pool.ready = pool.ready[:surplus], pool.ready[surplus:]
            self._lose_provisioned(pool, surplus)
            return gone

    def _lose_provisioned(self, pool: Pool, count: int) -> None:
        if count:
            pool.provisioned -= count
            pool.share.provisioned -= count
            self._count_unreserved()

    # --- what happens to idle ones ----------------------------------------------------------------

    def freeze(self, idle_s: float) -> bool:
        """Stop the environments that have been idle so long; whether there is one left that runs."""
        before = time.perf_counter() - idle_s
        left = False
        with self.lock:
            for pool in self._pools.values():
                for environment in (*pool.idle, *pool.ready) if pool.ready else pool.idle:
                    if environment.runs:
                        if environment.released_at <= before:
                            environment.freeze()
                        else:
                            left = True
        return left

    def oldest_idle(self) -> Environment | None:
        """Take the environment that has been idle longest, to end it."""
        with self.lock:
            pools = [pool for pool in self._pools.values() if pool.idle]
            if not pools:
                return None
            pool = min(pools, key=lambda each: each.idle[0].idle_since)
            return pool.idle.pop(0)

    def expired(self, now: float, keep_alive_s: float) -> tuple[list[Environment], float | None]:
        """Take those that were idle too long, to end them; and when the next one will be."""
        gone: list[Environment] = []
        following: float | None = None
        with self.lock:
            for pool in self._pools.values():
                # The bottom of the stack is the oldest.
                while pool.idle and now - pool.idle[0].idle_since >= keep_alive_s:
                    gone.append(pool.idle.pop(0))
                if pool.idle:
                    due = pool.idle[0].idle_since + keep_alive_s
                    following = due if following is None else min(following, due)
        return gone, following

    def retire(self, name: str | None = None, version: str | None = None) -> list[Environment]:
        """Forget a function's pools (all functions: None), or a version's; their idle ones, to end them."""
        gone: list[Environment] = []
        with self.lock:
            for key, pool in list(self._pools.items()):
                if (name is None or pool.function.name == name) and version in (None, pool.version):
                    pool.retired = True
                    pool.wanted = 0
                    gone += [*pool.idle, *pool.ready]
                    self._lose_provisioned(pool, len(pool.ready))
                    pool.idle, pool.ready = [], []
                    del self._pools[key]
                    self._leaving.append(pool)
            self._leaving = [pool for pool in self._leaving if pool.busy]
            self._by_identity = {k: pair for k, pair in self._by_identity.items() if not pair[1].retired}
            return gone

    def all(self) -> list[tuple[Pool, Environment, bool]]:
        """(pool, environment, busy) of every living environment."""
        with self.lock:
            return [
                (pool, environment, busy)
                for pool in (*self._pools.values(), *self._leaving)
                for busy, group in ((True, pool.busy), (False, pool.idle), (False, pool.ready))
                for environment in list(group)
            ]
