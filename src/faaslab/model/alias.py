"""An alias: a name that points at one version, or shares its traffic with a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Alias:
    """`weights` gives at most one further version its share (0 to 1) of the invocations.

    `version` is the number of a published version, or `$LATEST`, which may not share.
    """

    function: str
    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    description: str = ""
    revision_id: str = ""
    created_at: datetime
    updated_at: datetime

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions that it may lead to, the primary one first."""
        return (self.version, *self.weights)
