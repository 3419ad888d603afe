"""Starting the process of an environment: one order in, one child out.

Rule: whoever holds a `Child` need not know how it was started. Where the code sees its folders is decided
here, because it depends on how it is started.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from faaslab.backends.local.definition import Definition
from faaslab.backends.local.limits import MemoryGroup
from faaslab.backends.local.programs import Places
from faaslab.backends.local.trees import trees
from faaslab.errors import EnvironmentFailed

if TYPE_CHECKING:
    from faaslab.backends.local.machine import Machine
    from faaslab.backends.local.templates import Templates


class Child(Protocol):
    """A process that was started for an environment; it leads a session of its own."""

    @property
    def pid(self) -> int:
        """The leader of its session, whom a signal to the group reaches first."""

    @property
    def worker(self) -> int:
        """The process of the function itself; another than `pid` where something stands around it."""

    @property
    def method(self) -> str:
        """How it was started, as the record says it: `spawn`, `fork`."""

    def exited(self) -> bool:
        """Whether it has ended (it need not be reaped yet)."""

    def wait(self) -> int:
        """Reap it; its exit code, negative for a signal."""

    def abandon(self) -> None:
        """In a forked child of ours: it is the parent's to reap."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be started, and with what."""

    definition: Definition
    command: tuple[str, ...]
    variables: Mapping[str, str]
    places: Places
    folder: Path
    """The environment's own folder on this machine: its /tmp."""
    output: int
    """The descriptor that takes what it writes; it is inherited under the same number."""
    group: MemoryGroup | None


class SpawnedChild:
    """A child of this process."""

    method = "spawn"

    def __init__(self, process: subprocess.Popen[bytes], machine: Machine) -> None:
        self._process = process
        self._trees = None if machine.waitid else trees(machine)
        self.pid = self.worker = process.pid

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

    def wait(self) -> int:
        """Its exit code."""
        return self._process.wait()

    def abandon(self) -> None:
        """Never wait for it."""
        self._process.returncode = 0


class Launcher:
    """Starts processes for environments."""

    def __init__(self, machine: Machine, templates: Templates | None = None) -> None:
        self.machine = machine
        self._templates = templates

    def places(self, definition: Definition, folder: Path) -> Places:
        """Where the code of an environment will see its folders; `folder` is its /tmp on this machine."""
        return Places(
            task_root=definition.task_root,
            opt=definition.opt,
            runtime_root=definition.runtime_root,
            temporary=folder,
        )

    def launch(self, order: Order) -> Child:
        """Start it. Raises EnvironmentFailed when no process can be started at all."""
        forked = self._forked(order)
        if forked is not None:
            return forked
        name = order.definition.function.name
        try:
            return self.spawn(order)
        except OSError as error:
            raise EnvironmentFailed(
                f"no process could be started for {name!r}: {error}",
                hint="see `faaslab doctor`; too many processes or open files, or the interpreter was removed",
            ) from error

    def spawn(self, order: Order) -> Child:
        """Start a new process for it. Raises OSError."""
        process = subprocess.Popen(
            order.command,
            cwd=order.definition.task_root,
            env=order.variables,
            stdin=subprocess.DEVNULL,
            stdout=order.output,
            stderr=order.output,
            pass_fds=(order.output,),
            start_new_session=True,
        )
        if order.group is not None:
            order.group.add(process.pid)
        return SpawnedChild(process, self.machine)

    def _forked(self, order: Order) -> Child | None:
        """A fork of a template that has imported what this function asks for; None where there is none."""
        definition = order.definition
        if definition.warm is None or self._templates is None:
            return None
        template = self._templates.usable(definition.warm, definition.own_modules)
        if template is None:
            return None
        return template.fork(
            {
                # What a new process would be given.
                "bootstrap": order.command[-1],
                "variables": order.variables,
                "cwd": str(definition.task_root),
                "output": order.output,
            },
            order.output,
            None if order.group is None else order.group.path,
        )

    def started(self, definition: Definition) -> None:
        """An init went well: next time there may be a template for it."""
        if definition.warm is not None and self._templates is not None:
            self._templates.want(definition.warm)
