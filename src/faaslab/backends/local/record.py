"""From what was measured to one `Execution`, with the platform's log lines around the function's own.

Rule: cheap, because it stands between a function's answer and whoever waits for it.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.backends import report_line
from faaslab.backends.local.processes import exit_text
from faaslab.errors import InvalidValue
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, LogLine, LogStream, Source

if TYPE_CHECKING:
    from faaslab.backends.local.concurrency import ThrottleReason
    from faaslab.backends.local.dialogue import Reply
    from faaslab.backends.local.environment import Environment, Started
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation

_execution = Execution.__new__
_log_line = LogLine.__new__
_PLATFORM = LogStream.PLATFORM
_FUNCTION = LogStream.FUNCTION
_TOO_LARGE = (
    '{"errorMessage":"Response payload size exceeded maximum allowed payload size (%d bytes).",'
    '"errorType":"Function.ResponseSizeTooLarge"}'
)


class Ids:
    """Random ids, drawn while a function runs and not while its caller waits for it to begin."""

    def __init__(self) -> None:
        # A deque's append and pop are atomic, so threads share it without a lock.
        self._drawn: deque[str] = deque()

    def take(self) -> str:
        """104 random hex digits."""
        try:
            return self._drawn.pop()
        except IndexError:
            return os.urandom(52).hex()

    def draw(self) -> None:
        """Have one ready for the next."""
        if not self._drawn:
            self._drawn.append(os.urandom(52).hex())


def uuid_of(text: str) -> str:
    """32 random hex digits as a UUID of version 4; a third of the price of `uuid.uuid4`."""
    return (
        f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:32]}"
    )


class Flight:
    """One invocation on its way: what was asked, when, and the platform's lines so far."""

    __slots__ = (
        "began",
        "cold",
        "deadline",
        "id",
        "init_ms",
        "invocation",
        "lines",
        "payload",
        "request_id",
        "started_at",
        "suppressed",
        "trace_id",
        "wall_us",
    )

    def __init__(self, payload: bytes, invocation: Invocation, started_at: datetime, random: str) -> None:
        wall_us = time.time_ns() // 1000
        self.payload = payload
        self.invocation = invocation
        self.started_at = started_at
        self.wall_us = wall_us
        self.id = random[:32]
        self.request_id = invocation.request_id or uuid_of(random[32:64])
        # As Lambda does for whoever gives none: an X-Ray trace that is not sampled.
        self.trace_id = invocation.trace_id or (
            f"Root=1-{wall_us // 1_000_000:08x}-{random[64:88]};Parent={random[88:]};Sampled=0"
        )
        self.lines: list[LogLine] = []
        self.init_ms: float | None = None
        self.cold = False
        self.suppressed = False
        self.began = 0.0
        self.deadline = 0.0

    def begin(self, timeout_s: float) -> None:
        """The invoke phase begins: the function's timeout counts from here."""
        self.began = time.perf_counter()
        self.deadline = self.began + timeout_s

    def event(self, arn: str) -> bytes:
        """What the runtime client is given for its `GET next`, whole."""
        invocation = self.invocation
        more = (
            f"\r\nLambda-Runtime-Client-Context: {invocation.client_context}"
            if invocation.client_context
            else ""
        )
        if invocation.qualifier:
            arn = f"{arn}:{invocation.qualifier}"
        deadline_ms = int((time.time() + self.deadline - time.perf_counter()) * 1000)
        return (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            f"Lambda-Runtime-Aws-Request-Id: {self.request_id}\r\n"
            f"Lambda-Runtime-Deadline-Ms: {deadline_ms}\r\n"
            f"Lambda-Runtime-Invoked-Function-Arn: {arn}\r\n"
            f"Lambda-Runtime-Trace-Id: {self.trace_id}{more}\r\n"
            f"Content-Length: {len(self.payload)}\r\n\r\n"
        ).encode() + self.payload

    def say(self, text: str, at: datetime | None = None) -> None:
        """A line of the platform, now."""
        self.lines.append(line(at or self.now(), text, _PLATFORM))

    def now(self) -> datetime:
        """The instant, on the clock that gave `started_at`."""
        return self.started_at + timedelta(microseconds=time.time_ns() // 1000 - self.wall_us)

    def hear(self, environment: Environment, *, last: bool = False) -> None:
        """Take what the function has written so far."""
        logs = environment.logs
        logs.drain()
        entries, dropped = logs.take(last=last)
        if not entries and not dropped:
            return
        now = self.now()
        lines = self.lines
        # Text has no time of its own: it was written before the record that follows it, and after what
        # stands before it, so whoever sorts by time finds the order in which the function wrote.
        at = now
        heard = []
        for micros, level, text in reversed(entries):
            if micros is not None:
                at = min(at, self.started_at + timedelta(microseconds=micros - self.wall_us))
            heard.append((at, level, text))
        floor = lines[-1].at if lines else self.started_at
        for at, level, text in reversed(heard):
            floor = max(at, floor)
            lines.append(line(floor, text, _FUNCTION, level))
        if dropped:
            lines.append(
                line(
                    max(now, floor),
                    f"faaslab: {dropped} bytes of log were dropped (limit reached)",
                    _PLATFORM,
                    "WARN",
                )
            )


def line(at: datetime, message: str, stream: LogStream, level: str | None = None) -> LogLine:
    """A LogLine, past its generated `__init__` (frozen: one object.__setattr__ a field, twice the price)."""
    made = _log_line(LogLine)
    made.__dict__.update(at=at, message=message, stream=stream, level=level)
    return made


def check(invocation: Invocation) -> None:
    """Raise InvalidValue for a value that would end its header line."""
    for name in ("request_id", "trace_id", "client_context", "qualifier"):
        value = getattr(invocation, name)
        if value and not value.isprintable():
            raise InvalidValue("control characters are not allowed", place=name)


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
    flight.hear(environment, last=True)
    kind = reply.kind
    if kind == "error":
        status, error = ExecutionStatus.FAILED, parsed_error(body, reply.error_type)
    elif kind == "too_large":
        status, body = ExecutionStatus.FAILED, (_TOO_LARGE % reply.limit).encode()
        error = parsed_error(body, None)
        flight.say(report_line.fault_line(flight.request_id, error.message, error.type))
    elif kind != "response":
        status, tail, error_type = ExecutionStatus.FAILED, "error", reply.error_type
        if kind == "timeout":
            status, tail, error_type = ExecutionStatus.TIMEOUT, "timeout", None
            duration_ms = configuration.timeout_s * 1000.0
            body = _fault(
                flight, "Sandbox.Timedout", f"Task timed out after {configuration.timeout_s:.2f} seconds"
            )
            now = flight.now()
            flight.say(report_line.timed_out_line(now, flight.request_id, configuration.timeout_s), now)
        elif kind == "fault":
            text = body.decode()
            body = _fault(flight, reply.error_type or "Runtime.Unknown", text)
            flight.say(report_line.fault_line(flight.request_id, text, reply.error_type or "Runtime.Unknown"))
        elif kind != "init":
            error_type = "Runtime.OutOfMemory" if kind == "memory" else "Runtime.ExitError"
            text = exit_text(reply.returncode if kind == "exit" else -9)
            body = _fault(flight, error_type, text)
            flight.say(report_line.fault_line(flight.request_id, text, error_type))
        if error_type == "Runtime.OutOfMemory":
            peak_mb = memory_mb
        error = parsed_error(body, error_type)
    init_ms = flight.init_ms
    billed_ms = max(math.ceil(duration_ms if init_ms is None else duration_ms + init_ms), 1)
    ended_at = flight.now()
    flight.say(report_line.end_line(flight.request_id), ended_at)
    flight.say(
        report_line.report_line(
            request_id=flight.request_id,
            duration_ms=duration_ms,
            billed_ms=billed_ms,
            memory_mb=memory_mb,
            max_memory_mb=peak_mb or 0,
            init_ms=init_ms,
            status=tail,
            error_type=error_type,
        ),
        ended_at,
    )
    mask = environment.mask
    if mask:
        body = mask.body(body)
        if error is not None:
            error = parsed_error(body, error.type)
        flight.lines = [line(x.at, mask.text(x.message), x.stream, x.level) for x in flight.lines]
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
    if reply.length is not None:
        fields["result_bytes"] = reply.length
    return made


def failed_init(flight: Flight, started: Started) -> tuple[str, bytes]:
    """Error type and payload of an invocation whose init failed: the runtime's own, else how it ended."""
    if started.body:
        return started.error_type or "Runtime.Unknown", started.body
    kind = started.error_type or "Runtime.ExitError"
    return kind, _fault(flight, kind, started.text or exit_text(started.returncode or 0))


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


def _asked(flight: Flight, body: bytes) -> dict[str, Any]:
    """The fields that an invocation has whatever became of it: what was asked, and the bytes both ways."""
    invocation = flight.invocation
    return {
        "id": flight.id,
        "request_id": flight.request_id,
        "qualifier": invocation.qualifier,
        "invocation_type": invocation.invocation_type,
        "trigger": invocation.trigger,
        "started_at": flight.started_at,
        "attempt": invocation.attempt,
        "replay_of": invocation.replay_of,
        "batch_id": invocation.batch_id,
        "trace_id": flight.trace_id,
        "payload_body": flight.payload,
        "result_body": body,
        "payload_bytes": len(flight.payload),
        "result_bytes": len(body),
    }


def _fault(flight: Flight, kind: str, text: str) -> bytes:
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
    trace = told.get("stackTrace")
    return ExecutionError(
        type=str(told.get("errorType") or error_type or "Runtime.Unknown"),
        message=str(told.get("errorMessage") or ""),
        stack_trace=tuple(str(item) for item in trace) if isinstance(trace, list) else (),
        request_id=told.get("requestId") if isinstance(told.get("requestId"), str) else None,
    )
