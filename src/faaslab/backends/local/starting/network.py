"""An environment without a network: a network namespace that has a loopback and nothing else.

Rule: the Runtime API must be reachable in it, and is served out here. A listening socket stays where it was
made; so a small process makes the namespace and the socket in it, hands both over and ends. What is started
for the environment enters the namespace, sandbox or not.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, NamedTuple

from faaslab.errors import Unsupported

if TYPE_CHECKING:
    from faaslab.backends.local.host.machine import Machine

PORT = 9001
"""Lambda's own Runtime API is at 127.0.0.1:9001."""
_ANSWER_S = 20

# `ctypes`, for `os.unshare` came with Python 3.12. Without root a user namespace comes around the other.
_SCRIPT = f"""
import ctypes, fcntl, os, socket, struct, sys
control = socket.socket(fileno=int(sys.argv[1]))
user, group, root = os.geteuid(), os.getegid(), os.geteuid() == 0
if ctypes.CDLL(None, use_errno=True).unshare(0x40000000 if root else 0x50000000):
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "unshare")
if not root:
    same = dict(setgroups="deny", uid_map="%d %d 1" % (user, user), gid_map="%d %d 1" % (group, group))
    for name, text in same.items():
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
listener = socket.socket()
fcntl.ioctl(listener, 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", {PORT}))
listener.listen(128)
spaces = [os.open("/proc/self/ns/net", os.O_RDONLY)]
if not root:
    spaces.append(os.open("/proc/self/ns/user", os.O_RDONLY))
socket.send_fds(control, [b"made"], [listener.fileno(), *spaces])
"""


class Network:
    """One environment's own. It is gone when its sockets and processes are."""

    def __init__(self, listener: socket.socket, spaces: list[int]) -> None:
        self.listener = listener
        self._spaces = spaces

    @property
    def entrance(self) -> tuple[list[str], tuple[int, ...]]:
        """What goes before a command that is to run in it, and the descriptors that it inherits for that."""
        words = ["nsenter", f"--net=/proc/self/fd/{self._spaces[0]}"]
        for space in self._spaces[1:]:
            words += [f"--user=/proc/self/fd/{space}", "--preserve-credentials"]
        return [*words, "--"], tuple(self._spaces)

    def close(self) -> None:
        """Let go of it (the listener belongs to whoever serves it); may be called twice."""
        for space in self._spaces:
            os.close(space)
        self._spaces = []


def make() -> Network:
    """A new one. Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SCRIPT, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(theirs.fileno(),),
                env={},
                cwd="/",
            )
        ours.settimeout(_ANSWER_S)
        _, descriptors, _, _ = socket.recv_fds(ours, 16, 3)
        _, said = process.communicate()
    if not descriptors:
        lines = said.decode("utf-8", "replace").strip().splitlines()
        raise OSError(lines[-1] if lines else f"exit status {process.returncode}")
    return Network(socket.socket(fileno=descriptors[0]), list(descriptors[1:]))


class NoNetwork(NamedTuple):
    """Whether environments can do without one here."""

    fault: str | None

    def made(self) -> Network:
        """A new one. Raises Unsupported where it cannot be: a switched off network must not be there."""
        if self.fault is not None:
            raise Unsupported(
                f"a function cannot be kept from the network here: {self.fault}",
                place="network",
                hint="use the setting network=on, or allow user namespaces",
            )
        return make()


_lock = threading.Lock()
_found: NoNetwork | None = None


def no_network(machine: Machine) -> NoNetwork:
    """Found out once, by trying."""
    global _found  # noqa: PLW0603 - of the machine, not of a backend
    if not machine.sandbox:
        return NoNetwork("this system has no network namespaces")
    with _lock:
        if _found is None:
            _found = NoNetwork(_trial())
        return _found


def _trial() -> str | None:
    if shutil.which("nsenter") is None:
        return "nsenter is not installed (apt install util-linux)"
    try:
        network = make()
        words, spaces = network.entrance
        try:
            subprocess.run(
                [*words, "true"],
                check=True,
                pass_fds=spaces,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_ANSWER_S,
            )
        finally:
            network.listener.close()
            network.close()
    except subprocess.CalledProcessError as error:
        return str(error.stderr.decode("utf-8", "replace").strip() or error)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return None
