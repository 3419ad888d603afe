"""Timestamps that stand in a definition: RFC 3339 with a capital T, and Z or an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.query import timestamps
from faaslab.workflow.validate import values

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings


def check(value: Any, findings: Findings, at: str) -> None:
    """Note a timestamp that Step Functions would not take."""
    if not values.text(value, findings, at):
        return
    if timestamps.parsed(value) is None:
        findings.schema("String does not match RFC3339 timestamp", at)
