"""Large bodies in files of their own, named by what is in them.

Rule: a name is checked before it becomes a path, and what was read before it is used.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 1 << 16
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BodyLost(Exception):
    """There is no such body, or it is not what its name says."""


class Bodies:
    """A folder of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.size = sum(path.stat().st_size for path in folder.glob("??/*"))
        """Bytes that are in it."""

    def keep(self, data: bytes) -> str:
        """Put it there, whole or not at all; its digest. What is there already is not written again."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            half = path.with_name(f"{digest}.{os.getpid()}")
            try:
                with open(half, "xb", opener=_private) as file:
                    file.write(data)
                half.replace(path)
                self.size += len(data)
            finally:
                half.unlink(missing_ok=True)
        return digest

    def read(self, digest: str) -> bytes:
        """What is there under that name. Raises `BodyLost`."""
        try:
            data = self._path(digest).read_bytes()
        except OSError as error:
            raise BodyLost(f"{digest}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise BodyLost(f"{digest}: it is not what its name says")
        return data

    def look_for(self, digest: str) -> None:
        """Raises `BodyLost` when there is nothing under that name."""
        if not self._path(digest).exists():
            raise BodyLost(f"{digest}: it is not there")

    def only(self, digests: set[str]) -> None:
        """Remove all others."""
        for path in self._folder.glob("??/*"):
            if path.name not in digests:
                size = path.stat().st_size
                path.unlink(missing_ok=True)
                self.size -= size

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise BodyLost(f"{digest[:80]!r} is no digest")
        return self._folder / digest[:2] / digest


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
