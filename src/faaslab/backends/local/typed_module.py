"""A function's module, loaded so that a debugger sees it where it was typed: in the cell of a notebook.

Rule: the code is what was unpacked, to the letter; only the file's name and the numbers of its lines are the
cell's. What is recorded names the file that runs everywhere else.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import linecache
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import CodeType


class Typed(NamedTuple):
    """Where a source text was typed: the file that stands for the cell, and how many lines are above it."""

    file: str
    above: int


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, typed: Typed) -> None:
        super().__init__(name, path)
        self._typed = typed

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 - the loader's shape
        """Always from the text: compiled files have the other name in them."""
        text = "\n" * self._typed.above + importlib.util.decode_source(self.get_data(self.path))
        made: CodeType = compile(text, self._typed.file, "exec", dont_inherit=True)
        return made


class _Finder:
    def __init__(self, file: Path, typed: Typed) -> None:
        self._file = file
        self._typed = typed

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: object = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """Of this one module only."""
        if name != self._file.stem or path is not None:
            return None
        loader = _Loader(name, str(self._file), self._typed)
        return importlib.util.spec_from_file_location(name, self._file, loader=loader)


@contextlib.contextmanager
def typed_in(file: Path, typed: Typed | None) -> Iterator[None]:
    """Within the body the module of `file` is loaded as the cell that it was typed into."""
    if typed is None:
        yield
        return
    finder: Any = _Finder(file, typed)
    lines = [*["\n"] * typed.above, *file.read_text("utf-8").splitlines(keepends=True)]
    before = linecache.cache.get(typed.file)
    sys.meta_path.insert(0, finder)
    linecache.cache[typed.file] = (sum(map(len, lines)), None, lines, typed.file)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        if before is None:
            linecache.cache.pop(typed.file, None)
        else:
            linecache.cache[typed.file] = before


def untyped(frames: Sequence[str], file: Path, typed: Typed | None) -> list[str]:
    """The frames of a trace with the file that was unpacked, and its own lines."""
    if typed is None:
        return list(frames)
    place = re.compile(rf'File "{re.escape(typed.file)}", line (\d+)')

    def real(match: re.Match[str]) -> str:
        return f'File "{file}", line {int(match.group(1)) - typed.above}'

    return [place.sub(real, frame) for frame in frames]
