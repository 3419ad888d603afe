"""Where the outcome of an event goes: to a function through the queue, to other services by a callable.

Rule: nothing is lost silently. What goes to a service that nobody serves here stays in a queue of that
service, `deliver:sqs` say, until a process that does takes it; each delivery and each failure is recorded.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faaslab.backends import asynchronous
from faaslab.errors import InvalidValue, NotFound
from faaslab.lab.event_invoke import service_of, target_function
from faaslab.model.asynchronous import OutgoingMessage
from faaslab.model.event import Delivery, DeliveryStatus
from faaslab.model.invocation import Invocation
from faaslab.model.json import from_json, to_json
from faaslab.model.metric import Metric
from faaslab.model.quotas import EVENT_BYTES
from faaslab.store import Entry

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.backends.asynchronous import Condition
    from faaslab.lab import Lab
    from faaslab.model.asynchronous import EventInvokeConfig, QueuedEvent
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.store import Claim

Deliver = Callable[[OutgoingMessage], None]
"""Hands a message to its service; raises when that failed."""

LOOPS_STOPPED = "RecursiveInvocationsDropped"
PREFIX = "deliver:"
SERVICES = ("sqs", "sns", "events", "s3")
_FAILED = {"dead_letter_queue": "DeadLetterErrors"}


@dataclass
class Follows:
    """What follows an event's end: rows of the history, entries of queues."""

    records: list[Any] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class Destinations:
    """Makes what follows, and delivers what waits for a service. `served` is service -> callable."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.served: dict[str, Deliver] = {}

    def queues(self) -> list[str]:
        """The queues that this process can deliver from."""
        return [PREFIX + service for service in self.served]

    def of_success(
        self, event: QueuedEvent, config: EventInvokeConfig, function: Function, execution: Execution | None
    ) -> Follows:
        """What follows a success."""
        follows = Follows()
        if config.on_success:
            now = self._lab.clock.now()
            record = asynchronous.invocation_record(event, function, "Success", execution, now=now)
            self._add(
                follows,
                asynchronous.to_destination(
                    config.on_success, "on_success", record, function, event, now=now
                ),
                event,
            )
        return follows

    def of_failure(
        self,
        event: QueuedEvent,
        config: EventInvokeConfig,
        function: Function | None,
        condition: Condition,
        execution: Execution | None,
    ) -> Follows:
        """What follows a final failure; a destination and a dead-letter queue may both be told."""
        follows = Follows()
        if function is None:
            return follows
        now = self._lab.clock.now()
        if config.on_failure:
            record = asynchronous.invocation_record(event, function, condition, execution, now=now)
            self._add(
                follows,
                asynchronous.to_destination(
                    config.on_failure, "on_failure", record, function, event, now=now
                ),
                event,
            )
        letters = function.configuration.dead_letter_queue
        if letters:
            self._add(
                follows,
                asynchronous.to_dead_letters(letters, condition, function, event, execution, now=now),
                event,
            )
        return follows

    def _add(self, follows: Follows, message: OutgoingMessage, event: QueuedEvent) -> None:
        service = service_of(message.target)
        if service == "lambda":
            self._add_event(follows, message, event)
            return
        follows.entries.append(Entry(queue=PREFIX + service, id=os.urandom(16).hex(), body=to_json(message)))
        if service not in self.served:
            follows.records.append(
                self._delivery(
                    message,
                    DeliveryStatus.KEPT,
                    f"nothing here takes messages for {service}; it is kept until something does",
                )
            )

    def _add_event(self, follows: Follows, message: OutgoingMessage, event: QueuedEvent) -> None:
        """The record as an event of its own for the function that is the destination."""
        name, qualifier = target_function(message.target)
        try:
            function, _ = self._lab.functions.prepared(name, qualifier)
            if len(message.body.encode()) > EVENT_BYTES:
                raise InvalidValue(f"the record is larger than the {EVENT_BYTES} bytes of an event")
        except (NotFound, InvalidValue) as error:
            follows.records += self._failed(message, error.message, DeliveryStatus.FAILED)
            return
        request = Invocation(qualifier=qualifier, trace_id=event.trace_id, trigger=message.reason)
        follows.entries.append(self._lab.asynchronous.entry(function, message.body, request))
        follows.records.append(self._delivery(message, DeliveryStatus.DELIVERED))

    # -- to other services

    def deliver(self, claim: Claim) -> None:
        """One attempt to hand a message to its service."""
        lab, now = self._lab, self._lab.clock.now()
        try:
            message = from_json(OutgoingMessage, claim.body)
        except InvalidValue as error:
            lab.store.reject("outgoing_message", str(error), repr(claim.body)[:10_000])
            lab.settle(claim)
            return
        try:
            self.served[service_of(message.target)](message)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is recorded and tried again
            told = f"{type(error).__name__}: {error}"[:1000]
            if not asynchronous.still_tried(message, now):
                lab.settle(claim, *self._failed(message, told, DeliveryStatus.DROPPED))
                return
            again = dataclasses.replace(message, attempt=message.attempt + 1, last_error=told)
            lab.settle(
                claim,
                *self._failed(message, told, DeliveryStatus.FAILED),
                again_in_s=asynchronous.delivery_delay_s(message.attempt),
                body=to_json(again),
            )
        else:
            lab.settle(claim, self._delivery(message, DeliveryStatus.DELIVERED))

    def _failed(self, message: OutgoingMessage, error: str, status: DeliveryStatus) -> list[Any]:
        metric = _FAILED.get(message.reason, "DestinationDeliveryFailures")
        return [
            self._delivery(message, status, error),
            count(metric, message.function, self._lab.clock.now()),
        ]

    def _delivery(
        self, message: OutgoingMessage, status: DeliveryStatus, error: str | None = None
    ) -> Delivery:
        return Delivery(
            id=os.urandom(16).hex(),
            event_id=message.request_id,
            trigger=message.reason,
            target=message.target,
            attempt=message.attempt,
            status=status,
            error=error,
            delivered_at=self._lab.clock.now(),
        )


def dropped(event: QueuedEvent, condition: Condition, *, at: datetime) -> list[Metric]:
    """What Lambda counts when it gives an event up."""
    counted = [count("AsyncEventsDropped", event.function, at)]
    if condition == "RecursiveLoop":
        counted.append(count(LOOPS_STOPPED, event.function, at))
    return counted


def count(name: str, function: str, at: datetime) -> Metric:
    """One, of something that CloudWatch counts for a function."""
    return Metric(
        at=at,
        namespace="AWS/Lambda",
        name=name,
        value=1.0,
        unit="Count",
        function=function,
        dimensions={"FunctionName": function},
    )
