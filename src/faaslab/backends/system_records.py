"""What the platform has to say of an environment: events with a level, a record, and a line of text. Pure.

The same event is a line of a text log, a JSON system record of a JSON log, and an event of the Telemetry API.
Source: Developer Guide, "Telemetry API Event schema reference" (records) and "Configuring system-level log
filtering" (levels).
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from faaslab.backends import report_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

DEBUG, INFO, WARN = 10, 20, 30
LEVELS = {"DEBUG": DEBUG, "INFO": INFO, "WARN": WARN}


class Event(NamedTuple):
    """One thing that the platform says."""

    type: str
    """Such as `platform.start`."""
    level: int
    record: dict[str, Any]
    text: str | None = None
    """The line of a text log; None where a text log says nothing."""


class Listener(Protocol):
    """Who hears what is said."""

    def publish(self, event: Event, at: datetime) -> None:
        """An event of the platform."""

    def publish_log(self, stream: str, at: datetime, text: str) -> None:
        """A line of the function or of an extension."""


class Voice:
    """How the platform speaks in the log of one environment."""

    def __init__(self, *, json_log: bool, level: str | None) -> None:
        self.json = json_log
        self._level = LEVELS[level or "INFO"]
        self.listener: Listener | None = None
        """Takes events and log lines for the subscribers of the Telemetry API."""
        self.recent: deque[tuple[Event, datetime]] = deque(maxlen=8)
        """What was said of the init, for whoever subscribes during it."""
        self.plain = not json_log
        """Whether a line of text is all that anybody wants of an event."""

    def listen(self, listener: Listener | None) -> None:
        """From now on somebody listens as well (None: no more)."""
        self.listener = listener
        self.plain = listener is None and not self.json

    def line(self, event: Event, at: datetime) -> str | None:
        """The log line of an event; None where the log does not have it."""
        if self.listener is not None:
            self.listener.publish(event, at)
        else:
            self.recent.append((event, at))
        if not self.json:
            return event.text
        return encoded(event, at) if event.level >= self._level else None


def encoded(event: Event, at: datetime) -> str:
    """A JSON system record, on one line."""
    return json.dumps(as_record(event, at), separators=(",", ":"))


def as_record(event: Event, at: datetime) -> dict[str, Any]:
    """`{time, type, record}`; `at` is naive UTC."""
    return {"time": instant(at), "type": event.type, "record": event.record}


def instant(at: datetime) -> str:
    """An instant as the platform writes it."""
    return f"{at.isoformat(timespec='milliseconds')}Z"


def _ended(status: str, error_type: str | None) -> dict[str, Any]:
    return {"status": status} | ({"errorType": error_type} if error_type else {})


def _when(status: str, well: int) -> int:
    return well if status == "success" else WARN


def tracing(trace_id: str, segment_id: str) -> dict[str, Any]:
    """What start and report tell of a trace that is sampled."""
    return {"tracing": {"spanId": segment_id, "type": "X-Amzn-Trace-Id", "value": trace_id}}


# --- init ---------------------------------------------------------------------------------------------


def init_start(
    *, text: str, runtime_version: str, runtime_version_arn: str, environment: dict[str, Any], phase: str
) -> Event:
    """An init begins. `environment`: initializationType, functionName and the like."""
    record = {
        "initializationType": environment["initializationType"],
        "phase": phase,
        "runtimeVersion": runtime_version,
        "runtimeVersionArn": runtime_version_arn,
        **{key: value for key, value in environment.items() if key != "initializationType"},
    }
    return Event("platform.initStart", INFO, record, text)


def init_runtime_done(*, init_type: str, phase: str, status: str, error_type: str | None) -> Event:
    """The runtime's part of an init is over: `success`, `error` or `timeout`."""
    record = {"initializationType": init_type, "phase": phase, **_ended(status, error_type)}
    return Event("platform.initRuntimeDone", _when(status, DEBUG), record)


def init_report(
    *, init_type: str, phase: str, init_ms: float, status: str, error_type: str | None, text: str | None
) -> Event:
    """An init is over."""
    record = {
        "initializationType": init_type,
        "phase": phase,
        "metrics": {"durationMs": round(init_ms, 3)},
        **_ended(status, error_type),
    }
    level = DEBUG if init_type == "on-demand" else INFO
    return Event("platform.initReport", _when(status, level), record, text)


def restore_start(
    *, text: str, runtime_version: str, runtime_version_arn: str, environment: dict[str, Any]
) -> Event:
    """A snapshot is restored."""
    named = {key: value for key, value in environment.items() if key != "initializationType"}
    record = {"runtimeVersion": runtime_version, "runtimeVersionArn": runtime_version_arn, **named}
    return Event("platform.restoreStart", INFO, record, text)


def restore_runtime_done(*, status: str, error_type: str | None) -> Event:
    """The runtime has run its after-restore hooks."""
    return Event("platform.restoreRuntimeDone", _when(status, DEBUG), _ended(status, error_type))


def restore_report(*, restore_ms: float, status: str, error_type: str | None, text: str | None) -> Event:
    """A restore is over."""
    record = {"metrics": {"durationMs": round(restore_ms, 3)}, **_ended(status, error_type)}
    return Event("platform.restoreReport", _when(status, INFO), record, text)


# --- invoke -------------------------------------------------------------------------------------------


def start(*, request_id: str, arn: str, version: str, traced: dict[str, Any]) -> Event:
    """An invocation begins; `traced` is empty or that of `tracing`."""
    record = {"requestId": request_id, "functionArn": arn, "version": version, **traced}
    return Event("platform.start", INFO, record, report_line.start_line(request_id, version))


def runtime_done(
    *,
    request_id: str,
    status: str,
    error_type: str | None,
    duration_ms: float,
    produced_bytes: int,
    traced: dict[str, Any],
) -> Event:
    """The runtime has done its part: `success`, `failure`, `error` or `timeout`."""
    record = {
        "requestId": request_id,
        **_ended(status, error_type),
        "metrics": {"durationMs": duration_ms, "producedBytes": produced_bytes},
        **traced,
    }
    return Event("platform.runtimeDone", _when(status, DEBUG), record)


def report(
    *,
    request_id: str,
    status: str,
    error_type: str | None,
    figures: dict[str, Any],
    traced: dict[str, Any],
    text: str | None,
) -> Event:
    """The end of an invocation. `figures` are those of `report_line.report_line`."""
    names = {
        "duration_ms": "durationMs",
        "billed_ms": "billedDurationMs",
        "memory_mb": "memorySizeMB",
        "max_memory_mb": "maxMemoryUsedMB",
        "init_ms": "initDurationMs",
        "restore_ms": "restoreDurationMs",
        "billed_restore_ms": "billedRestoreDurationMs",
    }
    metrics = {names[key]: value for key, value in figures.items() if value is not None}
    record = {"requestId": request_id, "metrics": metrics, **_ended(status, error_type), **traced}
    return Event("platform.report", _when(status, INFO), record, text)


# --- extensions ---------------------------------------------------------------------------------------


def extension(*, name: str, state: str, events: Sequence[str], error_type: str | None = None) -> Event:
    """Where an extension stands at the end of an init: `Ready`, `Registered`, `LaunchError` and so on."""
    text = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    if error_type:
        text += f"\tError Type: {error_type}"
    record = {"name": name, "state": state, "events": list(events)}
    if error_type:
        record["errorType"] = error_type
    return Event("platform.extension", WARN if error_type else INFO, record, text)


def subscription(*, name: str, types: Sequence[str], api: str) -> Event:
    """An extension has subscribed to the Telemetry API (`telemetry`) or the older Logs API (`logs`)."""
    shown = ", ".join(each.capitalize() for each in types)
    return Event(
        "platform.telemetrySubscription" if api == "telemetry" else "platform.logsSubscription",
        INFO,
        {"name": name, "state": "Subscribed", "types": list(types)},
        f"{api.upper()}\tName: {name}\tState: Subscribed\tTypes: [{shown}]",
    )


def logs_dropped(*, reason: str, records: int, size: int, text: str | None = None) -> Event:
    """Log lines that nobody will see."""
    record = {"reason": reason, "droppedRecords": records, "droppedBytes": size}
    return Event("platform.logsDropped", WARN, record, text)
