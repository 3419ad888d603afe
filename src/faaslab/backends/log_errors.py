"""What a line of a function's log tells of its failure, its level and its request id. Pure.

Only what a runtime itself writes about an exception that nobody caught counts as a failure: a program may
log the word ERROR and go on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.backends.report_line import LineKind
from faaslab.model.execution import ExecutionError, ExecutionStatus

if TYPE_CHECKING:
    from faaslab.backends.report_line import PlatformLine

_ID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_LEVELS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL"
_PYTHON_LINE = re.compile(rf"\[({_LEVELS})\]\t[^\t]*\t({_ID})\t")
_NODE_LINE = re.compile(rf"\S+Z\t({_ID}|undefined)\t({_LEVELS})\t")
_LEVEL = re.compile(rf"\[({_LEVELS})\]")
_PYTHON_ERROR = re.compile(
    r"\[ERROR\] (?P<type>[A-Za-z_][\w.]*)(?:: (?P<message>.*?))?[\r\n]+Traceback \(most recent call last\):"
    r"(?P<stack>.*)",
    re.DOTALL,
)
_RUNTIME_ERROR = re.compile(r"\[ERROR\] (?P<type>Runtime\.\w+)(?:: (?P<message>.*))?", re.DOTALL)
_NODE_ERROR = re.compile(
    r"\S+Z\t\S+\tERROR\t(?:Invoke Error|Uncaught Exception|Unhandled Promise Rejection|Init Error)\s+(\{.*)",
    re.DOTALL,
)
_ID_NAMES = (
    "requestId",
    "function_request_id",
    "aws_request_id",
    "awsRequestId",
    "AWSRequestId",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What was written of a failure; `timed_out` when it was the end of the function's time."""

    type: str
    message: str
    stack: tuple[str, ...] = ()
    timed_out: bool = False


def request_id_of(message: str, record: Mapping[str, Any] | None) -> str | None:
    """The request id at the place where runtimes and loggers put it, or None."""
    if record is not None:
        found = next((record[name] for name in _ID_NAMES if name in record), None)
        return found if isinstance(found, str) and re.fullmatch(_ID, found) else None
    if message[:1] == "[" and (match := _PYTHON_LINE.match(message)):
        return match[2]
    if message[:1].isdigit() and (match := _NODE_LINE.match(message)):
        return match[1] if match[1] != "undefined" else None
    return None


def level_of(message: str, record: Mapping[str, Any] | None) -> str | None:
    """The level in capitals, where the line has one."""
    if record is not None:
        level = record.get("level", record.get("log_level"))
        return level.upper() if isinstance(level, str) and level.upper() in _LEVELS.split("|") else None
    if message[:1] == "[" and (match := _LEVEL.match(message)):
        return match[1]
    if message[:1].isdigit() and (match := _NODE_LINE.match(message)):
        return match[2]
    return None


def failure_of(message: str, record: Mapping[str, Any] | None) -> Failure | None:
    """The exception that nobody caught, when the line is its runtime's account of it."""
    if record is not None:
        return _failure_of_record(record)
    if message.startswith("[ERROR] "):
        if match := _PYTHON_ERROR.match(message):
            return Failure(match["type"], (match["message"] or "").strip(), _stack(match["stack"]))
        if match := _RUNTIME_ERROR.fullmatch(message):
            return Failure(match["type"], (match["message"] or "").strip())
    elif "\tERROR\t" in message[:120] and (match := _NODE_ERROR.match(message)):
        try:
            told = json.loads(match[1])
        except (ValueError, RecursionError):
            return None
        return _failure_of_payload(told)
    return None


def _failure_of_record(record: Mapping[str, Any]) -> Failure | None:
    inner = record.get("message")
    if isinstance(inner, Mapping) and "errorType" in inner and ("stackTrace" in inner or "stack" in inner):
        return _failure_of_payload(inner)
    # With a message of its own it is what the program logged about an exception that it caught.
    if "errorType" in record and "message" not in record and "logger" not in record:
        return _failure_of_payload(record)
    return None


def _failure_of_payload(told: Any) -> Failure | None:
    if not isinstance(told, Mapping) or not isinstance(told.get("errorType"), str):
        return None
    message = told.get("errorMessage")
    stack = told.get("stackTrace", told.get("stack"))
    lines = stack if isinstance(stack, list) else [stack] if isinstance(stack, str) else []
    return Failure(
        told["errorType"],
        message if isinstance(message, str) else "",
        _stack("\n".join(line for line in lines if isinstance(line, str))),
    )


def failure_of_platform(line: PlatformLine) -> Failure:
    """A time-out or the end of the process, in the platform's words."""
    message = f"RequestId: {line.request_id} Error: {line.message}"
    if line.kind is LineKind.TIMED_OUT:
        return Failure("Sandbox.Timedout", message, timed_out=True)
    return Failure(line.error_type or "Runtime.ExitError", message)


def stronger(present: Failure | None, found: Failure) -> Failure:
    """Which of two accounts to keep: a time-out ends all, else the function's own says more."""
    return found if present is None or found.timed_out else present


def outcome(
    request_id: str, report: PlatformLine, failure: Failure | None
) -> tuple[ExecutionStatus, ExecutionError | None]:
    """How the invocation ended, out of its REPORT and what was written of a failure.

    An old REPORT has no status; billed less than it ran can only be a run that was cut off at its timeout.
    """
    status = report.status
    cut_off = (
        status is None
        and report.duration_ms is not None
        and report.billed_ms is not None
        and report.billed_ms < int(report.duration_ms)
    )
    if status == "timeout" or cut_off or (failure is not None and failure.timed_out):
        type_ = report.error_type or "Sandbox.Timedout"
        if failure is not None and failure.timed_out:
            message = failure.message
        else:
            message = "Status: timeout" if status else "Billed Duration is less than Duration"
        return ExecutionStatus.TIMEOUT, ExecutionError(type=type_, message=message, request_id=request_id)
    if status == "success" or (status is None and failure is None):
        return ExecutionStatus.COMPLETED, None
    if failure is None:
        type_ = report.error_type or "Unhandled"
        told = f"Status: {status}"
        return ExecutionStatus.FAILED, ExecutionError(type=type_, message=told, request_id=request_id)
    # The platform knows better only when the process was killed for its memory.
    type_ = "Runtime.OutOfMemory" if report.error_type == "Runtime.OutOfMemory" else failure.type
    return ExecutionStatus.FAILED, ExecutionError(
        type=type_, message=failure.message, stack_trace=failure.stack, request_id=request_id
    )


def _stack(text: str) -> tuple[str, ...]:
    # The runtime writes indentation as no-break spaces, so that no log viewer swallows it.
    lines = re.split(r"[\r\n]+", text.replace("\u00a0", " "))
    return tuple(line.rstrip() for line in lines if line.strip())
