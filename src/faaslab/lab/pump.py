"""The pump of a store's queues: claims what is due, has it worked on in a few threads, holds the claims.

Rule: it knows nothing of what an entry means. `work` ends the claim itself; an entry that it leaves, because
it raised, is given back. Any number of processes may pump one queue, as each entry has one claim.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from faaslab.errors import Closed, FaaslabError
from faaslab.lab import owners

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from faaslab.clock import Clock
    from faaslab.store import Claim
    from faaslab.store.queue import Queue

CLAIM_S = 30.0
"""A claim lapses after so long, unless it is renewed: another process then works on the entry."""
LOOK_S = 1.0
"""How often other processes' entries are looked for; its own are noticed at once."""
WATCH_S = 0.02
"""How often it is asked whether anything changed, while somebody here waits for what another process does."""
FAILED_S = 5.0
"""An entry that a failure of ours left undone waits so long."""
_JOIN_S = 15.0
_SPARE = 2


class Pump:
    """Starts one thread with `start`, and one for each entry that is worked on, `at_once` at most.

    `queues` names the queues; those after the first may use two threads more, so that what is quickly done
    does not wait for functions that run long. With `only` it takes no other entries than those; `wait` waits
    for those of `concerned`. `look` is called now and then, for whoever waits for what another process does,
    and soon after a change while `watched` says that there is somebody.
    """

    def __init__(
        self,
        queue: Queue,
        clock: Clock,
        *,
        queues: Callable[[], Sequence[str]],
        work: Callable[[Claim], None],
        look: Callable[[], None],
        only: Callable[[], Collection[str] | None],
        at_once: int,
        watched: Callable[[], bool] = lambda: False,
        concerned: Callable[[], Collection[str] | None] | None = None,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._queues = queues
        self._work = work
        self._look = look
        self._watched = watched
        self._only = only
        self._concerned = concerned or only
        self._at_once = at_once
        self._owner = owners.this_process()
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._held: dict[str, Claim] = {}
        self._workers: set[threading.Thread] = set()
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._looked = 0.0
        self._changes = -1
        self._thread: threading.Thread | None = None
        self._trouble: BaseException | None = None
        self._failure: BaseException | None = None

    # -- from outside

    def start(self) -> None:
        """Begin, or notice at once that something was put into a queue."""
        self._woken.set()
        with self._changed:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._pump, name="faaslab-queue", daemon=True)
                self._thread.start()

    def notice(self) -> None:
        """Look at once, if it was started: something may have changed."""
        self._woken.set()

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._thread is not None and not self._stopping.is_set()

    @property
    def last_error(self) -> BaseException | None:
        """What keeps it from its work, or from ending an entry, now; None when all is well."""
        return self._trouble or self._failure

    def holds(self, entry: str) -> bool:
        """Whether that entry is worked on here, now."""
        return entry in self._held

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is due and nothing is worked on here; False when `timeout_s` passed before."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            # Until it has looked once, what a dead process held counts as held.
            while (
                self._held
                or (self.running and not self._looked and self._trouble is None)
                or self._due_in(self._concerned()) == 0.0
            ):
                left = LOOK_S if deadline is None else deadline - time.monotonic()
                if left <= 0 or self._stopping.is_set():
                    return False
                if not self._held:
                    # Due, and taken by nobody when it was last looked: on a clock that stands still the next
                    # look would never come.
                    self._woken.set()
                # What is due is looked at again soon: another process may be the one that sees to it.
                self._changed.wait(min(left, 0.05))
            return True

    def stop(self) -> None:
        """Take no more entries; what is worked on goes on."""
        self._stopping.set()
        self._woken.set()

    def close(self) -> bool:
        """End the threads and give back what they held; may be called twice. False in a forked child.

        Whatever a worker waits for has to be ended before: an entry whose function is killed comes back.
        """
        self.stop()
        if self._pid != os.getpid():
            return False  # it has neither the threads nor the claims
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        deadline = time.monotonic() + _JOIN_S
        for worker in tuple(self._workers):
            if worker is not threading.current_thread():
                worker.join(max(deadline - time.monotonic(), 0.0))
        with self._changed:
            left, self._held = tuple(self._held.values()), {}
        for claim in left:
            with suppress(FaaslabError):
                self._queue.release(claim)
        return True

    # -- the thread

    def _pump(self) -> None:
        wait_s = 0.0
        while not self._stopping.is_set():
            self._woken.clear()
            began = self._clock.monotonic()
            try:
                self._look_around()
                wait_s = self._claim()
                self._trouble = None
            except Closed:
                return
            except Exception as error:  # noqa: BLE001 -- a full disk now may be none in a second
                self._trouble = error
                wait_s = LOOK_S
            # From when it was looked: what became due while it was must not be waited for again.
            self._clock.wait(self._woken, wait_s - (self._clock.monotonic() - began))

    def _look_around(self) -> None:
        now = time.monotonic()
        if self._looked and now - self._looked < LOOK_S:
            if self._watched() and (changes := self._queue.changes()) != self._changes:
                self._changes = changes
                self._look()
            return
        for owner in self._queue.owners():
            if owner != self._owner and owners.is_gone(owner):
                self._queue.take_from(owner)
        self._look()
        self._looked = now

    def _claim(self) -> float:
        """Take what is due and there are threads for; seconds until there may be more."""
        self._renew()
        only, taken = self._only(), 0
        for place, name in enumerate(self._queues()):
            with self._changed:
                free = self._at_once + (_SPARE if place else 0) - len(self._held)
                if free <= 0 or not self._is_due(name, only) or self._stopping.is_set():
                    continue
                claims = self._queue.claim(name, self._owner, ttl_s=CLAIM_S, limit=free, ids=only)
                taken += len(claims)
                self._held.update({claim.id: claim for claim in claims})
                for claim in claims:
                    self._begin(claim)
        # What was due and is another's now must not be asked for without a pause.
        due_in = self._due_in(only)
        longest = WATCH_S if self._watched() else LOOK_S
        return longest if due_in is None or (due_in == 0 and not taken) else min(due_in, longest)

    def _begin(self, claim: Claim) -> None:
        worker = threading.Thread(target=self._see_to, args=(claim,), name="faaslab-queued", daemon=True)
        self._workers.add(worker)
        try:
            worker.start()
        except RuntimeError:  # no more threads here, or the interpreter is ending
            self._workers.discard(worker)
            del self._held[claim.id]
            self._queue.release(claim, delay_s=FAILED_S)

    def _renew(self) -> None:
        now = self._clock.now()
        for claim in tuple(self._held.values()):
            if (claim.until - now).total_seconds() < CLAIM_S * 2 / 3 and self._queue.renew(
                claim, ttl_s=CLAIM_S
            ):
                until = now + timedelta(seconds=CLAIM_S)
                with self._changed:
                    if claim.id in self._held:
                        self._held[claim.id] = dataclasses.replace(claim, until=until)

    def _is_due(self, name: str, only: Collection[str] | None) -> bool:
        due = self._queue.next_due(name, ids=only)
        return due is not None and due <= self._clock.now()

    def _due_in(self, only: Collection[str] | None) -> float | None:
        """Seconds until the next entry is due, 0.0 for one that is; None when there is none."""
        due = [self._queue.next_due(name, ids=only) for name in self._queues()]
        times = [each for each in due if each is not None]
        return max((min(times) - self._clock.now()).total_seconds(), 0.0) if times else None

    def _see_to(self, claim: Claim) -> None:
        try:
            self._work(claim)
            self._failure = None
        except BaseException as error:  # noqa: BLE001 -- it is kept, and the entry comes back
            self._failure = error
            delay_s = 0.0 if self._stopping.is_set() or isinstance(error, Closed) else FAILED_S
            with suppress(FaaslabError):
                self._queue.release(claim, delay_s=delay_s)
        finally:
            with self._changed:
                self._held.pop(claim.id, None)
                self._workers.discard(threading.current_thread())
                self._changed.notify_all()
            self._woken.set()
