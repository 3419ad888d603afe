"""Invocations as stretches of time, out of the rows that `lab.monitoring.timeline` gives. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Look = Literal["completed", "failed", "timeout", "throttled", "running"]
"""How an invocation ended, as far as a picture tells it."""
LOOKS: tuple[Look, ...] = ("completed", "failed", "timeout", "throttled", "running")
BY_WEIGHT: tuple[Look, ...] = ("failed", "timeout", "throttled", "running", "completed")
"""Of several that are drawn as one, the first of these is what they look like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One invocation: `began` ≤ `init_at` ≤ `handler_at` ≤ `ended` (naive UTC).

    `init_at` is None where there was no init (or no restore). From `began` to the init, or to the handler of
    a warm one, the platform was at work; that is not billed.
    """

    id: str
    environment: str | None
    look: Look
    began: datetime
    init_at: datetime | None
    handler_at: datetime
    ended: datetime
    cold: bool
    duration_ms: float | None = None
    init_ms: float | None = None
    billed_ms: float | None = None
    memory_mb: float | None = None
    max_memory_mb: float | None = None
    error: str | None = None


def runs_of(rows: Iterable[Mapping[str, Any]]) -> list[Run]:
    """The runs that rows tell of, by their beginning. A missing value may be None, NaN or NaT."""
    found = [_run(row) for row in rows]
    return sorted(found, key=lambda run: (run.began, run.id))


def _run(row: Mapping[str, Any]) -> Run:
    def known(name: str) -> Any:
        value = row.get(name)
        # NaN and NaT are not equal to themselves, pandas' NA is neither.
        return None if value is None or type(value).__name__ == "NAType" or value != value else value  # noqa: PLR0124

    def instant(name: str) -> datetime | None:
        value = known(name)
        found: datetime | None = value.to_pydatetime(warn=False) if hasattr(value, "to_pydatetime") else value
        return found

    started = instant("started_at")
    assert started is not None
    status = str(row["status"])
    look: Look = status if status in LOOKS else "running"
    init_at, handler_at, ended = instant("init_at"), instant("handler_at"), instant("ended_at")
    handler_at = started if handler_at is None else handler_at
    began = min(started, handler_at, init_at or started)
    ended = max(ended or handler_at, handler_at)
    if look == "throttled":
        init_at, handler_at, ended = None, started, started
    return Run(
        id=str(row["id"]),
        environment=known("environment"),
        look=look,
        began=began,
        init_at=init_at,
        handler_at=handler_at,
        ended=ended,
        cold=bool(known("cold_start")),
        duration_ms=known("duration_ms"),
        init_ms=known("init_ms"),
        billed_ms=known("billed_ms"),
        memory_mb=known("memory_mb"),
        max_memory_mb=known("max_memory_mb"),
        error=known("error_type"),
    )
