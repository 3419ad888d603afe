"""Foreign errors become ours here, in one table: SQLite's, DuckDB's and the operating system's."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError, StoreBusy, StoreError, StoreFull, StoreLocation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EROFS, errno.EPERM}
_FULL_TEXT = re.compile(r"no space left|disk is full|disk quota|file too large", re.IGNORECASE)
_HELD = re.compile(r"could not set lock|conflicting lock|unique file handle conflict", re.IGNORECASE)
_HOLDER = re.compile(r"\(PID (\d+)\)")
_NOT_DUCKDB = re.compile(r"not a valid duckdb database file", re.IGNORECASE)


def full(path: Path) -> StoreFull:
    """What to say when nothing more can be written."""
    return StoreFull(
        f"no space is left to write {path}; what was being written was not, nothing is half-written",
        hint="free some space, or move the store: set FAASLAB_STORE to a path with room",
    )


def denied(path: Path) -> StoreLocation:
    """What to say when the folder cannot be written to."""
    return StoreLocation(
        f"the store {path} cannot be written",
        hint="choose a folder that you may write to: set FAASLAB_STORE, or give a store path",
    )


def busy(path: Path, pid: int | None) -> StoreBusy:
    """What to say when another program holds the history."""
    if pid == os.getpid():
        who = f"this process (PID {pid}) holds it through a DuckDB connection of its own"
        hint = "close that connection, or ask the store itself: it reads the same tables"
    else:
        who = f"another program holds it (PID {pid})" if pid else "another program holds it"
        hint = "close the file there (a DuckDB shell, a notebook with duckdb.connect), then try again"
    return StoreBusy(f"{path} cannot be opened: {who}", pid=pid, hint=hint)


def is_held(error: BaseException) -> bool:
    """Whether DuckDB said that somebody else has the file open."""
    return bool(_HELD.search(str(error)))


def holder_named_in(error: BaseException) -> int | None:
    """The PID that DuckDB's message names, if it does."""
    match = _HOLDER.search(str(error))
    return int(match[1]) if match else None


def is_full(error: BaseException) -> bool:
    """Whether it means that the disk (or the quota, or the file size limit) is used up."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    if isinstance(error, sqlite3.Error) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
        return True
    return bool(_FULL_TEXT.search(str(error)))


def ours(error: BaseException, path: Path) -> BaseException:
    """`error` as one of our own where we know it, else a `StoreError` with its text."""
    if isinstance(error, FaaslabError):
        return error
    if is_full(error):
        return full(path)
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error, path)
    if isinstance(error, OSError):
        return denied(path) if error.errno in _DENIED else StoreError(f"{path}: {error}")
    if is_held(error):
        return busy(path, holder_named_in(error))
    if _NOT_DUCKDB.search(str(error)):
        return StoreLocation(f"{path} is not a DuckDB file", hint="choose another path for the store")
    return StoreError(f"{path}: {error}")


def _from_sqlite(error: sqlite3.Error, path: Path) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(
            f"{path} was being written by other processes for too long",
            hint="try again; `faaslab doctor` names who holds it",
        )
    if code == sqlite3.SQLITE_NOTADB:
        return StoreLocation(f"{path} is not a faaslab state file", hint="choose another path for the store")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return denied(path)
    if code == sqlite3.SQLITE_IOERR and _no_room(path):
        # In WAL mode a full disk can also show as an input/output error of the shared-memory file.
        return full(path)
    return StoreError(f"{path}: {error}")


def _no_room(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < 65_536
    except OSError:
        return False


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Run the body; what SQLite or the system raises in it comes out as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ours(error, path) from error
