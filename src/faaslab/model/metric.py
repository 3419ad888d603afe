"""One measured value at an instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from faaslab.model.execution import Source


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A data point; `unit` is one of CloudWatch's units."""

    at: datetime
    namespace: str
    name: str
    value: float
    unit: str = "None"
    function: str | None = None
    execution_id: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    source: Source = Source.LOCAL
