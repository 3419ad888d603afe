"""`lab.home`: one process at a time is the home of a store: its queue, timers, cloud and endpoint run there.

The lease `home` of the state says who it is, with an epoch that fences out one that slept, and where it can
be reached. Rule: what is to be done is decided in `standing`; here it is carried out, by one thread for as
long as this Lab is the home or would be it. What is written under the lease is fenced by itself as well (a
claim of the queue has a token): two that take themselves for the home for a moment do nothing twice.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed, FaaslabError, StoreBusy, Unsupported
from faaslab.lab import owners, serving, standing
from faaslab.lab.serving import DRAIN_S, Endpoints, Serving
from faaslab.lab.standing import LOOK_S, RENEW_S, TTL_S, Seen, Step, Wish
from faaslab.store import forks

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.lab.serving import StartEndpoint
    from faaslab.store import Lease
    from faaslab.store.bell import Listening

NAME = "home"
_PATIENCE_S = 2 * TTL_S
"""A home that gives way, or one that has just begun, is waited for so long."""
_PAUSE_S = 0.02
_SHORTLY_S = 0.001
_MOMENT_S = 0.5


class Home:
    """The home of a Lab's store, which may be this Lab. Nothing is begun before it is needed."""

    fork_order = 5

    def __init__(self, lab: Lab, start_endpoint: StartEndpoint | None = None) -> None:
        self._lab = lab
        self._leases = lab.store.leases
        self._endpoints = Endpoints(lab, start_endpoint)
        self._guard = threading.RLock()
        self._woken = threading.Event()
        self._closing = threading.Event()
        self._pid = os.getpid()
        self._closed = False
        self._owner: str | None = None
        self._wish = Wish.NOTHING
        self._candidate = False
        self._moment_s = 0.0
        self._lease: Lease | None = None
        self._since: str | None = None
        self._leaving: str | None = None
        self._told: int | None = None
        self._begun: int | None = None
        self._deeds: list[tuple[Callable[[int], None], Callable[[], None]]] = []
        self._notes: list[Callable[[], dict[str, Any]]] = []
        self._heard: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None
        self._bell: Listening | None = None
        self._looked: tuple[datetime, float] | None = None
        self._grace_until = float("-inf")
        self._trouble: BaseException | None = None
        self._failure: BaseException | None = None
        forks.register(self)

    # -- looking

    @property
    def here(self) -> bool:
        """Whether this Lab is the home now. One that slept longer than its lease looks first."""
        lease = self._lease
        if lease is None or self._leaving is not None:
            return False
        if self._lab.clock.now() < lease.until:
            return True
        if not self._guard.acquire(blocking=False):
            return False
        try:
            with suppress(FaaslabError):
                self._beat()
                self._woken.set()
                return self._lease is not None and self._lab.clock.now() < self._lease.until
            return False
        finally:
            self._guard.release()

    @property
    def epoch(self) -> int | None:
        """The epoch under which this Lab is the home; None when it is not."""
        lease = self._lease
        return lease.epoch if self.here and lease is not None else None

    @property
    def last_error(self) -> BaseException | None:
        """What keeps this Lab from being the home, saying so, or its work there; None when all is well."""
        return self._trouble or self._failure

    def find(self) -> Lease | None:
        """The live home, this Lab or another; None when there is none. Looks at the state, nothing more."""
        if not self._lab.store.queue.exists():
            return None
        lease = self._leases.last(NAME)
        if lease is None or not standing.is_live(lease, gone=self._is_gone(lease), now=self._lab.clock.now()):
            return None
        return dataclasses.replace(lease, address=standing.trusted(lease.address))

    def elsewhere(self) -> Lease | None:
        """The live home, when that is another Lab."""
        lease = self.find()
        return None if lease is None or lease.owner == self._owner else lease

    def present(self) -> int | None:
        """The epoch of the live home, this Lab or another; None when there is none."""
        lease = self.find()
        return None if lease is None else lease.epoch

    def __repr__(self) -> str:
        lease = self.find()
        if lease is None:
            return f"<no home of {self._lab.store.path} yet>"
        return f"<home of {self._lab.store.path}: {'this lab' if self.here else standing.told(lease)}>"

    # -- being it

    def stand(self, *, soon: bool = True) -> None:
        """Be the home from now on whenever there is none, until this Lab is closed. Returns at once.

        Without `soon` it waits a moment, unless something wakes it: what runs first is not held up.
        """
        if self._candidate:
            if soon and self._told is None and self._lease is None:
                self._woken.set()
            return
        with self._guard:
            self._require_open()
            self._candidate = True
            self._moment_s = 0.0 if soon else _MOMENT_S
            self._wish = Wish.BY_THE_WAY if self._wish is Wish.NOTHING else self._wish
            self._begin()

    def ensure(self) -> str:
        """The address of the live home, `http://127.0.0.1:PORT`; this Lab becomes it when there is none."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with self._guard:
                self._require_open()
                if self._lease is None and self._beat(Wish.BY_THE_WAY) is Step.TAKE:
                    self._wish = Wish.BY_THE_WAY if self._wish is Wish.NOTHING else self._wish
                    self._begin()
                epoch = self.epoch
            if epoch is not None:
                beginning = self._begun != epoch and threading.current_thread() is not self._thread
                if not beginning or time.monotonic() > deadline:
                    return self._inner(epoch)
                self._closing.wait(_SHORTLY_S)  # what runs at the home is just beginning
                continue
            lease = self.elsewhere()
            if lease is not None and lease.address is not None:
                return lease.address
            if time.monotonic() > deadline:
                who = "a process that ends" if lease is None else standing.told(lease)
                raise Unsupported(
                    f"the home of this store is {who}, which has no endpoint",
                    hint="close that one, or open it with faaslab.open()",
                )
            self._closing.wait(_PAUSE_S)

    def _inner(self, epoch: int) -> str:
        address = self._endpoints.inner(epoch)
        lease = self._lease
        if lease is not None and lease.address != address:
            with self._guard, suppress(FaaslabError):  # so that the others are told
                self._beat()
        return address

    def take(self, host: str = serving.LOOPBACK, port: int = 0, token: str | None = None) -> Serving:
        """Be the home and answer at that address; port 0 takes a free one.

        A Lab that is the home by the way gives way. Raises `StoreBusy` with its process and address when
        another was told to be it, InvalidValue for an address that everybody could use.
        """
        host = serving.named(host)
        serving.check(host, token)
        with self._guard:
            self._require_open()
            before, self._wish = self._wish, Wish.STANDING
        try:
            epoch = self._taken()
            handle = self._endpoints.serve(host, port, token, epoch)
        except BaseException:
            self._fall_back(before)
            raise
        with self._guard, suppress(FaaslabError):
            self._beat()
        self._woken.set()
        return Serving(handle.address, self._end_serving)

    def _taken(self) -> int:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with self._guard:
                self._require_open()
                self._beat()
                self._begin()
                if (epoch := self.epoch) is not None and self._begun == epoch:
                    return epoch
            lease = self.elsewhere()
            if lease is not None and lease.notes.get(standing.STANDING):
                raise StoreBusy(
                    f"the home of this store is {standing.told(lease)}",
                    pid=owners.pid_here(lease.owner),
                    hint="use that address, or end that process first",
                )
            if time.monotonic() > deadline:
                raise StoreBusy(
                    f"the home of this store is {standing.told(lease) if lease else 'another process'}, "
                    "which does not give way",
                    pid=owners.pid_here(lease.owner) if lease else None,
                    hint="end that process, or try again",
                )
            self._closing.wait(_PAUSE_S)

    def _end_serving(self, drain_s: float) -> None:
        self._withdraw(drain_s)
        self._fall_back(Wish.BY_THE_WAY if self._candidate else Wish.NOTHING)

    def _withdraw(self, drain_s: float) -> None:
        outer = self._endpoints.withdraw()
        if outer is None:
            return
        with self._guard, suppress(FaaslabError):  # first nobody is sent there any more
            if self._lease is not None:
                self._beat()
        outer.close(drain_s)

    def _fall_back(self, wish: Wish) -> None:
        """It was told to be the home, and is not any more."""
        with self._guard:
            self._wish = wish
            if wish is Wish.NOTHING and self._lease is not None:
                self._leaving = self._leaving or ""
            elif self._lease is not None:
                with suppress(FaaslabError):  # so that nobody looks for it where it is no more
                    self._beat()
        self._woken.set()
        while self._leaving is not None and not self._closing.is_set():
            self._closing.wait(_PAUSE_S)

    def on_change(self, began: Callable[[int], None], ended: Callable[[], None]) -> None:
        """Have `began(epoch)` called when this Lab has become the home, `ended()` when it is so no more.

        Both in one thread, in turn; `ended` before the home is handed over. When it is the home already,
        `began` is called at once.
        """
        with self._guard:
            self._deeds.append((began, ended))
            epoch = self._told
        if epoch is not None:
            began(epoch)

    def note_with(self, notes: Callable[[], dict[str, Any]]) -> None:
        """Have `notes()` say what others are to know of this home; asked with every renewal."""
        self._notes.append(notes)

    def listen(self, heard: Callable[[], None]) -> None:
        """Have `heard` called at the home when another process rings: it has put something into the state."""
        self._heard.append(heard)

    def ring(self) -> None:
        """Tell the home, if it is another process, that there is something in the state for it."""
        self._lab.store.bell.ring()

    # -- the end

    def close(self, drain_s: float = DRAIN_S) -> None:
        """Answer what was asked, be the home no more and say so; may be called twice."""
        if self._pid != os.getpid():
            return  # a forked child: the home is its parent
        # It says that it is there as long as that takes, and what still runs for somebody finds it.
        self._withdraw(drain_s)
        self._closed = True
        self._endpoints.close(drain_s)
        self._closing.set()
        self._woken.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self._tell(None)
        with self._guard:
            lease, self._lease = self._lease, None
            if self._bell is not None:
                self._bell.close()
                self._bell = None
        if lease is not None:
            with suppress(FaaslabError):
                self._leases.release(lease)

    def _require_open(self) -> None:
        if self._closed:
            raise Closed("this lab is closed", hint="open another: faaslab.open()")

    # -- the thread

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep, name="faaslab-home", daemon=True)
            self._thread.start()
        else:
            self._woken.set()

    def _keep(self) -> None:
        if self._moment_s:
            self._woken.wait(self._moment_s)
        while not self._closing.is_set():
            self._woken.clear()
            began, wait_s = self._lab.clock.monotonic(), LOOK_S
            try:
                with self._guard:
                    if self._leaving is None:  # who leaves need not say once more that it is there
                        self._beat()
                    leaving = self._leaving
                if leaving is not None:
                    self._leave(leaving)
                told = self._told
                self._tell(self.epoch)
                if told is not None and self._lease is None:
                    self._endpoints.end_inner(DRAIN_S)
                wait_s = RENEW_S if self._lease is not None else LOOK_S
                self._trouble = None
            except Closed:
                return
            except Exception as error:  # noqa: BLE001 -- a full disk now may be none in a second
                self._trouble = error
            # From when it looked: what passed while it did must not be waited for again.
            self._lab.clock.wait(self._woken, wait_s - (self._lab.clock.monotonic() - began))

    def _leave(self, to: str) -> None:
        """Stop what is done at the home, then give it to whoever asked, or to anybody."""
        self._tell(None)
        with self._guard:
            lease, self._lease, self._leaving = self._lease, None, None
            if lease is None:
                return
            if to:
                self._leases.hand_over(lease, to)
            else:
                self._leases.release(lease)
        # Only now: what is still asked here may need the next home for its answer.
        self._endpoints.end_inner(DRAIN_S)

    def _tell(self, epoch: int | None) -> None:
        """Have begin or end what is done at the home."""
        if epoch == self._told:
            return
        with self._guard:
            deeds, told, self._told, self._begun = tuple(self._deeds), self._told, epoch, None
        failures: list[BaseException] = []
        if told is not None:
            for _, ended in reversed(deeds):
                _try(ended, failures)
            if self._bell is not None:
                self._bell.close()
                self._bell = None
        if epoch is not None:
            self._bell = self._lab.store.bell.listen(self._rung)
            for began, _ in deeds:
                _try(functools.partial(began, epoch), failures)
        self._failure = failures[0] if failures else None
        self._begun = epoch

    def _rung(self) -> None:
        self._woken.set()
        for heard in self._heard:
            heard()

    # -- one step, under the guard

    def _beat(self, wish: Wish | None = None) -> Step:
        if self._owner is None:
            self._owner = owners.this_process()
        lease = self._leases.last(NAME)
        step = self._decided(lease, self._wish if wish is None else wish)
        match step:
            case Step.KEEP:
                assert self._lease is not None
                self._lease = self._leases.keep(self._lease, address=self._reached_at(), notes=self._said())
            case Step.STEP_DOWN:
                self._lease = None
            case Step.HAND_OVER:
                assert lease is not None
                self._leaving = str(lease.notes[standing.WANTED])
            case Step.TAKE:
                self._take_lease(lease)
                if self._lease is None:
                    return Step.REST
            case Step.ASK:
                assert lease is not None
                self._leases.ask(lease, {standing.WANTED: self._owner})
                self.ring()
            case Step.REST:
                pass
        return step

    def _take_lease(self, lease: Lease | None) -> None:
        assert self._owner is not None
        self._since = self._lab.clock.now().isoformat()
        # One that holds it still is dead, or it is this one's: both are decided. A lapsed one needs no word.
        present = lease is not None and lease.until > self._lab.clock.now()
        self._lease = self._leases.acquire(
            NAME,
            self._owner,
            ttl_s=TTL_S,
            address=self._reached_at(),
            notes=self._said(),
            instead_of=lease if present else None,
        )

    def _reached_at(self) -> str | None:
        """Where other processes reach it: at its endpoint, or at its door, which starts one."""
        return self._endpoints.address or (self._lab.door.address if self._endpoints.possible else None)

    def _said(self) -> dict[str, Any]:
        told = self._wish is Wish.STANDING
        said: dict[str, Any] = {standing.STANDING: told, standing.SINCE: self._since}
        said[standing.FILE] = owners.file_of(self._lab.store.queue.path)
        for notes in self._notes:
            said |= notes()
        return said | {standing.WANTED: None} if told else said

    def _decided(self, lease: Lease | None, wish: Wish) -> Step:
        now, steady = self._lab.clock.now(), self._lab.clock.monotonic()
        if self._looked is not None and standing.slept(
            wall_s=(now - self._looked[0]).total_seconds(), steady_s=steady - self._looked[1]
        ):
            self._grace_until = steady + TTL_S
        self._looked = (now, steady)
        seen = Seen(lease=lease, gone=self._is_gone(lease), slept=steady < self._grace_until)
        held = None if self._lease is None else self._lease.epoch
        return standing.decide(seen, wish, me=self._owner or "", held=held, now=now)

    def _is_gone(self, lease: Lease | None) -> bool:
        """Whether its owner has died, or is the home of another file: this one was copied from that."""
        if lease is None or lease.owner == self._owner:
            return False
        file = owners.file_of(self._lab.store.queue.path)
        copied = lease.notes.get(standing.FILE, file) != file
        return owners.is_gone(lease.owner) or (copied and owners.pid_here(lease.owner) is not None)

    # -- forks

    def before_fork(self) -> None:
        """Nothing is half done while a child is made."""
        self._guard.acquire()

    def after_fork(self, *, child: bool) -> None:
        """A child is another process: it is not the home, and has no threads."""
        if not child:
            self._guard.release()
            return
        self._guard = threading.RLock()
        self._woken, self._closing = threading.Event(), threading.Event()
        self._owner = self._lease = self._thread = self._leaving = self._told = self._begun = self._looked = (
            None
        )
        self._candidate, self._wish = False, Wish.NOTHING
        self._endpoints = Endpoints(self._lab, None)
        if self._bell is not None:
            self._bell.close()
            self._bell = None


def _try(deed: Callable[[], None], failures: list[BaseException]) -> None:
    """One that fails keeps no other from beginning or ending, nor the home from being handed over."""
    try:
        deed()
    except Exception as error:  # noqa: BLE001 -- it is told by the doctor
        failures.append(error)
