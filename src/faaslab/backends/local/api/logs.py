"""What a function writes: text of stdout and stderr, and the runtime client's framed records, in one pipe.

Rule: bounded. A flood is read (the writer must not block for ever), counted, and dropped above the limit.

A frame (`_LAMBDA_TELEMETRY_LOG_FD`) is, big endian, 4 bytes of type, 4 of length, 8 of microseconds since
1970, then the message. Both kinds share one pipe, so their order is the order in which they were written.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_MAGIC = b"\xa5\x5a\x00"
_HEAD = 16
_LONGEST = 256 * 1024
"""A longer line is cut, as CloudWatch Logs cuts events."""
_LEVELS = {1: "TRACE", 2: "DEBUG", 3: "INFO", 4: "WARN", 5: "ERROR", 6: "FATAL"}

_NAMES = {name: name for name in ("TRACE", "DEBUG", "INFO", "ERROR", "FATAL")} | {
    "WARNING": "WARN",
    "CRITICAL": "FATAL",
}


class Entry(NamedTuple):
    """One log event: microseconds since 1970 when the writer told them, its level, the text."""

    micros: int | None
    level: str | None
    text: str


class LogPipe:
    """The reading end of an environment's log pipe."""

    def __init__(self, descriptor: int, *, limit_bytes: int) -> None:
        self.descriptor = descriptor
        self._limit = limit_bytes
        self._kept = 0
        self._pending = b""
        self._skip = 0
        self._entries: list[Entry] = []
        self.dropped = 0
        self.noticed: Callable[[str], None] | None = None
        """Told of each entry as it comes, by whoever waits for one."""

    def drain(self) -> None:
        """Read what is there, without waiting; not for ever, since a flood may be faster than we are."""
        for _ in range(64):
            try:
                data = os.read(self.descriptor, 65536)
            except (BlockingIOError, InterruptedError):
                return
            if not data:
                return
            self.feed(data)
            if len(data) < 65536:
                return

    def feed(self, data: bytes) -> None:
        """Take bytes as they were read; whole lines and frames become entries."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        data = self._pending + data if self._pending else data
        at, end = 0, len(data)
        magic = data.find(_MAGIC)
        while at < end:
            if 0 <= magic < at:
                # Looked for once a frame, not once a line: a flood of short lines must not cost n squared.
                magic = data.find(_MAGIC, at)
            if magic == at:
                if end - at < _HEAD:
                    break
                length = int.from_bytes(data[at + 4 : at + 8], "big")
                if end - at - _HEAD < length:
                    if length > self._limit:
                        # Never hold a frame that would be dropped anyway.
                        self._skip = _HEAD + length - (end - at)
                        self.dropped += length
                        at = end
                    break
                body = data[at + _HEAD : at + _HEAD + length]
                micros = int.from_bytes(data[at + 8 : at + 16], "big")
                self._keep(body, micros, _LEVELS.get(data[at + 3] >> 2))
                at += _HEAD + length
                continue
            upto = end if magic < 0 else magic
            newline = data.find(b"\n", at, upto)
            if newline >= 0:
                self._keep(data[at:newline], None, None)
                at = newline + 1
            elif magic >= 0:
                self._keep(data[at:magic], None, None)
                at = magic
            elif end - at >= _LONGEST:
                self._keep(data[at : at + _LONGEST], None, None)
                at += _LONGEST
            else:
                break
        self._pending = data[at:]

    def _keep(self, body: bytes, micros: int | None, level: str | None) -> None:
        if self._kept + len(body) > self._limit:
            self.dropped += len(body)
            return
        # An empty line costs something as well, or a flood of newlines would be unbounded.
        self._kept += len(body) + 64
        text = body.decode("utf-8", "replace").rstrip("\r\n")
        if level is None and text.startswith("["):
            word = text[1:9].partition("]")[0]
            level = _NAMES.get(word)
        self._entries.append(Entry(micros, level, text))
        if self.noticed is not None:
            self.noticed(text)

    def take(self, *, last: bool = False) -> tuple[list[Entry], int]:
        """Entries since the last call, and how many bytes were dropped; `last` also takes an unended line."""
        if last and self._pending:
            self._keep(self._pending, None, None)
            self._pending = b""
        entries, self._entries = self._entries, []
        dropped, self.dropped, self._kept = self.dropped, 0, 0
        return entries, dropped

    def so_far(self) -> list[Entry]:
        """Entries since the last call, of what has not ended: they count towards its limit all the same."""
        entries, self._entries = self._entries, []
        return entries

    def close(self) -> None:
        """Close the descriptor; may be called twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
