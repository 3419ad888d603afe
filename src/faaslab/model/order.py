"""What a rule or a schedule has decided to send to a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

RETRIES = 185
"""As often a delivery is tried again, unless it is told otherwise (EventBridge, RetryPolicy)."""
AGE_S = 86_400
"""For so long it is tried, unless it is told otherwise."""

TARGETS = "targets"
"""The queue of orders."""
SCHEDULES = "schedules"
"""The queue of what fires next."""
KEPT_BY = "faaslab-archive/"
"""What the trace header of an entry begins with that is for one archive only; its name and an id follow."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """`body` is for `target` (an ARN), because of the rule or schedule `cause` (an ARN).

    `parameters` are the members of AWS's target beside its input (SqsParameters and such). `hops` counts
    the buses that the event has come through.
    """

    target: str
    body: str
    cause: str
    trigger: Literal["eventbridge", "scheduler"]
    event_id: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    retries: int = RETRIES
    age_limit_s: int = AGE_S
    dead_letters: str | None = None
    queued_at: datetime
    trace_id: str | None = None
    hops: int = 0
    attempt: int = 1
    last_error: str | None = None
