"""From what was measured to one `Execution`, with the platform's log lines around the function's own.

Rule: cheap, because it stands between a function's answer and whoever waits for it.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.backends import report_line, system_records
from faaslab.backends.local.flight import line
from faaslab.backends.local.host.processes import exit_text
from faaslab.model.execution import CANCELLED, Execution, ExecutionError, ExecutionStatus, Source
from faaslab.model.masking import mask_of

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.backends.local.api.dialogue import Reply
    from faaslab.backends.local.concurrency import ThrottleReason
    from faaslab.backends.local.environment import Environment
    from faaslab.backends.local.flight import Flight
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.local.started import Started
    from faaslab.model.function import Function
    from faaslab.model.masking import Mask

_execution = Execution.__new__
_REPORTED = re.compile(r"(?:Runtime|Function)\.[A-Z][a-zA-Z]+")
_TOO_LARGE = (
    '{"errorMessage":"Response payload size exceeded maximum allowed payload size (%d bytes).",'
    '"errorType":"Function.ResponseSizeTooLarge"}'
)


IN_PROCESS, ATTACHED = "in-process", "attached"
"""The start methods of what ran under a debugger: in this very process, and in an environment of its own."""


def common(environment: Environment) -> dict[str, Any]:
    """The fields that all executions of an environment share."""
    function = environment.definition.function
    return {
        **_of_function(function),
        "runtime": environment.definition.program.runtime,
        "restore_ms": None,
        "billed_restore_ms": None,
        "init_type": environment.init_type,
        "environment_id": environment.id,
        "log_stream": environment.log_stream,
    }


def _of_function(function: Function) -> dict[str, Any]:
    configuration = function.configuration
    return {
        "function": function.name,
        "version": function.version,
        "definition": function.definition,
        "source": Source.LOCAL,
        "backend": "local",
        "region": function.region,
        "architecture": function.architecture.value,
        "memory_mb": configuration.memory_mb,
        "timeout_s": float(configuration.timeout_s),
        "code_sha256": function.code_sha256 or None,
    }


def finished(
    environment: Environment, flight: Flight, reply: Reply, ended: float, peak_mb: int | None
) -> Execution:
    """The Execution of an invocation whose function answered or was ended; `ended` on `time.perf_counter`."""
    configuration = environment.definition.function.configuration
    status, tail, error_type = ExecutionStatus.COMPLETED, None, None
    body, error = reply.body, None
    duration_ms = round((ended - flight.began) * 1000, 3)
    memory_mb = configuration.memory_mb
    extensions = environment.extensions
    if extensions.room is not None or extensions.left:
        flight.hear_extensions(extensions)
    flight.hear(environment, last=True)
    kind = reply.kind
    if kind == "error":
        status, error = ExecutionStatus.FAILED, parsed_error(body, reply.error_type)
    elif kind == "too_large":
        status, body = ExecutionStatus.FAILED, (_TOO_LARGE % reply.limit).encode()
        error = parsed_error(body, None)
        _say_fault(environment, flight, error.message, error.type)
    elif kind != "response":
        status, tail, error_type = ExecutionStatus.FAILED, "error", reply.error_type
        if kind == "timeout":
            status, tail, error_type = ExecutionStatus.TIMEOUT, "timeout", None
            duration_ms = configuration.timeout_s * 1000.0
            body = fault(
                flight, "Sandbox.Timedout", f"Task timed out after {configuration.timeout_s:.2f} seconds"
            )
            if not environment.voice.json:
                now = flight.now()
                flight.say(report_line.timed_out_line(now, flight.request_id, configuration.timeout_s), now)
        elif kind == "fault":
            error_type, text = reply.error_type or "Runtime.Unknown", body.decode()
            body = fault(flight, error_type, text)
            _say_fault(environment, flight, text, error_type)
        elif kind == "cancelled":
            error_type = CANCELLED
            text = f"cancelled {body.decode() or f'after {duration_ms / 1000:.1f} s'}"
            body = fault(flight, error_type, text)
            _say_fault(environment, flight, text, error_type)
        elif kind != "init":
            error_type = "Runtime.OutOfMemory" if kind == "memory" else "Runtime.ExitError"
            text = exit_text(reply.returncode if kind == "exit" else -9)
            body = fault(flight, error_type, text)
            _say_fault(environment, flight, text, error_type)
        if error_type == "Runtime.OutOfMemory":
            peak_mb = memory_mb
        error = parsed_error(body, error_type)
    init_ms = flight.init_ms
    billed_ms = max(math.ceil(duration_ms if init_ms is None else duration_ms + init_ms), 1)
    billed_restore_ms = None
    if flight.restore_ms is not None:
        billed_restore_ms = math.ceil(flight.restore_ms)
        billed_ms = math.ceil(duration_ms + billed_restore_ms)
    ended_at = flight.now()
    figures: dict[str, Any] = {
        "duration_ms": duration_ms,
        "billed_ms": billed_ms,
        "memory_mb": memory_mb,
        "max_memory_mb": peak_mb or 0,
        "init_ms": init_ms,
        "restore_ms": flight.restore_ms,
        "billed_restore_ms": billed_restore_ms,
    }
    said = report_line.report_line(
        request_id=flight.request_id, status=tail, error_type=error_type, **figures
    )
    if flight.sampled:
        said += report_line.xray_line(flight.trace_id, flight.segment_id)
    if environment.voice.plain:
        flight.say(report_line.end_line(flight.request_id), ended_at)
        flight.say(said, ended_at)
    else:
        ending = _Ending(tail or "success", error_type, figures, said, len(body), ended_at)
        if error is not None and tail is None:
            told = reply.error_type if kind == "error" else error.type
            ending = ending._replace(status="error", error_type=reported_type(told))
        _report(environment, flight, ending)
    mask = mask_for(environment, flight)
    whole = body
    if mask:
        body = mask.body(body)
        if error is not None:
            error = parsed_error(body, error.type)
        texts = mask.lines([x.message for x in flight.lines])
        flight.lines = [
            line(x.at, text, x.stream, x.level) for x, text in zip(flight.lines, texts, strict=True)
        ]
    # Past the generated __init__: 36 times object.__setattr__ would be a tenth of a warm invocation.
    made = _execution(Execution)
    fields = made.__dict__
    fields.update(environment.prefix)
    fields.update(_asked(flight, body))
    fields.update(
        status=status,
        ended_at=ended_at,
        duration_ms=duration_ms,
        billed_ms=billed_ms,
        init_ms=init_ms,
        cold_start=flight.cold,
        start_method=f"{environment.method} suppressed" if flight.suppressed else environment.method,
        max_memory_mb=peak_mb,
        error=error,
        logs=tuple(flight.lines),
    )
    if billed_restore_ms is not None:
        fields.update(restore_ms=flight.restore_ms, billed_restore_ms=billed_restore_ms)
    if reply.length is not None:
        fields["result_bytes"] = reply.length
    if whole is not body and whole != body:
        # No fields: nothing that is kept or shown has them.
        fields["_answer"], fields["_hidden"] = whole, mask.found_in(whole.decode("utf-8", "replace"))
    return made


def mask_for(environment: Environment, flight: Flight) -> Mask:
    """What is to be hidden of an invocation: its function's secrets, and those that came with its event."""
    hide = flight.invocation.hide
    return mask_of((*environment.mask.values, *hide)) if hide else environment.mask


def _say_fault(environment: Environment, flight: Flight, text: str, error_type: str) -> None:
    # A JSON log has it in the record of the report.
    if not environment.voice.json:
        flight.say(report_line.fault_line(flight.request_id, text, error_type))


class _Ending(NamedTuple):
    """How an invocation ended, as the platform sees it."""

    status: str
    error_type: str | None
    figures: dict[str, Any]
    text: str
    produced_bytes: int
    at: datetime


def _report(environment: Environment, flight: Flight, ending: _Ending) -> None:
    """The end of an invocation, where more is wanted of it than two lines of text."""
    voice = environment.voice
    if not flight.done_told:
        done = system_records.runtime_done(
            request_id=flight.request_id,
            status=ending.status,
            error_type=ending.error_type,
            duration_ms=ending.figures["duration_ms"],
            produced_bytes=ending.produced_bytes,
            traced=flight.traced,
        )
        flight.announce(voice, done, ending.at)
    if not voice.json:
        flight.say(report_line.end_line(flight.request_id), ending.at)
    report = system_records.report(
        request_id=flight.request_id,
        status=ending.status,
        error_type=ending.error_type,
        figures=ending.figures,
        traced=flight.traced,
        text=ending.text,
    )
    flight.announce(voice, report, ending.at)


def reported_type(told: str | None) -> str:
    """The error type that a system record shows for what a runtime told (RIE, `fatalerror.go`)."""
    if told and _REPORTED.match(told):
        return told
    return "Function.Unknown" if told and told.startswith("Function.") else "Runtime.Unknown"


def failed_init(flight: Flight, started: Started) -> tuple[str, bytes]:
    """Error type and payload of an invocation whose init failed: the runtime's own, else how it ended."""
    if started.body:
        return started.error_type or "Runtime.Unknown", started.body
    kind = started.error_type or "Runtime.ExitError"
    return kind, fault(flight, kind, started.text or exit_text(started.returncode or 0))


def throttled(function: Function, runtime: str, flight: Flight, reason: ThrottleReason) -> Execution:
    """The Execution of an invocation that was turned away; nothing ran, so nothing was measured."""
    body = _compact({"Reason": reason, "Type": "User", "message": "Rate Exceeded."})
    return Execution(
        **_of_function(function),
        **_asked(flight, body),
        status=ExecutionStatus.THROTTLED,
        runtime=runtime,
        ended_at=flight.started_at,
        error=ExecutionError(
            type="TooManyRequestsException", message="Rate Exceeded.", request_id=flight.request_id
        ),
    )


def unmeasured(
    definition: Definition,
    flight: Flight,
    *,
    status: ExecutionStatus,
    body: bytes,
    error_type: str | None,
    mask: Mask,
) -> Execution:
    """The Execution of an invocation in this process: what came of it, and no figures.

    A person stood at its breakpoints, so a duration would be a lie, and what is not measured is not billed
    and no cold start.
    """
    error = None if status is ExecutionStatus.COMPLETED else parsed_error(mask.body(body), error_type)
    ended_at = flight.now()
    flight.say(report_line.end_line(flight.request_id), ended_at)
    return Execution(
        **_of_function(definition.function),
        **_asked(flight, mask.body(body)),
        status=status,
        runtime=definition.program.runtime,
        ended_at=ended_at,
        start_method=IN_PROCESS,
        error=error,
        logs=tuple(
            line(x.at, text, x.stream, x.level)
            for x, text in zip(flight.lines, mask.lines([x.message for x in flight.lines]), strict=True)
        ),
    )


def without_figures(execution: Execution, *, timeout_s: float, method: str) -> Execution:
    """What ran in an environment while a person looked: as it is, but for the figures."""
    return dataclasses.replace(
        execution,
        timeout_s=float(timeout_s),
        start_method=method,
        duration_ms=None,
        billed_ms=None,
        init_ms=None,
        cold_start=None,
        max_memory_mb=None,
        logs=tuple(each for each in execution.logs if not each.message.startswith("REPORT RequestId")),
    )


def _asked(flight: Flight, body: bytes) -> dict[str, Any]:
    """The fields that an invocation has whatever became of it: what was asked, and the bytes both ways."""
    invocation = flight.invocation
    payload = flight.payload
    if invocation.hide:
        payload = mask_of(invocation.hide).body(payload)
    return {
        "id": flight.id,
        "request_id": flight.request_id,
        "qualifier": invocation.qualifier,
        "invocation_type": invocation.invocation_type,
        "trigger": invocation.trigger,
        "queued_at": invocation.queued_at,
        "started_at": flight.started_at,
        "attempt": invocation.attempt,
        "replay_of": invocation.replay_of,
        "batch_id": invocation.batch_id,
        "trace_id": flight.trace_id,
        "payload_body": payload,
        "result_body": body,
        "payload_bytes": len(flight.payload),
        "result_bytes": len(body),
    }


def fault(flight: Flight, kind: str, text: str) -> bytes:
    """The error payload of what the supervisor notices, and not the runtime."""
    return _compact({"errorType": kind, "errorMessage": f"RequestId: {flight.request_id} Error: {text}"})


def _compact(value: dict[str, str]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def parsed_error(body: bytes, error_type: str | None) -> ExecutionError:
    """The error that an error payload tells."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return ExecutionError(type=error_type or "Runtime.Unknown", message=body.decode("utf-8", "replace"))
    trace = told.get("stackTrace", told.get("trace"))  # Node.js has its own word for it
    return ExecutionError(
        type=str(told.get("errorType") or error_type or "Runtime.Unknown"),
        message=str(told.get("errorMessage") or ""),
        stack_trace=tuple(str(item) for item in trace) if isinstance(trace, list) else (),
        request_id=told.get("requestId") if isinstance(told.get("requestId"), str) else None,
    )
