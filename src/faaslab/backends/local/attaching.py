"""One invocation in an environment of its own that waits for a debugger: debugpy in the function's process.

Rule: it listens on loopback only, no limit holds, and the environment is nobody else's: it ends with its
invocation. What a person looked at in between is not measured.
"""

from __future__ import annotations

import dataclasses
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.backends.local import record
from faaslab.backends.local.environment import Environment, Surroundings
from faaslab.backends.local.host.limits import Limits
from faaslab.backends.local.phases import Phases
from faaslab.backends.local.runtimes.links import leads_to
from faaslab.backends.local.runtimes.programs import Places, Program, Start
from faaslab.errors import EnvironmentFailed, InvalidValue

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from faaslab.backends.local.flight import Flight, Ids
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.model.execution import Execution

_ENDLESS_S = 366 * 86400
_FAREWELL_S = 0.2
_LISTENS = "faaslab: a debugger may attach at "
# Before the runtime client: breakpoints in the function's module have to stand before it is loaded. The
# variable keeps debugpy from warning of frozen modules, in which nobody sets a breakpoint; it is gone when
# the function looks, as is what debugpy sets.
_PRELUDE = (
    "import os, sys\n"
    "usual = set(os.environ)\n"
    "os.environ['PYDEVD_DISABLE_FILE_VALIDATION'] = '1'\n"
    "sys.path.append({folder!r})\n"
    "import debugpy\n"
    "debugpy.listen(('127.0.0.1', {port}))\n"
    "print({listens!r}, flush=True)\n"
    "debugpy.wait_for_client()\n"
    "for name in set(os.environ) - usual: del os.environ[name]\n"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listening:
    """Where an environment waits for a debugger, and what stands where."""

    host: str
    port: int
    task_root: Path
    """The folder whose files the function's process runs; they are real files of this machine."""
    configuration: dict[str, Any]
    """VS Code's `launch.json` entry; any client of the Debug Adapter Protocol takes the same."""


def free_port(wanted: int) -> int:
    """The port itself when it can be had, or a free one for 0. Raises InvalidValue where it is taken."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", wanted))
        except (OSError, OverflowError) as error:
            raise InvalidValue(
                f"port {wanted} cannot be listened at: {error}",
                place="--attach",
                hint="leave the port out, and a free one is taken",
            ) from None
        port: int = trial.getsockname()[1]
        return port


class Attachment:
    """One environment that waits for a debugger, from its start to its end."""

    def __init__(
        self,
        definition: Definition,
        around: Surroundings,
        *,
        debugpy: Path,
        port: int,
        listening: Callable[[Listening], None],
    ) -> None:
        self._listening = listening
        self._port = free_port(port)
        self._measured = definition
        endless = dataclasses.replace(
            definition.function,
            configuration=dataclasses.replace(definition.function.configuration, timeout_s=_ENDLESS_S),
        )
        self._definition = dataclasses.replace(
            definition,
            function=endless,
            program=_waiting(definition.program, debugpy, self._port),
            warm=None,
        )
        self._around = around._replace(
            settings=dataclasses.replace(around.settings, init_timeout_s=_ENDLESS_S, freeze=False),
            limits=Limits("off", around.machine),
            launcher=around.launcher.connected(),
        )
        self._environment: Environment | None = None
        self._seen = definition.task_root

    def run(self, flight: Flight, *, closing: threading.Event, ids: Ids) -> Execution:
        """From the wait for the debugger to what came of the invocation."""
        environment = Environment(self._definition, self._around, flight.started_at)
        self._environment = environment
        try:
            self._seen = environment.places.task_root
            environment.prefix = record.common(environment)
            environment.logs.noticed = self._noticed
            # One init, inside the invocation: a second one would wait for a second debugger.
            environment.reset = True
            flight.say("faaslab: a debugger attaches: nothing is limited, measured or billed")
            execution = Phases(self._around.settings, closing, ids).run(environment, flight)
            # An editor would rather hear that it goes on than lose its connection.
            closing.wait(_FAREWELL_S)
        finally:
            environment.close()
        return record.without_figures(
            execution, timeout_s=self._measured.function.configuration.timeout_s, method=record.ATTACHED
        )

    def end(self) -> None:
        """From any thread: end its process; whoever drives it does the rest."""
        if self._environment is not None:
            self._environment.kill_now()

    def _noticed(self, text: str) -> None:
        if text.startswith(_LISTENS):
            told = Listening(
                host="127.0.0.1",
                port=self._port,
                task_root=self._measured.task_root,
                configuration=configuration(self._measured, self._port, seen=self._seen),
            )
            self._listening(told)


def _waiting(program: Program, folder: Path, port: int) -> Program:
    """The program, but that it waits for a debugger before it does anything."""
    prelude = _PRELUDE.format(folder=str(folder), port=port, listens=f"{_LISTENS}127.0.0.1:{port}")

    def start(places: Places) -> Start:
        plain = program.start(places)
        *before, script = plain.command
        if before[-1] != "-c":
            raise EnvironmentFailed("this runtime is not started from a script of faaslab's")
        return Start(command=(*before, prelude + script), variables=plain.variables)

    return dataclasses.replace(program, start=start, needs=(*program.needs, folder, *leads_to(folder)))


def configuration(definition: Definition, port: int, *, seen: Path) -> dict[str, Any]:
    """VS Code's entry to attach: the files that the process runs, and sees in `seen`, where they are written.

    Source: https://code.visualstudio.com/docs/python/debugging (connect, pathMappings, justMyCode).
    """
    function = definition.function
    local, remote = function.source_path or str(definition.task_root), str(seen)
    if function.source_path is not None and not Path(function.source_path).is_dir():
        filename = getattr(function.code, "filename", None) or Path(function.source_path).name
        remote = f"{remote}/{filename}"
    return {
        "name": f"faaslab: {function.name}",
        "type": "debugpy",
        "request": "attach",
        "connect": {"host": "127.0.0.1", "port": port},
        "pathMappings": [{"localRoot": local, "remoteRoot": remote}],
        "justMyCode": False,
    }
