"""Timestamps that stand in a definition: RFC 3339 with a capital T, and Z or an offset."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.workflow.validate import values

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings

_SHAPE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII
)


def check(value: Any, findings: Findings, at: str) -> None:
    """Note a timestamp that Step Functions would not take."""
    if not values.text(value, findings, at) or values.unfilled(value, findings, at):
        return
    shape = _SHAPE.fullmatch(value)
    try:
        fine = shape is not None and bool(datetime.fromisoformat(shape.group(1)))
    except ValueError:
        fine = False
    if not fine:
        findings.schema("String does not match RFC3339 timestamp", at)
