"""One execution environment: a process with the runtime client in it, its socket, its pipe, its folder.

Rule: one invocation at a time, driven by the thread that asked for it. The environment survives its process,
as on Lambda: after a crash or a time-out the next invocation starts a new one, with the same /tmp.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from faaslab.backends.local.api import runtime_replies as replies
from faaslab.backends.local.api.connection import CLOSED, NEXT, RESTORE_NEXT
from faaslab.backends.local.api.dialogue import Dialogue, refused
from faaslab.backends.local.api.extension_life import Extensions
from faaslab.backends.local.api.logs import LogPipe
from faaslab.backends.local.api.runtime_api import RuntimeApi
from faaslab.backends.local.host.trees import kill_marked, trees
from faaslab.backends.local.process import TICK_S, Process
from faaslab.backends.local.runtimes.programs import WRAPPER, wrapped
from faaslab.backends.local.runtimes.variables import extension_variables, variables
from faaslab.backends.local.started import Started
from faaslab.backends.local.starting.launch import Order
from faaslab.backends.system_records import Voice
from faaslab.model.masking import Mask

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from faaslab.backends.local.api.connection import Request
    from faaslab.backends.local.api.farewell import Party, Reason
    from faaslab.backends.local.flight import Flight
    from faaslab.backends.local.host.cgroups import ControlGroup
    from faaslab.backends.local.host.limits import Limits
    from faaslab.backends.local.host.machine import Machine
    from faaslab.backends.local.host.processes import Keeper
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.local.runtimes.programs import Start
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.backends.local.starting.children import Child
    from faaslab.backends.local.starting.launch import Launcher
    from faaslab.model.function import Function

_PIPE_BYTES = 256 * 1024
_SET_PIPE_SIZE = 1031
LASTS_S = 1.0
"""An invocation that has taken so long is told to whoever wants to know what runs."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentInfo:
    """One living environment, for whoever looks."""

    id: str
    function: str
    version: str
    state: str
    """`busy`, `idle`, or `reset` when its process is gone and the next invocation starts another."""
    pid: int | None
    runtime: str
    memory_mb: int
    invocations: int
    started_at: datetime
    idle_s: float | None
    log_stream: str
    init_type: str = "on-demand"


class Surroundings(NamedTuple):
    """What all environments of a backend share."""

    settings: LocalSettings
    limits: Limits
    keeper: Keeper
    machine: Machine
    launcher: Launcher
    root: Path
    resolve_secret: Callable[[str], str]
    endpoint: Callable[[], str | None]
    lasts: Callable[[Environment, Flight], None]
    """Told of each invocation that has lasted a while, by the thread that drives it."""


class Environment:
    """See the module. Not thread-safe: whoever took it from the pool owns it."""

    def __init__(
        self, definition: Definition, around: Surroundings, now: datetime, *, init_type: str = "on-demand"
    ) -> None:
        self.definition = definition
        self.snaps = definition.snaps and init_type == "on-demand"
        """Its inits end at a snapshot, and it is restored from there."""
        self.init_type = "snap-start" if self.snaps else init_type
        self.provisioned = init_type == "provisioned-concurrency"
        self.id = os.urandom(16).hex()
        configuration = definition.function.configuration
        self.voice = Voice(json_log=configuration.log_format == "JSON", level=configuration.system_log_level)
        named = definition.function.name if self.voice.json else ""
        self.log_stream = f"{now:%Y/%m/%d}/{named}[{definition.version}]{self.id}"
        self.started_at = now
        self.idle_since = 0.0
        """On the backend's clock, for the keep-alive."""
        self.released_at = 0.0
        """On `time.perf_counter`, for the freezer."""
        self.invocations = 0
        self.arn = definition.function.arn
        self.timeout_s = configuration.timeout_s
        self.cancelled = threading.Event()
        """Somebody wants that what it runs ends; it serves nothing after that."""
        self._at_snapshot = False
        self._group: ControlGroup | None = None
        self.reset = False
        """A process of it was started before: the next init is part of an invocation."""
        self.method = "spawn"
        """How its process was started."""
        self.prefix: dict[str, object] = {}
        """What all its executions have in common; filled by whoever records."""
        self._around = around
        self._secrets = resolved_secrets(definition.function, around.resolve_secret)
        self.mask = Mask(self._secrets.values())
        self.process: Process | None = None
        self._left_mb: int | None = None
        """What the process that was ended last had held."""
        self._folder = around.root / "tmp" / self.id
        self._folder.mkdir(mode=0o700, parents=True)
        self._storage = around.launcher.storage(definition, self._folder, around.limits)
        self.places = around.launcher.places(definition, self._storage)
        self._network = around.launcher.network()
        self.api = RuntimeApi(
            tick_s=TICK_S,
            timed=around.machine.timed_sockets,
            listener=None if self._network is None else self._network.listener,
        )
        reading, self._writing = os.pipe()
        os.set_blocking(reading, False)
        if around.machine.pipe_sizes:
            import fcntl

            with contextlib.suppress(OSError):
                fcntl.fcntl(reading, _SET_PIPE_SIZE, _PIPE_BYTES)
        self.logs = LogPipe(reading, limit_bytes=around.settings.log_limit_bytes)
        self.dialogue = Dialogue(self.api, self.logs, self.kill)
        self.dialogue.meanwhile = self._meanwhile
        self.flight: Flight | None = None
        """What it runs."""
        self.lasts = False
        """That has lasted a while, and others know it."""
        self.extensions = Extensions(
            self.api,
            definition,
            self.voice,
            log_limit_bytes=around.settings.log_limit_bytes,
            forget=around.keeper.remove,
        )
        self.dialogue.extensions = self.extensions
        self.api.visitor = self._visited

    # --- its process ------------------------------------------------------------------------------

    def start(self, deadline: float) -> Started:
        """Start the process and run the init; until `deadline` on `time.perf_counter`.

        Raises EnvironmentFailed when no process can be started at all.
        """
        refused = self.definition.program.fault
        if refused is not None:
            return Started(0.0, "error", "Runtime.InvalidEntrypoint", text=refused)
        began = time.perf_counter()
        trouble = self.extensions.start(self._launch_extension, began, deadline)
        if trouble is not None:
            self.kill("timeout" if trouble.status == "timeout" else "failure")
            return trouble
        process = self._spawn()
        api, ready = self.api, False
        while True:
            now = time.perf_counter()
            request = self._init_request()
            if request is NEXT or (request is RESTORE_NEXT and self.snaps):
                ready = True
                self._at_snapshot = request is RESTORE_NEXT
            elif request is not None:
                if request.kind == "init_error":
                    process.look_last()
                    api.send(replies.ACCEPTED)
                    process.await_exit()
                    elapsed = (time.perf_counter() - began) * 1000
                    told = request.error_type or "Runtime.Unknown"
                    return Started(elapsed, "error", told, request.body, self.kill())
                self._premature(request)
            room = self.extensions.room
            if ready and (room is None or room.initialised()):
                return self._initialised(process, began)
            if now >= deadline:
                self.kill("timeout")
                return Started((now - began) * 1000, "timeout")
            if process.over_memory():
                self.kill()
                return Started((now - began) * 1000, "error", "Runtime.OutOfMemory", None, -signal.SIGKILL)
            if self.cancelled.is_set():
                # Who asked for that may have come before there was a process.
                process.kill_now()
            if process.exited():
                killed = process.out_of_memory()
                code = self.kill()
                kind = "Runtime.OutOfMemory" if killed else "Runtime.ExitError"
                return Started((now - began) * 1000, "error", kind, None, code)
            if room is not None and (fault := room.fault()) is not None:
                self.kill()
                return Started((now - began) * 1000, "error", fault.error_type, text=fault.text)
            api.wait(min(process.tick, deadline - now), self.logs.descriptor)
            self.logs.drain()
            self._meanwhile()

    def restore(self, deadline: float) -> Started:
        """Go on from the snapshot: the after-restore hooks run, until the runtime asks for an event."""
        began = time.perf_counter()
        process = self.process
        assert process is not None
        if not self._at_snapshot:
            # Its runtime has no hooks: it asked for an event right away.
            return Started(0.0, "ok")
        self._at_snapshot = False
        self.api.send(replies.RESTORED)
        while True:
            now = time.perf_counter()
            request = self._init_request()
            if request is NEXT:
                return Started((now - began) * 1000, "ok")
            if request is not None and request.kind == "restore_error":
                process.look_last()
                self.api.send(replies.ACCEPTED)
                process.await_exit()
                elapsed = (time.perf_counter() - began) * 1000
                told = request.error_type or "Runtime.AfterRestoreError"
                return Started(elapsed, "error", told, request.body, self.kill())
            if request is not None:
                self._premature(request, replies.RESTORING)
            if now >= deadline:
                self.kill("timeout")
                return Started((now - began) * 1000, "timeout")
            if process.exited():
                return Started((now - began) * 1000, "error", "Runtime.ExitError", None, self.kill())
            self.api.wait(min(process.tick, deadline - now), self.logs.descriptor)
            self.logs.drain()

    def _meanwhile(self) -> None:
        """What it runs takes a while: what it writes is heard as it comes, and others are told of it."""
        flight = self.flight
        if flight is None:
            return
        flight.hear_meanwhile(self)
        if not self.lasts and flight.lasted_s() >= LASTS_S:
            self.lasts = True
            self._around.lasts(self, flight)

    def _initialised(self, process: Process, began: float) -> Started:
        self.extensions.initialised()
        process.ready()
        self._around.launcher.started(self.definition)
        return Started((time.perf_counter() - began) * 1000, "ok")

    def _init_request(self) -> Request | None:
        """What the client says; a connection that ends is none of it (it may come back)."""
        request = self.api.look()
        return None if request is CLOSED else request

    def _premature(self, request: Request, state: str = replies.STARTED) -> None:
        """A word that has no place in an init."""
        if request.kind in ("response", "error"):
            # There is no request yet that it could answer.
            self.api.send(replies.INVALID_ID)
        elif request.kind not in ("chunk", "truncated"):
            self.api.send(refused(request, state))

    def _visited(self, connection: socket.socket) -> None:
        self.extensions.visited(connection, in_time=not self.dialogue.owes_next)

    def _launch_extension(self, name: str, output: int) -> Child:
        around, places = self._around, self.places
        order = Order(
            definition=self.definition,
            command=(str(places.opt / "extensions" / name),),
            variables=extension_variables(self._variables(self.definition.program.start(places))),
            places=places,
            folder=self._folder,
            storage=self._storage,
            network=self._network,
            output=output,
            group=self._group_to_be(),
        )
        child = around.launcher.spawn(order)
        groups = order.group.folders if order.group else ()
        around.keeper.add(child.pid, groups=groups, mark=self.log_stream)
        return child

    def _group_to_be(self) -> ControlGroup | None:
        """The group of the process that is to be started; its extensions are in it before."""
        if self._group is None:
            self._group = self._around.limits.group(self.id, self.definition.function.configuration.memory_mb)
        return self._group

    def _variables(self, start: Start) -> dict[str, str]:
        return variables(
            self.definition.function,
            start,
            self.places,
            address=self.api.address,
            version=self.definition.version,
            log_stream=self.log_stream,
            init_type=self.init_type,
            more=self._around.settings.variables,
            secrets=self._secrets,
            endpoint=self._around.endpoint() if self._network is None else None,
        )

    def _spawn(self) -> Process:
        definition, around = self.definition, self._around
        places = self.places
        start = definition.program.start(places)
        told = self._variables(start)
        told["_LAMBDA_TELEMETRY_LOG_FD"] = str(self._writing)
        command = start.command
        if definition.program.wraps and (wrapper := told.get(WRAPPER)):
            command = wrapped(command, wrapper, places)
        order = Order(
            definition=definition,
            command=command,
            variables=told,
            places=places,
            folder=self._folder,
            storage=self._storage,
            network=self._network,
            output=self._writing,
            group=self._group_to_be(),
        )
        # From here on it is the process's to close.
        self._group = None
        self.process = Process(
            order,
            launcher=around.launcher,
            limits=around.limits,
            keeper=around.keeper,
            machine=around.machine,
            mark=self.log_stream,
            heard=self.logs.drain,
        )
        self.method = self.process.child.method
        self.dialogue.process = self.process
        self.dialogue.owes_next = False
        return self.process

    @property
    def described(self) -> dict[str, object]:
        """What the platform tells of it when an init begins."""
        function = self.definition.function
        return {
            "initializationType": self.init_type,
            "functionName": function.name,
            "functionVersion": self.definition.version,
            "instanceId": self.id,
            "instanceMaxMemory": function.configuration.memory_mb * 1024 * 1024,
        }

    def exited(self) -> bool:
        """Whether it has no process that runs."""
        return self.process is None or self.process.exited()

    def kill(self, reason: Reason = "failure") -> int:
        """End the process and all below it; its exit code. The environment stays and can start anew.

        Extensions are told the reason, and have the time that Lambda gives them.
        """
        process, self.process = self.process, None
        self.dialogue.process = None
        extended = self.extensions.end(process, reason)
        code = 0
        if process is not None:
            self._left_mb = process.peak_mb()
            code = process.kill()
            self.api.drop()
        elif extended:
            # What they started themselves, and no runtime's end takes along.
            kill_marked(trees(self._around.machine), self.log_stream)
        self.extensions.close()
        if self._group is not None:
            self._group.close()
            self._group = None
        return code

    def party(self) -> Party | None:
        """Who is to be told that it ends; that is done then, and not again when it is closed."""
        return self.extensions.party(self.process)

    def kill_now(self) -> None:
        """From any thread: end its process; the thread that drives the environment does the rest."""
        process = self.process
        if process is not None:
            process.kill_now()

    def cancel(self) -> None:
        """From any thread: end its process for good, whether there is one already or not."""
        self.cancelled.set()
        self.kill_now()

    def close(self) -> None:
        """End it for good and remove its folder; may be called twice."""
        self.kill("spindown")
        self._let_go()
        self._storage.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """In a forked child: let go of the sockets and pipes, and leave the processes to their owner."""
        if self.process is not None:
            self.process.abandon()
            self.process = None
        self.extensions.abandon()
        self._let_go()

    def _let_go(self) -> None:
        self.api.close()
        if self._network is not None:
            self._network.close()
        self.logs.close()
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    # --- between invocations ----------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        """Whether it has a process that is not stopped."""
        return self.process is not None and not self.process.frozen

    def freeze(self) -> None:
        """Stop it, background threads and processes included."""
        if self.process is not None:
            self.process.freeze()
            self.extensions.freeze()

    def out_of_memory(self) -> bool:
        """Whether the kernel killed one of its processes for memory since this was last asked."""
        return self.process is not None and self.process.out_of_memory()

    def peak_mb(self) -> int | None:
        """The maximum that this invocation's processes held, in whole MB, at most the memory size."""
        return self._left_mb if self.process is None else self.process.peak_mb()

    def info(self, state: str, idle_s: float | None) -> EnvironmentInfo:
        """A picture of it."""
        function = self.definition.function
        return EnvironmentInfo(
            id=self.id,
            function=function.name,
            version=function.version,
            state=state if state == "busy" or self.process is not None else "reset",
            pid=self.process.child.worker if self.process is not None else None,
            runtime=self.definition.program.runtime,
            memory_mb=function.configuration.memory_mb,
            invocations=self.invocations,
            started_at=self.started_at,
            idle_s=idle_s,
            log_stream=self.log_stream,
            init_type=self.init_type,
        )


def resolved_secrets(function: Function, resolve: Callable[[str], str]) -> Mapping[str, str]:
    """Variable -> value of a function's secrets. Raises what `resolve` raises."""
    values = {}
    for entry in function.configuration.secrets:
        name, _, reference = entry.partition("=")
        values[name] = resolve(reference or name)
    return values
