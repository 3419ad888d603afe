"""The process of an environment and all below it: its life, its memory, its end.

Rule: what is started here is also watched over by the keeper, and ended here with everything that it started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from faaslab.backends.local.host.trees import kill_tree, trees

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.host.cgroups import ControlGroup
    from faaslab.backends.local.host.limits import Limits
    from faaslab.backends.local.host.machine import Machine
    from faaslab.backends.local.host.processes import Keeper
    from faaslab.backends.local.starting.children import Child
    from faaslab.backends.local.starting.launch import Launcher, Order

TICK_S = 0.005
GROUP_TICK_S = 0.02
NEAR_TICK_S = 0.001
# So fast can a process fill memory: the closer it is to its limit, the sooner it is looked at again.
_GROWS_KIB_S = 8 * 1024 * 1024
_NEAR_KIB = int(_GROWS_KIB_S * TICK_S)
LAST_WORDS_S = 2.0
_CROWD = 32


class Process:
    """One incarnation of an environment. Not thread-safe, but for `kill_now`."""

    def __init__(
        self,
        order: Order,
        *,
        launcher: Launcher,
        limits: Limits,
        keeper: Keeper,
        machine: Machine,
        mark: str,
        heard: Callable[[], None],
    ) -> None:
        """Start it. `mark` is what all its processes carry; `heard` empties its log pipe while we wait."""
        self._keeper = keeper
        self._machine = machine
        self._trees = trees(machine)
        self._mark = mark
        self._heard = heard
        self._limit_kib = order.definition.function.configuration.memory_mb * 1024
        self.group: ControlGroup | None = order.group
        self.frozen = False
        self._elsewhere: list[int] = []
        """What was stopped outside of its process group."""
        self.fresh = True
        """It has not taken an invocation yet."""
        try:
            self.child: Child = launcher.launch(order)
        except BaseException:
            if self.group is not None:
                self.group.close()
            raise
        self.pid = self.child.pid
        keeper.add(self.pid, folder=order.folder, groups=self.group.folders if self.group else (), mark=mark)
        self._limits = limits
        self._storage = order.storage
        self._inside = False
        self.memory = limits.memory_of(self.child.worker)
        self.near = False
        """It came so close to its limit that waiting a whole tick without a look may be too long."""
        # The kernel counts what a fork shares with its template as the template's: that has to be looked at.
        self._watches = limits.watches or (self.child.method == "fork" and limits.mode != "off")
        self.tick = TICK_S if self._watches else GROUP_TICK_S

    def ready(self) -> None:
        """Its init has ended well. From now on it has Lambda's 1,024 descriptors."""
        self._look_inside()
        held = self.memory.sample()
        if self.group is not None:
            self.group.count_resident(held, self._limit_kib // 1024)
            self.group.hold_cpu(self._limit_kib // 1024)
        worker = self.child.worker
        if self._machine.process_limits:
            import resource

            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(worker, resource.RLIMIT_NOFILE, (1024, 1024))

    def _look_inside(self) -> None:
        """In a sandbox the function's own process is there only a moment after it was started."""
        if not self._inside and self.child.started:
            self._inside = True
            worker = self.child.worker
            if self.child.contained:
                self.memory.close()
                self.memory = self._limits.memory_of(worker)
            self._storage.keep(worker)

    # --- its end ----------------------------------------------------------------------------------

    def look_last(self) -> None:
        """It is about to end: what it held is not to be seen after that."""
        self._look_inside()
        self.memory.peak()

    def exited(self) -> bool:
        """Whether the process has ended (it is not reaped yet)."""
        return self.child.exited()

    def await_exit(self) -> None:
        """Give it a moment to end by itself."""
        until = time.perf_counter() + LAST_WORDS_S
        while not self.exited() and time.perf_counter() < until:
            self._heard()
            time.sleep(0.001)

    def kill_now(self) -> None:
        """Kill its session from any thread; whoever owns it sees that, and does the rest."""
        if not self.child.exited():
            self.child.kill()

    def kill(self) -> int:
        """End it and all below it, and let go of what belongs to it; its exit code."""
        if self.child.contained:
            self._look_inside()
            if not self.child.exited():
                self._kill_crowd()
            self.child.kill()
        else:
            # What a fork started before it was in its group is found by the mark alone.
            all_in_group = self.group is not None and self.child.method != "fork"
            kill_tree(self._trees, self.pid, "" if all_in_group else self._mark)
            if self.group is not None:
                self._kill_group(self.group)
        self._keeper.remove(self.pid)
        code = self.child.wait()
        self._heard()
        self.memory.close()
        if self.group is not None:
            self.group.close()
            self.group = None
        return code

    def _kill_crowd(self) -> None:
        """Many that never wait leave the first of them no time to end, which all of them would end with."""
        crowd = self._everyone()
        if len(crowd) <= _CROWD:
            return
        if self.group is not None:
            self.group.forbid_forks()
            crowd = self._everyone()
        for pid in crowd:
            # What stands around the sandbox tells how it ended.
            if pid != self.pid:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def _everyone(self) -> list[int]:
        return self._trees.below(self.pid) if self.group is None else self.group.pids()

    def _kill_group(self, group: ControlGroup) -> None:
        group.forbid_forks()
        for _ in range(20):
            others = [pid for pid in group.pids() if self._trees.runs(pid)]
            if not others:
                return
            for pid in others:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    def abandon(self) -> None:
        """In a forked child of ours: leave it to its owner."""
        self.child.abandon()
        self.memory.close()

    # --- between invocations ----------------------------------------------------------------------

    def freeze(self) -> None:
        """Stop the whole session, background threads and processes included."""
        if not self.frozen:
            self.frozen = True
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGSTOP)
            self._elsewhere = [pid for pid in self._everyone() if _group_of(pid) not in (self.pid, 0)]
            self._signal_elsewhere(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; nobody waits for it."""
        if self.frozen:
            self.frozen = False
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGCONT)
            if self._elsewhere:
                self._signal_elsewhere(signal.SIGCONT)
                self._elsewhere = []

    def _signal_elsewhere(self, number: int) -> None:
        for pid in self._elsewhere:
            with contextlib.suppress(OSError):
                os.kill(pid, number)

    # --- its memory -------------------------------------------------------------------------------

    def over_memory(self) -> bool:
        """Whether it went above its limit; a look at its memory is also part of its maximum."""
        if self.fresh:
            self._look_inside()
        held = self.memory.sample(quick=self.near)
        if self.group is not None and self.group.out_of_memory():
            return True
        if not self._watches:
            return False
        left = self._limit_kib - held
        self.near = left < _NEAR_KIB
        self.tick = min(max(left / _GROWS_KIB_S, NEAR_TICK_S), TICK_S)
        return left < 0

    def out_of_memory(self) -> bool:
        """Whether the kernel killed one of its processes for memory since this was last asked."""
        return self.group is not None and self.group.out_of_memory()

    def peak_mb(self) -> int | None:
        """The maximum that this invocation's processes held, in whole MB, at most the memory size."""
        peak = self.memory.peak()
        if peak is None:
            return None
        return min(-(-peak // 1024), self._limit_kib // 1024)


def _group_of(pid: int) -> int:
    """The process group that one is in; 0 when it is gone."""
    try:
        return os.getpgid(pid)
    except OSError:
        return 0
