"""A trigger: what makes a function or a workflow run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal


class TriggerType(StrEnum):
    """The ten kinds of sources."""

    API = "api"
    S3 = "s3"
    DYNAMODB = "dynamodb"
    SQS = "sqs"
    SNS = "sns"
    EVENTBRIDGE = "eventbridge"
    CLOUDWATCH = "cloudwatch"
    COGNITO = "cognito"
    KINESIS = "kinesis"
    SCHEDULED = "scheduled"


class TriggerStatus(StrEnum):
    """Whether it fires."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """A source bound to a target. `configuration` is of the type's own shape, JSON."""

    id: str
    name: str
    type: TriggerType
    target: str
    target_kind: Literal["function", "workflow", "report"] = "function"
    configuration: Mapping[str, Any] = field(default_factory=dict)
    status: TriggerStatus = TriggerStatus.ACTIVE
    status_reason: str | None = None
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime
