"""A run of a report notebook, and a report that runs by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Overlap = Literal["skip", "queue"]
NotifyOn = Literal["always", "failure"]
Theme = Literal["light", "dark", "auto"]


class ReportStatus(StrEnum):
    """How a report run stands or ended. One that is skipped was due while the last one still went."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True)
class ReportRun:
    """One run: the notebook, its parameters, the files it left, and the failing cell if one failed."""

    id: str
    name: str
    notebook: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    status: ReportStatus
    started_at: datetime
    ended_at: datetime | None = None
    outputs: tuple[str, ...] = ()
    """Paths of what was written."""
    failed_cell: int | None = None
    """The 1-based number of the failing code cell."""
    error_type: str | None = None
    error_message: str | None = None
    schedule: str | None = None
    """The name of the schedule that it ran for."""
    scheduled_for: datetime | None = None
    """The instant that it was due, which may be long before it began (naive UTC)."""
    attempt: int = 1
    """1, and one more with each retry for the same instant."""
    log: str | None = None
    """The path of what was told while it ran."""


@dataclass(frozen=True, kw_only=True)
class ReportSchedule:
    """A report that runs by itself.

    `expression` is AWS's `cron(...)` or `rate(...)`, crontab's five fields or one of its words (`@daily`);
    local to `timezone`. A rate counts from `created_at`.
    """

    name: str
    report: str
    """The name of a shipped report or the path of a notebook."""
    expression: str
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """As they were written: relative times in them are counted from the time that a run is due."""
    formats: tuple[str, ...] = ("html",)
    title: str | None = None
    theme: Theme = "light"
    keep: int | None = None
    """Of how many runs the files stay; all of them by default."""
    timeout_s: float | None = None
    retries: int = 0
    """How often a run that failed is tried again for the same instant."""
    overlap: Overlap = "skip"
    """What becomes of a run that is due while the last one still goes."""
    notify: tuple[str, ...] = ()
    """Where the pages are delivered to."""
    notify_on: NotifyOn = "always"
    folder: str | None = None
    """The folder that its notebook runs in; None, in older ones: that of whoever runs it."""
    paused: bool = False
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime
