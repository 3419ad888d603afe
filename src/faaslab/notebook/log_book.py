"""The lines that a live view of a log keeps: which are shown, paused or not, and what was dropped. Pure.

Rule: it is bounded; what it no longer has is counted, so that it can be said.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.errors import FaaslabError

if TYPE_CHECKING:
    from datetime import datetime

KEPT = 5_000
SHOWN = 300
RANKS = {
    "TRACE": 0,
    "DEBUG": 10,
    "INFO": 20,
    "WARN": 30,
    "WARNING": 30,
    "ERROR": 40,
    "FATAL": 50,
    "CRITICAL": 50,
}
"""The levels that functions write, from the least on."""
LEVELS = ("DEBUG", "INFO", "WARN", "ERROR")
"""Those that can be asked for: this one and those above."""
STREAMS = ("function", "platform", "extension")
_JSON = 100_000


class Line(Protocol):
    """A log line, as `lab.log_tail` gives it."""

    @property
    def timestamp(self) -> datetime:
        """Naive UTC."""

    @property
    def function(self) -> str:
        """Whose it is."""

    @property
    def execution_id(self) -> str | None:
        """The execution that wrote it."""

    @property
    def request_id(self) -> str:
        """Lambda's id of that."""

    @property
    def stream(self) -> str:
        """Who wrote it."""

    @property
    def level(self) -> str | None:
        """As it was recorded."""

    @property
    def message(self) -> str:
        """What it says."""


Find = Callable[[Sequence[Any], str], list[bool]]
"""Which of those lines a regular expression finds something in; a FaaslabError for what is none."""


@dataclass(slots=True)
class Entry:
    """A line with its number in the book, and what was read out of it."""

    number: int
    line: Line
    level: str | None
    document: dict[str, Any] | None
    """The object that the message is in JSON."""
    found: bool = True


@dataclass(frozen=True)
class Page:
    """What is to be seen: `entries` are the newest of `count` that the filters let through."""

    entries: tuple[Entry, ...]
    count: int
    kept: int
    dropped: int
    waiting: int
    """So many came since it was paused."""
    problem: str | None


def document_of(message: str) -> dict[str, Any] | None:
    """The JSON object that a message is; None where it is anything else."""
    if not message.startswith("{") or not message.rstrip().endswith("}") or len(message) > _JSON:
        return None
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def level_of(line: Line, document: dict[str, Any] | None) -> str | None:
    """The level of a line, as it was recorded or as its JSON tells it."""
    for told in (line.level, None if document is None else document.get("level", document.get("log_level"))):
        if isinstance(told, str) and told.upper() in RANKS:
            return told.upper()
    return None


class LogBook:
    """At most `most` lines, and what of them is to be seen."""

    def __init__(self, find: Find, *, most: int = KEPT, shown: int = SHOWN) -> None:
        self._find = find
        self._shown = shown
        self._entries: deque[Entry] = deque(maxlen=most)
        self._number = 0
        self._dropped = 0
        self._filters = ("", "", "")
        self._problem: str | None = None
        self._frozen: Page | None = None
        self._since_pause = 0

    def add(self, lines: Sequence[Line], left_out: int = 0) -> None:
        """Lines that came, and how many before them nobody will see."""
        entries = []
        for line in lines:
            document = document_of(line.message)
            entries.append(Entry(self._number, line, level_of(line, document), document))
            self._number += 1
        most = self._entries.maxlen or 0
        self._dropped += left_out + max(len(self._entries) + len(entries) - most, 0)
        self._let_through(entries)
        self._since_pause += sum(entry.found for entry in entries)
        self._entries.extend(entries)

    def choose(self, *, text: str = "", level: str = "", stream: str = "") -> bool:
        """Show only lines that `text` finds, of that level or above, of that stream; whether that is new.

        `text` is a regular expression; one that is none is looked for as it stands. A line without a level
        is not shown where one is asked for.
        """
        if (text, level, stream) == self._filters:
            return False
        self._filters = (text, level, stream)
        self._let_through(self._entries)
        if self._frozen is not None:
            self._frozen = self._now()
            self._since_pause = 0
        return True

    def _let_through(self, entries: Sequence[Entry] | deque[Entry]) -> None:
        text, level, stream = self._filters
        for entry in entries:
            entry.found = (not stream or entry.line.stream == stream) and (
                not level or (entry.level is not None and RANKS[entry.level] >= RANKS[level])
            )
        self._problem = None
        left = [entry for entry in entries if entry.found]
        if not text:
            return
        try:
            found = self._find([entry.line for entry in left], text)
        except FaaslabError as error:
            self._problem = f"looked for as it stands: {error.message}"
            found = [text.lower() in entry.line.message.lower() for entry in left]
        for entry, there in zip(left, found, strict=True):
            entry.found = there

    @property
    def has_levels(self) -> bool:
        """Whether any line that is kept has a level."""
        return any(entry.level is not None for entry in self._entries)

    @property
    def paused(self) -> bool:
        """Whether what is seen stands still."""
        return self._frozen is not None

    def pause(self) -> None:
        """Let what is seen stand still; lines go on coming."""
        if self._frozen is None:
            self._frozen = self._now()
            self._since_pause = 0

    def go_on(self) -> None:
        """Show the newest lines again."""
        self._frozen = None

    def page(self) -> Page:
        """What is to be seen."""
        if self._frozen is None:
            return self._now()
        still = self._frozen
        return Page(
            still.entries, still.count, len(self._entries), self._dropped, self._since_pause, self._problem
        )

    def _now(self) -> Page:
        entries = list(islice((entry for entry in reversed(self._entries) if entry.found), self._shown))
        count = sum(entry.found for entry in self._entries)
        return Page(tuple(entries[::-1]), count, len(self._entries), self._dropped, 0, self._problem)

    def newest(self) -> Page:
        """The same as if nothing was paused."""
        return self._now()

    def executions(self, most: int) -> list[tuple[str, str, datetime]]:
        """(id, request id, instant of its first line that is seen), the latest first."""
        found: dict[str, tuple[str, str, datetime]] = {}
        for entry in self.page().entries:
            line = entry.line
            if line.execution_id is not None and line.execution_id not in found:
                found[line.execution_id] = (line.execution_id, line.request_id, line.timestamp)
        return [*found.values()][::-1][:most]
