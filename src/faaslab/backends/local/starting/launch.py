"""Starting the process of an environment: one order in, one child out.

Rule: where the code of an environment sees its folders is decided here, because it depends on how it is
started: in a sandbox where Lambda has them, else where they are.
"""

from __future__ import annotations

import copy
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.host.cgroups import PROCESSES, ControlGroup
from faaslab.backends.local.host.unfollowed import unfollowed
from faaslab.backends.local.runtimes.definition import Definition
from faaslab.backends.local.runtimes.programs import INSIDE, Places
from faaslab.backends.local.starting.bubblewrap import (
    INSTALL,
    Bubblewrap,
    SandboxedChild,
    first_process,
    limit_processes,
    limits_processes,
)
from faaslab.backends.local.starting.children import Child, SpawnedChild
from faaslab.backends.local.starting.network import Network, no_network
from faaslab.backends.local.starting.storage import Storage, Storages
from faaslab.errors import EnvironmentFailed, Unsupported

if TYPE_CHECKING:
    from faaslab.backends.local.host.limits import Limits
    from faaslab.backends.local.host.machine import Machine
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.backends.local.starting.templates import Templates


OPEN = "not enforced (--preload)"
"""How the words begin for what a function gives up to begin as a fork."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be started, and with what."""

    definition: Definition
    command: tuple[str, ...]
    variables: Mapping[str, str]
    places: Places
    folder: Path
    """The environment's own folder on this machine."""
    storage: Storage
    network: Network | None
    """Its own, where it is not to have this machine's."""
    output: int
    """The descriptor that takes what it writes; it is inherited under the same number."""
    group: ControlGroup | None


class Launcher:
    """Starts processes for environments; `root` is the backend's folder."""

    def __init__(
        self, machine: Machine, settings: LocalSettings, root: Path, templates: Templates | None = None
    ) -> None:
        self.machine = machine
        self._templates = templates
        self._mode = settings.sandbox
        self._online = settings.network
        self._bubblewrap = Bubblewrap(machine, root / "runtime" / "etc")
        self._storages = Storages(root / "runtime" / "tmp")

    # --- what it offers ---------------------------------------------------------------------------

    def sandboxed(self, definition: Definition) -> bool:
        """Whether its environments run in a sandbox. Raises Unsupported where one is demanded in vain.

        An image has nothing else to live in. A template has what this machine has; so a function that asks
        for one has no sandbox, unless one is demanded.
        """
        image = definition.program.root is not None
        if not image and (self._mode == "off" or (self._mode == "auto" and self._forks(definition))):
            return False
        fault = self._bubblewrap.fault()
        if fault is not None and (image or self._mode == "on"):
            raise Unsupported(
                fault, place="image" if image else "sandbox", hint=f"{INSTALL}, and see `faaslab doctor`"
            )
        return fault is None

    def _forks(self, definition: Definition) -> bool:
        """Whether it may begin as a fork of a template, which has this machine's network."""
        return definition.warm is not None and self._templates is not None and self._online

    def connected(self) -> Launcher:
        """The same with this machine's network, from which a debugger comes."""
        made = copy.copy(self)
        made._online = True  # noqa: SLF001 - its own kind
        return made

    def network(self) -> Network | None:
        """A network of its own for a new environment, where it is to have none. Raises Unsupported."""
        if self._online:
            return None
        try:
            return no_network(self.machine).made()
        except OSError as error:
            raise EnvironmentFailed(f"no network namespace could be made: {error}") from error

    def describe(self, limits: Limits, *, forks: bool = False) -> Mapping[str, str]:
        """Limit -> how the way that environments are started holds it.

        `forks`: those of a function that may begin as the fork of a template.
        """
        return self._describe_sandbox(limits, forks=forks) | {"network": self._describe_network()}

    def _describe_network(self) -> str:
        if self._online:
            return "functions have this machine's; the setting network=off takes it away"
        fault = no_network(self.machine).fault
        return f"not enforced, so nothing runs: {fault}" if fault else "held: none but the Runtime API"

    def _describe_sandbox(self, limits: Limits, *, forks: bool) -> dict[str, str]:
        held = self._mode != "off" and self._bubblewrap.fault() is None
        if held and forks and self._mode == "auto" and self._online and self._templates is not None:
            return {
                "sandbox": f"{OPEN}: it runs as you, sees your files and what other functions have in their "
                "environment variables; sandbox=on keeps it in, without forks",
                "ephemeral storage": f"{OPEN}: TMPDIR is private, /tmp the machine's own",
                "task root": f"{OPEN}: read-only files, which root can write",
            }
        if held:
            counted = {"processes": f"held: {PROCESSES:,} with threads"} if limits_processes() else {}
            return counted | {
                "sandbox": "held by bubblewrap: no file of this machine but its programs, own processes; "
                "not for functions with --preload, which run as you in the open",
                "ephemeral storage": self._storages.describe(counted=limits.counted),
                "task root": "held: read-only, and /opt",
            }
        why = "switched off" if self._mode == "off" else self._bubblewrap.fault()
        return {
            "sandbox": f"not enforced: {why}; functions can read what you can read",
            "ephemeral storage": "TMPDIR is private, /tmp the machine's own; size not enforced",
            "task root": "read-only files; not enforced for root",
        }

    def places(self, definition: Definition, storage: Storage) -> Places:
        """Where the code of an environment will see its folders."""
        if self.sandboxed(definition):
            return INSIDE
        return Places(
            task_root=definition.task_root,
            opt=definition.opt,
            runtime_root=definition.runtime_root,
            temporary=storage.place,
        )

    def storage(self, definition: Definition, folder: Path, limits: Limits) -> Storage:
        """The /tmp of a new environment, in its own folder. Raises EnvironmentFailed."""
        size_mb = definition.function.configuration.ephemeral_storage_mb
        try:
            if self.sandboxed(definition):
                return self._storages.sized(folder, size_mb, counted=limits.counted)
            return self._storages.plain(folder)
        except OSError as error:
            raise EnvironmentFailed(
                f"no /tmp could be made for {definition.function.name!r}: {error}", hint="is the disk full?"
            ) from error

    # --- starting ---------------------------------------------------------------------------------

    def launch(self, order: Order) -> Child:
        """Start it. Raises EnvironmentFailed when no process can be started at all."""
        try:
            forked = None if self.sandboxed(order.definition) else self._forked(order)
            return forked or self.spawn(order)
        except OSError as error:
            raise EnvironmentFailed(
                f"no process could be started for {order.definition.function.name!r}: {error}",
                hint="see `faaslab doctor`; too many processes or open files, or the interpreter was removed",
            ) from error

    def spawn(self, order: Order) -> Child:
        """Start a new process for it. Raises OSError."""
        if self.sandboxed(order.definition):
            return self._launch_contained(order)
        process = self._started(order, order.command, cwd=order.definition.task_root)
        if order.group is not None:
            order.group.add(process.pid)
        return SpawnedChild(process, self.machine)

    def _launch_contained(self, order: Order) -> Child:
        """In a sandbox; the command starts when what is around it is in its group and has its files."""
        information, told = os.pipe()
        waiting, block = os.pipe()
        try:
            try:
                command, variables = self._bubblewrap.command(
                    order.definition, order.storage, order.variables, block=waiting, information=told
                )
                process = order.storage.start(
                    lambda: self._started(
                        order, (*command, *order.command), variables=variables, more=(told, waiting)
                    )
                )
            finally:
                os.close(told)
                os.close(waiting)
            first = first_process(information)
            child = SandboxedChild(process, self.machine, first)
            if first is not None:
                limit_processes(first)
                if order.group is not None:
                    order.group.add(first)
                order.storage.restore(first)
            return child
        finally:
            os.close(information)
            os.close(block)

    def _forked(self, order: Order) -> Child | None:
        """A fork of a template that has imported what this function asks for; None where there is none."""
        definition = order.definition
        if definition.warm is None or self._templates is None or not self._online:
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
            () if order.group is None else order.group.folders,
        )

    def started(self, definition: Definition) -> None:
        """An init went well: next time there may be a template for it."""
        if definition.warm is not None and self._templates is not None and self._online:
            self._templates.want(definition.warm)

    @staticmethod
    def _started(
        order: Order,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
        more: tuple[int, ...] = (),
    ) -> subprocess.Popen[bytes]:
        entering, spaces = ([], ()) if order.network is None else order.network.entrance

        def start() -> subprocess.Popen[bytes]:
            with unfollowed():
                return subprocess.Popen(
                    [*entering, *command],
                    cwd=cwd,
                    env=order.variables if variables is None else variables,
                    stdin=subprocess.DEVNULL,
                    stdout=order.output,
                    stderr=order.output,
                    pass_fds=(order.output, *more, *spaces),
                    start_new_session=True,
                )

        return start() if order.group is None else order.group.start(start)

    def close(self) -> None:
        """Let go of what all environments shared; they are closed before. May be called twice."""
        self._storages.close()

    def abandon(self) -> None:
        """In a forked child."""
        self._storages.abandon()
