"""A run of a report notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class ReportStatus(StrEnum):
    """How a report run stands or ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


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


@dataclass(frozen=True, kw_only=True)
class ReportSchedule:
    """A report that runs by itself."""

    name: str
    report: str
    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("html",)
    keep: int | None = None
    paused: bool = False
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime
