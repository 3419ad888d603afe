"""An event, and each of its deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EventMetadata:
    """Where an event came in."""

    request_id: str | None = None
    source_ip: str | None = None
    user_agent: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query_parameters: Mapping[str, str] = field(default_factory=dict)
    path_parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened and that triggers may react to. `payload` is JSON."""

    id: str
    type: str
    source: str
    payload: Any
    metadata: EventMetadata = field(default_factory=EventMetadata)
    timestamp: datetime
    processed_at: datetime | None = None


class DeliveryStatus(StrEnum):
    """How a delivery ended."""

    DELIVERED = "delivered"
    FAILED = "failed"
    FILTERED = "filtered"
    DROPPED = "dropped"
    KEPT = "kept"
    """Nothing delivers to that service yet; the message waits for it."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to hand an event to a target."""

    id: str
    event_id: str
    trigger: str | None
    target: str
    attempt: int
    status: DeliveryStatus
    execution_id: str | None = None
    error: str | None = None
    delivered_at: datetime
