"""Log events of functions are sent on to whom subscription filters name: functions, streams, other groups.

Rule: at the home, and only while a group has a filter. What an execution logged goes when it is recorded, in
one message for each filter; how far a group was sent is in the state, so that a new home goes on from there,
and sends at worst what it was about to send once more. Filters stand in the cloud, patterns are ours.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
import weakref
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.logs import events, naming, tokens
from faaslab.endpoint.messages import Fault
from faaslab.errors import Closed, FaaslabError
from faaslab.store.log_groups import Sent
from faaslab.store.questions import logs as questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from faaslab.endpoint.logs.patterns import Pattern
    from faaslab.lab import Lab
    from faaslab.store.questions.logs import LogEvent, Place

    Perform = Callable[..., Mapping[str, Any]]
    """`(service, operation, params, region=…)` carries an operation out."""

LOG = logging.getLogger(__name__)
LOOK_S = 0.5
LATE = timedelta(seconds=60)
"""An execution is recorded so long after it ended at most."""
_MESSAGE_BYTES = 2**20
_senders: weakref.WeakKeyDictionary[Lab, Sender] = weakref.WeakKeyDictionary()


def wake(lab: Lab) -> None:
    """A group has a filter now."""
    sender = _senders.get(lab)
    if sender is not None:
        sender.wake()


class Sender:
    """Of one Lab while it is the home; its thread starts with the first group that has a filter."""

    def __init__(self, lab: Lab, perform: Perform) -> None:
        self._lab = lab
        self._perform = perform
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        _senders[lab] = self
        if lab.store.log_groups.sent():
            self.wake()

    def wake(self) -> None:
        """Begin, if it was not."""
        with self._guard:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="faaslab-log-sender", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End; what was not sent is by the next home."""
        self._stopping.set()
        with self._guard:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                for group, sent in self._lab.store.log_groups.sent().items():
                    self._send_on(group, sent)
            except Closed:
                return
            except Exception:
                LOG.exception("log events could not be sent on")
            self._lab.clock.wait(self._stopping, LOOK_S)

    def _send_on(self, group: str, sent: Sent) -> None:
        now = self._lab.clock.now()
        functions = naming.writers(self._lab, group)
        asked: dict[str, Any] = {
            "floors": naming.floors(self._lab, dict.fromkeys(functions, group)),
            "ended_since": sent.at - LATE,
        }
        with self._lab.store.connect() as connection:
            ended = questions.ended(connection, questions.Wanted(functions=functions, **asked))
        fresh = set(ended) - set(sent.beyond)
        if not fresh:
            return
        told = self._perform(
            "logs", "DescribeSubscriptionFilters", {"logGroupName": group}, region=self._lab.region
        )
        for each in told.get("subscriptionFilters") or ():
            wanted, pattern = events.selected(each.get("filterPattern"), functions, **asked)
            for logged in self._matching(wanted, pattern, fresh).values():
                if self._stopping.is_set():
                    return
                self._send(group, each, logged)
        self._lab.store.log_groups.put_sent(group, Sent(at=now, beyond=ended))

    def _matching(
        self, wanted: questions.Wanted, pattern: Pattern, fresh: set[str]
    ) -> dict[str, list[LogEvent]]:
        """What goes, by execution."""
        found: dict[str, list[LogEvent]] = {}
        after: Place | None = None
        more = True
        with self._lab.store.connect() as connection:
            while more:
                page, more = questions.events(
                    connection, wanted, rows=events.EVENTS, most_bytes=8 * events.ANSWER_BYTES, after=after
                )
                for each in page:
                    after = each.place
                    if each.execution_id in fresh and (pattern.test is None or pattern.test(each.message)):
                        found.setdefault(each.execution_id, []).append(each)
        return found

    def _send(self, group: str, subscription: Mapping[str, Any], logged: Iterable[LogEvent]) -> None:
        for part in _parts(logged):
            data = message(group, subscription["filterName"], part)
            try:
                self._deliver(subscription["destinationArn"], data, part)
            except (Fault, FaaslabError) as error:
                LOG.warning(
                    "events of %s were not sent to %s: %s", group, subscription["destinationArn"], error
                )

    def _deliver(self, arn: str, data: bytes, logged: list[LogEvent]) -> None:
        _, _, service, region, _, resource = arn.split(":", 5)
        match service:
            case "lambda":
                event = {"awslogs": {"data": base64.b64encode(data).decode()}}
                asked: dict[str, Any] = {
                    "FunctionName": arn,
                    "InvocationType": "Event",
                    "Payload": json.dumps(event).encode(),
                }
                self._perform("lambda", "Invoke", asked, region=region)
            case "kinesis":
                stream = {"StreamARN": arn, "Data": data, "PartitionKey": logged[0].log_stream}
                self._perform("kinesis", "PutRecord", stream, region=region)
            case "firehose":
                delivery = {
                    "DeliveryStreamName": resource.rpartition("/")[2],
                    "Record": {"Data": data},
                }
                self._perform("firehose", "PutRecord", delivery, region=region)
            case _:
                raise Fault("InvalidParameterException", f"{service} is no destination of log events here")


def message(group: str, name: str, logged: list[LogEvent]) -> bytes:
    """A batch of a subscription filter, packed as CloudWatch Logs does (User Guide, "Subscriptions")."""
    told = {
        "messageType": "DATA_MESSAGE",
        "owner": naming.ACCOUNT,
        "logGroup": group,
        "logStream": logged[0].log_stream,
        "subscriptionFilters": [name],
        "logEvents": [
            {
                "id": tokens.event_id(each.place),
                "timestamp": tokens.milliseconds(each.timestamp),
                "message": f"{each.message}\n",
            }
            for each in logged
        ],
    }
    return gzip.compress(json.dumps(told, separators=(",", ":")).encode(), mtime=0)


def _parts(logged: Iterable[LogEvent]) -> list[list[LogEvent]]:
    """Messages of no more than an event of a function may have, packed or not."""
    parts: list[list[LogEvent]] = []
    size = _MESSAGE_BYTES
    for each in logged:
        length = len(each.message.encode()) + 200
        if size + length > _MESSAGE_BYTES // 2:
            parts.append([])
            size = 0
        parts[-1].append(each)
        size += length
    return parts
