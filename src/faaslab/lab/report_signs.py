"""When a run whose process ended without a word was last known to go: its duration ends there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.store.report_runs import Going

TTL_S = 180.0
"""How long a run is taken to go after it was heard of."""

BEAT_S = 30.0
"""So often it says that it goes."""


def last_sign(going: Going, written: datetime | None, now: datetime) -> datetime:
    """The latest instant, not after `now`, at which it is known to have gone.

    `written` is when its log was last written; that is believed for as long as its process vouched for it,
    because anybody may touch a file later. Pure.
    """
    heard = max(going.run.started_at, min(going.until - timedelta(seconds=TTL_S), now))
    return written if written is not None and heard < written <= min(going.until, now) else heard


def log_written(log: str | None) -> datetime | None:
    """When the log of a run was last written (naive UTC); None where there is none to be seen."""
    if log is None:
        return None
    try:
        written = datetime.fromtimestamp(Path(log).stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None
    return written.replace(tzinfo=None)
