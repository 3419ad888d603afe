"""The journal: each change that was carried out, from which all that is in the cloud comes again.

Rule: a line is there before its change is carried out and its answer goes out, and away again when the change
was refused. A line is a checksum and JSON; nothing in it is ever run: it is a request like any other. A line
that was torn by a kill is cut off, for nobody was told of it; any other damage is an error that names the
line, and nothing is thrown away.

What reaches the kernel survives a kill of this process. The disk has it within a second (`sync`), so a power
cut may lose that second.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.cloud.child.asked import Asked
from faaslab.cloud.child.bodies import LARGE, BodyLost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from faaslab.cloud.child.bodies import Bodies

FORMAT = 1
# Lines about changes that stand before: one was refused, what one delivered is done with.
_REMARKS = frozenset(("void", "done"))
# What a replay does not need, and what nobody should find in a file.
_NOT_KEPT = frozenset(
    (
        "accept",
        "accept-encoding",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "connection",
        "content-length",
        "expect",
        "transfer-encoding",
        "user-agent",
        "x-amz-security-token",
        "x-amz-user-agent",
        "x-amzn-trace-id",
    )
)


class Damaged(Exception):
    """A line is not what was written; `offset` is where it begins."""

    def __init__(self, line: int, offset: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.offset = offset


@dataclass(frozen=True, kw_only=True)
class Change:
    """A request that changed something, with the time and the chance it was carried out with.

    `now` is in seconds since 1970, `seed` an integer.
    """

    now: float
    seed: int
    asked: Asked


class Journal:
    """An open journal; the first line says whose it is."""

    def __init__(self, path: Path, bodies: Bodies, *, identity: str, based: bool = False) -> None:
        """Open it, or begin one with that identity. Raises `Damaged` when its first line is not one."""
        self.path = path
        self._bodies = bodies
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._last = 0
        self._unsynced = False
        size = os.fstat(self._file).st_size
        head = _first_line(self._file) if size else b""
        if not head:
            os.ftruncate(self._file, 0)
            head = _line({"cloud": FORMAT, "identity": identity, "based": based})
            self._end = 0
            self._write(head)
            self.begin = len(head)
            self.identity, self.based = identity, based
        else:
            said = _read(head)
            if said is None or said.get("cloud") != FORMAT or not isinstance(said.get("identity"), str):
                os.close(self._file)
                raise Damaged(1, 0, "this is no journal that this version knows")
            self.identity, self.based = said["identity"], bool(said.get("based"))
            self.begin = len(head)
            self._end = size
        self._last = self._end

    @property
    def end(self) -> int:
        """How many bytes it has."""
        return self._end

    def changes(self, after: int) -> Iterator[tuple[int, Change]]:
        """What stands after that many bytes, and where. Raises `Damaged`; a torn end is cut off."""
        refused = self._said("void")
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            offset = 0
            for number, line in enumerate(file, 1):
                last = offset + len(line) == self._end
                said = _read(line) if line.endswith(b"\n") else None
                if said is None:
                    if not last or line.endswith(b"\n"):
                        raise Damaged(number, offset, "it is not what was written")
                    self.cut(offset)
                    return
                if (
                    offset >= max(after, self.begin)
                    and said.keys().isdisjoint(_REMARKS)
                    and offset not in refused
                ):
                    try:
                        change = self._change(said)
                    except (KeyError, TypeError, ValueError, AttributeError) as error:
                        raise Damaged(number, offset, f"it is no change ({type(error).__name__})") from error
                    except BodyLost as error:
                        raise Damaged(number, offset, f"its body is lost: {error}") from error
                    yield offset, change
                offset += len(line)

    def _said(self, remark: str) -> set[Any]:
        """What stands in the lines of that kind."""
        begin = b' {"%s":' % remark.encode()
        found = set()
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if line.startswith(begin, 8) and (said := _read(line)):
                    found.add(said[remark] if isinstance(said[remark], int) else str(said[remark]))
        return found

    def append(self, change: Change) -> int:
        """Write it down; where it begins. Raises `OSError`, and then it is as if it never was."""
        asked = change.asked
        said: dict[str, Any] = {
            "now": change.now,
            "seed": change.seed,
            "method": asked.method,
            "target": asked.target,
            "headers": [[name, value] for name, value in asked.headers if name.lower() not in _NOT_KEPT],
        }
        if len(asked.body) > LARGE:
            said["file"] = self._bodies.keep(asked.body)
        elif asked.body:
            said["body"] = base64.b64encode(asked.body).decode()
        place = self._end
        self._write(_line(said))
        return place

    def take_back(self, place: int) -> None:
        """The change that begins there was refused."""
        if place == self._last:
            self.cut(place)
        else:
            # Others were written down while it was carried out.
            self._write(_line({"void": place}))

    def done(self, name: str) -> None:
        """A delivery that a change caused is done with."""
        self._write(_line({"done": name}))

    def all_done(self) -> set[str]:
        """The names of the deliveries that are done with."""
        return self._said("done")

    def cut(self, offset: int) -> None:
        """Forget what stands from there on."""
        os.ftruncate(self._file, offset)
        self._end = self._last = offset

    def move(self, path: Path) -> None:
        """Put it there, in place of what is."""
        self.path.replace(path)
        self.path = path

    def sync(self) -> None:
        """Have the disk write it."""
        if self._unsynced:
            self._unsynced = False
            os.fdatasync(self._file) if hasattr(os, "fdatasync") else os.fsync(self._file)

    def close(self) -> None:
        """Write it all and let go."""
        self.sync()
        os.close(self._file)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(28, "the disk is full")
        except OSError:
            os.ftruncate(self._file, self._end)
            raise
        self._last = self._end
        self._end += len(line)
        self._unsynced = True

    def _change(self, said: dict[str, Any]) -> Change:
        body = b""
        if "file" in said:
            body = self._bodies.read(said["file"])
        elif "body" in said:
            body = base64.b64decode(said["body"], validate=True)
        headers = tuple((str(name), str(value)) for name, value in said["headers"])
        asked = Asked(method=str(said["method"]), target=str(said["target"]), headers=headers, body=body)
        return Change(now=float(said["now"]), seed=int(said["seed"]), asked=asked)


def _line(said: dict[str, Any]) -> bytes:
    text = json.dumps(said, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(line: bytes) -> dict[str, Any] | None:
    check, _, text = line.rstrip(b"\n").partition(b" ")
    if check != b"%08x" % zlib.crc32(text):
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _first_line(file: int) -> bytes:
    """The first line; nothing when a kill tore it, for then nothing follows it either."""
    data = os.pread(file, 1 << 16, 0)
    line, newline, _ = data.partition(b"\n")
    return line + newline if newline else (b"" if len(data) < 1 << 12 else data)
