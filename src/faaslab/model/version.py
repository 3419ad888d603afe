"""A published version: a definition of a function that is addressable by a number and never changes."""

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
    """`version` counts the publications of a function from "1", `definition` says what was published.

    As on Lambda a number is never used again, be the version deleted, or the function and made anew
    (configuration-versions).
    """

    function: str
    version: str
    definition: int
    description: str = ""
    revision_id: str = ""
    code_sha256: str = ""
    published_at: datetime
