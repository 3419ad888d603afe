"""The environments of one function definition, and who may take one.

Rule: idle ones are a stack. The one used last is warmest, and those at the bottom grow old and are ended.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from faaslab.backends.local.concurrency import Reuse, Throttle, admit
from faaslab.model.function import LATEST

if TYPE_CHECKING:
    from faaslab.backends.local.concurrency import ColdStart, ThrottleReason
    from faaslab.backends.local.definition import Definition
    from faaslab.backends.local.environment import Environment
    from faaslab.model.function import Function


class Pool:
    """All environments of one definition; `numbered` when it was asked for by a qualifier.

    Its counts are guarded by the lock of `Pools`.
    """

    def __init__(self, function: Function, *, numbered: bool) -> None:
        self.numbered = numbered
        self.function = function
        self.definition: Definition | None = None
        self.preparing = threading.Lock()
        self.idle: list[Environment] = []
        self.busy: set[Environment] = set()
        self.retired = False

    @property
    def version(self) -> str:
        """As the function sees it."""
        return self.function.version if self.numbered else LATEST


class Pools:
    """All pools of a backend: one lock, short holds."""

    def __init__(self, *, limit: int) -> None:
        self.limit = limit
        self.lock = threading.Lock()
        self._pools: dict[tuple[object, ...], Pool] = {}
        self._leaving: list[Pool] = []
        # The function is kept beside its pool, so that its id cannot become another's.
        self._by_identity: dict[tuple[int, bool], tuple[Function, Pool]] = {}
        self._function_busy: dict[str, int] = {}
        self._busy = 0

    def of(self, function: Function, *, numbered: bool) -> Pool:
        """The pool of this definition; the same object again costs a look-up only."""
        found = self._by_identity.get((id(function), numbered))
        if found is not None:
            return found[1]
        key = (
            function.name,
            numbered,
            function.version,
            function.code_digest,
            function.code_sha256,
            function.handler,
            function.runtime,
            function.region,
            function.architecture,
            repr(function.configuration),
        )
        with self.lock:
            pool = self._pools.get(key)
            if pool is None:
                pool = self._pools[key] = Pool(function, numbered=numbered)
            if len(self._by_identity) > 1000:
                self._by_identity.clear()
            self._by_identity[id(function), numbered] = (function, pool)
            return pool

    def admit(self, pool: Pool) -> Environment | ColdStart | ThrottleReason:
        """Count one more invocation in: an environment to use, leave to start one, or why not."""
        function = pool.function
        name = function.name
        with self.lock:
            busy = self._function_busy.get(name, 0)
            decision = admit(
                idle=len(pool.idle),
                function_busy=busy,
                all_busy=self._busy,
                all_alive=self._busy + self._count_idle() if not pool.idle else 0,
                reserved=function.configuration.reserved_concurrency,
                limit=self.limit,
            )
            if isinstance(decision, Throttle):
                return decision.reason
            self._busy += 1
            self._function_busy[name] = busy + 1
            if isinstance(decision, Reuse):
                environment = pool.idle.pop()
                pool.busy.add(environment)
                return environment
            return decision

    def _count_idle(self) -> int:
        return sum(len(pool.idle) for pool in self._pools.values())

    def took(self, pool: Pool, environment: Environment) -> None:
        """A new environment is in use."""
        with self.lock:
            pool.busy.add(environment)

    def release(self, pool: Pool, environment: Environment | None, *, now: float, keep: bool) -> bool:
        """The invocation is over; False when the caller has to close the environment."""
        with self.lock:
            self._busy -= 1
            name = pool.function.name
            left = self._function_busy[name] - 1
            if left:
                self._function_busy[name] = left
            else:
                del self._function_busy[name]
            if environment is None:
                return True
            pool.busy.discard(environment)
            if not keep or pool.retired:
                return False
            environment.idle_since = now
            environment.released_at = time.perf_counter()
            pool.idle.append(environment)
            return True

    def freeze(self, idle_s: float) -> bool:
        """Stop the environments that have been idle so long; whether there is one left that runs."""
        before = time.perf_counter() - idle_s
        left = False
        with self.lock:
            for pool in self._pools.values():
                for environment in pool.idle:
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
                    gone += pool.idle
                    pool.idle = []
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
                for busy, group in ((True, pool.busy), (False, pool.idle))
                for environment in list(group)
            ]
