"""The log of one run: what was done when, and what its cells wrote, line by line while they write it.

Every line begins with the time (UTC). Texts that are to stay hidden are replaced wherever they come; what
cells write is cut off after some megabytes. The file is the owner's alone.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from faaslab.clock import SYSTEM, Clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MASK = "••••"
MOST_BYTES = 5_000_000
_LONGEST = 2_000
_HOW = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_STAMP = 27
"""What a line has besides its own: the time, its mark and its end."""

_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MARKS = {"stdout": "| ", "stderr": "! "}


def hidden(text: str, hide: Sequence[str]) -> str:
    """`text` with a mask for each of `hide`."""
    for secret in hide:
        text = text.replace(secret, MASK)
    return text


def plain(text: str) -> str:
    """`text` without colours and other controls of a terminal."""
    return _CONTROLS.sub("", text)


class Journal:
    """Writes the log to `path`; nothing where that is None. One that cannot be written stops nothing."""

    def __init__(self, path: str | Path | None, *, hide: Sequence[str] = (), clock: Clock = SYSTEM) -> None:
        self._hide = tuple(sorted((each for each in hide if each), key=len, reverse=True))
        self._clock = clock
        self._left = MOST_BYTES
        self._open: dict[str, str] = {}
        self._file = -1
        if path is not None:
            try:
                self._file = os.open(
                    path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
                )
            except OSError:
                self._file = -1

    def note(self, text: str) -> None:
        """Something that happened, in its own line or lines; what was written before comes first."""
        for name in list(self._open):
            self._flush(name)
        for line in text.splitlines() or [""]:
            self._line(line)

    def output(self, name: str, text: str) -> None:
        """What a cell wrote to `stdout` or `stderr`; a line is written when it is whole."""
        *whole, rest = (self._open.get(name, "") + text).split("\n")
        # A bar that is drawn over and over in one line is kept as it looked at its end.
        self._open[name] = rest if len(rest) <= 65_536 else rest.rpartition("\r")[2][-65_536:]
        for line in whole:
            self._told(name, line)

    def close(self) -> None:
        """Write what is left."""
        for name in list(self._open):
            self._flush(name)
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _flush(self, name: str) -> None:
        rest = self._open.pop(name, "")
        if rest:
            self._told(name, rest)

    def _told(self, name: str, line: str) -> None:
        if self._left <= 0:
            return
        line = line.rstrip("\r").rpartition("\r")[2]
        self._left -= len(line) + _STAMP
        self._line(_MARKS.get(name, "| ") + line)
        if self._left <= 0:
            self._line(f"what cells wrote beyond {MOST_BYTES:,} characters is not kept")

    def _line(self, line: str) -> None:
        if self._file < 0:
            return
        shown = plain(hidden(line, self._hide))
        if len(shown) > _LONGEST:
            shown = f"{shown[:_LONGEST]}… ({len(shown):,} characters)"
        at = self._clock.now().isoformat(sep=" ", timespec="milliseconds")
        try:
            os.write(self._file, f"{at} {shown}\n".encode("utf-8", "backslashreplace"))
        except OSError:
            self._left = 0


class Stream:
    """A file, as papermill asks for one, whose text goes into a journal."""

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._name = name

    def write(self, text: str) -> int:
        """Keep it."""
        self._journal.output(self._name, text)
        return len(text)

    def flush(self) -> None:
        """A line is written when it is whole."""
