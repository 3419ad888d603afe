"""Messages of Lambda's asynchronous invocations for other services: queues, topics, buses and buckets.

What they look like is decided where they are made (`OutgoingMessage`); here they are sent as Lambda sends
them (Developer Guide, "Retaining records of asynchronous invocations").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.model.asynchronous import OutgoingMessage

    Perform = Callable[..., Mapping[str, Any]]
    """`(service, operation, params, region=…)` carries an operation out."""


def to_sqs(perform: Perform, message: OutgoingMessage) -> None:
    """Into the queue of the ARN."""
    region, account, name = _parts(message.target)
    found = perform(
        "sqs", "GetQueueUrl", {"QueueName": name, "QueueOwnerAWSAccountId": account}, region=region
    )
    params: dict[str, Any] = {
        "QueueUrl": found["QueueUrl"],
        "MessageBody": message.body,
        "MessageSystemAttributes": {
            "AWSTraceHeader": {"DataType": "String", "StringValue": message.trace_id}
        },
    }
    if message.attributes:
        params["MessageAttributes"] = _attributes(message)
    perform("sqs", "SendMessage", params, region=region)


def to_sns(perform: Perform, message: OutgoingMessage) -> None:
    """To the topic of the ARN."""
    params: dict[str, Any] = {"TopicArn": message.target, "Message": message.body}
    if message.attributes:
        params["MessageAttributes"] = _attributes(message)
    perform("sns", "Publish", params, region=_parts(message.target)[0])


def to_events(perform: Perform, message: OutgoingMessage) -> None:
    """Onto the bus of the ARN, as an event of the source `lambda`."""
    entry = {
        "Source": "lambda",
        "DetailType": message.detail_type or "",
        "Detail": message.body,
        "Resources": list(message.resources),
        "EventBusName": message.target,
        "TraceHeader": message.trace_id,
    }
    told = perform("events", "PutEvents", {"Entries": [entry]}, region=_parts(message.target)[0])
    for each in told.get("Entries", ()):
        if each.get("ErrorCode"):
            raise Fault(str(each["ErrorCode"]), str(each.get("ErrorMessage", "")))


def to_s3(perform: Perform, message: OutgoingMessage) -> None:
    """Into the bucket of the ARN, as an object."""
    bucket = message.target.rpartition(":")[2].partition("/")[0]
    body = message.body.encode()
    perform("s3", "PutObject", {"Bucket": bucket, "Key": message.key or message.request_id, "Body": body})


SENDERS: dict[str, Callable[[Perform, OutgoingMessage], None]] = {
    "sqs": to_sqs,
    "sns": to_sns,
    "events": to_events,
    "s3": to_s3,
}
"""Service -> how a message is sent to it. Each raises what keeps it from that."""


def _parts(arn: str) -> tuple[str, str, str]:
    """The region, the account and the resource of an ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6:
        raise Fault("InvalidParameterValueException", f"{arn!r} is not an ARN.")
    return parts[3], parts[4], parts[5]


def _attributes(message: OutgoingMessage) -> dict[str, Any]:
    return {
        name: {"DataType": each.data_type, "StringValue": each.value}
        for name, each in message.attributes.items()
    }
