"""What is told of a run, in words: the same in an index, a letter and a message. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from faaslab.model.report import ReportRun, ReportStatus
from faaslab.reports.delivery.naming import label

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MESSAGE = 500


@dataclass(frozen=True, kw_only=True)
class Story:
    """A run with what its page says first, and where its pages can be opened (format -> address)."""

    run: ReportRun
    title: str
    timezone: str = "UTC"
    headline: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether a cell, or the run itself, failed."""
        return self.run.status is ReportStatus.FAILED

    @property
    def due(self) -> datetime:
        """The time that the report is about: when it was due, or else began."""
        return self.run.scheduled_for or self.run.started_at

    @property
    def subject(self) -> str:
        """One line that tells it from the other days' and says if it failed."""
        told = one_line(f"{self.title}, {when(self.due, self.timezone)}")
        return f"FAILED: {told}" if self.failed else told

    @property
    def failure(self) -> str:
        """Which cell said what; "" of one that did not fail."""
        return failure(self.run) if self.failed else ""

    @property
    def text(self) -> str:
        """The whole of it as plain text."""
        lines = [self.subject]
        if self.failed:
            lines.append(self.failure)
        lines += self.headline
        lines += [f"{label(kind)}: {link}" for kind, link in self.worth_opening.items()]
        return "\n".join(lines)

    @property
    def worth_opening(self) -> Mapping[str, str]:
        """The addresses that people are told: the log's only of a run that failed."""
        return {kind: link for kind, link in self.links.items() if kind != "log" or self.failed}


def when(instant: datetime, timezone: str = "UTC") -> str:
    """A naive UTC instant on the clock of a place: `Mon 23 Nov 2026, 08:00 CET`."""
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone))
    # No %Z: some zones have numbers for a name there, which read as an offset only with its sign and UTC.
    name = local.tzname() or timezone
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M} {name if name[0] not in '+-' else f'UTC{name}'}"


def took(run: ReportRun) -> str:
    """How long it ran: `850 ms`, `17.5 s`, `3 min 20 s`; "" while it runs."""
    if run.ended_at is None:
        return ""
    return duration(round((run.ended_at - run.started_at).total_seconds() * 1000))


def duration(ms: int) -> str:
    """Milliseconds in the unit that reads best."""
    if ms < 1000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def failure(run: ReportRun) -> str:
    """`Cell 3: KeyError: 'day'`, cut to a few lines."""
    said = ": ".join(filter(None, (run.error_type, run.error_message))) or "it did not say why"
    where = f"Cell {run.failed_cell}: " if run.failed_cell else ""
    return seen(f"{where}{said}")[:_MESSAGE]


def seen(text: str) -> str:
    """Without what a reader would not see but a terminal or a browser would obey."""
    return _UNSEEN.sub("\ufffd", text)


def one_line(text: str) -> str:
    """On one line, whatever breaks it."""
    return " ".join(seen(text).split())
