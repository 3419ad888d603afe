"""Folders of symbolic links to what is installed for this Python: packages for a function without a download.

Rule: a folder is named for the exact versions and places of what it leads to, so one that is upgraded makes
another. It is only ever added to: whoever runs from it is not disturbed when a link has to be put back.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes.folders import made, remove

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from faaslab.backends.local.runtimes.distributions import Installed


def linked(root: Path, tag: str, distributions: Sequence[Installed]) -> Path:
    """A folder below `root` that has all of them, for the interpreter that `tag` names. Raises OSError."""
    targets = {
        entry: str(installed.folder / entry) for installed in distributions for entry in installed.entries
    }
    versions = sorted(f"{each.name} {each.version}" for each in distributions)
    said = "\n".join((tag, *versions, *sorted(targets.values())))
    final = root / f"linked-{hashlib.sha256(said.encode()).hexdigest()[:32]}"
    made(final, lambda folder: _fill(folder, targets))
    if not all(_leads_to(final / entry, target) for entry, target in targets.items()):
        _fill(final, targets)
    return final


def leads_to(folder: Path) -> tuple[Path, ...]:
    """The folders that a folder of links leads to; none for one that is no such folder."""
    return tuple(sorted({path.readlink().parent for path in folder.iterdir() if path.is_symlink()}))


def _fill(folder: Path, targets: dict[str, str]) -> None:
    for entry, target in targets.items():
        path = folder / entry
        if _leads_to(path, target):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        new = folder / f".{os.urandom(8).hex()}"
        new.symlink_to(target)
        try:
            if path.is_dir() and not path.is_symlink():
                remove(path)
            new.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise


def _leads_to(path: Path, target: str) -> bool:
    try:
        return os.readlink(path) == target  # noqa: PTH115 - a text, as it was written
    except OSError:
        return False
