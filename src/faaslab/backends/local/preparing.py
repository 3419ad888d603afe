"""What was prepared for functions that take long to prepare, and whether it is still there.

Rule: a note is written when all of it is whole, and names every folder; a cache that was cleaned, in part or
all of it, shows at a glance and without asking an interpreter or an installer.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.model.json import to_json

if TYPE_CHECKING:
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.model.function import Function


class Preparations:
    """The notes of one cache folder."""

    def __init__(self, root: Path) -> None:
        self._root = root / "prepared"

    def hold(self, function: Function) -> bool:
        """Whether all that it needs is there; what is quick to prepare counts as that."""
        if not function.takes_preparing:
            return True
        try:
            folders = self._note(function).read_text("utf-8").splitlines()
        except OSError:
            return False
        return all(Path(folder).exists() for folder in folders)

    def done(self, definition: Definition) -> None:
        """It is prepared."""
        if not definition.function.takes_preparing:
            return
        note = self._note(definition.function)
        note.parent.mkdir(parents=True, exist_ok=True)
        half = note.with_name(f".{note.name}.{os.getpid()}.partial")
        half.write_text("\n".join(map(str, folders(definition))), "utf-8")
        half.rename(note)

    def _note(self, function: Function) -> Path:
        configuration = function.configuration
        what = (
            function.runtime,
            function.architecture,
            function.code_digest,
            function.code_sha256,
            to_json(function.code),
            sorted(configuration.requires),
            configuration.layers,
        )
        return self._root / hashlib.sha256(repr(what).encode()).hexdigest()


def folders(definition: Definition) -> tuple[Path, ...]:
    """All that environments of a definition read."""
    return (definition.task_root, definition.opt, definition.runtime_root, *definition.program.needs)


def is_whole(definition: Definition) -> bool:
    """Whether nobody cleaned away what environments of it read."""
    return all(folder.exists() for folder in folders(definition))
