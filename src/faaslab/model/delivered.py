"""What became of bringing a report somewhere."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One target and how it went. `target` may be shown: what is secret of an address is not in it."""

    target: str
    ok: bool
    detail: str
    """Where it stands now, or why it does not: a sentence without a full stop."""
