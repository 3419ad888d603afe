"""Provisioned concurrency: what is asked for of a version or alias, and how it stands in a process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ProvisionStatus = Literal["IN_PROGRESS", "READY", "FAILED"]
INIT_FAILURE = "FUNCTION_ERROR_INIT_FAILURE"
"""Why it FAILED when the function's own init did, in Lambda's words."""


@dataclass(frozen=True, kw_only=True)
class ProvisionedConcurrency:
    """`executions` environments that are kept ready for a version or an alias of a function.

    `status` is how it ended where it was last started; each process has environments of its own.
    """

    function: str
    qualifier: str
    executions: int
    status: ProvisionStatus = "IN_PROGRESS"
    status_reason: str | None = None
    revision_id: str = ""
    updated_at: datetime

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.function}:{self.qualifier}"


@dataclass(frozen=True, kw_only=True)
class Provision:
    """How it stands in this process: environments `requested`, `allocated` (started), `available` (idle)."""

    requested: int
    allocated: int
    available: int
    status: ProvisionStatus
    reason: str | None = None
