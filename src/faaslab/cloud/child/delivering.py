"""Where moto hands something to a function: each of these places hands it to the bridge instead.

Rule: nothing that a target does, or is not there to do, fails the request that caused the delivery.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys
import traceback
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from faaslab.cloud.child import delivered
from faaslab.cloud.child.bridge import FunctionMissing

if TYPE_CHECKING:
    from faaslab.cloud.child.bridge import Bridge


def deliver_to(bridge: Bridge) -> None:
    """Change moto in this process."""
    functions = Functions(bridge)
    import moto.awslambda.models
    import moto.awslambda.utils

    moto.awslambda.utils.get_backend = lambda *_: functions
    # Simple Email Service asks this one.
    moto.awslambda.models.lambda_backends = _Everywhere(functions)
    _topics(bridge)
    _buckets(bridge)
    _buses(bridge)
    _log_groups()
    _secrets(bridge, functions)


class _Everywhere:
    """The same functions in every account and region: `[account][region]`."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __getitem__(self, _: str) -> dict[str, Functions]:
        return _Regions(self._functions)


class _Regions(dict[str, "Functions"]):
    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def __missing__(self, _: str) -> Functions:
        return self._functions


class Functions:
    """What moto takes for its Lambda service."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self.steps: list[Any] | None = None
        """Where the steps of a rotation are collected, within one."""

    def get_function(self, arn: str, *_: Any, **__: Any) -> str:
        """Raises when it is not there, which is all that moto asks this for."""
        if not self._bridge.exists(arn):
            raise FunctionMissing(arn)
        return arn

    def invoke(self, function_name: str, qualifier: str | None = None, body: Any = None, **_: Any) -> str:
        """Have it run with the JSON text in `body`; the answer is nothing, since nobody waits for it."""
        arn = f"{function_name}:{qualifier}" if qualifier else function_name
        event = json.loads(body)
        if self.steps is None:
            self._bridge.invoke(arn, event)
        else:
            self.steps.append(event)
        return ""

    def send_log_event(self, arn: str, name: str, group: str, stream: str, events: list[Any]) -> None:
        """A batch of a subscription filter: gzip and base64, as Logs sends it."""
        data = {
            "messageType": "DATA_MESSAGE",
            "owner": arn.split(":")[4],
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": [name],
            "logEvents": events,
        }
        packed = gzip.compress(json.dumps(data, separators=(",", ":")).encode(), mtime=0)
        self._bridge.invoke(arn, {"awslogs": {"data": base64.b64encode(packed).decode()}})


def _topics(bridge: Bridge) -> None:
    from moto.core.utils import iso_8601_datetime_with_milliseconds
    from moto.sns.models import Subscription

    publish = Subscription.publish

    def deliver(
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        *rest: Any,
        message_structure: str | None = None,
        **options: Any,
    ) -> None:
        given = (message, message_id, subject, message_attributes, *rest)
        options["message_structure"] = message_structure
        if subscription.protocol != "lambda":
            if subscription.protocol in ("http", "https"):
                # Whoever is subscribed takes its time, or is on the network, where this process does not go.
                bridge.later(lambda: publish(subscription, *given, **options))
            else:
                _harmless(publish, subscription, *given, **options)
            return
        matcher = subscription._filter_policy_matcher  # noqa: SLF001 - moto has no other way to it
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = subscription._parse_message_structure(message, "lambda")  # noqa: SLF001
        event = delivered.from_topic(
            topic=subscription.topic_arn,
            subscription=subscription.arn,
            message=message,
            message_id=message_id,
            subject=subject,
            attributes=message_attributes,
            time=iso_8601_datetime_with_milliseconds(),
        )
        bridge.invoke(subscription.endpoint, event)

    Subscription.publish = deliver
    # Each subscription would make one of its own, which takes a tenth of a second.
    Subscription.private_key = lambda _: _signing_key()


@cache
def _signing_key() -> Any:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

    return generate_private_key(public_exponent=65537, key_size=2048)


def _buckets(bridge: Bridge) -> None:
    from moto.core.utils import iso_8601_datetime_with_milliseconds, unix_time
    from moto.moto_api._internal import mock_random
    from moto.s3 import notifications

    def event_of(event_name: str, bucket: Any, key: Any, configuration: str) -> dict[str, Any]:
        return delivered.from_bucket(
            event_name=str(getattr(event_name, "value", event_name)),
            region=bucket.region_name,
            bucket=bucket.name,
            key=quote_plus(key.name, safe="/"),
            size=getattr(key, "size", 0),
            etag=getattr(key, "etag", "").replace('"', ""),
            version=key.version_id if bucket.is_versioned else None,
            configuration=configuration,
            time=iso_8601_datetime_with_milliseconds(),
            request_id=mock_random.get_random_string(16).upper(),
            sequencer=f"{int(unix_time() * 1e6):018X}",
        )

    from moto.s3.responses import S3Response

    send, tag = notifications.send_event, S3Response.put_object_tagging
    tagging = [False]

    def put_object_tagging(response: Any) -> Any:
        tagging[0] = True
        try:
            return tag(response)
        finally:
            tagging[0] = False

    def send_event(account_id: str, event_name: Any, bucket: Any, key: Any) -> None:
        # Every upload sets the tags of the object, of which AWS makes no event of its own.
        if event_name != notifications.S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT or tagging[0]:
            send(account_id, event_name, bucket, key)

    S3Response.put_object_tagging = put_object_tagging
    notifications.send_event = send_event
    notifications._get_s3_event = event_of  # noqa: SLF001
    notifications._invoke_awslambda = lambda _, event, arn, __: bridge.invoke(arn, event)  # noqa: SLF001


def _buses(bridge: Bridge) -> None:
    """EventBridge: moto answers 500 to a target of these kinds, and a rule without a pattern matches all."""
    from moto.events import notifications
    from moto.events.models import Rule

    send = Rule.send_to_targets

    def formed(rule: Any, event: dict[str, Any], target: dict[str, Any]) -> Any:
        if "Input" in target:
            return json.loads(target["Input"])
        if "InputPath" in target:
            return delivered.at_path(event, target["InputPath"])
        if "InputTransformer" in target:
            transformer = target["InputTransformer"]
            own = {
                "aws.events.event": event,
                "aws.events.event.json": event,
                "aws.events.event.ingestion-time": event["time"],
                "aws.events.rule-arn": rule.arn,
                "aws.events.rule-name": rule.name,
            }
            paths = transformer.get("InputPathsMap", {})
            return delivered.transformed(transformer.get("InputTemplate", ""), paths, event, own)
        return event

    def hand_over(rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
        service, region, account, name = target["Arn"].split(":", 5)[2:6]
        if service == "lambda":
            bridge.invoke(target["Arn"], formed(rule, event, target))
        elif service == "states":
            bridge.start_execution(target["Arn"], formed(rule, event, target))
        elif service == "sns":
            from moto.sns.models import sns_backends

            message = json.dumps(formed(rule, event, target))
            sns_backends[account][region].publish(arn=target["Arn"], message=message)
        elif service == "kinesis":
            from moto.kinesis.models import kinesis_backends

            data = base64.b64encode(json.dumps(formed(rule, event, target)).encode()).decode()
            kinesis_backends[account][region].put_record(
                stream_arn=target["Arn"],
                stream_name=name.rpartition("/")[2],
                partition_key=event["id"],
                explicit_hash_key=None,
                data=data,
            )

    def send_to_targets(rule: Any, original_event: dict[str, Any], **how: Any) -> None:
        if rule.state == "DISABLED" or not rule.event_pattern.get_pattern():
            return
        if not rule.event_pattern.matches_event(original_event):
            return
        event = _whole(original_event)
        targets = rule.targets
        for target in list(targets):
            if target["Arn"].split(":")[2] in ("lambda", "states", "sns", "kinesis"):
                _harmless(hand_over, rule, target, event)
                continue
            try:
                rule.targets = [target]
                _harmless(send, rule, original_event, **how)
            finally:
                rule.targets = targets

    Rule.send_to_targets = send_to_targets
    notifications._invoke_lambda = lambda _, fn_arn, event: bridge.invoke(fn_arn, event)  # noqa: SLF001


def _whole(event: dict[str, Any]) -> dict[str, Any]:
    from moto.core.utils import iso_8601_datetime_without_milliseconds, utcfromtimestamp
    from moto.events.utils import _BASE_EVENT_MESSAGE
    from moto.moto_api._internal import mock_random

    time = event.get("time")
    if isinstance(time, (int, float)):
        time = iso_8601_datetime_without_milliseconds(utcfromtimestamp(time))
    given = event.get("id")
    # The sample in moto has one for all.
    event_id = str(mock_random.uuid4()) if given in (None, _BASE_EVENT_MESSAGE["id"]) else str(given)
    return delivered.from_bus(event, event_id=event_id, time=str(time))


def _log_groups() -> None:
    """A mend: moto sends a subscriber everything, whatever its pattern is."""
    from moto.logs.models import LogStream
    from moto.logs.utils import EventMessageFilter

    send = LogStream._send_log_events  # noqa: SLF001

    def send_matching(
        stream: Any, service: str, destination_arn: str, filter_name: str, log_events: list[dict[str, Any]]
    ) -> None:
        known = stream.log_group.subscription_filters.get(filter_name)
        if known is not None and known.filter_pattern:
            matcher = EventMessageFilter(known.filter_pattern)
            log_events = [event for event in log_events if matcher.matches(event["message"])]
        if log_events:
            _harmless(send, stream, service, destination_arn, filter_name, log_events)

    LogStream._send_log_events = send_matching  # noqa: SLF001


def _secrets(bridge: Bridge, functions: Functions) -> None:
    """Rotation runs after RotateSecret was answered, and it is the function that makes the version current.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    """
    from moto.secretsmanager.models import SecretsManagerBackend

    rotate = SecretsManagerBackend.rotate_secret
    move = SecretsManagerBackend.update_secret_version_stage

    def rotate_secret(backend: Any, secret_id: str, *given: Any, **options: Any) -> Any:
        functions.steps = []
        try:
            known = backend.secrets.get(secret_id)
            before = None if known is None else known.default_version_id
            answer = rotate(backend, secret_id, *given, **options)
            steps = functions.steps
        finally:
            functions.steps = None
        if steps:
            secret = backend.secrets[secret_id]
            secret.set_default_version_id(before)
            arn = secret.rotation_lambda_arn
            bridge.invoke_in_order(arn, [{**step, "SecretId": secret.arn} for step in steps])
        return answer

    def update_secret_version_stage(
        backend: Any, secret_id: str, version_stage: str, *given: Any, **options: Any
    ) -> Any:
        answer = move(backend, secret_id, version_stage, *given, **options)
        if version_stage == "AWSCURRENT":
            secret = backend.secrets[secret_id]
            for version_id, version in secret.versions.items():
                if version_stage in version["version_stages"]:
                    secret.set_default_version_id(version_id)
        return answer

    SecretsManagerBackend.rotate_secret = rotate_secret
    SecretsManagerBackend.update_secret_version_stage = update_secret_version_stage


def _harmless(work: Any, *given: Any, **options: Any) -> None:
    try:
        work(*given, **options)
    except Exception:  # noqa: BLE001 - the publisher's request has been carried out
        traceback.print_exc(file=sys.stderr)
