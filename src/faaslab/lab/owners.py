"""Who holds an entry of a queue, by a name that tells whether that process is still there; and where that is.

A claim lapses by itself; where its owner can be seen to be dead, nobody needs to wait for that.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
from contextlib import suppress
from pathlib import Path

_CLOCK_SLACK_S = 5.0  # a start is told by the machine's clock where /proc does not count from its boot


def this_process() -> str:
    """A name for this process as an owner: where it runs, its id, when it started, and something random."""
    return f"{_place()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"


def is_gone(owner: str) -> bool:
    """Whether that process is known to have ended; False for one that cannot be seen from here."""
    parts = owner.split("/")
    if len(parts) != 4 or parts[0] != _place() or not parts[1].isdigit():
        return False
    now = _started(int(parts[1]))
    return now is not None and not _same(now, parts[2])


def pid_here(owner: str) -> int | None:
    """The process id of that owner; None for one that is not of this machine."""
    parts = owner.split("/")
    known = len(parts) == 4 and parts[0] == _place() and parts[1].isdigit()
    return int(parts[1]) if known else None


def file_of(path: Path) -> str:
    """What tells the file `path` of this machine from every other, its copies included."""
    there = path.stat()
    return hashlib.sha256(f"{_machine()}:{there.st_dev}:{there.st_ino}".encode()).hexdigest()


def place_of(path: Path) -> str:
    """What tells this user's use of the file `path` on this machine from any other, copies included.

    Who made a store elsewhere cannot know it: so what waits in a file that was sent to somebody, or in a
    copy, is not taken for something that was queued here.
    """
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return hashlib.sha256(f"{_machine()}:{user}:{path.stat().st_ino}".encode()).hexdigest()


def _machine() -> str:
    """The machine's own number, which programs keep to themselves; its name where it has none."""
    for known in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        with suppress(OSError):
            text = Path(known).read_text("ascii", "replace").strip()
            if text:
                return text
    return socket.gethostname()


def _same(one: str, other: str) -> bool:
    """Whether two starts are one: `t…` in ticks since the boot exactly, `s…` in seconds more or less."""
    if one[:1] == other[:1] == "s":
        return abs(float(one[1:]) - float(other[1:])) < _CLOCK_SLACK_S
    return one == other


def _place() -> str:
    """The machine, and on Linux the container: process ids mean the same within it."""
    try:
        return f"{socket.gethostname()}:{Path('/proc/self/ns/pid').readlink()}".replace("/", "-")
    except OSError:
        return socket.gethostname().replace("/", "-")


def _started(pid: int) -> str | None:
    """When it started; empty when it is not there any more, None when that cannot be told."""
    try:
        # PID (NAME) STATE …: the 22nd field is the start. A name may contain anything.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else f"t{fields[19]}"
    except (OSError, IndexError):
        return "" if Path("/proc/self/stat").exists() else _started_by_psutil(pid)


def _started_by_psutil(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"s{process.create_time():.1f}"
    except psutil.NoSuchProcess:
        return ""
    except psutil.Error:
        return None
