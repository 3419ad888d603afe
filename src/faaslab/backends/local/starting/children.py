"""A process that was started for an environment, whatever way it was started.

Rule: whoever holds a `Child` need not know how it was started.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Protocol

from faaslab.backends.local.host.trees import trees

if TYPE_CHECKING:
    import subprocess

    from faaslab.backends.local.host.machine import Machine


class Child(Protocol):
    """It leads a session of its own."""

    @property
    def pid(self) -> int:
        """The leader of its session, whom a signal to the group reaches first."""

    @property
    def worker(self) -> int:
        """The process of the function itself; another than `pid` where something stands around it."""

    @property
    def started(self) -> bool:
        """Whether `worker` is there already; before that it stands for what will start it."""

    @property
    def method(self) -> str:
        """How it was started, as the record says it: `spawn`, `fork`."""

    @property
    def contained(self) -> bool:
        """Whether everything below it ends with it, whatever it did; else it has to be looked for."""

    def exited(self) -> bool:
        """Whether it has ended (it need not be reaped yet)."""

    def kill(self) -> None:
        """Kill its session; from any thread. It has not ended yet when this returns."""

    def wait(self) -> int:
        """Reap it; its exit code, negative for a signal."""

    def abandon(self) -> None:
        """In a forked child of ours: it is the parent's to reap."""


class SpawnedChild:
    """A child of this process."""

    method = "spawn"
    contained = False

    def __init__(self, process: subprocess.Popen[bytes], machine: Machine) -> None:
        self._process = process
        self._trees = None if machine.waitid else trees(machine)
        self.pid = process.pid

    @property
    def started(self) -> bool:
        """From the beginning."""
        return True

    @property
    def worker(self) -> int:
        """Nothing stands around it."""
        return self.pid

    def exited(self) -> bool:
        """Whether it has ended; it is not reaped here."""
        process = self._process
        if process.returncode is not None:
            return True
        if self._trees is not None:
            return not self._trees.runs(process.pid)
        try:
            return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:
            return True

    def kill(self) -> None:
        """Kill its session."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code."""
        return self._process.wait()

    def abandon(self) -> None:
        """Never wait for it."""
        self._process.returncode = 0
