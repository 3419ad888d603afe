"""Keeping the cloud's process on this machine.

Rule: whatever moto would try (a topic's subscriber on the network, a container, a name to look up), nothing
but loopback is reached and no program is started. Python's own audit events tell.
"""

from __future__ import annotations

import sys
from typing import Any

_LOOPBACK = ("127.", "::1", "localhost")
_PROGRAMS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
)


def stay() -> None:
    """From now on, for good."""
    sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        # A path of a socket is a daemon's on this machine, Docker's for one.
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in _PROGRAMS:
        raise PermissionError(f"the embedded cloud starts no programs ({event})")
    else:
        return
    if isinstance(host, bytes):
        host = host.decode("latin-1")
    if host is not None and not str(host).startswith(_LOOPBACK):
        raise ConnectionRefusedError(f"the embedded cloud stays on this machine: {host or 'a local socket'}")
