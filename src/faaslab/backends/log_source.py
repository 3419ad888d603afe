"""Where a saved log comes from: its bytes, unzipped where they were zipped, and what its path names."""

from __future__ import annotations

import io
import re
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# --- names --------------------------------------------------------------------------------------------

_STREAM_IN_PATH = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)[-/]([^\s/\[]*\[[^\]\s/]+\][0-9a-f]+)")
_GROUP_IN_PATH = re.compile(
    r"(?:^|/|%2F|_)aws(?:/|%2F|_)lambda(?:/|%2F|_)([A-Za-z0-9-_.]+?)(?=$|/|\.\w+$|\.\w+\.gz$)"
)


def named_by(path: Path) -> tuple[str | None, str | None]:
    """The log group and stream that a path plainly names."""
    text = path.absolute().as_posix()
    group = _GROUP_IN_PATH.search(text)
    stream = _STREAM_IN_PATH.search(text)
    return (
        f"/aws/lambda/{group[1]}" if group else None,
        "/".join(stream.groups()) if stream else None,
    )


class LogBytes(io.RawIOBase):
    """A file's bytes, unzipped when they are gzip; damage ends them and is noted instead of raised."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        zipped = file.peek(2)[:2] == b"\x1f\x8b"
        self._inflate = zlib.decompressobj(31) if zipped else None
        self._ready = b""
        self._rest = b""
        self.damage: str | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def peek(self) -> bytes:
        """The first bytes, up to 64 KB; they are still read afterwards."""
        while len(self._ready) < 1 << 16 and (more := self._next()):
            self._ready += more
        return self._ready[: 1 << 16]

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with the next bytes; how many there were."""
        if not self._ready:
            self._ready = self._next()
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _next(self) -> bytes:
        if self._inflate is None:
            return self._file.read(1 << 18)
        while self.damage is None:
            data = self._rest or self._file.read(1 << 16)
            if not data:
                if not self._inflate.eof:
                    self.damage = "the gzip file ends early; what stood before was read"
                return b""
            if self._inflate.eof:
                if not data.strip(b"\0"):
                    self._rest = b""
                    continue
                self._inflate = zlib.decompressobj(31)
            try:
                found = self._inflate.decompress(data, 1 << 20)
            except zlib.error as error:
                self.damage = f"the gzip file is damaged ({error}); what stood before was read"
                return b""
            self._rest = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if found:
                return found
        return b""
