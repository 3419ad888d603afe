"""The lines that Lambda's platform writes into a log: made exactly as it makes them, read in every form.

Pure: text in, text or a `PlatformLine` out. A figure that a line does not tell, or tells only in part
(a line that was cut off in the middle of a number), is `None`; nothing is ever derived from another figure.

What real logs show, and what is therefore read: tabs, blanks or newlines between the parts; a blank before
the tab (2017); a comment mark before a wrapped part; billing in steps of 100 ms; a second line of X-Ray;
`Status` and `Error Type` at the end; SnapStart's restore; ids that were redacted; the same as JSON
`platform.*` events of the Telemetry API, of JSON logging, and of the older Logs API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class LineKind(StrEnum):
    """What a platform line tells; the values are the names of the JSON events where there is one."""

    INIT_START = "initStart"
    INIT_RUNTIME_DONE = "initRuntimeDone"
    INIT_REPORT = "initReport"
    START = "start"
    RUNTIME_DONE = "runtimeDone"
    END = "end"
    REPORT = "report"
    RESTORE_START = "restoreStart"
    RESTORE_RUNTIME_DONE = "restoreRuntimeDone"
    RESTORE_REPORT = "restoreReport"
    EXTENSION = "extension"
    SUBSCRIPTION = "telemetrySubscription"
    LOGS_DROPPED = "logsDropped"
    FAULT = "fault"
    """The process ended by itself or was killed: `RequestId: ... Error: Runtime exited with error: ...`."""
    TIMED_OUT = "timedOut"
    """`<instant> <id> Task timed out after 3.00 seconds`; text only."""
    XRAY = "xray"
    """The second line of a REPORT, where it stands by itself."""
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class PlatformLine:
    """One line of the platform. `duration_ms` is of the phase that the line is about."""

    kind: LineKind
    request_id: str | None = None
    version: str | None = None
    duration_ms: float | None = None
    billed_ms: int | None = None
    memory_mb: int | None = None
    max_memory_mb: int | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    billed_restore_ms: int | None = None
    phase: str | None = None
    status: str | None = None
    """`timeout`, `error`, `failure`; JSON also says `success`, text then says nothing."""
    error_type: str | None = None
    message: str | None = None
    """What a fault or a time-out says, in Lambda's words."""
    trace_id: str | None = None
    segment_id: str | None = None
    sampled: bool | None = None
    runtime_version: str | None = None
    runtime_version_arn: str | None = None
    function_name: str | None = None
    function_arn: str | None = None
    init_type: str | None = None
    at: datetime | None = None
    """The instant, naive UTC, where the line itself tells one."""


# --- writing ------------------------------------------------------------------------------------------


def init_start_line(runtime_version: str, runtime_version_arn: str) -> str:
    """The line before an init, such as `INIT_START Runtime Version: python:3.13.v12 ...`."""
    return f"INIT_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_version_arn}"


def start_line(request_id: str, version: str) -> str:
    """The line before an invocation; `version` is a number or `$LATEST`."""
    return f"START RequestId: {request_id} Version: {version}"


def end_line(request_id: str) -> str:
    """The line after an invocation."""
    return f"END RequestId: {request_id}"


def init_report_line(
    *, init_ms: float, phase: str = "init", status: str | None = None, error_type: str | None = None
) -> str:
    """The line after an init that failed, or that was done again inside an invocation (`phase="invoke"`)."""
    return f"INIT_REPORT Init Duration: {init_ms:.2f} ms\tPhase: {phase}" + _tail(status, error_type)


def restore_start_line(runtime_version: str, runtime_version_arn: str) -> str:
    """The line before the restore of a snapshot (SnapStart)."""
    return f"RESTORE_START Runtime Version: {runtime_version}\tRuntime Version ARN: {runtime_version_arn}"


def restore_report_line(
    *, restore_ms: float, status: str | None = None, error_type: str | None = None
) -> str:
    """The line after a restore."""
    return f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms" + _tail(status, error_type)


def report_line(
    *,
    request_id: str,
    duration_ms: float,
    billed_ms: int,
    memory_mb: int,
    max_memory_mb: int,
    init_ms: float | None = None,
    restore_ms: float | None = None,
    billed_restore_ms: int | None = None,
    status: str | None = None,
    error_type: str | None = None,
) -> str:
    """The REPORT of one invocation, with its tabs; `init_ms` only for a cold start."""
    text = (
        f"REPORT RequestId: {request_id}\tDuration: {duration_ms:.2f} ms\tBilled Duration: {billed_ms} ms"
        f"\tMemory Size: {memory_mb} MB\tMax Memory Used: {max_memory_mb} MB"
    )
    if init_ms is not None:
        text += f"\tInit Duration: {init_ms:.2f} ms"
    if restore_ms is not None:
        text += f"\tRestore Duration: {restore_ms:.2f} ms"
    if billed_restore_ms is not None:
        text += f"\tBilled Restore Duration: {billed_restore_ms} ms"
    # A successful report ends in a tab, one with a status does not: so it is on AWS.
    return text + (_tail(status, error_type) or "\t")


def xray_line(trace_id: str, segment_id: str) -> str:
    """The second line of a REPORT whose trace is sampled; `trace_id` is a trace header."""
    root = next((part[5:] for part in trace_id.split(";") if part.startswith("Root=")), "")
    return f"\nXRAY TraceId: {root}\tSegmentId: {segment_id}\tSampled: true\t"


def timed_out_line(at: datetime, request_id: str, timeout_s: float) -> str:
    """What the platform writes when the function's timeout has passed; `at` is naive UTC."""
    return (
        f"{at.isoformat(timespec='milliseconds')}Z {request_id} Task timed out after {timeout_s:.2f} seconds"
    )


def fault_line(request_id: str, message: str, error_type: str) -> str:
    """What the platform writes when the process ended: `Runtime exited with error: signal: killed`, say."""
    return f"RequestId: {request_id} Error: {message}\n{error_type}"


def _tail(status: str | None, error_type: str | None) -> str:
    return (f"\tStatus: {status}" if status else "") + (f"\tError Type: {error_type}" if error_type else "")


# --- reading text -------------------------------------------------------------------------------------

_WORDS = {
    "START": LineKind.START,
    "END": LineKind.END,
    "REPORT": LineKind.REPORT,
    "INIT_START": LineKind.INIT_START,
    "INIT_REPORT": LineKind.INIT_REPORT,
    "INIT_RUNTIME_DONE": LineKind.INIT_RUNTIME_DONE,
    "RESTORE_START": LineKind.RESTORE_START,
    "RESTORE_REPORT": LineKind.RESTORE_REPORT,
    "RESTORE_RUNTIME_DONE": LineKind.RESTORE_RUNTIME_DONE,
    "XRAY": LineKind.XRAY,
    "EXTENSION": LineKind.EXTENSION,
    "TELEMETRY": LineKind.SUBSCRIPTION,
    "LOGS": LineKind.SUBSCRIPTION,
}
# The label that must follow the word; without it the line is some program's own.
_REQUIRED = {
    "START": "RequestId",
    "END": "RequestId",
    "REPORT": "RequestId",
    "INIT_START": "Runtime Version",
    "INIT_REPORT": "Init Duration",
    "INIT_RUNTIME_DONE": "Status",
    "RESTORE_START": "Runtime Version",
    "RESTORE_REPORT": "Restore Duration",
    "RESTORE_RUNTIME_DONE": "Status",
    "XRAY": "TraceId",
    "EXTENSION": "Name",
    "TELEMETRY": "Name",
    "LOGS": "Name",
}
_LABELS = (
    "RequestId", "Version", "Runtime Version ARN", "Runtime Version", "Post Runtime Duration",
    "Runtime Duration", "Billed Restore Duration", "Restore Duration", "Billed Duration", "Init Duration",
    "Duration", "Memory Size", "Max Memory Used", "Phase", "Status", "Error Type", "TraceId", "SegmentId",
    "Sampled", "Name",
)  # fmt: skip
_LABEL = "|".join(_LABELS)
# A value is one word: whatever stands between parts (tabs, blanks, newlines, a comment mark) is skipped.
_PART = re.compile(rf"(?<![^\s#])({_LABEL}):[ \t]*(\S+)(?:[ \t]+(ms|MB)(?!\S))?")
_FIRST = re.compile(rf"\s*(?:#\s*)?({'|'.join(_WORDS)})\s+(?:#\s*)?({_LABEL}):")
_CONTINUATION = re.compile(rf"\s*(?:#\s*)?(?:XRAY\s+)?(?:{_LABEL}):")
_DECIMAL = re.compile(r"\d{1,15}(?:\.\d+)?")
_TIMED_OUT = re.compile(
    r"\s*(?:(?P<at>\d{4}-\d\d-\d\dT[\d:.]+Z)\s+)?(?P<id>\S+)\s+"
    r"(?P<message>Task timed out after [\d.]+ seconds)\s*"
)
_FAULT = re.compile(
    r"\s*RequestId:\s*(?P<id>\S+)\s+"
    r"(?:Error:\s*(?P<message>.*?)|(?P<old>Process exited before completing request))"
    r"\s*(?:\n\s*(?P<type>[A-Za-z][\w.]*)\s*)?"
)


def is_text_line(text: str) -> bool:
    """Whether `parse` would find a line in this text that is not JSON; cheaper than to read it."""
    match = _FIRST.match(text)
    if match is not None:
        return match[2] == _REQUIRED[match[1]]
    return _TIMED_OUT.fullmatch(text) is not None or _FAULT.fullmatch(text) is not None


def parse(text: str) -> PlatformLine | None:
    """The platform line that `text` is (one log event), or `None` when it is anybody else's."""
    first = text[:64].lstrip()[:1]
    if first == "{":
        return _parse_json(text)
    if first and first in "SERIXTL#" and (match := _FIRST.match(text)):
        word, label = match.groups()
        if label == _REQUIRED[word]:
            return _read_text(_WORDS[word], text)
    if "Task timed out after " in text and (match := _TIMED_OUT.fullmatch(text)):
        return PlatformLine(
            kind=LineKind.TIMED_OUT,
            request_id=match["id"],
            message=match["message"],
            at=instant(match["at"]),
        )
    if first == "R" and (match := _FAULT.fullmatch(text)):
        return PlatformLine(
            kind=LineKind.FAULT,
            request_id=match["id"],
            error_type=match["type"],
            message=match["message"] or match["old"],
        )
    return None


def continues(text: str) -> bool:
    """Whether a line of its own can only be a further part of the REPORT above it (a wrapped copy, X-Ray)."""
    return _CONTINUATION.match(text) is not None


def _read_text(kind: LineKind, text: str) -> PlatformLine:
    parts: dict[str, tuple[str, str | None]] = {}
    for match in _PART.finditer(text):
        parts.setdefault(match[1], (match[2], match[3]))
    word = {label: value for label, (value, _) in parts.items()}
    sampled = word.get("Sampled")
    if kind is LineKind.EXTENSION or kind is LineKind.SUBSCRIPTION:
        return PlatformLine(kind=kind, message=text.strip())
    return PlatformLine(
        kind=kind,
        request_id=word.get("RequestId"),
        version=word.get("Version"),
        duration_ms=_milliseconds(parts.get("Duration")),
        billed_ms=_whole(parts.get("Billed Duration"), "ms"),
        memory_mb=_whole(parts.get("Memory Size"), "MB"),
        max_memory_mb=_whole(parts.get("Max Memory Used"), "MB"),
        init_ms=_milliseconds(parts.get("Init Duration")),
        restore_ms=_milliseconds(parts.get("Restore Duration")),
        billed_restore_ms=_whole(parts.get("Billed Restore Duration"), "ms"),
        phase=word.get("Phase"),
        status=word.get("Status"),
        error_type=word.get("Error Type"),
        trace_id=word.get("TraceId"),
        segment_id=word.get("SegmentId"),
        sampled=None if sampled is None else sampled == "true",
        runtime_version=word.get("Runtime Version"),
        runtime_version_arn=word.get("Runtime Version ARN"),
    )


def _milliseconds(part: tuple[str, str | None] | None) -> float | None:
    # Without its unit a number may have been cut off anywhere.
    if part is None or part[1] != "ms" or not _DECIMAL.fullmatch(part[0]):
        return None
    return float(part[0])


def _whole(part: tuple[str, str | None] | None, unit: str) -> int | None:
    if part is None or part[1] != unit or not _DECIMAL.fullmatch(part[0]):
        return None
    number = _integer(float(part[0]))
    # A size that no column of the store could hold is no size.
    return None if number is not None and unit == "MB" and number >= 2**31 else number


# --- reading JSON -------------------------------------------------------------------------------------


def _parse_json(text: str) -> PlatformLine | None:
    if '"platform.' not in text:
        return None
    try:
        event = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parse_event(event)


def parse_event(event: Any) -> PlatformLine | None:
    """The platform line that a decoded `{"time", "type": "platform.*", "record"}` event is, or `None`."""
    if not isinstance(event, Mapping):
        return None
    name = event.get("type")
    if not isinstance(name, str) or not name.startswith("platform."):
        return None
    try:
        kind = LineKind(name.removeprefix("platform."))
    except ValueError:
        kind = LineKind.SUBSCRIPTION if name == "platform.logsSubscription" else LineKind.OTHER
    at = instant(event.get("time"))
    record = event.get("record")
    if isinstance(record, str):
        # The Logs API gave a fault as its text.
        fault = _FAULT.fullmatch(record)
        return PlatformLine(
            kind=kind,
            request_id=fault["id"] if fault else None,
            error_type=fault["type"] if fault else None,
            message=(fault["message"] or fault["old"]) if fault else record,
            at=at,
        )
    return _read_record(kind, record if isinstance(record, Mapping) else {}, at)


def _read_record(kind: LineKind, record: Mapping[str, Any], at: datetime | None) -> PlatformLine:
    metrics = record.get("metrics")
    if not isinstance(metrics, Mapping):
        metrics = {}
    tracing = record.get("tracing")
    trace = tracing.get("value") if isinstance(tracing, Mapping) else None
    pairs = dict(re.findall(r"(\w+)=([^;]+)", trace)) if isinstance(trace, str) else {}
    duration = _number(metrics.get("durationMs"))
    own = {LineKind.INIT_REPORT: "init_ms", LineKind.RESTORE_REPORT: "restore_ms"}.get(kind, "duration_ms")
    figures: dict[str, Any] = {
        "init_ms": _number(metrics.get("initDurationMs")),
        "restore_ms": _number(metrics.get("restoreDurationMs")),
        "duration_ms": None,
    }
    if duration is not None:
        figures[own] = duration
    return PlatformLine(
        kind=kind,
        **figures,
        request_id=_text(record.get("requestId")),
        version=_text(record.get("version")) or _text(record.get("functionVersion")),
        billed_ms=_integer(_number(metrics.get("billedDurationMs"))),
        memory_mb=_integer(_number(metrics.get("memorySizeMB"), below=2**31)),
        max_memory_mb=_integer(_number(metrics.get("maxMemoryUsedMB"), below=2**31)),
        billed_restore_ms=_integer(_number(metrics.get("billedRestoreDurationMs"))),
        phase=_text(record.get("phase")),
        status=_text(record.get("status")),
        error_type=_text(record.get("errorType")),
        trace_id=pairs.get("Root"),
        sampled=None if "Sampled" not in pairs else pairs["Sampled"] == "1",
        runtime_version=_text(record.get("runtimeVersion")),
        runtime_version_arn=_text(record.get("runtimeVersionArn")),
        function_name=_text(record.get("functionName")),
        function_arn=_text(record.get("functionArn")),
        init_type=_text(record.get("initializationType")),
        at=at,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any, *, below: float = 1e15) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 <= value < below else None


def _integer(value: float | None) -> int | None:
    return int(value) if value is not None and value.is_integer() and value < 2**53 else None


def instant(value: Any) -> datetime | None:
    """An ISO 8601 text or epoch milliseconds as naive UTC; `None` for anything else."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            at = datetime.fromtimestamp(value / 1000, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
