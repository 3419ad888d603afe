"""How an init went. Values only."""

from __future__ import annotations

from typing import NamedTuple


class Started(NamedTuple):
    """How an init went: `status` is `ok`, `error` or `timeout`, `error_type` in Lambda's words."""

    ms: float
    status: str
    error_type: str | None = None
    body: bytes | None = None
    returncode: int | None = None
    text: str | None = None
    """What Lambda says of it, where that is not how a process ended."""
