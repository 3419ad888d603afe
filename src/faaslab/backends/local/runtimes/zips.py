"""Zip archives become read-only folders: code, and layers one over another.

Rule: no archive writes out of its folder, holds anything but files, folders and links within it, or grows
beyond Lambda's limit; what it says of itself is checked before, and its data while it is written. Links come
last, and nothing is ever written through one.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes.folders import remove
from faaslab.errors import InvalidValue
from faaslab.model.quotas import UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRY_LIMIT = 100_000
_DEPTH = 200
_LONGEST_TARGET = 4095


def unpack(archive: Path, folder: Path) -> None:
    """Write the archive's files into the folder, read-only; its executables stay executable.

    Raises InvalidValue and writes nothing outside the folder.
    """
    unpack_all([archive], folder)


def unpack_all(archives: Sequence[Path], folder: Path, *, place: str = "code") -> None:
    """Write one archive after another into the folder; a later one's file takes an earlier one's place."""
    linked = False
    for archive in archives:
        linked = _unpack(archive, folder, place, linked=linked)
    if linked:
        _check_links(folder, place)
    for path, _, _ in os.walk(folder, topdown=False):
        Path(path).chmod(0o555)


def unzipped_bytes(archive: Path) -> int:
    """What its files are unzipped, by its own word."""
    try:
        with zipfile.ZipFile(archive) as source:
            return sum(entry.file_size for entry in source.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InvalidValue(f"not a usable zip archive: {error}", place=str(archive)) from error


def _unpack(archive: Path, folder: Path, place: str, *, linked: bool) -> bool:
    """`linked`: there may be links in the folder; whether there may be now."""
    try:
        with zipfile.ZipFile(archive) as source:
            entries = source.infolist()
            _refuse(entries, place)
            # A sort is stable: an archive's own order stays, but for its links.
            for entry in sorted(entries, key=_is_link):
                target = folder.joinpath(*PurePosixPath(entry.filename).parts)
                if linked:
                    _refuse_below_a_link(target, folder, place, itself=entry.is_dir())
                if _is_link(entry):
                    linked = True
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _link(source, entry, target, place)
                    continue
                if entry.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(source, entry, target, place)
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidValue(
            f"{Path(error.filename or '').name!r} is a file and a folder at once", place=place
        ) from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InvalidValue(f"not a usable zip archive: {error}", place=place) from error
    return linked


def _refuse(entries: Sequence[zipfile.ZipInfo], place: str) -> None:
    if len(entries) > ENTRY_LIMIT:
        raise InvalidValue(f"it holds more than {ENTRY_LIMIT:,} entries", place=place)
    total = 0
    links = {PurePosixPath(entry.filename) for entry in entries if _is_link(entry)}
    for entry in entries:
        name = entry.filename
        kind = stat.S_IFMT(entry.external_attr >> 16)
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.parts:
            raise InvalidValue(f"{name!r} would be written outside of the task root", place=place)
        if len(path.parts) > _DEPTH:
            raise InvalidValue(f"its folders are nested more than {_DEPTH} deep", place=place)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) and not _is_link(entry):
            raise InvalidValue(f"{name!r} is a device", place=place, hint="pack files only")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidValue(
                f"{name!r} uses the compression method {entry.compress_type}",
                place=place,
                hint="use deflate, as Lambda does",
            )
        if links and not links.isdisjoint(path.parents):
            raise InvalidValue(f"{name!r} would be written through a link", place=place)
        total += entry.file_size
    if total > UNZIPPED_BYTES:
        raise InvalidValue(
            f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes", place=place, hint="pack less"
        )


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return entry.create_system == 3 and stat.S_ISLNK(entry.external_attr >> 16)


def _refuse_below_a_link(target: Path, folder: Path, place: str, *, itself: bool) -> None:
    above = [path for path in target.parents if path.is_relative_to(folder) and path != folder]
    for path in [target, *above] if itself else above:
        if path.is_symlink():
            raise InvalidValue(
                f"{path.relative_to(folder).as_posix()!r} is a link, but "
                f"{target.relative_to(folder).as_posix()!r} would be written through it",
                place=place,
                hint="pack the folder itself",
            )


def _link(source: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, place: str) -> None:
    with source.open(entry) as packed:
        to = packed.read(_LONGEST_TARGET + 1)
    text = os.fsdecode(to)
    if not to or len(to) > _LONGEST_TARGET or b"\0" in to or text.startswith("/"):
        raise InvalidValue(
            f"the link {entry.filename!r} leads to {text[:200]!r}", place=place, hint="pack the file itself"
        )
    _make_room(target)
    target.symlink_to(text)


def _check_links(folder: Path, place: str) -> None:
    """Each link leads to something in the folder, whatever one archive put beside or below another's."""
    root = os.path.realpath(folder)
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            link = Path(path, name)
            if not link.is_symlink():
                continue
            shown = link.relative_to(folder).as_posix()
            try:
                to = os.path.realpath(link, strict=True)
            except OSError:
                raise InvalidValue(f"the link {shown!r} leads nowhere", place=place) from None
            if not to.startswith(root + os.sep):
                raise InvalidValue(f"the link {shown!r} leads out of the archive", place=place)


def _make_room(target: Path) -> None:
    """A link is a thing of its own, never what it leads to."""
    if target.is_dir() and not target.is_symlink():
        remove(target)
    else:
        target.unlink(missing_ok=True)


def _write(source: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, place: str) -> None:
    _make_room(target)
    written = 0
    with source.open(entry) as packed, target.open("xb") as file:
        while chunk := packed.read(1 << 20):
            written += len(chunk)
            if written > entry.file_size:
                raise InvalidValue(f"{entry.filename!r} is larger than it says", place=place)
            file.write(chunk)
    executable = (entry.external_attr >> 16) & 0o111
    target.chmod(0o555 if executable else 0o444)
