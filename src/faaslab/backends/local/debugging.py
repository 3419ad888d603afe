"""One invocation in this very process, so that an ordinary debugger can be in it.

Rule: the handler sees what it would see in an environment (code, variables, folders, context object), but no
limit holds: no timeout, no memory size. So nothing is measured either, and no figure is made up.
"""

from __future__ import annotations

import bdb
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.backends import report_line
from faaslab.backends.local import record
from faaslab.backends.local.api.logs import LogPipe
from faaslab.backends.local.borrowed_process import borrowed, logging_to
from faaslab.backends.local.host.processes import exit_text
from faaslab.backends.local.runtimes.programs import Places
from faaslab.backends.local.runtimes.python_program import layer_folders
from faaslab.backends.local.runtimes.variables import variables
from faaslab.backends.local.typed_module import Typed, typed_in, untyped
from faaslab.backends.system_records import Voice
from faaslab.errors import Stopped
from faaslab.model.execution import Execution, ExecutionStatus
from faaslab.model.function import InlineCode
from faaslab.model.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from faaslab.backends.local.flight import Flight
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.protocol import Debugger

_LOG_LIMIT = 4 * 1024 * 1024
_AROUND = ("faaslab.", "bdb", "pdb", "IPython.")
# There is no Runtime API to talk to; libraries only look whether the variable is there.
_NO_API = "127.0.0.1:9"


class Session(NamedTuple):
    """How one function is debugged here. `folder` becomes its /tmp; `breakpoints`: somebody answers them."""

    definition: Definition
    folder: Path
    debugger: Debugger | None
    breakpoints: bool
    secrets: Mapping[str, str]
    more_variables: Mapping[str, str]
    endpoint: str | None


def debugged(session: Session, flight: Flight) -> Execution:
    """Run it. Raises Stopped when the user leaves the debugger: nothing ended then that could be recorded."""
    definition, function = session.definition, session.definition.function
    places = Places(
        task_root=definition.task_root,
        opt=definition.opt,
        runtime_root=definition.runtime_root,
        temporary=session.folder,
    )
    start = definition.program.start(places)
    told = variables(
        function,
        start,
        places,
        address=_NO_API,
        version=definition.version,
        init_type="on-demand",
        log_stream=f"{flight.started_at:%Y/%m/%d}/[{definition.version}]{flight.id}",
        more=session.more_variables,
        secrets=session.secrets,
        endpoint=session.endpoint,
    )
    told["_X_AMZN_TRACE_ID"] = flight.trace_id
    layers = layer_folders(places.opt, definition.program.runtime) if function.configuration.layers else []
    more = [folder for folder in told.get("PYTHONPATH", "").split(os.pathsep) if folder]
    path = [places.task_root, *map(type(places.task_root), (*layers, *more))]
    session.folder.mkdir(mode=0o700, parents=True)
    heard = _Heard(-1, limit_bytes=_LOG_LIMIT)
    flight.say("faaslab: in this process, under a debugger: nothing is limited, measured or billed")
    flight.say(report_line.start_line(flight.request_id, definition.version))
    argv = ["bootstrap", function.handler]

    def say(text: str) -> None:
        flight.say(f"faaslab: {text}")

    typed = _typed(session)
    try:
        with (
            typed_in(_file(session), typed),
            borrowed(
                variables=told,
                path=path,
                argv=argv,
                breakpoints=session.breakpoints,
                hook=None if session.debugger is None else session.debugger.hook,
                say=say,
            ),
        ):
            status, body, kind = _run(session, flight, heard)
    finally:
        shutil.rmtree(session.folder, ignore_errors=True)
    flight.hear(heard, last=True)
    return record.unmeasured(
        definition, flight, status=status, body=body, error_type=kind, mask=Mask(session.secrets.values())
    )


def _file(session: Session) -> Path:
    code = session.definition.function.code
    return session.definition.task_root / (code.filename if isinstance(code, InlineCode) else "")


def _typed(session: Session) -> Typed | None:
    """Where its source was typed, when the debugger knows, and the file is that text and nothing else."""
    code, debugger = session.definition.function.code, session.debugger
    if debugger is None or not isinstance(code, InlineCode):
        return None
    typed = debugger.typed(code.source)
    if typed is None or _file(session).read_text("utf-8") != code.source:
        return None
    return Typed(*typed)


class _Heard(LogPipe):
    """What is fed to it; there is no pipe."""

    voice = Voice(json_log=False, level=None)

    @property
    def logs(self) -> LogPipe:
        """It is its own."""
        return self

    def drain(self) -> None:
        """There is nothing to read."""


class _Sink:
    """Records of the function: heard, and shown at once where the function prints."""

    def __init__(self, heard: _Heard, shown: Any) -> None:
        self._heard = heard
        self._shown = shown

    def log(self, message: str, kind: int = 0xA55A0003) -> None:
        """One record."""
        from faaslab.backends.local.runtimes.runtime_client.logs import frame

        self._heard.feed(frame(message, kind))
        self._shown.write(message if message.endswith("\n") else f"{message}\n")

    def error(self, lines: list[str], kind: int) -> None:
        """One record of several lines; it is shown as the answer, so it is heard only."""
        from faaslab.backends.local.runtimes.runtime_client.logs import frame

        self._heard.feed(frame("\n".join(lines), kind))


def _run(session: Session, flight: Flight, heard: _Heard) -> tuple[ExecutionStatus, bytes, str | None]:
    """(status, body, error type), by the rules of the runtime client."""
    from faaslab.backends.local.runtimes.runtime_client import faults, logs, main, marshalling

    log = logs.Logs(_Sink(heard, sys.stderr))
    logs.Current.request_id, logs.Current.tenant_id = flight.request_id, flight.invocation.tenant_id
    told: dict[str, Any]
    with logging_to(log, lambda text: heard.feed(text.encode("utf-8", "replace"))):
        try:
            # An error of the module's own has no request yet, as in an init.
            request_id = ""
            handler = main.handler_of(session.definition.function.handler)
            request_id = flight.request_id
            context = _context(session, flight)
            event = marshalling.event(flight.payload, "application/json")
            debugger = session.debugger
            result = handler(event, context) if debugger is None else debugger.call(handler, event, context)
            body, _ = marshalling.result(result)
        except bdb.BdbQuit:
            raise Stopped(
                "the debugger was left before the function ended, so nothing is recorded",
                hint="c lets it run to its end",
            ) from None
        except faults.Fault as fault:
            told = faults.of_fault(fault, request_id)
        except Exception as error:  # noqa: BLE001 - a handler may raise anything
            error.__traceback__ = _own(error.__traceback__)
            told = faults.of_exception(error, request_id)
            told["stackTrace"] = untyped(told["stackTrace"], _file(session), _typed(session))
            _keep(error)
            if session.debugger is not None:
                session.debugger.failed(error)
        except SystemExit as error:
            text = exit_text(_exit_code(error))
            flight.hear(heard)
            flight.say(report_line.fault_line(flight.request_id, text, "Runtime.ExitError"))
            return (
                ExecutionStatus.FAILED,
                record.fault(flight, "Runtime.ExitError", text),
                "Runtime.ExitError",
            )
        else:
            return ExecutionStatus.COMPLETED, body, None
        log.failed(told)
    return ExecutionStatus.FAILED, marshalling.to_json(told).encode(), told["errorType"]


def _own(trace: TracebackType | None) -> TracebackType | None:
    """Without the frames that stand around the function here: ours, and a debugger's."""
    inner = trace
    while inner is not None:
        name = inner.tb_frame.f_globals.get("__name__", "")
        if not name.startswith(_AROUND):
            return inner
        inner = inner.tb_next
    return trace


def _keep(error: Exception) -> None:
    """Where `%debug` and `pdb.pm()` look for what was raised last."""
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error


def _exit_code(error: SystemExit) -> int:
    """As the interpreter ends with it: None is 0, what is no number is printed and is 1."""
    if error.code is None:
        return 0
    return error.code if isinstance(error.code, int) else 1


def _context(session: Session, flight: Flight) -> Any:
    """The runtime client's own context object, whose time never runs out."""
    from faaslab.backends.local.runtimes.runtime_client import context, marshalling

    function = session.definition.function
    full_ms = function.configuration.timeout_s * 1000

    class LambdaContext(context.LambdaContext):
        def get_remaining_time_in_millis(self) -> int:
            """All of the function's timeout, always."""
            return full_ms

    asked = flight.invocation
    arn = f"{function.arn}:{asked.qualifier}" if asked.qualifier else function.arn
    client, identity = asked.client_context, asked.cognito_identity
    return LambdaContext(
        flight.request_id,
        deadline_ms=0,
        arn=arn,
        client_context=marshalling.header(client, "Client Context") if client else None,
        identity=marshalling.header(identity, "Cognito Identity") if identity else None,
        tenant_id=asked.tenant_id,
    )
