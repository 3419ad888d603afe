"""An alarm on a metric, and the changes of its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal


class AlarmState(StrEnum):
    """CloudWatch's states."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class ComparisonOperator(StrEnum):
    """CloudWatch's operators against a fixed threshold."""

    GREATER_THAN = "GreaterThanThreshold"
    GREATER_THAN_OR_EQUAL = "GreaterThanOrEqualToThreshold"
    LESS_THAN = "LessThanThreshold"
    LESS_THAN_OR_EQUAL = "LessThanOrEqualToThreshold"


@dataclass(frozen=True, kw_only=True)
class AlarmCondition:
    """When it alarms: M (`datapoints_to_alarm`) out of N (`evaluation_periods`) breach the threshold."""

    operator: ComparisonOperator
    threshold: float
    evaluation_periods: int = 1
    datapoints_to_alarm: int = 1
    period_s: int = 60
    statistic: str = "Average"
    treat_missing_data: Literal["missing", "ignore", "breaching", "notBreaching"] = "missing"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """An alarm as it is defined, with its state."""

    id: str
    name: str
    metric: str
    namespace: str = "AWS/Lambda"
    dimensions: Mapping[str, str] = field(default_factory=dict)
    condition: AlarmCondition
    actions: tuple[str, ...] = ()
    state: AlarmState = AlarmState.INSUFFICIENT_DATA
    state_reason: str = "Unchecked: Initial alarm creation"
    state_changed_at: datetime | None = None
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class AlarmChange:
    """One transition."""

    alarm: str
    at: datetime
    previous: AlarmState
    state: AlarmState
    reason: str
