"""JSON documents of any length read piece by piece, from text that may be cut off or damaged.

Rule: nothing raises and nothing is skipped; what is not JSON comes back as `Malformed`, and reading goes on
at the next object of the list.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

# No element of a list of log events is longer.
_LONGEST = 16 * 1024 * 1024
_PART = 1024 * 1024
_SPACE = re.compile(r"[\s\ufeff]*")
_NEXT_OBJECT = re.compile(r"[}\]]\s*,\s*(?=[{\[])")
_DECODER = json.JSONDecoder()


class Reader(Protocol):
    """Text to read from."""

    def read(self, size: int, /) -> str:
        """Up to `size` characters; empty at the end."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A stretch of text that is no JSON, in parts of bounded length."""

    line: int
    parts: tuple[str, ...]
    reason: str


class JsonStream:
    """A cursor over the text. `line` is the 1-based line that it stands on."""

    def __init__(self, text: Reader) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._ended = False
        self.line = 1

    def peek(self) -> str | None:
        """The next character that is no blank; None at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            assert match is not None
            self._move(match.end())
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return None

    def value(self) -> Any:
        """The value that starts here, or the `Malformed` text in its place."""
        self.peek()
        reason = "the document ends early"
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:
                reason = "is nested too deeply"
            except ValueError as error:
                reason = f"is no JSON: {error}"
            else:
                # A number may go on in what is not read yet.
                if end < len(self._buffer) or self._ended or not self._more():
                    self._move(end)
                    return value
                continue
            if len(self._buffer) - self._at > _LONGEST:
                reason = f"is longer than {_LONGEST:,} characters, or {reason}"
                break
            if not self._more(len(self._buffer) - self._at):
                break
        return self._skip(reason)

    def elements(self) -> Iterator[Any]:
        """The elements of the list that starts here, each a value or `Malformed`."""
        self._move(self._at + 1)
        while True:
            first = self.peek()
            if first is None:
                yield Malformed(self.line, ("",), "the document ends before its list does")
                return
            if first == "]":
                self._move(self._at + 1)
                return
            if first == ",":
                self._move(self._at + 1)
                continue
            yield self.value()

    def members(self) -> Iterator[str | Malformed]:
        """The keys of the object that starts here. The caller takes each one's value before the next."""
        self._move(self._at + 1)
        while True:
            first = self.peek()
            if first is None:
                yield Malformed(self.line, ("",), "the document ends before its object does")
                return
            if first == "}":
                self._move(self._at + 1)
                return
            if first == ",":
                self._move(self._at + 1)
                continue
            key = self.value() if first == '"' else self._skip("is no JSON: a key is expected")
            if isinstance(key, str) and self.peek() == ":":
                self._move(self._at + 1)
                yield key
            elif isinstance(key, Malformed):
                yield key
            else:
                yield Malformed(self.line, (json.dumps(key),), "is no JSON: a key without a value")

    def take_line(self) -> str:
        """The rest of this line, as text."""
        while (end := self._buffer.find("\n", self._at)) < 0 and len(self._buffer) - self._at < _PART:
            if not self._more():
                break
        end = min(end + 1 if end >= 0 else len(self._buffer), self._at + _PART)
        line = self._buffer[self._at : end]
        self._move(end)
        return line

    def _skip(self, reason: str) -> Malformed:
        """All up to the next object of a list, or to the end."""
        line = self.line
        parts = []
        while True:
            match = _NEXT_OBJECT.search(self._buffer, self._at)
            if match is not None:
                parts.append(self._buffer[self._at : match.end()])
                self._move(match.end())
                break
            # The mark that is looked for may stand across the edge of what was read.
            keep = 0 if self._ended else 64
            end = max(self._at, len(self._buffer) - keep)
            if end > self._at:
                parts.append(self._buffer[self._at : end])
                self._move(end)
            if not self._more():
                if self._at < len(self._buffer):
                    continue
                break
        return Malformed(line, tuple(parts) or ("",), reason)

    def _move(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _more(self, size: int = 0) -> bool:
        """Read on, at least as much as stands there, so that a long value is not parsed too often."""
        if self._ended:
            return False
        self._buffer = self._buffer[self._at :]
        self._at = 0
        chunk = self._text.read(max(1 << 16, size))
        if not chunk:
            self._ended = True
            return False
        self._buffer += chunk
        return True
