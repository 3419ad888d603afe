"""The Telemetry API: events of the platform and lines of the log, for whoever subscribed in the environment.

Rule: loopback only, whatever a subscription names. Each subscriber has a thread of its own, so that one that
is slow, or stopped with its environment, holds up nobody; what could not be delivered is tried again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from faaslab.backends import system_records
from faaslab.backends.local.api.runtime_replies import fault, rendered
from faaslab.backends.local.api.telemetry_batches import Batch, Wanted, wanted

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.backends.system_records import Event, Voice

_DELIVERY_S = 2.0
_LAST_S = 0.3


class Telemetry:
    """All subscriptions of one incarnation of an environment."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._subscriptions: dict[str, _Subscription] = {}
        self.closed = False
        """The init is over: nobody may subscribe any more."""
        self.said: list[Event] = []
        """Who subscribed, as the platform says it."""

    def subscribe(self, name: str, api: str, body: bytes) -> bytes:
        """Answer an extension's subscription; a second one takes the place of its first."""
        if self.closed:
            return fault(
                403,
                f"{api.capitalize()}.SubscriptionClosed",
                f"{api.capitalize()} API subscription is closed",
            )
        try:
            asked = wanted(body, api)
        except ValueError as error:
            return fault(400, "ValidationError", str(error))
        before = self._subscriptions.pop(name, None)
        if before is not None:
            before.close()
        subscription = self._subscriptions[name] = _Subscription(asked)
        for event, at in self._voice.recent:
            subscription.put("platform", system_records.as_record(event, at))
        self.said.append(system_records.subscription(name=name, types=asked.types, api=api))
        self._voice.listen(self)
        return rendered(200, b'"OK"')

    def publish(self, event: Event, at: datetime) -> None:
        """An event of the platform."""
        told = system_records.as_record(event, at)
        for subscription in list(self._subscriptions.values()):
            subscription.put("platform", told)

    def publish_log(self, stream: str, at: datetime, text: str) -> None:
        """A line of the function or of an extension."""
        record: Any = text
        if self._voice.json and text.startswith("{"):
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(text)
        told = {"time": system_records.instant(at), "type": stream, "record": record}
        for subscription in list(self._subscriptions.values()):
            subscription.put(stream, told)

    def urge(self) -> None:
        """Deliver what there is at once: the environment ends."""
        for subscription in self._subscriptions.values():
            subscription.urge()

    def close(self) -> None:
        """End all subscriptions."""
        self._voice.listen(None)
        for subscription in self._subscriptions.values():
            subscription.close()
        self._subscriptions = {}


class _Subscription:
    """One subscriber and the thread that delivers to it."""

    def __init__(self, asked: Wanted) -> None:
        self._asked = asked
        self._batch = Batch(asked)
        self._changed = threading.Condition()
        self._urgent = self._ended = False
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="faaslab-telemetry", daemon=True)
        self._thread.start()

    def put(self, stream: str, told: dict[str, Any]) -> None:
        """One event, if it asked for that stream."""
        if stream not in self._asked.types:
            return
        item = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
        with self._changed:
            self._batch.add(item, time.monotonic())
            self._changed.notify()

    def urge(self) -> None:
        """Do not wait for a batch to fill."""
        with self._changed:
            self._urgent = True
            self._changed.notify()

    def close(self) -> None:
        """Deliver what is left, and end."""
        with self._changed:
            self._ended = self._urgent = True
            self._changed.notify()
        self._thread.join(_LAST_S)
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                wait_s = self._batch.wait_s(time.monotonic())
                while wait_s is None or (wait_s > 0 and not self._urgent):
                    if self._ended and wait_s is None:
                        return
                    self._changed.wait(wait_s)
                    wait_s = self._batch.wait_s(time.monotonic())
                items = self._batch.take()
                dropped = (self._batch.dropped_items, self._batch.dropped_bytes)
                self._batch.dropped_items = self._batch.dropped_bytes = 0
            if dropped[0]:
                items.append(_lost(*dropped))
            delivered = self._delivered(items)
            with self._changed:
                if not delivered:
                    if self._ended:
                        return
                    self._batch.give_back(items, time.monotonic())
                    self._urgent = False

    def _delivered(self, items: list[bytes]) -> bool:
        try:
            if self._asked.protocol == "HTTP":
                self._post(b"[" + b",".join(items) + b"]")
            else:
                if self._connection is None:
                    self._connection = socket.create_connection(("127.0.0.1", self._asked.port), _DELIVERY_S)
                self._connection.sendall(b"".join(item + b"\n" for item in items))
        except OSError:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return False
        return True

    def _post(self, body: bytes) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._asked.port, timeout=_DELIVERY_S)
        try:
            connection.request("POST", self._asked.path, body, {"Content-Type": "application/json"})
            # It has them. A subscriber that is stopped with its environment answers when it goes on.
            with contextlib.suppress(TimeoutError, http.client.HTTPException):
                connection.getresponse().read()
        finally:
            connection.close()


def _lost(records: int, size: int) -> bytes:
    from datetime import UTC, datetime

    reason = "The subscriber took its events too slowly"
    event = system_records.logs_dropped(reason=reason, records=records, size=size)
    at = datetime.fromtimestamp(time.time(), UTC).replace(tzinfo=None)
    return json.dumps(system_records.as_record(event, at), separators=(",", ":")).encode()
