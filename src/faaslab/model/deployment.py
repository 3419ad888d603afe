"""A deployment of a function or a workflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class DeploymentStatus(StrEnum):
    """How far it is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One roll-out of one version to one place."""

    id: str
    target: str
    target_kind: Literal["function", "workflow"]
    version: str
    backend: str
    alias: str | None = None
    previous_version: str | None = None
    status: DeploymentStatus
    started_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
