"""Handing one order to its target's service: which operation of the cloud that is, and with what.

Rule: what cannot be sent raises; whether it is tried again is decided by who called. A function is not sent
anything here, that is an entry of its queue, and neither is a state machine, which the Lab starts.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.errors import Unsupported
from faaslab.events.envelope import text
from faaslab.model.order import KEPT_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.model.order import Order

_EPOCH = datetime(1970, 1, 1)
_UNIVERSAL = re.compile(r"arn:aws[a-z-]*:scheduler:::aws-sdk:(?P<service>[a-z0-9]+):(?P<action>[A-Za-z]+)")
_CLOUD_NAMES = {"cloudwatchlogs": "logs", "eventbridge": "events", "sfn": "stepfunctions"}


class Ask(Protocol):
    """Asks the cloud: an operation of a service (botocore's names), with the shapes of a boto3 client.

    It raises what the cloud answered; an error with a `status` below 500 is one that trying again does not
    mend.
    """

    def __call__(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str
    ) -> Mapping[str, Any]:
        """The parsed answer."""


def service_of(arn: str) -> str:
    """The service of a target, `lambda` say."""
    universal = _UNIVERSAL.fullmatch(arn)
    if universal is not None:
        return universal["service"]
    parts = arn.split(":", 5)
    return parts[2] if len(parts) == 6 else ""


def function_of(order: Order) -> tuple[str, str] | None:
    """(ARN or name of the function, payload) for an order that is a function's; None for any other."""
    universal = _UNIVERSAL.fullmatch(order.target)
    if universal is None:
        return (order.target, order.body) if service_of(order.target) == "lambda" else None
    if (universal["service"], universal["action"]) != ("lambda", "invoke"):
        return None
    asked = _input(order)
    payload = asked.get("Payload", "{}")
    text = payload if isinstance(payload, str) else json.dumps(payload)
    return str(asked.get("FunctionName", "")), text


def send(order: Order, ask: Ask, cloud: Ask, publish: Callable[[Order], None]) -> None:
    """Send it. `publish` takes what goes to a bus; `cloud` is the cloud, past what is ours in front of it."""
    arn = order.target.split(":", 5)
    universal = _UNIVERSAL.fullmatch(order.target)
    if universal is not None:
        action = universal["action"]
        service = _CLOUD_NAMES.get(universal["service"], universal["service"])
        ask(service, action[0].upper() + action[1:], _input(order), region=order.region)
        return
    service, region, resource = arn[2], arn[3] or order.region, arn[5]
    given = order.parameters
    match service:
        case "events" if resource.startswith("event-bus/"):
            publish(order)
        case "events" if resource.startswith("archive/"):
            cloud("events", "PutEvents", {"Entries": [_kept(order, resource)]}, region=region)
        case "sqs":
            url = f"http://sqs.{region}.amazonaws.com/{arn[4]}/{resource}"
            group = (given.get("SqsParameters") or {}).get("MessageGroupId")
            message: dict[str, Any] = {"QueueUrl": url, "MessageBody": order.body}
            if group:
                message |= {"MessageGroupId": group, "MessageDeduplicationId": order.event_id}
            ask("sqs", "SendMessage", message, region=region)
        case "sns":
            ask("sns", "Publish", {"TopicArn": order.target, "Message": order.body}, region=region)
        case "logs":
            _log(order, resource.removeprefix("log-group:").removesuffix(":*"), ask, region)
        case "kinesis":
            given_record = {
                "StreamName": resource.removeprefix("stream/"),
                "Data": order.body.encode(),
                "PartitionKey": _partition_key(order),
            }
            ask("kinesis", "PutRecord", given_record, region=region)
        case "firehose":
            name = resource.removeprefix("deliverystream/")
            record = {"Data": order.body.encode()}
            ask("firehose", "PutRecord", {"DeliveryStreamName": name, "Record": record}, region=region)
        case _:
            raise Unsupported(
                f"nothing is delivered to {order.target} here",
                hint="functions, queues, topics, buses, log groups, streams and state machines are",
            )


def dead_letter(order: Order, code: str, message: str) -> dict[str, Any]:
    """What goes to a dead-letter queue (User Guides of EventBridge, eb-rule-dlq, and of Scheduler)."""
    cause = "SCHEDULE_ARN" if order.trigger == "scheduler" else "RULE_ARN"
    told = {
        cause: order.cause,
        "TARGET_ARN": order.target,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message[:1000],
        "RETRY_ATTEMPTS": str(order.attempt - 1),
    }
    return {
        "MessageBody": order.body,
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value
        },
    }


def _input(order: Order) -> dict[str, Any]:
    asked = json.loads(order.body or "{}")
    return asked if isinstance(asked, dict) else {}


def _kept(order: Order, resource: str) -> dict[str, Any]:
    """The entry of an event that an archive keeps."""
    event = json.loads(order.body)
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": text(event["detail"]),
        "Resources": event["resources"],
        "Time": datetime.fromisoformat(event["time"]).replace(tzinfo=None),
        "TraceHeader": f"{KEPT_BY}{resource.removeprefix('archive/')}/{event['id']}",
    }


def _partition_key(order: Order) -> str:
    parameters = order.parameters.get("KinesisParameters") or {}
    key = parameters.get("PartitionKey") or order.parameters.get("partition_key") or order.event_id
    return str(key)[:256]


def _log(order: Order, group: str, ask: Ask, region: str) -> None:
    at = int((order.queued_at - _EPOCH).total_seconds() * 1000)
    stream = {"logGroupName": group, "logStreamName": order.event_id}
    try:
        ask("logs", "CreateLogStream", stream, region=region)
    except Exception as error:
        if getattr(error, "code", "") != "ResourceAlreadyExistsException":
            raise
    events = [{"timestamp": at, "message": order.body}]
    refused = ask("logs", "PutLogEvents", stream | {"logEvents": events}, region=region)
    if refused.get("rejectedLogEventsInfo"):
        raise Unsupported(f"the log group took nothing: {refused['rejectedLogEventsInfo']}")
