"""A published version: a number of a function that is addressable for good and never changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

REVISION_MISMATCH = (
    "The Revision Id provided does not match the latest Revision Id. "
    "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
)
"""What a `RevisionId` that is not the latest gets, in Lambda's words."""


@dataclass(frozen=True, kw_only=True)
class PublishedVersion:
    """`version` is the number of the definition that was published.

    Numbers grow and may have gaps, where a definition was never published; AWS counts publications only.
    """

    function: str
    version: str
    description: str = ""
    revision_id: str = ""
    code_sha256: str = ""
    published_at: datetime
