"""Keeping the cloud's process on this machine.

Rule: whatever moto would try (a topic's subscriber on the network, a container, a name to look up), nothing
but loopback is reached and no program is started. Python's own audit events tell.
"""

from __future__ import annotations

import sys
from ipaddress import ip_address
from typing import Any

_PROGRAMS = frozenset(
    (
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    )
)
_TO_AN_ADDRESS = frozenset(("socket.connect", "socket.sendto", "socket.sendmsg"))
_TO_A_NAME = frozenset(("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"))


def stay() -> None:
    """From now on, for good."""
    sys.addaudithook(check)


def check(event: str, arguments: tuple[Any, ...]) -> None:
    """Raises for an event of Python's that would leave this machine or this process."""
    if event in _TO_AN_ADDRESS:
        address = arguments[1]
        if address is None:
            # It was connected before, and looked at then.
            return
        # A socket that has a path is a daemon's on this machine, Docker's for one.
        host = address[0] if isinstance(address, tuple) else ""
    elif event in _TO_A_NAME:
        host = arguments[0]
        if host is None:
            return
    elif event in _PROGRAMS:
        raise PermissionError(f"the embedded cloud starts no programs ({event})")
    else:
        return
    if not _here(host.decode("latin-1") if isinstance(host, bytes) else str(host)):
        raise ConnectionRefusedError(f"the embedded cloud stays on this machine: {host or 'a local socket'}")


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
