"""The memory limit, and the true maximum used.

Rule: count what the processes hold, not their address space. Where a memory cgroup is writable the kernel
holds the limit; else whoever waits for the function looks at its processes every few milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from faaslab.backends.local.machine import Machine, machine
from faaslab.backends.local.trees import LinuxTrees

if TYPE_CHECKING:
    from collections.abc import Callable

KIB = 1024
MIB = 1024 * KIB
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // KIB
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
        self._closed = False

    def _open(self, name: str, flags: int) -> int:
        try:
            return os.open(f"/proc/{self.pid}/{name}", flags | os.O_CLOEXEC)
        except OSError:
            return -1

    def reset(self) -> None:
        """Begin a new maximum (`man 5 proc`: writing 5 to clear_refs resets VmHWM)."""
        self._sampled = 0
        if self._clear >= 0:
            try:
                os.write(self._clear, b"5")
            except OSError:
                os.close(self._clear)
                self._clear = -1

    def peak(self) -> int | None:
        """The maximum since `reset`, with what child processes were seen to hold; None when unknown."""
        if self._status < 0:
            return self._sampled or (None if self._closed else self.sample() or None)
        try:
            text = os.pread(self._status, 4096, 0)
        except OSError:
            return self._sampled or None
        at = text.find(b"VmHWM:")
        if at < 0:
            return self._sampled or None
        peak = int(text[at + 6 : text.find(b"kB", at)])
        return max(self._sampled, peak)

    def sample(self, *, quick: bool = False) -> int:  # noqa: ARG002 - it always is
        """What all processes of the environment hold now; shared pages of several are counted once."""
        below = _below(self.pid) if self._status >= 0 else []
        held = sum(_proportional(pid) for pid in (self.pid, *below)) if below else _resident(self.pid)
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


def _proportional(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except OSError:
        return _resident(pid) if Path(f"/proc/{pid}").exists() else 0
    at = text.find(b"\nPss:")
    return int(text[at + 5 : text.find(b"kB", at)]) if at >= 0 else 0


class MemoryGroup:
    """A memory cgroup of one environment: the kernel kills what goes above its limit."""

    def __init__(self, path: Path, version: int) -> None:
        self.path = path
        self._version = version
        self._events = os.open(
            path / ("memory.oom_control" if version == 1 else "memory.events"), os.O_RDONLY | os.O_CLOEXEC
        )
        self._seen = self.kills()

    def add(self, pid: int) -> None:
        """Move a process that was just started into the group."""
        with contextlib.suppress(OSError):
            (self.path / "cgroup.procs").write_text(str(pid), "ascii")

    def kills(self) -> int:
        """How many processes of the group the kernel has killed for memory, ever."""
        try:
            text = os.pread(self._events, 4096, 0)
        except OSError:
            return 0
        at = text.find(b"oom_kill ")
        return int(text[at + 9 : text.find(b"\n", at)]) if at >= 0 else 0

    def out_of_memory(self) -> bool:
        """Whether it killed one since this was last asked."""
        now = self.kills()
        before, self._seen = self._seen, now
        return now > before

    def pids(self) -> list[int]:
        """The processes in the group."""
        try:
            return [int(word) for word in (self.path / "cgroup.procs").read_text("ascii").split()]
        except OSError:
            return []

    def close(self, *, wait: Callable[[float], None] = time.sleep) -> None:
        """Remove the group; its processes were killed before. May be called twice."""
        if self._events < 0:
            return
        os.close(self._events)
        self._events = -1
        for _ in range(100):
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                # A killed process leaves its group a moment after it was reaped.
                wait(0.005)
            else:
                return


class MemoryLimits:
    """How the memory limit is held on this machine; found out once."""

    def __init__(
        self, mode: Literal["auto", "cgroup", "watch", "off"], around: Machine | None = None
    ) -> None:
        around = around or machine()
        self._proc = around.proc
        tried = around.cgroups and mode in ("auto", "cgroup")
        self._parent, self._version = writable_group() if tried else (None, 0)
        self.watches = self._parent is None and mode != "off"
        self.mode = mode

    def describe(self) -> str:
        """One sentence for whoever asks what is enforced."""
        if self._parent is not None:
            return f"held by the kernel (memory cgroup v{self._version})"
        if self.watches:
            late = "the processes' memory is looked at every 1 to 5 ms; a fast one may be a few MB late"
            return late if self._proc else f"{late}, and the maximum is the largest that was seen"
        return "not enforced"

    @property
    def counted(self) -> bool:
        """Whether a cgroup counts what an environment holds: then files in memory are memory too."""
        return self._parent is not None

    def memory_of(self, pid: int) -> Memory:
        """Looks at a process and what is below it."""
        if self._proc:
            return ProcessMemory(pid)
        from faaslab.backends.local.sampled_memory import SampledMemory

        return SampledMemory(pid)

    def group(self, name: str, limit_mb: int) -> MemoryGroup | None:
        """A new group, or None where the kernel does not hold the limit."""
        if self._parent is None:
            return None
        path = self._parent / f"faaslab-{name}"
        try:
            path.mkdir()
            if self._version == 1:
                (path / "memory.limit_in_bytes").write_text(str(limit_mb * MIB))
                swap = path / "memory.memsw.limit_in_bytes"
                with contextlib.suppress(OSError):
                    swap.write_text(str(limit_mb * MIB))
            else:
                (path / "memory.max").write_text(str(limit_mb * MIB))
                with contextlib.suppress(OSError):
                    (path / "memory.swap.max").write_text("0")
                with contextlib.suppress(OSError):
                    (path / "memory.oom.group").write_text("1")
            return MemoryGroup(path, self._version)
        except OSError:
            with contextlib.suppress(OSError):
                path.rmdir()
            return None


def writable_group() -> tuple[Path | None, int]:
    """The folder of this process's own memory cgroup when it may have children there, and its version."""
    for path, version in _own_groups():
        trial = path / f"faaslab-trial-{os.getpid()}-{os.urandom(4).hex()}"
        try:
            trial.mkdir()
        except OSError:
            continue
        try:
            limit = trial / ("memory.limit_in_bytes" if version == 1 else "memory.max")
            limit.write_text(str(64 * MIB))
            return path, version
        except OSError:
            continue
        finally:
            with contextlib.suppress(OSError):
                trial.rmdir()
    return None, 0


def _own_groups() -> list[tuple[Path, int]]:
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, own = line.split(":", 2)
        for _, folder, kind, options, *_ in mounts:
            if kind == "cgroup" and "memory" in controllers.split(",") and "memory" in options.split(","):
                found.append((Path(folder + own), 1))
            elif kind == "cgroup2" and not controllers:
                found.append((Path(folder + own), 2))
    return found
