"""Provisioned concurrency: environments that are started ahead, kept, and replaced when they crash.

Rule: nobody waits for them. They start in threads of their own, invocations that come meanwhile spill over to
on-demand environments, and an init may take as long as the function's timeout, 130 seconds at least.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError
from faaslab.model.concurrency import INIT_FAILURE, Provision

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.environment import Environment
    from faaslab.backends.local.pool import Pool, Pools

INIT_TYPE = "provisioned-concurrency"
_INIT_S = 130.0
_THREADS = 4


class _Effort:
    """What one pool still has to start, and who waits for it."""

    def __init__(self) -> None:
        self.starting = 0
        self.reason: str | None = None
        self.waiting: list[Future[Provision]] = []


class Provisioner:
    """Starts and ends provisioned environments. `make` gives a new one of a pool that is not started."""

    def __init__(
        self,
        pools: Pools,
        *,
        make: Callable[[Pool], Environment],
        closing: threading.Event,
        released: Callable[[], None],
    ) -> None:
        self._pools = pools
        self._make = make
        self._closing = closing
        self._released = released
        self._lock = threading.Lock()
        self._efforts: dict[Pool, _Effort] = {}
        self._starting: set[Environment] = set()
        self._jobs: set[Future[None]] = set()
        self._executor: ThreadPoolExecutor | None = None

    def set(self, pool: Pool, wanted: int) -> Future[Provision]:
        """Have `wanted` of them; the future tells when they are READY, or why they FAILED."""
        future: Future[Provision] = Future()
        with self._lock:
            effort = self._efforts.setdefault(pool, _Effort())
            effort.reason = None
            effort.waiting.append(future)
            pool.wanted = wanted
        for environment in self._pools.withdraw(pool):
            environment.close()
        self.refill(pool)
        return future

    def refill(self, pool: Pool) -> None:
        """Start what is missing; after a failure nothing is, until it is set anew."""
        with self._lock:
            effort = self._efforts.get(pool)
            if effort is None:
                return
            missing = pool.wanted - pool.provisioned - effort.starting
            if missing > 0 and effort.reason is None and not self._closing.is_set():
                effort.starting += missing
                if self._executor is None:
                    self._executor = ThreadPoolExecutor(_THREADS, "faaslab-provision")
                self._jobs = {job for job in self._jobs if not job.done()}
                self._jobs |= {self._executor.submit(self._start, pool, effort) for _ in range(missing)}
        self._settle(pool, effort)

    def state(self, pool: Pool) -> Provision:
        """How it stands."""
        with self._lock:
            effort = self._efforts.get(pool) or _Effort()
            return self._told(pool, effort)

    @staticmethod
    def _told(pool: Pool, effort: _Effort) -> Provision:
        whole = pool.provisioned >= pool.wanted and not pool.retired
        return Provision(
            requested=pool.wanted,
            allocated=pool.provisioned,
            available=len(pool.ready),
            status="FAILED" if effort.reason else "READY" if whole else "IN_PROGRESS",
            reason=effort.reason,
        )

    def _start(self, pool: Pool, effort: _Effort) -> None:
        reason = None
        try:
            if not self._closing.is_set() and not pool.retired:
                reason = self._started(pool)
        except FaaslabError as error:
            reason = str(error)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, and the thread goes on
            reason = f"{type(error).__name__}: {error}"
        with self._lock:
            effort.starting -= 1
            # What fails because we close has not failed.
            if reason is not None and not self._closing.is_set():
                effort.reason = reason
        if effort.reason is not None:
            self._give_up(pool)
        self._settle(pool, effort)

    def _started(self, pool: Pool) -> str | None:
        environment = self._make(pool)
        try:
            with self._lock:
                self._starting.add(environment)
            environment.reset = True
            limit_s = max(_INIT_S, float(pool.function.configuration.timeout_s))
            started = environment.start(time.perf_counter() + limit_s)
            if started.status != "ok":
                return None if self._closing.is_set() else INIT_FAILURE
            if self._closing.is_set() or not self._pools.provide(pool, environment):
                return None
            kept, environment = environment, None  # type: ignore[assignment]
            with self._lock:
                self._starting.discard(kept)
            self._released()
            return None
        finally:
            if environment is not None:
                with self._lock:
                    self._starting.discard(environment)
                environment.close()

    def _give_up(self, pool: Pool) -> None:
        """As on Lambda, what failed is not there at all."""
        wanted, pool.wanted = pool.wanted, 0
        try:
            for environment in self._pools.withdraw(pool):
                environment.close()
        finally:
            pool.wanted = wanted

    def _settle(self, pool: Pool, effort: _Effort) -> None:
        with self._lock:
            told = self._told(pool, effort)
            over = effort.starting == 0 or pool.retired
            waiting, effort.waiting = (effort.waiting, []) if over else ([], effort.waiting)
            if over and (pool.retired or pool.wanted == 0):
                self._efforts.pop(pool, None)
        for future in waiting:
            future.set_result(told)

    def close(self) -> None:
        """Wait for the threads; `closing` was set before. May be called twice."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is None:
            return
        executor.shutdown(wait=False, cancel_futures=True)
        while not all(job.done() for job in self._jobs):
            with self._lock:
                starting = list(self._starting)
            for environment in starting:
                environment.kill_now()
            time.sleep(0.002)
        executor.shutdown(wait=True)
        with self._lock:
            efforts, self._efforts = list(self._efforts.items()), {}
        for pool, effort in efforts:
            for future in effort.waiting:
                future.set_result(self._told(pool, effort))

    def abandon(self) -> None:
        """In a forked child: all of it is the parent's."""
        self._lock, self._executor = threading.Lock(), None
        for environment in self._starting:
            environment.abandon()
        self._starting, self._efforts = set(), {}
