"""`lab.targets`: what rules and schedules send, each delivery kept until it is made or given up.

What was decided to be sent is on the disk before anybody is told so: to a function as an event of the queue
of events, to everything else as an order of a queue of its own. Orders are carried out at the home of the
store, which reaches the cloud; they are tried again as EventBridge does, and go to a dead-letter queue then.
As on AWS that is at least once: what was sent just before a process was killed is sent again.
"""

from __future__ import annotations

import dataclasses
import os
import re
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from faaslab.backends import asynchronous
from faaslab.errors import (
    AlreadyExists,
    BackendError,
    Closed,
    FaaslabError,
    InvalidValue,
    NotFound,
    StoreError,
    Unsupported,
)
from faaslab.lab.destinations import Follows
from faaslab.lab.pump import Pump
from faaslab.model.event import Delivery, DeliveryStatus
from faaslab.model.invocation import Invocation
from faaslab.model.json import from_json, to_json
from faaslab.model.order import SCHEDULES, TARGETS, Order
from faaslab.model.quotas import EVENT_BYTES
from faaslab.store import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.lab.buses import Buses
    from faaslab.lab.schedules import Schedules
    from faaslab.lab.sending import Ask
    from faaslab.store import Claim

_AT_ONCE = 4
_TOLD = 1_000
_FUNCTION = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[^:]*:[^:]*:function:)?(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>[$\w-]+))?"
)


class Targets:
    """Deliveries of one Lab. Nothing is begun before `begin`, which the home calls."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._queue = lab.store.queue
        self._guard = threading.Lock()
        self._ask: Ask | None = None
        self._cloud: Ask | None = None
        self._pump: Pump | None = None
        self._is_home = False

    # Imported with the first use: most notebooks have neither rules nor schedules.

    @cached_property
    def buses(self) -> Buses:
        """The event buses."""
        from faaslab.lab.buses import Buses

        return Buses(self._lab)

    @cached_property
    def schedules(self) -> Schedules:
        """Rules with a schedule, and schedules."""
        from faaslab.lab.schedules import Schedules

        return Schedules(self._lab)

    # -- at the home

    def serve_with(self, ask: Ask, cloud: Ask) -> None:
        """From now on operations are carried out so; `cloud` asks the cloud itself, past what is ours."""
        self._ask, self._cloud = ask, cloud

    def resume(self) -> None:
        """Be the home from now on, where there is none, if there is something to be sent, now or later."""
        if self._waits():
            self._lab.home.stand()

    def begin(self) -> None:
        """This process is the home: carry out what waits, and whatever comes."""
        self._is_home = True
        self.look()

    def look(self) -> None:
        """Go on with what waits, if there is anything and this is the home."""
        if self._is_home and self._waits():
            self.noticed()

    def _waits(self) -> bool:
        """Whether anything waits, in a store that this user has queued into on this machine.

        Opening one that somebody sent starts nothing.
        """
        with suppress(FaaslabError, OSError):
            if self._lab.asynchronous.is_used_here():
                return bool(self._queue.depth(TARGETS) or self._queue.depth(SCHEDULES))
        return False

    def end(self) -> None:
        """This process is the home no more. May be called twice."""
        self._is_home = False
        with self._guard:
            pump, self._pump = self._pump, None
        if pump is not None:
            pump.close()

    close = end

    def noticed(self) -> None:
        """Something may be due."""
        if not self._is_home or self._lab.closed:
            return
        with self._guard:
            if self._pump is None:
                self._pump = Pump(
                    self._queue,
                    self._lab.clock,
                    queues=lambda: (TARGETS, SCHEDULES),
                    work=self._work,
                    look=lambda: None,
                    only=lambda: None,
                    at_once=_AT_ONCE,
                )
            self._pump.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is due and nothing is under way here; False when `timeout_s` passed before."""
        pump = self._pump
        return True if pump is None else pump.wait(timeout_s)

    @property
    def last_error(self) -> BaseException | None:
        """What keeps it from its work; None when all is well."""
        return None if self._pump is None else self._pump.last_error

    # -- what is to be sent

    def put(self, orders: Sequence[Order]) -> None:
        """Have them carried out; when this returns they are on the disk."""
        if not orders:
            return
        follows = self.follows(orders)
        self._queue.exchange((), put=follows.entries)
        self._lab.asynchronous.note_place()
        if follows.records:
            self._lab.store.record(*follows.records)
        self._lab.asynchronous.noticed()
        self.noticed()

    def follows(self, orders: Sequence[Order]) -> Follows:
        """The entries of queues that carry them out, and what is to be recorded at once."""
        from faaslab.lab import sending

        follows = Follows()
        for order in orders:
            called = sending.function_of(order)
            if called is None:
                follows.entries.append(_entry(order))
                continue
            try:
                follows.entries.append(self._event(order, *called))
                follows.records.append(self._delivery(order, DeliveryStatus.DELIVERED))
            except (NotFound, InvalidValue, Unsupported) as error:
                # AWS tries that again for a day; here nothing but the user makes the function.
                self._give_up(follows, order, "ResourceNotFoundException", error.message)
        return follows

    def ask(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str
    ) -> Mapping[str, Any]:
        """Ask the cloud; `Unsupported` where there is none."""
        if self._ask is None:
            raise Unsupported("there is no embedded cloud here", hint='pip install "faaslab[cloud]"')
        return self._ask(service, operation, params, region=region)

    def _event(self, order: Order, function: str, payload: str) -> Entry:
        from faaslab.events.target_input import as_json

        found = _FUNCTION.fullmatch(function)
        if found is None:
            raise InvalidValue(f"{function[:200]!r} is no function")
        body = as_json(payload)
        if len(body.encode()) > EVENT_BYTES:
            raise InvalidValue(f"the event is larger than {EVENT_BYTES} bytes")
        name, qualifier = found["name"], found["qualifier"]
        prepared, _ = self._lab.functions.prepared(name, qualifier)
        request = Invocation(qualifier=qualifier, trace_id=order.trace_id, trigger=order.trigger)
        return self._lab.asynchronous.entry(prepared, body, request)

    # -- carrying out

    def _work(self, claim: Claim) -> None:
        if claim.queue == SCHEDULES:
            if self.schedules.fire(claim):
                self._lab.asynchronous.noticed()
            return
        from faaslab.lab import sending

        try:
            order = from_json(Order, claim.body)
        except InvalidValue as error:
            self._lab.store.reject("order", str(error), repr(claim.body)[:10_000])
            self._lab.settle(claim)
            return
        try:
            assert self._cloud is not None
            if sending.service_of(order.target) == "states":
                self._start(order)
            else:
                sending.send(order, self.ask, self._cloud, self.buses.forward)
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is recorded and tried again
            self._failed(claim, order, error)
        else:
            self._lab.settle(claim, self._delivery(order, DeliveryStatus.DELIVERED))

    def _start(self, order: Order) -> None:
        """Start the workflow that is the target. Its name follows from the event: twice is once."""
        from faaslab.events.target_input import as_json

        what = uuid.uuid5(uuid.NAMESPACE_URL, f"{order.cause} {order.target} {order.body}")
        name = f"{order.event_id[:43]}_{what}"
        with suppress(AlreadyExists):
            self._lab.workflows.start(
                order.target,
                as_json(order.body).encode(),
                name=name,
                trigger=order.trigger,
                trace_header=order.trace_id,
            )

    def _failed(self, claim: Claim, order: Order, error: Exception) -> None:
        code = str(getattr(error, "code", type(error).__name__))
        told = f"{code}: {getattr(error, 'message', error)}"[:_TOLD]
        age = self._lab.clock.now() - order.queued_at
        if (
            not _may_mend(error)
            or order.attempt > order.retries
            or age >= timedelta(seconds=order.age_limit_s)
        ):
            follows = Follows()
            self._give_up(follows, order, code, told)
            self._lab.settle(claim, *follows.records, put=follows.entries)
            return
        again = dataclasses.replace(order, attempt=order.attempt + 1, last_error=told)
        self._lab.settle(
            claim,
            self._delivery(order, DeliveryStatus.FAILED, told),
            again_in_s=asynchronous.delivery_delay_s(order.attempt),
            body=to_json(again),
        )

    def _give_up(self, follows: Follows, order: Order, code: str, told: str) -> None:
        follows.records.append(self._delivery(order, DeliveryStatus.DROPPED, told))
        parts = (order.dead_letters or "").split(":", 5)
        if len(parts) != 6:
            return
        from faaslab.events.envelope import text
        from faaslab.lab import sending

        letter = sending.dead_letter(order, code, told)
        letter["QueueUrl"] = f"http://sqs.{parts[3]}.amazonaws.com/{parts[4]}/{parts[5]}"
        follows.entries.append(
            _entry(
                Order(
                    target="arn:aws:scheduler:::aws-sdk:sqs:sendMessage",
                    body=text(letter),
                    cause=order.cause,
                    trigger=order.trigger,
                    event_id=order.event_id,
                    region=parts[3],
                    queued_at=self._lab.clock.now(),
                )
            )
        )

    def _delivery(self, order: Order, status: DeliveryStatus, error: str | None = None) -> Delivery:
        return Delivery(
            id=os.urandom(16).hex(),
            event_id=order.event_id,
            trigger=order.trigger,
            target=order.target,
            attempt=order.attempt,
            status=status,
            error=error,
            delivered_at=self._lab.clock.now(),
        )


def _may_mend(error: Exception) -> bool:
    """Whether the same may work later: what the target refused stays refused."""
    status = getattr(error, "status", None)
    if isinstance(status, int):
        return status >= 429
    return isinstance(error, BackendError | StoreError | OSError)


def _entry(order: Order) -> Entry:
    return Entry(queue=TARGETS, id=os.urandom(16).hex(), body=to_json(order))
