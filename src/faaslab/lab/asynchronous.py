"""`lab.asynchronous`: the queue of events that functions are given later, whoever is there then to run them.

What is queued outlives the process. It is run at the home of the store, which a notebook or a Python program
becomes when something waits there as they open it, or when they first run something (the setting
`run_queue`); all others only hand over. Where there is no home a shell command runs its own event;
`faaslab queue run` runs all of them. Several processes may do so at once: an event is worked on by who
claimed it, and comes back when that one dies.
"""

from __future__ import annotations

import dataclasses
import json
import os
import threading
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.backends import trace_header
from faaslab.errors import (
    Closed,
    FaaslabError,
    InvalidValue,
    NotFound,
    RecursiveInvocation,
    RunFailed,
)
from faaslab.lab import owners, standing
from faaslab.lab.destinations import LOOPS_STOPPED, PREFIX, SERVICES, Destinations, count
from faaslab.lab.event_invoke import EventInvokeConfigs
from faaslab.lab.pump import CLAIM_S, LOOK_S, Pump
from faaslab.lab.queued import Queued
from faaslab.lab.queued_events import UNREADABLE, QueuedEvents, unreadable
from faaslab.model.asynchronous import QueuedEvent
from faaslab.model.json import to_json
from faaslab.store import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.destinations import Deliver
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation
    from faaslab.store import Claim
    from faaslab.store.queue import Waiting

QUEUE = "events"
COLUMNS = ["function", "what", "attempt", "state", "due", "queued_at", "last_error", "id"]
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Left:
    """What is still in the queue of events, when the next is due (naive UTC), and how many were run."""

    events: int
    ran: int
    next_due: datetime | None


class Asynchronous:
    """Events on their way. `everybodys` says whether this process runs what others have queued."""

    def __init__(self, lab: Lab, *, everybodys: bool, at_once: int | None = None) -> None:
        self._lab = lab
        self._queue = lab.store.queue
        self._everybodys = everybodys
        self._guard = threading.Lock()
        self._waiting: dict[str, Queued] = {}
        self._here: str | None = None
        self._place_noted = False
        self._trusted = False
        self._asked = False
        self._worked_on = 0
        self.configs = EventInvokeConfigs(lab)
        self._destinations = Destinations(lab)
        self._events = QueuedEvents(lab, self._destinations, self._ended)
        self._pump = Pump(
            self._queue,
            lab.clock,
            queues=self._queues,
            work=self._work,
            look=self._look,
            watched=self._watched,
            only=self._only,
            concerned=self._concerned,
            at_once=at_once or max(_AT_ONCE, 2 * (os.cpu_count() or 1)),
        )
        lab.home.note_with(lambda: {standing.QUEUE: self._place() if self._everybodys else None})
        lab.home.listen(self._heard)
        lab.home.on_change(lambda _: self._pump.notice(), self._pump.notice)

    # -- handing over

    def submit(self, function: Function, body: bytes, request: Invocation) -> Queued:
        """Queue an event; when this returns it is on the disk. `body` is JSON of 1 MB at most.

        The payload waits there as it is, whatever the history keeps of payloads, until the event is done.
        """
        from faaslab.backends.local import admission

        body = admission.checked(body, request)
        if function.configuration.tenancy is not None or request.tenant_id is not None:
            admission.check_tenant(function, request.tenant_id)
        entry = self.entry(function, body.decode(json.detect_encoding(body)), request)
        queued = Queued(entry.id)
        with self._guard:
            self._waiting[entry.id] = queued
        try:
            self.note_place()
            self._queue.put(QUEUE, entry.body, id=entry.id)
            queued.is_there = True
        except BaseException:
            with self._guard:
                del self._waiting[entry.id]
            raise
        self.noticed()
        return queued

    def note_place(self) -> None:
        """Remember that this user queues into this store on this machine: it is not one that was sent."""
        if not self._place_noted:
            self._queue.note_place(self._place())
            self._place_noted = True

    def noticed(self) -> None:
        """Events were queued by a room of the Lab: whoever runs them is to know."""
        self._start()
        if not self._lab.home.here:
            self._lab.home.ring()

    def entry(self, function: Function, text: str, request: Invocation) -> Entry:
        """An event for `function` as an entry of the queue; the trace header is that of what caused it."""
        now = self._lab.clock.now()
        identity = request.request_id or str(uuid.uuid4())
        header = request.trace_id or trace_header.new_header(_epoch_s(now), os.urandom(20).hex())
        invocation = dataclasses.replace(
            request,
            invocation_type="Event",
            request_id=identity,
            trace_id=trace_header.entering(header, function.arn),
        )
        event = QueuedEvent(function=function.name, payload=text, invocation=invocation, queued_at=now)
        return Entry(queue=QUEUE, id=identity, body=to_json(event))

    def entered(self, function: Function, header: str | None) -> str | None:
        """The trace header for a synchronous run of `function` that the owner of `header` asks for.

        Raises `RecursiveInvocation` when it has run too often in that chain, unless it may.
        """
        if header is None:
            return None
        entering = trace_header.entering(header, function.arn)
        terminates = function.configuration.recursive_loop == "Terminate"
        if terminates and trace_header.in_a_loop(entering, function.arn):
            self._lab.store.record(count(LOOPS_STOPPED, function.name, self._lab.clock.now()))
            raise RecursiveInvocation(
                "Lambda has detected your function being invoked in a recursive loop with other AWS "
                "resources and stopped your function's invocation.",
                hint=f"it ran {trace_header.MOST_RUNS} times; --recursive-loop Allow lets it go on",
            )
        return entering

    # -- running

    def resume(self) -> bool:
        """Go on with what waits in the store, in the background; whether that was begun.

        A Lab that is opened does this by itself, unless the setting `run_queue` is off. Nothing is begun in a
        store that no event was queued into by this user on this machine, such as one that was sent by
        somebody or a copy: opening a file runs no code that came with it. `run_all` does.
        """
        with suppress(FaaslabError, OSError):
            if (
                self._queue.exists()
                and any(self._queue.next_due(name) is not None for name in (*self._queues(), UNREADABLE))
                and self._may_run_all()
            ):
                self._start()
                return True
        return False

    def _heard(self) -> None:
        """Another process has queued something: perhaps the first of all, for which nothing was begun yet."""
        self._pump.notice()
        if self._everybodys:
            self.resume()

    def _start(self, *, soon: bool = True) -> None:
        if self._everybodys:
            self._lab.home.stand(soon=soon)
        self._pump.start()

    def is_used_here(self) -> bool:
        """Whether this user has queued an event into this very store on this machine."""
        return self._queue.exists() and self._queue.knows_place(self._place())

    def backend_started(self) -> None:
        """This process runs functions: then also those whose events others queue from now on."""
        if self._everybodys:
            self._start(soon=False)

    def run_all(self) -> None:
        """From now on run what others have queued as well, whatever the setting says, whoever is the home."""
        self._everybodys = self._trusted = self._asked = True
        self._read_again()
        self._start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no event is due and none runs here; False when `timeout_s` passed before.

        What is due later (a retry, say) is not waited for.
        """
        return self._pump.wait(timeout_s)

    def drain(
        self, *, later: bool = False, progress: Callable[[int, str | None], None] | None = None
    ) -> Left:
        """Run what is due, whoever queued it, and wait for it; with `later` also for what is due later.

        `progress` is told how many events have left the queue since it was told last.
        """
        before = self._worked_on
        self.run_all()
        depth = self.depth()
        while True:
            idle = self.wait(LOOK_S)
            now = self.depth()
            if progress is not None:
                progress(max(depth - now, 0), None)
            depth = now
            if self._lab.closed or (idle and (not later or not depth)):
                ran = self._worked_on - before
                return Left(events=depth, next_due=self._queue.next_due(QUEUE), ran=ran)
            if idle:
                self._lab.clock.wait(threading.Event(), LOOK_S)

    def deliver_with(self, service: str, deliver: Deliver) -> None:
        """Have messages for `sqs`, `sns`, `events` or `s3` handed to `deliver(message)`, what waits included.

        It gets an `OutgoingMessage` and raises when it failed: then it gets it again later, for six hours.
        """
        if service not in SERVICES:
            raise InvalidValue(f"{service!r} is none of {', '.join(SERVICES)}", place="service")
        self._destinations.served[service] = deliver
        self.resume()

    def delivers(self, service: str) -> bool:
        """Whether messages for that service are handed to somebody."""
        return service in self._destinations.served

    # -- looking

    def depth(self) -> int:
        """How many events wait or run, by any process."""
        return self._queue.depth(QUEUE) if self._queue.exists() else 0

    def unreadable(self) -> int:
        """How many events are kept that this version of faaslab could not read."""
        return self._queue.depth(UNREADABLE) if self._queue.exists() else 0

    def table(self) -> pd.DataFrame:
        """What is in the queues: function, what (event, or the service that a message is for), attempt, due,
        state (waiting, running, failing, kept, unreadable), queued_at, last_error, id.

        A message is `failing` when its service took it not and will be asked again; `kept` when neither this
        process hands messages to that service nor a home elsewhere does.
        """  # noqa: D205
        import pandas as pd

        now = self._lab.clock.now()
        elsewhere = self._lab.home.elsewhere() is not None
        rows = [
            self._row(each, now, elsewhere=elsewhere)
            for name in (self._queue.names() if self._queue.exists() else ())
            if name in (QUEUE, UNREADABLE) or name.startswith(PREFIX)
            for each in self._queue.waiting(name)
        ]
        df = pd.DataFrame(rows, columns=COLUMNS)
        df["queued_at"] = pd.to_datetime(
            df["queued_at"], format="ISO8601", errors="coerce", utc=True
        ).dt.tz_localize(None)
        return df

    def _row(self, each: Waiting, now: datetime, *, elsewhere: bool) -> tuple[Any, ...]:
        """A row of `table`; of what cannot be read as much as can be told."""
        body = each.body if isinstance(each.body, dict) else {}
        attempted = body.get("invocation", body)
        service = each.queue.removeprefix(PREFIX)
        event = each.queue in (QUEUE, UNREADABLE)
        unread = unreadable(each.body) if event else None
        state = "waiting"
        if not event and body.get("last_error"):
            state = "failing"
        elif not (event or elsewhere or self.delivers(service)):
            state = "kept"
        if each.held_until is not None and each.held_until > now:
            state = "running"
        elif unread is not None:
            state = "unreadable"
        return (
            body.get("function"),
            "event" if event else service,
            attempted.get("attempt") if isinstance(attempted, dict) else None,
            state,
            each.due,
            queued_at if isinstance(queued_at := body.get("queued_at"), str) else None,
            unread or body.get("last_error"),
            each.id,
        )

    def failing(self) -> Mapping[str, int]:
        """How many messages each service did not take the last time it was asked, by what it said then."""
        df = self.table()
        df = df[df["state"] == "failing"]
        return dict(
            Counter(f"{what}: {said}" for what, said in zip(df["what"], df["last_error"], strict=True))
        )

    def drop(self, entry: str) -> None:
        """Take an event or a message out of its queue for good, unless it is worked on. Raises `NotFound`."""
        if not (self._queue.exists() and self._queue.remove(entry)):
            raise NotFound("waiting event", entry, hint="see: queue ls; one that runs cannot be dropped")

    @property
    def last_error(self) -> BaseException | None:
        """What keeps this process from working on the queue; None when all is well."""
        return self._pump.last_error

    # -- the end

    def stop(self) -> None:
        """Take no more events; those that run go on."""
        self._pump.stop()

    def close(self) -> None:
        """End the threads and give back what they held. The backend has to be closed before."""
        if not self._pump.close():
            return  # a forked child: what waits is its parent's
        with self._guard:
            left, self._waiting = tuple(self._waiting.values()), {}
        for queued in left:
            queued.broke(
                Closed(
                    f"the lab is closed; the event {queued.request_id} waits in the store",
                    hint="it goes on when the store is opened, or with: faaslab queue run",
                )
            )

    # -- for the pump

    def _queues(self) -> Sequence[str]:
        return [QUEUE, *self._destinations.queues()]

    def _only(self) -> Collection[str] | None:
        """What is run here: all of it at the home, nothing while another home sees to it, else its own."""
        home = self._lab.home
        mine = self._may_run_all()
        if self._asked or (mine and home.here):
            return None
        there = home.elsewhere()
        if there is not None:
            # One that was told not to run the queue, or is another user's, leaves it to the others. One of
            # this user does not: from when something is queued from here this store is used here.
            if standing.runs_queue(there.notes, self._place()):
                return ()
            if mine:
                return None
        return self._own()

    def _place(self) -> str:
        if self._here is None:
            self._here = owners.place_of(self._queue.path)
        return self._here

    def _own(self) -> tuple[str, ...]:
        with self._guard:
            return tuple(self._waiting)

    def _concerned(self) -> Collection[str] | None:
        """What is waited for here, whoever runs it."""
        return None if self._may_run_all() else self._own()

    def _watched(self) -> bool:
        """Whether somebody here waits for what another process does."""
        return any(not self._pump.holds(each) for each in self._own())

    def _may_run_all(self) -> bool:
        """Whether this Lab would run what others have queued: as the setting says, in a store used here."""
        if self._everybodys and not self._trusted:
            self._trusted = self.is_used_here()
        return self._everybodys and self._trusted

    def _work(self, claim: Claim) -> None:
        if claim.queue == QUEUE:
            tried = self._events.run(claim)
            with self._guard:
                self._worked_on += tried
        else:
            self._destinations.deliver(claim)

    def _ended(self, identity: str, ended: Execution | Exception, *, final: bool) -> None:
        with self._guard:
            queued = self._waiting.get(identity)
            if queued is not None and final:
                del self._waiting[identity]
        if queued is None:
            return
        if isinstance(ended, Exception):
            queued.attempt_failed(ended)
        elif final:
            queued.ended(ended)
        else:
            queued.attempt_ended(ended)

    def _read_again(self) -> None:
        """Put back among the events what another version set aside and this one can read."""
        if not self.unreadable():
            return
        for each in self._queue.waiting(UNREADABLE):
            if unreadable(each.body) is None:
                for claim in self._queue.claim(
                    UNREADABLE, owners.this_process(), ttl_s=CLAIM_S, ids=[each.id]
                ):
                    self._queue.done(claim, put=(Entry(queue=QUEUE, id=claim.id, body=claim.body),))

    def _look(self) -> None:
        """Tell those who wait for events that another process has seen to."""
        self._read_again()
        with self._guard:
            there = [each for each, queued in self._waiting.items() if queued.is_there]
        ids = [each for each in there if not self._pump.holds(each)]
        if not ids:
            return
        present = self._queue.present(ids)
        self._tell_of_first([each for each in ids if each in present])
        for identity in set(ids) - present:
            with self._guard:
                queued = None if self._pump.holds(identity) else self._waiting.pop(identity, None)
            if queued is None:
                continue
            try:
                queued.ended(self._lab.executions.get(identity))
            except FaaslabError as error:
                queued.broke(error)

    def _tell_of_first(self, ids: Sequence[str]) -> None:
        """Tell those who wait for the first attempt that it was made elsewhere, and more will follow."""
        with self._guard:
            asked = {
                each: queued for each in ids if (queued := self._waiting.get(each)) and queued.awaits_first
            }
        if not asked:
            return
        for identity, queued in asked.items():
            entry = self._queue.find(identity)
            body = entry.body if entry is not None and isinstance(entry.body, dict) else {}
            again = body.get("invocation", {}).get("attempt", 1) > 1
            if not again and not body.get("turned_away"):
                continue
            try:
                queued.attempt_ended(self._lab.executions.get(identity))
            except FaaslabError:
                queued.attempt_failed(RunFailed(str(body.get("last_error"))))


def _epoch_s(now: datetime) -> int:
    return int((now - datetime(1970, 1, 1)).total_seconds())
