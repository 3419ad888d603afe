"""One execution environment: a process with the runtime client in it, its socket, its pipe, its folder.

Rule: one invocation at a time, driven by the thread that asked for it. The environment survives its process,
as on Lambda: after a crash or a time-out the next invocation starts a new one, with the same /tmp.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from faaslab.backends.local.limits import ProcessMemory
from faaslab.backends.local.logs import LogPipe
from faaslab.backends.local.masking import Mask
from faaslab.backends.local.processes import kill_tree
from faaslab.backends.local.runtime_api import (
    ACCEPTED,
    CLOSED,
    NEXT,
    RESPONSE_LIMIT,
    TOO_LARGE,
    RuntimeApi,
)
from faaslab.backends.local.variables import variables
from faaslab.errors import EnvironmentFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from faaslab.backends.local.definition import Definition
    from faaslab.backends.local.limits import MemoryGroup, MemoryLimits
    from faaslab.backends.local.processes import Keeper
    from faaslab.backends.local.runtime_api import Request
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.model.function import Function

TICK_S = 0.005
GROUP_TICK_S = 0.02
_LAST_WORDS_S = 2.0
_PIPE_BYTES = 256 * 1024
_SET_PIPE_SIZE = 1031


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


class Started(NamedTuple):
    """How an init went: `status` is `ok`, `error` or `timeout`, `error_type` in Lambda's words."""

    ms: float
    status: str
    error_type: str | None = None
    body: bytes | None = None
    returncode: int | None = None


class Reply(NamedTuple):
    """How an invocation ended: `response`, `error`, `too_large`, `timeout`, `exit` or `memory`."""

    kind: str
    body: bytes = b""
    error_type: str | None = None
    returncode: int = 0


class Surroundings(NamedTuple):
    """What all environments of a backend share."""

    settings: LocalSettings
    limits: MemoryLimits
    keeper: Keeper
    root: Path
    resolve_secret: Callable[[str], str]


class Environment:
    """See the module. Not thread-safe: whoever took it from the pool owns it."""

    def __init__(self, definition: Definition, around: Surroundings, now: datetime) -> None:
        self.definition = definition
        self.id = os.urandom(16).hex()
        self.log_stream = f"{now:%Y/%m/%d}/[{definition.version}]{self.id}"
        self.started_at = now
        self.idle_since = 0.0
        """On the backend's clock, for the keep-alive."""
        self.released_at = 0.0
        """On `time.perf_counter`, for the freezer."""
        self.invocations = 0
        self.arn = definition.function.arn
        self._owes_next = False
        self.frozen = False
        self.reset = False
        """A process of it was started before: the next init is part of an invocation."""
        self.fresh = True
        """Its process has not taken an invocation yet."""
        self.prefix: dict[str, object] = {}
        """What all its executions have in common; filled by whoever records."""
        self._around = around
        self._secrets = _resolved(definition.function, around.resolve_secret)
        self.mask = Mask(self._secrets.values())
        self.process: subprocess.Popen[bytes] | None = None
        self.memory: ProcessMemory | None = None
        self.group: MemoryGroup | None = None
        self._limit_kib = definition.function.configuration.memory_mb * 1024
        self._folder = around.root / "tmp" / self.id
        self._folder.mkdir(mode=0o700, parents=True)
        self.api = RuntimeApi(tick_s=TICK_S)
        reading, self._writing = os.pipe()
        os.set_blocking(reading, False)
        with contextlib.suppress(OSError):
            import fcntl

            fcntl.fcntl(reading, _SET_PIPE_SIZE, _PIPE_BYTES)
        self.logs = LogPipe(reading, limit_bytes=around.settings.log_limit_bytes)

    # --- its process ------------------------------------------------------------------------------

    def start(self, deadline: float) -> Started:
        """Start the process and run the init; until `deadline` on `time.perf_counter`.

        Raises EnvironmentFailed when no process can be started at all.
        """
        began = time.perf_counter()
        self._spawn()
        api, started = self.api, None
        while started is None:
            now = time.perf_counter()
            request = self._init_request()
            if request is NEXT:
                self._limited()
                return Started((time.perf_counter() - began) * 1000, "ok")
            if request is not None and request.kind == "init_error":
                api.send(ACCEPTED)
                self._await_exit()
                started = (request.error_type or "Runtime.Unknown", request.body)
                break
            if now >= deadline:
                self.kill()
                return Started((now - began) * 1000, "timeout")
            if self._over_memory():
                self.kill()
                return Started((now - began) * 1000, "error", "Runtime.OutOfMemory", None, -signal.SIGKILL)
            if self.exited():
                killed = self.group is not None and self.group.out_of_memory()
                code = self.kill()
                kind = "Runtime.OutOfMemory" if killed else "Runtime.ExitError"
                return Started((now - began) * 1000, "error", kind, None, code)
            api.wait(min(self._tick, deadline - now), self.logs.descriptor)
            self.logs.drain()
        elapsed = (time.perf_counter() - began) * 1000
        code = self.kill()
        return Started(elapsed, "error", started[0], started[1], code)

    def _init_request(self) -> Request | None:
        api = self.api
        if api.accept() or api.connected:
            request = api.receive(socket.MSG_DONTWAIT)
            if request is CLOSED:
                api.drop()
                return None
            return request
        return None

    def _spawn(self) -> None:
        definition, around = self.definition, self._around
        function = definition.function
        environment = variables(
            function,
            address=self.api.address,
            version=definition.version,
            log_stream=self.log_stream,
            runtime=definition.interpreter.runtime,
            interpreter=definition.interpreter.path,
            task_root=definition.task_root,
            runtime_root=definition.runtime_root,
            packages=definition.packages,
            temporary=self._folder,
            more=around.settings.variables,
            secrets=self._secrets,
        )
        environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(self._writing)
        self.group = around.limits.group(self.id, function.configuration.memory_mb)
        try:
            self.process = subprocess.Popen(
                definition.command,
                cwd=definition.task_root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self._writing,
                stderr=self._writing,
                pass_fds=(self._writing,),
                start_new_session=True,
            )
        except OSError as error:
            if self.group is not None:
                self.group.close()
            raise EnvironmentFailed(
                f"no process could be started for {function.name!r}: {error}",
                hint="see `faaslab doctor`; too many processes or open files, or the interpreter was removed",
            ) from error
        pid = self.process.pid
        if self.group is not None:
            self.group.add(pid)
        around.keeper.add(
            pid, folder=self._folder, group=self.group.path if self.group else None, mark=self.log_stream
        )
        self.memory = ProcessMemory(pid)
        self.frozen = self._owes_next = False
        self.fresh = True
        self._tick = TICK_S if self.group is None else GROUP_TICK_S

    def _limited(self) -> None:
        """Lambda's 1,024 descriptors; its 1,024 processes would count all of this user's here."""
        if self.process is not None and sys.platform == "linux":
            import resource

            with contextlib.suppress(OSError, ValueError):
                resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (1024, 1024))

    def exited(self) -> bool:
        """Whether the process has ended (it is not reaped yet)."""
        process = self.process
        if process is None or process.returncode is not None:
            return True
        try:
            return (
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
                if hasattr(os, "waitid")
                else process.poll() is not None
            )
        except ChildProcessError:
            return True

    def _await_exit(self) -> None:
        until = time.perf_counter() + _LAST_WORDS_S
        while not self.exited() and time.perf_counter() < until:
            self.logs.drain()
            time.sleep(0.001)

    def kill(self) -> int:
        """End the process and all below it; its exit code. The environment stays and can start anew."""
        process, self.process = self.process, None
        if process is None:
            return 0
        kill_tree(process.pid, "" if self.group is not None else self.log_stream)
        if self.group is not None:
            self._kill_group(self.group)
        self._around.keeper.remove(process.pid)
        code = process.wait()
        self.logs.drain()
        self.api.drop()
        if self.memory is not None:
            self.memory.close()
        if self.group is not None:
            self.group.close()
            self.group = None
        return code

    def _kill_group(self, group: MemoryGroup) -> None:
        for _ in range(20):
            others = [pid for pid in group.pids() if self._alive(pid)]
            if not others:
                return
            for pid in others:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.002)

    @staticmethod
    def _alive(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                return file.read().rpartition(b") ")[2][:1] not in b"ZX"
        except OSError:
            return False

    def close(self) -> None:
        """End it for good and remove its folder; may be called twice."""
        self.kill()
        self.api.close()
        self.logs.close()
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """In a forked child: let go of the sockets and pipes, and leave the processes to their owner."""
        if self.process is not None:
            self.process.returncode = 0
            self.process = None
        self.api.close()
        self.logs.close()
        if self.memory is not None:
            self.memory.close()
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    # --- between invocations ----------------------------------------------------------------------

    @property
    def runs(self) -> bool:
        """Whether it has a process that is not stopped."""
        return self.process is not None and not self.frozen

    def freeze(self) -> None:
        """Stop the whole session, background threads and processes included."""
        if self.process is not None and not self.frozen:
            self.frozen = True
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; nobody waits for it."""
        if self.process is not None and self.frozen:
            self.frozen = False
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGCONT)

    # --- one invocation ---------------------------------------------------------------------------

    def send(self, event: bytes) -> None:
        """Give it the event, head and body in one, and let it run. A dead listener shows in the reply."""
        if len(event) > 65536:
            # More than the socket holds: somebody must be reading.
            self.thaw()
        self._owes_next = True
        self.api.send(event)
        self.thaw()
        if self.fresh:
            # The init's memory belongs to the first invocation.
            self.fresh = False
        elif self.memory is not None:
            self.memory.reset()

    def await_reply(self, deadline: float) -> Reply:
        """Wait for the function's answer, its end, or `deadline` on `time.perf_counter`."""
        request = self.api.receive()
        while True:
            if request is not None:
                reply = self.reply(request)
                if reply is not None:
                    return reply
            reply = self.trouble(deadline)
            if reply is not None:
                return reply
            self.api.wait(min(self._tick, deadline - time.perf_counter()), self.logs.descriptor)
            request = self.api.receive(socket.MSG_DONTWAIT)

    def reply(self, request: Request) -> Reply | None:
        """What a request of the runtime client means for the invocation; None when it does not end it."""
        kind = request.kind
        if kind == "response":
            if request.length > RESPONSE_LIMIT:
                self.api.send(TOO_LARGE)
                return Reply("too_large")
            self.api.send(ACCEPTED)
            return Reply("response", request.body)
        if kind == "error":
            self.api.send(ACCEPTED)
            return Reply("error", request.body, request.error_type)
        if request is CLOSED:
            return self._ended()
        return None

    def _ended(self) -> Reply:
        self._await_exit()
        if self.group is not None and self.group.out_of_memory():
            return Reply("memory", returncode=self.kill())
        return Reply("exit", returncode=self.kill())

    def trouble(self, deadline: float) -> Reply | None:
        """Whether the invocation must end for another reason than an answer; keeps the log pipe flowing."""
        self.logs.drain()
        if self._over_memory():
            self.kill()
            return Reply("memory", returncode=-signal.SIGKILL)
        if time.perf_counter() >= deadline:
            return Reply("timeout")
        if self.exited():
            # Its last answer may still be in the socket.
            request = self.api.receive(socket.MSG_DONTWAIT)
            if request is not None and request is not CLOSED:
                return self.reply(request)
            return self._ended()
        return None

    def _over_memory(self) -> bool:
        if self.memory is None:
            return False
        held = self.memory.sample()
        if self.group is not None:
            return self.group.out_of_memory()
        return self._around.limits.watches and held > self._limit_kib

    def peak_mb(self) -> int | None:
        """The maximum that this invocation's processes held, in whole MB, at most the memory size."""
        peak = self.memory.peak() if self.memory is not None else None
        if peak is None:
            return None
        return min(-(-peak // 1024), self._limit_kib // 1024)

    def await_next(self) -> bool:
        """Wait until the runtime client asks for the next event; False when it does not within seconds."""
        if not self._owes_next:
            return True
        request = self.api.receive(socket.MSG_DONTWAIT)
        if request is None:
            # It was stopped on its way to ask.
            self.thaw()
        until = time.perf_counter() + _LAST_WORDS_S
        while request is not NEXT:
            if request is CLOSED or (request is None and (self.exited() or time.perf_counter() >= until)):
                return False
            request = self.api.receive()
        self._owes_next = False
        return True

    def info(self, state: str, idle_s: float | None) -> EnvironmentInfo:
        """A picture of it."""
        function = self.definition.function
        return EnvironmentInfo(
            id=self.id,
            function=function.name,
            version=function.version,
            state=state if state == "busy" or self.process is not None else "reset",
            pid=self.process.pid if self.process is not None else None,
            runtime=self.definition.interpreter.runtime,
            memory_mb=function.configuration.memory_mb,
            invocations=self.invocations,
            started_at=self.started_at,
            idle_s=idle_s,
            log_stream=self.log_stream,
        )


def _resolved(function: Function, resolve: Callable[[str], str]) -> Mapping[str, str]:
    values = {}
    for entry in function.configuration.secrets:
        name, _, reference = entry.partition("=")
        values[name] = resolve(reference or name)
    return values
