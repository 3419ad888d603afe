"""Control groups of one environment: memory, number of processes, share of the CPU, held by the kernel.

Rule: a group is made below the one that this process is in, where that may be done; which controllers may be
used is found out by trying. In version 1 each controller has folders of its own, in version 2 one serves all.
Source: the kernel's Documentation/admin-guide, cgroup-v1 and cgroup-v2.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_Result = TypeVar("_Result")
Controller = Literal["memory", "pids", "cpu"]
MIB = 1024 * 1024
PROCESSES = 1024
"""Processes and threads of an environment (Developer Guide, gettingstarted-limits)."""
MB_A_CPU = 1769
"""At so much memory a function has one whole CPU (Developer Guide, configuration-memory)."""
_CACHE = {1: ("cache", "mapped_file"), 2: ("file", "file_mapped")}
_ASIDE = 24 * MIB
PERIOD_US = 20_000
"""The share is held over so long."""


@dataclass(frozen=True, kw_only=True)
class Parent:
    """Where groups of a controller can be made, and of which version it is."""

    folder: Path
    version: int


def parents() -> dict[Controller, Parent]:
    """The controllers that may be used here."""
    found: dict[Controller, Parent] = {}
    for controller, parent in _candidates():
        if controller not in found and _works(controller, parent):
            found[controller] = parent
    return found


_TRIALS: dict[tuple[Controller, int], tuple[str, str]] = {
    ("memory", 1): ("memory.limit_in_bytes", str(64 * MIB)),
    ("memory", 2): ("memory.max", str(64 * MIB)),
    ("pids", 1): ("pids.max", str(PROCESSES)),
    ("pids", 2): ("pids.max", str(PROCESSES)),
    ("cpu", 1): ("cpu.cfs_quota_us", str(PERIOD_US)),
    ("cpu", 2): ("cpu.max", f"{PERIOD_US} {PERIOD_US}"),
}


def _works(controller: Controller, parent: Parent) -> bool:
    trial = parent.folder / f"faaslab-trial-{os.getpid()}-{os.urandom(4).hex()}"
    try:
        trial.mkdir()
    except OSError:
        return False
    name, value = _TRIALS[controller, parent.version]
    try:
        # Opened without creating it: a folder that is no cgroup has no such file.
        _write(trial / name, value)
    except OSError:
        return False
    else:
        return True
    finally:
        with contextlib.suppress(OSError):
            trial.rmdir()


def _candidates() -> Iterator[tuple[Controller, Parent]]:
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    except OSError:
        return
    controllers: tuple[Controller, ...] = ("memory", "pids", "cpu")
    for line in lines:
        _, named, own = line.split(":", 2)
        for _, folder, kind, options, *_ in mounts:
            for controller in controllers:
                if kind == "cgroup" and controller in named.split(",") and controller in options.split(","):
                    yield controller, Parent(folder=Path(folder + own), version=1)
                elif kind == "cgroup2" and not named:
                    yield controller, Parent(folder=Path(folder + own), version=2)


class ControlGroup:
    """The groups of one environment's processes."""

    def __init__(self, name: str, found: Mapping[Controller, Parent], *, memory_mb: int | None) -> None:
        """Make them; the memory is held when `memory_mb` is given. Raises OSError."""
        self._found = found
        self.holds_memory = memory_mb is not None and "memory" in found
        self.folders = tuple(dict.fromkeys(parent.folder / name for parent in found.values()))
        self._of = {controller: parent.folder / name for controller, parent in found.items()}
        self._events = -1
        self._seen = 0
        try:
            for folder in self.folders:
                folder.mkdir()
            if memory_mb is not None and "memory" in found:
                self._hold_memory(self._of["memory"], found["memory"].version, memory_mb)
            if "pids" in found:
                _write(self._of["pids"] / "pids.max", str(PROCESSES))
        except BaseException:
            self.close()
            raise

    def _hold_memory(self, folder: Path, version: int, limit_mb: int) -> None:
        limit = str(limit_mb * MIB)
        if version == 1:
            _write(folder / "memory.limit_in_bytes", limit)
            optional = {"memory.memsw.limit_in_bytes": limit}
        else:
            _write(folder / "memory.max", limit)
            optional = {"memory.swap.max": "0", "memory.oom.group": "1"}
        for name, value in optional.items():
            with contextlib.suppress(OSError):
                _write(folder / name, value)
        events = folder / ("memory.oom_control" if version == 1 else "memory.events")
        self._events = os.open(events, os.O_RDONLY | os.O_CLOEXEC)
        self._seen = self.kills()

    def count_resident(self, resident_kib: int, limit_mb: int) -> None:
        """From now on the limit is one of what a process has in memory, as Lambda's report has it.

        Pages of libraries that were read before are another group's; the kernel's own tables, and what
        stands around the process, are in this one. What they make up now is left out of account.
        """
        if not self.holds_memory:
            return
        folder, one = self._of["memory"], self._found["memory"].version == 1
        try:
            held = int((folder / ("memory.usage_in_bytes" if one else "memory.current")).read_text("ascii"))
            told = dict(line.split() for line in (folder / "memory.stat").read_text("ascii").splitlines())
        except (OSError, ValueError):
            return
        cache, mapped = (int(told.get(name, 0)) for name in _CACHE[self._found["memory"].version])
        aside = held - max(cache - mapped, 0) - resident_kib * 1024
        limit = limit_mb * MIB + min(max(aside, -_ASIDE), _ASIDE)
        names = ("memory.memsw.limit_in_bytes", "memory.limit_in_bytes") if one else ("memory.max",)
        # The first is never below the second: which goes first depends on where they move.
        for name in names if aside > 0 else names[::-1]:
            with contextlib.suppress(OSError):
                _write(folder / name, str(limit))

    def hold_cpu(self, memory_mb: int) -> None:
        """From now on it has its share of the CPU. Before that, in its init, it has all, as on Lambda."""
        if "cpu" in self._of:
            quota = max(PERIOD_US * memory_mb // MB_A_CPU, 1000)
            with contextlib.suppress(OSError):
                if self._found["cpu"].version == 1:
                    _write(self._of["cpu"] / "cpu.cfs_period_us", str(PERIOD_US))
                    _write(self._of["cpu"] / "cpu.cfs_quota_us", str(quota))
                else:
                    _write(self._of["cpu"] / "cpu.max", f"{quota} {PERIOD_US}")

    def start(self, deed: Callable[[], _Result]) -> _Result:
        """Do it with this thread in the groups, as far as a thread alone can be in one: in version 1.

        What it starts is in them from its birth. To move another process takes a grace period of the
        kernel, 10 ms; a thread that moves itself does not wait, and no memory is counted by a thread.
        """
        homes = []
        try:
            for controller, parent in self._found.items():
                if parent.version == 1:
                    _write(self._of[controller] / "tasks", "0")
                    homes.append(parent.folder)
            return deed()
        finally:
            for home in homes:
                with contextlib.suppress(OSError):
                    _write(home / "tasks", "0")

    def add(self, pid: int) -> None:
        """Move a process that was started with `start` into the groups where that did not do it."""
        folders = {self._of[controller] for controller, found in self._found.items() if found.version != 1}
        for folder in folders:
            with contextlib.suppress(OSError):
                _write(folder / "cgroup.procs", str(pid))

    def kills(self) -> int:
        """How many processes the kernel has killed for memory, ever."""
        if self._events < 0:
            return 0
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
        """The processes in it."""
        try:
            return [int(word) for word in (self.folders[0] / "cgroup.procs").read_text("ascii").split()]
        except OSError:
            return []

    def forbid_forks(self) -> None:
        """No process in it can start another from now on: what kills them all comes to an end."""
        if "pids" in self._of:
            with contextlib.suppress(OSError):
                _write(self._of["pids"] / "pids.max", "0")

    def close(self, *, wait: Callable[[float], None] = time.sleep) -> None:
        """Remove them; their processes were killed before. May be called twice."""
        if self._events >= 0:
            os.close(self._events)
            self._events = -1
        folders, self.folders = self.folders, ()
        for folder in folders:
            _remove(folder, wait)


def _remove(folder: Path, wait: Callable[[float], None]) -> None:
    for _ in range(100):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            # A killed process leaves its group a moment after it was reaped.
            wait(0.005)
        else:
            return


def _write(path: Path, text: str) -> None:
    """Into a file that is there; one write."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)
