"""Private keys that were made, which no repetition of a change would make again.

Rule: a key is on the disk before the answer to the change that made it; it is found again by that change's
seed and its number among those that the change made. What is there and cannot be read is as if it was not.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Keys:
    """A folder of them, each as PEM in a file that is for nobody else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def made(self, seed: int, number: int, make: Callable[[], Any]) -> Any:
        """The one that was made then; otherwise what `make` gives now, which is kept. Raises `OSError`."""
        from cryptography.hazmat.primitives import serialization

        path = self._folder / f"{seed:x}.{number}"
        try:
            return serialization.load_pem_private_key(path.read_bytes(), None)
        except FileNotFoundError:
            pass
        except Exception as error:  # noqa: BLE001 - a damaged file can be anything
            why = type(error).__name__
            sys.stderr.write(f"the key {path.name} cannot be read ({why}); another is made\n")
        key = make()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._folder.mkdir(mode=0o700, exist_ok=True)
        half = path.with_name(f"{path.name}.half")
        with open(half, "wb", opener=_private) as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
        return key

    def forget(self) -> None:
        """Remove all: what made them stands in a snapshot."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
