"""The memory limit, and the true maximum used; whether there is a limit of processes and CPU.

Rule: count what the processes hold, not their address space. Where a memory cgroup is writable the kernel
holds the limit; else whoever waits for the function looks at its processes every few milliseconds.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from faaslab.backends.local.host import cgroups
from faaslab.backends.local.host.cgroups import ControlGroup
from faaslab.backends.local.host.machine import Machine, machine
from faaslab.backends.local.host.trees import LinuxTrees

if TYPE_CHECKING:
    from collections.abc import Mapping

KIB = 1024
MIB = 1024 * KIB
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // KIB
_MANY = 32
_STUCK_S = 0.05
_below = LinuxTrees().below


class Memory(Protocol):
    """What the processes of one environment hold, in KiB."""

    def reset(self) -> None:
        """Begin a new maximum."""

    def peak(self) -> int | None:
        """The maximum since `reset`; None when unknown."""

    def sample(self, *, quick: bool = False) -> int:
        """What all of them hold now; it counts for the maximum. `quick`: the next look must come soon."""

    def close(self) -> None:
        """Let go of it; may be called twice."""


class ProcessMemory:
    """Through /proc. Descriptors stay open: opening costs 20 us a time."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status = self._open("status", os.O_RDONLY)
        self._clear = self._open("clear_refs", os.O_WRONLY)
        self._sampled = 0
        self._before = 0
        self._stuck = False
        self._closed = False

    def _open(self, name: str, flags: int) -> int:
        try:
            return os.open(f"/proc/{self.pid}/{name}", flags | os.O_CLOEXEC)
        except OSError:
            return -1

    def reset(self) -> None:
        """Begin a new maximum (`man 5 proc`: writing 5 to clear_refs resets VmHWM)."""
        self._before, self._sampled = self._sampled or self._before, 0
        if self._clear >= 0:
            try:
                os.write(self._clear, b"5")
            except OSError:
                os.close(self._clear)
                self._clear = -1

    def peak(self) -> int | None:
        """The maximum since `reset`, with what child processes were seen to hold; None when unknown.

        A process that has ended holds nothing any more: then what was seen of it last.
        """
        if self._status < 0:
            return self._seen() or (None if self._closed else self.sample() or None)
        try:
            text = os.pread(self._status, 4096, 0)
        except OSError:
            return self._seen()
        at = text.find(b"VmHWM:")
        if at < 0:
            return self._seen()
        peak = int(text[at + 6 : text.find(b"kB", at)])
        self._sampled = peak = max(self._sampled, peak)
        return peak

    def _seen(self) -> int | None:
        return self._sampled or self._before or None

    def sample(self, *, quick: bool = False) -> int:  # noqa: ARG002 - it always is
        """What all processes of the environment hold now; shared pages of several are counted once.

        Of very many some stand for all, with what is theirs alone or was when they were forked. A closer look
        takes the lock of a process, and one that forks without end hardly ever lets go of it.
        """
        below = _below(self.pid) if self._status >= 0 else []
        if not below:
            held = _resident(self.pid)
        elif len(below) < _MANY and not self._stuck:
            began = time.monotonic()
            held = _proportional(self.pid)
            for pid in below:
                self._stuck = self._stuck or time.monotonic() - began > _STUCK_S
                held += _own(pid) if self._stuck else _proportional(pid)
        else:
            some = below[:: -(-len(below) // _MANY)]
            held = _own(self.pid) + sum(map(_own, some)) * len(below) // len(some)
        self._sampled = max(self._sampled, held)
        return held

    def close(self) -> None:
        """Close the descriptors; may be called twice."""
        self._closed = True
        for descriptor in (self._status, self._clear):
            if descriptor >= 0:
                os.close(descriptor)
        self._status = self._clear = -1


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * _PAGE_KIB
    except (OSError, IndexError):
        return 0


def _own(pid: int) -> int:
    try:
        words = Path(f"/proc/{pid}/statm").read_bytes().split()
        return (int(words[1]) - int(words[2])) * _PAGE_KIB
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:
        return _resident(pid) if Path(f"/proc/{pid}").exists() else 0
    at = text.find(b"\nPss:")
    return int(text[at + 5 : text.find(b"kB", at)]) if at >= 0 else 0


class Limits:
    """How memory, processes and CPU are limited on this machine; found out once."""

    def __init__(
        self,
        mode: Literal["auto", "cgroup", "watch", "off"],
        around: Machine | None = None,
        *,
        cpu: bool = False,
    ) -> None:
        around = around or machine()
        self._proc = around.proc
        found = dict(cgroups.parents()) if around.cgroups else {}
        if mode in ("watch", "off"):
            found.pop("memory", None)
        if not cpu:
            found.pop("cpu", None)
        self._found = found
        self._cpu = cpu
        self.counted = "memory" in found
        """Whether a cgroup counts what an environment holds: then files in memory are memory too."""
        self.watches = not self.counted and mode != "off"
        self.mode = mode

    def describe(self) -> str:
        """One sentence for whoever asks how the memory is held."""
        if self.counted:
            return f"held by the kernel (memory cgroup v{self._found['memory'].version})"
        if self.watches:
            late = "the processes' memory is looked at every 1 to 5 ms; a fast one may be a few MB late"
            return late if self._proc else f"{late}, and the maximum is the largest that was seen"
        return "not enforced"

    def describe_extensions(self) -> str:
        """The same of extensions, which stand beside the function's own process."""
        held = "within the function's memory" if self.counted else "their memory is not counted"
        return f"run, internal and external ones; {held}"

    def memory_of(self, pid: int) -> Memory:
        """Looks at a process and what is below it."""
        if self._proc:
            return ProcessMemory(pid)
        from faaslab.backends.local.host.sampled_memory import SampledMemory

        return SampledMemory(pid)

    def describe_others(self) -> Mapping[str, str]:
        """The same of the number of processes and of the CPU."""
        pids, cpu = self._found.get("pids"), self._found.get("cpu")
        share = "one CPU at 1,769 MB"
        return {
            "processes": f"held by the kernel: {cgroups.PROCESSES:,} with threads (cgroup v{pids.version})"
            if pids
            else "not enforced: no pids cgroup can be made",
            "cpu": f"held by the kernel after the init: {share} (cgroup v{cpu.version})"
            if cpu
            else f"not enforced: no cpu cgroup can be made ({share})"
            if self._cpu
            else f"not enforced; the setting cpu=on gives {share}",
        }

    def group(self, name: str, limit_mb: int) -> ControlGroup | None:
        """A new group, or None where the kernel holds nothing."""
        if not self._found:
            return None
        try:
            return ControlGroup(f"faaslab-{name}", self._found, memory_mb=limit_mb)
        except OSError:
            return None
