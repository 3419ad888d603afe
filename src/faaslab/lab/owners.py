"""Who holds an entry of a queue, by a name that tells whether that process is still there.

A claim lapses by itself; where its owner can be seen to be dead, nobody needs to wait for that.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path


def this_process() -> str:
    """A name for this process as an owner: where it runs, its id, when it started, and something random."""
    return f"{_place()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(4)}"


def is_gone(owner: str) -> bool:
    """Whether that process is known to have ended; False for one that cannot be seen from here."""
    parts = owner.split("/")
    if len(parts) != 4 or parts[0] != _place() or not parts[1].isdigit():
        return False
    return _started(int(parts[1])) not in (parts[2], "unknown")


def _place() -> str:
    """The machine, as it was booted, and on Linux the container: process ids mean the same within it."""
    try:
        return f"{socket.gethostname()}:{Path('/proc/self/ns/pid').readlink()}".replace("/", "-")
    except OSError:
        return socket.gethostname().replace("/", "-")


def _started(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.2f}"
    except psutil.AccessDenied:
        return "unknown"
    except psutil.Error:
        return ""
