"""Asynchronous invocations: how they are configured, what waits in the queue, what goes to a destination."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from faaslab.model.function import LATEST
from faaslab.model.invocation import Invocation

RETRIES = 2
"""Lambda's default, and the most, for `maximum_retry_attempts`."""
EVENT_AGE_S = 21_600
"""Lambda's default, and the most, for `maximum_event_age_s`: six hours."""
LEAST_EVENT_AGE_S = 60

Reason = Literal["on_success", "on_failure", "dead_letter_queue"]
"""Why something is sent to a target."""


@dataclass(frozen=True, kw_only=True)
class EventInvokeConfig:
    """How asynchronous invocations of a function, a version or an alias are handled.

    `None` stands for Lambda's default. Destinations are ARNs. Source: PutFunctionEventInvokeConfig.
    """

    function: str
    qualifier: str = LATEST
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None
    revision_id: str = ""
    updated_at: datetime

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.function}:{self.qualifier}"

    @property
    def retries(self) -> int:
        """How often an event is run again after the function failed: 0 to 2."""
        return RETRIES if self.maximum_retry_attempts is None else self.maximum_retry_attempts

    @property
    def age_limit_s(self) -> int:
        """How old an event may become in the queue, in seconds."""
        return EVENT_AGE_S if self.maximum_event_age_s is None else self.maximum_event_age_s


def destination_name(arn: str) -> str:
    """A destination as people say it: a function by its name, anything else by its ARN."""
    parts = arn.split(":", 6)
    return parts[6] if len(parts) == 7 and parts[2] == "lambda" else arn


@dataclass(frozen=True, kw_only=True)
class QueuedEvent:
    """An event that waits for its function.

    `payload` is the JSON text that the function will be given, whole: what is captured or hidden in the
    history is a setting of the history, and a queue that kept less could not run the event.
    """

    function: str
    payload: str
    invocation: Invocation
    """With its request id and trace header, the same for every attempt, and which attempt is next."""
    queued_at: datetime
    turned_away: int = 0
    """How often it was throttled, or could not be run at all, since the function last ran."""
    last_error: str | None = None

    @property
    def request_id(self) -> str:
        """What all of its executions have in common."""
        return self.invocation.request_id or ""

    @property
    def trace_id(self) -> str:
        """The trace header of its runs."""
        return self.invocation.trace_id or ""

    @property
    def waits_since(self) -> datetime | None:
        """Since when the next attempt waits; None where an older version put it back."""
        if self.attempt == 1 and not self.turned_away:
            return self.queued_at
        return self.invocation.queued_at

    @property
    def qualifier(self) -> str | None:
        """The version or alias that was asked for."""
        return self.invocation.qualifier

    @property
    def attempt(self) -> int:
        """Which attempt is next, from 1; the function failed so often before, but one."""
        return self.invocation.attempt


@dataclass(frozen=True, kw_only=True)
class MessageAttribute:
    """An attribute of a message, as SQS and SNS have them."""

    data_type: Literal["String", "Number"]
    value: str


@dataclass(frozen=True, kw_only=True)
class OutgoingMessage:
    """What is sent to a queue, a topic, a bus or a bucket about one event.

    `body` is JSON text: the invocation record, or for a dead-letter queue the event as it came in, with
    RequestID, ErrorCode and ErrorMessage as `attributes`. `detail_type` and `resources` are for a bus
    (source `lambda`), `key` is for a bucket. `trace_id` goes along as the message's trace header: what the
    message causes belongs to the same chain of requests.
    """

    target: str
    reason: Reason
    function: str
    request_id: str
    trace_id: str
    body: str
    attributes: Mapping[str, MessageAttribute] = field(default_factory=dict)
    detail_type: str | None = None
    resources: tuple[str, ...] = ()
    key: str | None = None
    queued_at: datetime
    attempt: int = 1
    last_error: str | None = None
