"""What becomes of an asynchronous event: run again, later, never; and what is told about it to whom. Pure.

Rules (Lambda Developer Guide, invocation-async-error-handling): an error of the function is a failed attempt,
run again after one minute, then after two, as often as is configured; a throttle or a failure of ours is no
attempt, the event waits 1 s, doubling up to 5 minutes; an event that grows older than it may is discarded.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from faaslab.backends import trace_header
from faaslab.model.asynchronous import MessageAttribute, OutgoingMessage
from faaslab.model.execution import ExecutionStatus
from faaslab.model.function import LATEST

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.model.asynchronous import EventInvokeConfig, QueuedEvent, Reason
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function

Condition = Literal[
    "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency", "RecursiveLoop", "FunctionNotFound"
]
"""Why an event was discarded. The first three are Lambda's words; of the others it tells none."""

_MESSAGES = {
    "EventAgeExceeded": "The event was in the queue for longer than its maximum age.",
    "RecursiveLoop": "Lambda has detected your function being invoked in a recursive loop with other AWS "
    "resources and stopped your function's invocation.",
}


@dataclass(frozen=True)
class Succeed:
    """It is done."""


@dataclass(frozen=True)
class Retry:
    """Another attempt after `delay_s`."""

    delay_s: float


@dataclass(frozen=True)
class Requeue:
    """The same attempt after `delay_s`: it was not the function that failed."""

    delay_s: float


@dataclass(frozen=True)
class Discard:
    """No more attempts."""

    condition: Condition


Decision = Succeed | Retry | Requeue | Discard


def before_run(
    event: QueuedEvent, config: EventInvokeConfig, function: Function, now: datetime
) -> Discard | None:
    """Why the event is not run at all; None when it may run."""
    if _age_s(event, now) >= config.age_limit_s:
        return Discard("EventAgeExceeded")
    terminates = function.configuration.recursive_loop == "Terminate"
    if terminates and trace_header.in_a_loop(event.trace_id, function.arn):
        return Discard("RecursiveLoop")
    return None


def after_run(
    status: ExecutionStatus | None,
    event: QueuedEvent,
    config: EventInvokeConfig,
    *,
    reserved: int | None,
    now: datetime,
) -> Decision:
    """What follows an attempt that ended with `status`; None stands for a failure of ours.

    `reserved` is the function's reserved concurrency.
    """
    if status is ExecutionStatus.COMPLETED:
        return Succeed()
    if reserved == 0:
        return Discard("ZeroReservedConcurrency")
    left_s = config.age_limit_s - _age_s(event, now)
    if status is ExecutionStatus.THROTTLED or status is None:
        if left_s <= 0:
            return Discard("EventAgeExceeded")
        # Not beyond its age, so that it is discarded when it is too old and not minutes later.
        return Requeue(min(2.0 ** min(event.turned_away, 9), 300.0, left_s))
    if event.attempt > config.retries:
        return Discard("RetriesExhausted")
    delay_s = 60.0 * event.attempt
    return Retry(delay_s) if delay_s <= left_s else Discard("EventAgeExceeded")


def _age_s(event: QueuedEvent, now: datetime) -> float:
    return (now - event.queued_at).total_seconds()


def invocation_record(
    event: QueuedEvent,
    function: Function,
    condition: Condition | Literal["Success"],
    execution: Execution | None,
    *,
    now: datetime,
) -> dict[str, Any]:
    """The record that a destination gets. Without `execution` the function gave no response to tell of."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": now.isoformat(timespec="milliseconds") + "Z",
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{function.arn}:{event.qualifier or LATEST}",
            "condition": condition,
            "approximateInvokeCount": event.attempt,
        },
        "requestPayload": _embedded(event.payload.encode("utf-8", "replace")),
    }
    if execution is not None and execution.status is not ExecutionStatus.THROTTLED:
        record["responseContext"] = {"statusCode": 200, "executedVersion": execution.version}
        if not execution.ok:
            record["responseContext"]["functionError"] = "Unhandled"
        record["responsePayload"] = _embedded(execution.result_body)
    return record


def to_destination(
    target: str,
    reason: Reason,
    record: dict[str, Any],
    function: Function,
    event: QueuedEvent,
    *,
    now: datetime,
) -> OutgoingMessage:
    """The record on its way to `target`: what each kind of service needs of it."""
    outcome = "Success" if reason == "on_success" else "Failure"
    # S3 (invocation-async-retain-records): aws/lambda/async/<function>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<uuid>
    key = f"aws/lambda/async/{function.name}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{event.request_id}"
    return OutgoingMessage(
        target=target,
        reason=reason,
        function=function.name,
        request_id=event.request_id,
        trace_id=event.trace_id,
        body=_text(record),
        detail_type=f"Lambda Function Invocation Result - {outcome}",
        resources=(target, record["requestContext"]["functionArn"]),
        key=key,
        queued_at=now,
    )


def to_dead_letters(
    target: str,
    condition: Condition,
    function: Function,
    event: QueuedEvent,
    execution: Execution | None,
    *,
    now: datetime,
) -> OutgoingMessage:
    """The event on its way to the dead-letter queue: as it came in, with what went wrong as attributes.

    Source: invocation-async-retain-records, "Adding a dead-letter queue": RequestID, ErrorCode (the HTTP
    status), ErrorMessage (the first KB).
    """
    code, message = "200", ""
    if execution is not None and execution.error is not None:
        message = execution.error.message
    if condition == "RecursiveLoop":
        code, message = "400", _MESSAGES[condition]
    elif execution is None or execution.status is ExecutionStatus.THROTTLED:
        code, message = "429", message or _MESSAGES.get(condition, "Rate Exceeded.")
    return OutgoingMessage(
        target=target,
        reason="dead_letter_queue",
        function=function.name,
        request_id=event.request_id,
        trace_id=event.trace_id,
        body=event.payload,
        attributes={
            "RequestID": MessageAttribute(data_type="String", value=event.request_id),
            "ErrorCode": MessageAttribute(data_type="Number", value=code),
            "ErrorMessage": MessageAttribute(
                data_type="String", value=message.encode()[:1024].decode("utf-8", "ignore")
            ),
        },
        queued_at=now,
    )


def delivery_delay_s(attempt: int) -> float:
    """How long a message waits after its delivery failed for the `attempt`-th time."""
    return min(2.0 ** min(attempt - 1, 9), 300.0)


def still_tried(message: OutgoingMessage, now: datetime) -> bool:
    """Whether a message whose delivery failed is tried again: for six hours, as an event is."""
    return now - message.queued_at < timedelta(hours=6)


def why(condition: Condition, event: QueuedEvent) -> str:
    """A sentence for whoever looks at an event that was not run."""
    if condition == "FunctionNotFound":
        return f"Function not found: {event.function}" + (f":{event.qualifier}" if event.qualifier else "")
    told = _MESSAGES.get(condition, condition)
    return f"{told} Last error: {event.last_error}" if event.last_error else told


def _embedded(body: bytes | None) -> Any:
    """The value of a JSON text, to stand within another; the text itself where it is none, or too deep."""
    if body is None:
        return None
    try:
        value = json.loads(body)
        json.dumps([[value]])
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    return value


def _text(record: dict[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character: it has an escape in JSON, but no UTF-8
        return json.dumps(record, separators=(",", ":"))
    return text
