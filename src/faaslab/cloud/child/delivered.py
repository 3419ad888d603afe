"""What a function gets from each service, in the shape that AWS documents.

Rule: pure. moto's own shapes have placeholders where AWS has the message's identity, and lack members.
Source of each: docs.aws.amazon.com/lambda/latest/dg/with-sns.html, with-s3.html;
docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html;
docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def from_topic(
    *,
    topic: str,
    subscription: str,
    message: str,
    message_id: str,
    subject: str | None,
    attributes: Mapping[str, Any] | None,
    time: str,
) -> dict[str, Any]:
    """An SNS record. `attributes` are moto's: `{"name": {"Type": …, "Value": …}}`; bytes go as base64."""
    region = topic.split(":")[3]
    host = f"https://sns.{region}.amazonaws.com"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": message_id,
                    "TopicArn": topic,
                    "Subject": subject,
                    "Message": message,
                    "Timestamp": time,
                    "SignatureVersion": "1",
                    "Signature": "EXAMPLE",
                    "SigningCertUrl": f"{host}/SimpleNotificationService-0000000000000000.pem",
                    "UnsubscribeUrl": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription}",
                    "MessageAttributes": {
                        name: {"Type": given["Type"], "Value": _text(given["Value"])}
                        for name, given in (attributes or {}).items()
                    },
                },
            }
        ]
    }


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def from_bucket(
    *,
    event_name: str,
    region: str,
    bucket: str,
    key: str,
    size: int,
    etag: str,
    version: str | None,
    configuration: str,
    time: str,
    request_id: str,
    sequencer: str,
) -> dict[str, Any]:
    """An S3 record; `event_name` is a configuration's, `s3:ObjectCreated:Put`, `key` as a query has it."""
    name = event_name.removeprefix("s3:")
    what: dict[str, Any] = {"key": key}
    if not name.startswith(("ObjectRemoved", "LifecycleExpiration")):
        what |= {"size": size, "eTag": etag}
    if version not in (None, "null"):
        what["versionId"] = version
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": region,
                "eventTime": time,
                "eventName": name,
                "userIdentity": {"principalId": "AWS:AIDALOCAL"},
                "requestParameters": {"sourceIPAddress": "127.0.0.1"},
                "responseElements": {
                    "x-amz-request-id": request_id,
                    "x-amz-id-2": f"{request_id}{request_id}",
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": configuration,
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "A000000000000"},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": {**what, "sequencer": sequencer},
                },
            }
        ]
    }


_OF_AN_EVENT = (
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "resources",
    "detail",
)


def from_bus(event: Mapping[str, Any], *, event_id: str, time: str) -> dict[str, Any]:
    """An EventBridge event without what moto keeps in it for itself."""
    return {**{name: event[name] for name in _OF_AN_EVENT if name in event}, "id": event_id, "time": time}


def at_path(event: Any, path: str) -> Any:
    """What `InputPath` names; `$.a.b` and `$.a[0]` as EventBridge has them, None when it is not there."""
    here = event
    for word in path.removeprefix("$").replace("[", ".").replace("]", "").split("."):
        if not word:
            continue
        if isinstance(here, dict) and word in here:
            here = here[word]
        elif isinstance(here, list) and word.isdigit() and int(word) < len(here):
            here = here[int(word)]
        else:
            return None
    return here


def transformed(
    template: str, paths: Mapping[str, str], event: Mapping[str, Any], own: Mapping[str, Any]
) -> Any:
    """What an InputTransformer makes of the event: JSON where the template is, else text.

    `own` are the names that EventBridge defines itself (`aws.events.rule-name`, …).
    docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """
    values = {name: at_path(event, path) for name, path in paths.items()} | dict(own)
    made: list[str] = []
    quoted = False
    for piece in re.split(r"(<[^<>\s]+>)", template):
        if piece[:1] == "<" and piece[1:-1] in values:
            value = values[piece[1:-1]]
            text = json.dumps(value, separators=(",", ":"))
            if quoted:
                # Within quotes a text stands as it is and all else as the JSON that it is.
                text = text[1:-1] if isinstance(value, str) else json.dumps(text)[1:-1]
            made.append(text)
        else:
            made.append(piece)
            quoted ^= len(re.findall(r'(?<!\\)"', piece)) % 2 == 1
    text = "".join(made)
    try:
        return json.loads(text)
    except ValueError:
        return text


def function_named(arn: str) -> tuple[str, str | None]:
    """Name and qualifier of a function's ARN (or of a bare name)."""
    words = arn.split(":")
    if len(words) < 7:
        return words[0], words[1] if len(words) == 2 else None
    return words[6], words[7] if len(words) > 7 else None
