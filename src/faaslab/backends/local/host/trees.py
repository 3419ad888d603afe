"""Process trees: who is below a process, who carries an environment's mark, and ending all of them.

Rule: an environment is a session of its own, so one signal reaches all of it; what left the session is found
by parentage and by the environment's mark.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from faaslab.backends.local.host.machine import Machine

MARK = "AWS_LAMBDA_LOG_STREAM_NAME"
"""Every process of an environment inherits this variable, and its value is unique."""


class Trees(Protocol):
    """Who asks about processes of this machine; an answer may be old when it arrives."""

    def below(self, pid: int) -> list[int]:
        """All living processes below one, however deep."""

    def marked(self, mark: str) -> list[int]:
        """Processes that carry the mark of an environment, also when they left its session."""

    def runs(self, pid: int) -> bool:
        """Whether it is there and has not ended (a zombie has)."""


class LinuxTrees:
    """Through /proc."""

    def below(self, pid: int) -> list[int]:
        """See Trees."""
        found: list[int] = []
        waiting = [pid]
        while waiting:
            for child in _children(waiting.pop()):
                found.append(child)
                waiting.append(child)
        return found

    def marked(self, mark: str) -> list[int]:
        """See Trees."""
        wanted = f"{MARK}={mark}".encode() + b"\0"
        found = []
        for name in _process_numbers():
            try:
                if wanted in Path(f"/proc/{name}/environ").read_bytes():
                    found.append(int(name))
            except OSError:
                continue
        return found

    def runs(self, pid: int) -> bool:
        """See Trees."""
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                return file.read().rpartition(b") ")[2][:1] not in b"ZX"
        except OSError:
            return False


class PortableTrees:
    """Through psutil, which knows a way on every system."""

    def below(self, pid: int) -> list[int]:
        """See Trees."""
        import psutil

        try:
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []

    def marked(self, mark: str) -> list[int]:
        """See Trees. What belongs to others, or to the system, is not told and not ours."""
        import psutil

        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == mark:
                    found.append(process.pid)
        return found

    def runs(self, pid: int) -> bool:
        """See Trees."""
        import psutil

        try:
            return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.Error:
            return False


def trees(machine: Machine) -> Trees:
    """The way of this machine."""
    return LinuxTrees() if machine.proc else PortableTrees()


def kill_tree(asked: Trees, pid: int, mark: str = "") -> None:
    """Kill a session, and what left it; SIGKILL works on stopped processes as well."""
    # While it is asked who is below they neither grow nor fork.
    _signal(os.killpg, pid, signal.SIGSTOP)
    below = asked.below(pid)
    _signal(os.killpg, pid, signal.SIGKILL)
    for other in below:
        _signal(os.kill, other, signal.SIGKILL)
    if mark:
        kill_marked(asked, mark)


def kill_marked(asked: Trees, mark: str) -> None:
    """Kill all that carry the mark of an environment."""
    for other in asked.marked(mark):
        if other != os.getpid():
            _signal(os.kill, other, signal.SIGKILL)


def _signal(how: Callable[[int, int], None], pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(OSError):
        how(pid, number)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _process_numbers() -> Iterable[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names, 300 of them
    except OSError:
        return []
