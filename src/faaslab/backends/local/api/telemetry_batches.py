"""Subscriptions to telemetry: what may be asked for, and when a batch is due. Pure; `now` is in seconds.

Source: Developer Guide, "Telemetry API reference" (limits and defaults) and its schema of subscriptions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

STREAMS = ("platform", "function", "extension")
_VERSIONS = ("2022-07-01", "2022-12-13", "2025-01-29")
_LOGS_VERSIONS = ("2020-08-15", "2021-03-18")
_DESTINATION = re.compile(r"http://(?:sandbox\.localdomain|sandbox):(\d{1,5})(/[!-~]*)?")
_HELD_BYTES = 8 * 1024 * 1024
"""Kept for a subscriber that does not take its batches; what is above is dropped, and that is told."""
# name: default, least, most
_BUFFERING = {
    "maxItems": (10_000, 1_000, 10_000),
    "maxBytes": (262_144, 262_144, 1_048_576),
    "timeoutMs": (1_000, 25, 30_000),
}


class Wanted(NamedTuple):
    """A subscription that is in order."""

    types: tuple[str, ...]
    protocol: str
    """`HTTP` or `TCP`, always to this machine's loopback."""
    port: int
    path: str
    max_items: int
    max_bytes: int
    timeout_s: float


def wanted(body: bytes, api: str) -> Wanted:
    """What a subscription asks for. Raises ValueError with the reason; `api` is `telemetry` or `logs`."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the body is no JSON") from None
    if not isinstance(told, Mapping):
        raise ValueError("the body is no JSON object")  # noqa: TRY004 - one error for all that is wrong
    version = told.get("schemaVersion", "2020-08-15" if api == "logs" else None)
    if version not in (_VERSIONS if api == "telemetry" else _LOGS_VERSIONS):
        raise ValueError(f"schemaVersion {version!r} is not known")
    types = told.get("types")
    if not isinstance(types, list) or not types or not set(map(str, types)) <= set(STREAMS):
        raise ValueError(f"types must be some of {', '.join(STREAMS)}")
    protocol, port, path = _destination(told.get("destination"))
    limits = _limits(told.get("buffering") or {})
    return Wanted(tuple(dict.fromkeys(types)), protocol, port, path, limits[0], limits[1], limits[2] / 1000)


def _destination(told: Any) -> tuple[str, int, str]:
    if not isinstance(told, Mapping):
        raise ValueError("destination is missing")  # noqa: TRY004 - one error for all that is wrong
    protocol = told.get("protocol")
    if protocol == "HTTP":
        found = _DESTINATION.fullmatch(str(told.get("URI", "")))
        if found is None:
            raise ValueError("destination.URI must be http://sandbox.localdomain:PORT/PATH")
        port, path = int(found[1]), found[2] or "/"
    elif protocol == "TCP":
        given = told.get("port")
        port, path = (given if isinstance(given, int) and not isinstance(given, bool) else 0), ""
    else:
        raise ValueError("destination.protocol must be HTTP or TCP")
    # Port 9001 is the Runtime API's own on Lambda.
    if not 1 <= port <= 65535 or port == 9001:
        raise ValueError(f"destination has no port that may be used: {port}")
    return str(protocol), port, path


def _limits(told: Any) -> list[int]:
    if not isinstance(told, Mapping):
        raise ValueError("buffering must be an object")  # noqa: TRY004 - one error for all that is wrong
    found = []
    for name, (default, least, most) in _BUFFERING.items():
        value = told.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"buffering.{name} must be from {least} to {most}")
        found.append(value)
    return found


class Batch:
    """Events on their way to one subscriber."""

    def __init__(self, asked: Wanted) -> None:
        self._asked = asked
        self._items: list[bytes] = []
        self._size = 0
        self._since: float | None = None
        self.dropped_items = 0
        self.dropped_bytes = 0

    def add(self, item: bytes, now: float) -> None:
        """One more event, as JSON."""
        if self._size + len(item) > _HELD_BYTES:
            self.dropped_items += 1
            self.dropped_bytes += len(item)
            return
        if self._since is None:
            self._since = now
        self._items.append(item)
        self._size += len(item)

    def wait_s(self, now: float) -> float | None:
        """How long until it is due, 0 for now; None while it is empty."""
        if self._since is None:
            return None
        if len(self._items) >= self._asked.max_items or self._size >= self._asked.max_bytes:
            return 0.0
        return max(self._since + self._asked.timeout_s - now, 0.0)

    def take(self) -> list[bytes]:
        """The events of one delivery."""
        count, size = 0, 0
        for item in self._items[: self._asked.max_items]:
            if count and size + len(item) > self._asked.max_bytes:
                break
            count, size = count + 1, size + len(item)
        taken, self._items = self._items[:count], self._items[count:]
        self._size -= size
        if not self._items:
            self._since = None
        return taken

    def give_back(self, items: list[bytes], now: float) -> None:
        """They could not be delivered: once more later."""
        self._items = items + self._items
        self._size += sum(map(len, items))
        self._since = now
