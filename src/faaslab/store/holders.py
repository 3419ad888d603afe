"""Who has a file open: this process, or another one that holds a lock on it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def handles_of_this_process(path: Path) -> int:
    """How many of this process's open files are `path`."""
    try:
        wanted = path.stat()
    except OSError:
        return 0
    count = 0
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers are wanted, not paths
        # The listing's own descriptor is closed again by now.
        with suppress(OSError, ValueError):
            found = os.fstat(int(name))
            count += found.st_ino == wanted.st_ino and found.st_dev == wanted.st_dev
    return count


def holder_of(path: Path) -> int | None:
    """The PID of another process that holds a lock on `path`, or has it open; None if nobody can be seen."""
    holders = holders_of(path)
    return holders[0] if holders else None


def holders_of(path: Path) -> list[int]:
    """The PIDs of all other processes that hold a lock on `path` or have it open, as far as can be seen."""
    try:
        wanted = path.stat()
    except OSError:
        return []
    found = _in_locks(wanted) or _in_open_files(wanted)
    return [pid for pid in found if pid != os.getpid()]


def _in_locks(wanted: os.stat_result) -> list[int]:
    pids: list[int] = []
    with suppress(OSError):
        for line in Path("/proc/locks").read_text("ascii", "replace").splitlines():
            # 1: POSIX  ADVISORY  WRITE 4242 fe:00:2146325 0 EOF   (a waiter has "->" after the number)
            fields = line.split()
            if "->" in fields or len(fields) < 6:
                continue
            major, minor, inode = fields[5].split(":")
            device = os.makedev(int(major, 16), int(minor, 16))
            if int(inode) == wanted.st_ino and device == wanted.st_dev and int(fields[4]) > 0:
                pids.append(int(fields[4]))
    return pids


def _in_open_files(wanted: os.stat_result) -> list[int]:
    pids: list[int] = []
    with suppress(OSError):
        processes = [process for process in Path("/proc").iterdir() if process.name.isdigit()]
        pids += [int(process.name) for process in processes if _has_open(process, wanted)]
    return pids


def _has_open(process: Path, wanted: os.stat_result) -> bool:
    with suppress(OSError):
        for file in (process / "fd").iterdir():
            with suppress(OSError):
                found = file.stat()
                if found.st_ino == wanted.st_ino and found.st_dev == wanted.st_dev:
                    return True
    return False
