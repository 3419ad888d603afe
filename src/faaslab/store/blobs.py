"""What is too large for a row, kept as files that are named by the SHA-256 of what is in them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.errors import NotFound
from faaslab.store.faults import translated

if TYPE_CHECKING:
    from collections.abc import Callable


class Blobs:
    """A folder `ab/abcdef…` of files that never change. Two who put the same bytes put one file."""

    def __init__(self, folder: Path, require_in_place: Callable[[], None]) -> None:
        """`require_in_place` raises where the folder is no longer that of the store which names its files."""
        self.folder = folder
        self._require_in_place = require_in_place

    def put(self, data: bytes, *, durable: bool = True) -> str:
        """Keep `data`; its hex SHA-256. `durable` survives power loss, otherwise the end of the process."""
        self._require_in_place()
        digest = hashlib.sha256(data).hexdigest()
        path = self.path(digest)
        with translated(self.folder):
            try:
                # The new date keeps `prune` from taking it for an orphan before its row is written.
                os.utime(path)
            except FileNotFoundError:
                self._write(path, data, durable=durable)
        return digest

    def _write(self, path: Path, data: bytes, *, durable: bool) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path.parent.mkdir(exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def get(self, digest: str) -> bytes:
        """The bytes; raises `NotFound` for a digest that is not kept."""
        try:
            with translated(self.folder):
                return self.path(digest).read_bytes()
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise NotFound("blob", digest, hint="it was pruned, or the blob folder moved") from None
            raise

    def has(self, digest: str) -> bool:
        """Whether it is kept."""
        return self.path(digest).is_file()

    def path(self, digest: str) -> Path:
        """Where the file is, or would be; read only."""
        if len(digest) != 64 or not all(c in "0123456789abcdef" for c in digest):
            raise NotFound("blob", digest, hint="a blob is named by 64 hexadecimal digits")
        return self.folder / digest[:2] / digest

    def digests(self) -> list[str]:
        """All that are kept."""
        return sorted(path.name for path in self.folder.glob("??/*") if not path.name.startswith("."))
