"""Functions whose code is a file or folder of this machine: a change there is the next definition.

Rule: looked at when the function is invoked, one `stat` for each file, so there is no watcher and nothing to
miss; functions without such a source pay one comparison. What a half-saved file does wrong is told as it is
for a cell: by the execution.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.deploy import regular
from faaslab.errors import Conflict, InvalidValue
from faaslab.lab import definitions, runtimes
from faaslab.model.quotas import UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.lab import Lab
    from faaslab.lab.definitions import Draft
    from faaslab.model.function import Function

_SETTLED_S = 0.05
"""A file that changed so lately may change again without another time of change: it is not taken as seen."""
_PUT_BACK = "put it back, or define the function anew from where its code is now"
_LEFT_OUT = frozenset({"__pycache__", ".git", ".hg", ".svn", ".ipynb_checkpoints"})

Signature = tuple[tuple[str, int, int, int], ...]


class Following:
    """`lab.following`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._locks: dict[str, threading.Lock] = {}
        self._seen: dict[str, tuple[Signature, str]] = {}

    def draft(self, name: str, source: str | Path, options: Mapping[str, Any]) -> Draft:
        """The function that a file or folder holds now. Raises InvalidValue for one that cannot be read."""
        path = Path(source).expanduser().absolute()
        given = dict(options)
        runtime = given.get("runtime") or definitions.OWN_RUNTIME
        text, include, handler = _read(path, given.pop("handler", None), runtime)
        return definitions.draft(
            name,
            text,
            now=self._lab.clock.now(),
            include=include,
            region=self._lab.region,
            source_path=str(path),
            handler=handler,
            **given,
        )

    def current(self, function: Function) -> Function:
        """The function as its source is now: the next definition when that has changed."""
        path = Path(function.source_path or "")
        found = signature(path)
        seen = self._seen.get(function.name)
        if seen is not None and seen == (found, function.revision_id):
            return function
        # One a function: what a new definition needs may take minutes to install.
        with self._locks.setdefault(function.name, threading.Lock()):
            try:
                definition = self._lab.updates.write(
                    self.draft(function.name, path, {"handler": function.handler, **kept(function)})
                )
            except Conflict:
                # Somebody else is at it: this invocation runs what is there.
                return function
            present = definition.function
            if found and time.time() - max(changed for _, changed, _, _ in found) / 1e9 > _SETTLED_S:
                self._seen[function.name] = (found, present.revision_id)
        return present


def kept(function: Function) -> dict[str, Any]:
    """The options of a definition that stay when its code changes."""
    return {key: getattr(function.configuration, key) for key in definitions.CONFIGURATION} | {
        "runtime": function.runtime,
        "architecture": str(function.architecture),
        "description": function.description,
        "tags": function.tags,
        "role": function.role,
        "aws_only": function.aws_only,
    }


def signature(path: Path) -> Signature:
    """What tells a changed source from an unchanged one; empty where there is nothing."""
    return tuple(sorted(_entries(str(path))))


def _entries(path: str) -> Iterator[tuple[str, int, int, int]]:
    try:
        state = os.stat(path)  # noqa: PTH116 - on the way of every invocation
        if (state.st_mode & 0o170000) != 0o040000:
            # The change time: nobody can set it, so a copy that keeps its old date is seen as well.
            yield path, state.st_ctime_ns, state.st_size, state.st_ino
            return
        with os.scandir(path) as entries:
            inside = [entry.path for entry in entries if entry.name not in _LEFT_OUT]
    except OSError:
        return
    for each in inside:
        yield from _entries(each)


def _read(path: Path, handler: str | None, runtime: str) -> tuple[str, tuple[Path, ...], str | None]:
    """(text, what goes along, handler) of a file, or of a folder with the file of the handler in it."""
    if not path.is_dir():
        return _text(path), (), handler
    handler, names = runtimes.source_files(handler, runtime)
    file = next((path / name for name in names if (path / name).is_file()), path / names[0])
    if "/" in names[0] or not file.is_file():
        raise InvalidValue(
            f"{str(path)!r} has no {names[0]} at its top",
            place="source",
            hint="say where it begins: --handler FILE.FUNCTION of a Python file in that folder",
        )
    others = tuple(sorted(each for each in path.iterdir() if each != file and each.name not in _LEFT_OUT))
    return _text(file), others, handler


def _text(path: Path) -> str:
    try:
        return regular.read(path, limit=UNZIPPED_BYTES, place="source", hint=_PUT_BACK).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"{str(path)!r} is not UTF-8 at byte {error.start}", place="source") from None


def nothing_else(one: str, **others: Any) -> None:
    """Raise InvalidValue for what is given beside `one` and does not go with it."""
    for place, given in others.items():
        if given:
            raise InvalidValue(f"does not go with {one}", place=place, hint="a folder brings its files along")
