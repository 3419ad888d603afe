"""A resource policy: who may use a function or a layer on AWS. Kept and shown; it refuses nothing here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ResourcePolicy:
    """`name` is `FUNCTION:QUALIFIER` (`$LATEST` for the function itself), or `layer LAYER:NUMBER`.

    `statements` are IAM's, each with its `Sid`.
    """

    name: str
    statements: tuple[Mapping[str, Any], ...] = ()
    revision_id: str = ""
    updated_at: datetime
