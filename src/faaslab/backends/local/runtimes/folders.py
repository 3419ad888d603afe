"""Folders that others read while they are being made: each has its final name only when it is whole.

Rule: a folder is made under a temporary name and renamed, so that neither a second process nor a kill in
between leaves half of one behind; and nothing here follows a link that stands in such a folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def made(final: Path, make: Callable[[Path], None]) -> Path:
    """`final`; when it is not there, `make` fills a folder beside it, which is then renamed.

    One maker at a time over all threads and processes; whoever waited finds it done.
    """
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    with _locked(final.parent / f".{final.name}.lock"):
        if final.is_dir():
            return final
        # Whoever held the lock before may have been killed; what it left is ours to remove.
        for left in final.parent.glob(f".{final.name}.*.partial"):
            remove(left)
        _sweep(final)
        folder = final.parent / f".{final.name}.{os.getpid()}.partial"
        folder.mkdir()
        try:
            make(folder)
            folder.rename(final)
        except BaseException:
            remove(folder)
            raise
    return final


def _sweep(final: Path) -> None:
    """Remove what killed makers of other folders left: nobody may ever ask for those again."""
    try:
        import fcntl
    except ImportError:
        return
    for left in final.parent.glob(".*.partial"):
        name = left.name[1:].rpartition(".")[0].rpartition(".")[0]
        if name == final.name:
            continue
        with contextlib.suppress(OSError):
            descriptor = os.open(final.parent / f".{name}.lock", os.O_RDWR | os.O_CLOEXEC)
            try:
                # Its maker holds this one for as long as it lives.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(left)
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, read-only folders too; a link itself, never what it names."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            below = Path(path, name)
            # `os.walk` counts a link to a folder among the folders, and chmod would follow it.
            if not below.is_symlink():
                with contextlib.suppress(OSError):
                    below.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
