"""Zip archives become read-only folders: code, and layers one over another.

Rule: no archive writes out of its folder, holds anything but files and folders, or grows beyond Lambda's
limit; what it says of itself is checked before, and its data while it is written.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from faaslab.backends.local.folders import remove
from faaslab.errors import InvalidValue
from faaslab.model.quotas import UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRY_LIMIT = 100_000
_DEPTH = 200


def unpack(archive: Path, folder: Path) -> None:
    """Write the archive's files into the folder, read-only; its executables stay executable.

    Raises InvalidValue and writes nothing outside the folder.
    """
    unpack_all([archive], folder)


def unpack_all(archives: Sequence[Path], folder: Path, *, place: str = "code") -> None:
    """Write one archive after another into the folder; a later one's file takes an earlier one's place."""
    for archive in archives:
        _unpack(archive, folder, place)
    for path, _, _ in os.walk(folder, topdown=False):
        Path(path).chmod(0o555)


def unzipped_bytes(archive: Path) -> int:
    """What its files are unzipped, by its own word."""
    try:
        with zipfile.ZipFile(archive) as source:
            return sum(entry.file_size for entry in source.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InvalidValue(f"not a usable zip archive: {error}", place=str(archive)) from error


def _unpack(archive: Path, folder: Path, place: str) -> None:
    try:
        with zipfile.ZipFile(archive) as source:
            entries = source.infolist()
            _refuse(entries, place)
            for entry in entries:
                target = folder.joinpath(*PurePosixPath(entry.filename).parts)
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


def _refuse(entries: Sequence[zipfile.ZipInfo], place: str) -> None:
    if len(entries) > ENTRY_LIMIT:
        raise InvalidValue(f"it holds more than {ENTRY_LIMIT:,} entries", place=place)
    total = 0
    for entry in entries:
        name = entry.filename
        kind = stat.S_IFMT(entry.external_attr >> 16)
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or not path.parts:
            raise InvalidValue(f"{name!r} would be written outside of the task root", place=place)
        if len(path.parts) > _DEPTH:
            raise InvalidValue(f"its folders are nested more than {_DEPTH} deep", place=place)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise InvalidValue(f"{name!r} is a link or a device", place=place, hint="pack the file itself")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidValue(
                f"{name!r} uses the compression method {entry.compress_type}",
                place=place,
                hint="use deflate, as Lambda does",
            )
        total += entry.file_size
    if total > UNZIPPED_BYTES:
        raise InvalidValue(
            f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes", place=place, hint="pack less"
        )


def _write(source: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, place: str) -> None:
    if target.is_dir():
        remove(target)
    else:
        target.unlink(missing_ok=True)
    written = 0
    with source.open(entry) as packed, target.open("xb") as file:
        while chunk := packed.read(1 << 20):
            written += len(chunk)
            if written > entry.file_size:
                raise InvalidValue(f"{entry.filename!r} is larger than it says", place=place)
            file.write(chunk)
    executable = (entry.external_attr >> 16) & 0o111
    target.chmod(0o555 if executable else 0o444)
