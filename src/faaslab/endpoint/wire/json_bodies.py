"""JSON bodies: read whole or refused, and always written, whatever a function has printed."""

from __future__ import annotations

import json
from typing import Any

import orjson

from faaslab.endpoint.wire.values import serialization


def loads(body: bytes) -> Any:
    """What a body says; an empty one is an empty structure."""
    if not body:
        return {}
    try:
        return orjson.loads(body)
    except (ValueError, RecursionError):
        raise serialization() from None


def dumps(value: Any) -> bytes:
    """A value as JSON; half of a surrogate pair and numbers beyond 64 bits are written too."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(value, separators=(",", ":")).encode("ascii")
