"""What was seen of one invocation in saved logs, and the execution that it makes. Pure."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from faaslab.backends import log_errors
from faaslab.backends.log_events import LogEvent
from faaslab.backends.report_line import LineKind, PlatformLine
from faaslab.model.execution import Execution, LogLine, LogStream, Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMELESS = "unknown"  # the function of an invocation whose log does not name it
UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


class Line(NamedTuple):
    """What is kept of an event until its invocation has ended."""

    path: Path
    number: int
    message: str
    at: datetime | None
    origin: LogStream
    level: str | None
    opens: bool
    """Whether it was written before the invocation ended, so that its time tells something of the start."""


@dataclass(slots=True)
class Environment:
    """What is known of one log stream, which is one execution environment (or of a file without streams)."""

    running: dict[str, None] = field(default_factory=dict)
    """Request ids between START and END."""
    waiting: list[LogEvent] = field(default_factory=list)
    """Lines before the START that they belong to."""
    last: str | None = None
    """The request id whose REPORT came last."""
    at: datetime | None = None
    runtime: str | None = None
    region: str | None = None
    init_type: str | None = None
    function: str | None = None

    def learn(self, line: PlatformLine) -> None:
        """Take what an init tells of the environment."""
        if line.kind in (LineKind.INIT_START, LineKind.RESTORE_START):
            self.runtime = _runtime(line.runtime_version) or self.runtime
            self.region = _region_of(line.runtime_version_arn) or self.region
            self.init_type = line.init_type or self.init_type
            self.function = line.function_name or self.function


@dataclass(slots=True)
class Invocation:
    """One invocation while its lines are being read."""

    request_id: str
    environment: Environment
    attempt: int
    saved: datetime
    """When the file was saved."""
    before: datetime | None
    """The time of the line last seen before in the same stream."""
    report: PlatformLine | None = None
    report_at: datetime | None = None
    closed: int = 0
    """The number of the event that was its REPORT."""
    started: bool = False
    start_at: datetime | None = None
    ended: bool = False
    end_at: datetime | None = None
    version: str | None = None
    arn: str | None = None
    group: str | None = None
    stream: str | None = None
    trace_id: str | None = None
    failure: log_errors.Failure | None = None
    init_failed: bool = False
    restore_ms: float | None = None
    lines: list[Line] = field(default_factory=list)
    size: int = 0

    def add(self, event: LogEvent) -> None:
        """Keep the line and take what it tells."""
        line = event.platform
        level = log_errors.level_of(event.message, event.record) if line is None else None
        opens = line is None or line.kind not in (LineKind.END, LineKind.REPORT, LineKind.XRAY)
        self.lines.append(Line(event.path, event.line, event.message, event.at, event.origin, level, opens))
        self.size += len(event.message)
        self.group = event.group or self.group
        self.stream = event.stream or self.stream
        if line is None:
            self.failure = log_errors.failure_of(event.message, event.record) or self.failure
        else:
            self._take(line, event.at)

    def _take(self, line: PlatformLine, at: datetime | None) -> None:
        self.trace_id = line.trace_id or self.trace_id
        match line.kind:
            case LineKind.START:
                self.started = True
                self.start_at = at or self.start_at
                self.version = line.version or self.version
                self.arn = line.function_arn or self.arn
            case LineKind.END:
                self.ended = True
                self.end_at = at or self.end_at
            case LineKind.REPORT:
                self.report = line
                self.report_at = at
            case LineKind.INIT_REPORT:
                # Not every init has this line, but one that failed or was done again has.
                self.init_failed |= line.phase == "invoke" or line.status in ("error", "timeout")
            case LineKind.RESTORE_REPORT:
                self.restore_ms = line.restore_ms
            case LineKind.FAULT | LineKind.TIMED_OUT:
                self.failure = log_errors.stronger(self.failure, log_errors.failure_of_platform(line))
            case _:
                pass

    def execution(
        self, function: str | None, region: str | None, same: dict[str, int]
    ) -> tuple[Execution, bool]:
        """The execution that its REPORT tells of, and whether its start is dated.

        `same` counts the ids that are not unique.
        """
        report = self.report
        assert report is not None
        started_at, dated = self._started(report)
        status, error = log_errors.outcome(self.request_id, report, self.failure)
        name = self._function() or function or NAMELESS
        restore_ms = report.restore_ms if report.restore_ms is not None else self.restore_ms
        environment = self.environment
        execution = Execution(
            id=self._id(report, name, started_at if dated else None, same),
            function=name,
            request_id=self.request_id,
            status=status,
            version=self.version or _version_in(self.stream),
            source=Source.IMPORTED,
            backend="aws",
            region=region or _region_of(self.arn) or environment.region,
            runtime=environment.runtime,
            memory_mb=report.memory_mb,
            invocation_type="",
            started_at=started_at,
            ended_at=(self.report_at or self.end_at) if dated else None,
            duration_ms=report.duration_ms,
            billed_ms=report.billed_ms,
            init_ms=report.init_ms,
            restore_ms=restore_ms,
            billed_restore_ms=report.billed_restore_ms,
            cold_start=self._cold_start(report, restore_ms),
            init_type="snap-start" if restore_ms is not None else environment.init_type,
            log_stream=self.stream,
            max_memory_mb=report.max_memory_mb,
            attempt=self.attempt,
            trace_id=self.trace_id,
            error=error,
            logs=tuple(self._logs(started_at)),
        )
        return execution, dated

    def _cold_start(self, report: PlatformLine, restore_ms: float | None) -> bool | None:
        if report.init_ms is not None or restore_ms is not None or self.init_failed:
            return True
        # Init Duration stands at the end: a line that was cut off before it tells nothing.
        return None if report.max_memory_mb is None else False

    def _started(self, report: PlatformLine) -> tuple[datetime, bool]:
        if self.start_at is not None:
            return self.start_at, True
        if self.report_at is not None and report.duration_ms is not None:
            return self.report_at - timedelta(milliseconds=report.duration_ms), True
        written = [line.at for line in self.lines if line.at is not None and line.opens]
        if written:
            return min(written), True
        told = self.report_at or self.end_at or _held_in_ids(self.trace_id, self.request_id)
        if told is not None:
            return told, True
        return self.before or self.saved, False

    def _function(self) -> str | None:
        parts = (self.arn or "").split(":")
        if len(parts) > 6 and parts[5] == "function":
            return parts[6]
        if self.environment.function:
            return self.environment.function
        # Functions at the edge log under us-east-1.NAME in every region.
        if named := re.fullmatch(r"/aws/lambda/(?:us-east-1\.)?(.+)", self.group or ""):
            return named[1]
        stream = re.fullmatch(r"\d{4}/\d\d/\d\d/([^\[]+)\[.*", self.stream or "")
        return stream[1] if stream else None

    def _id(self, report: PlatformLine, name: str, started_at: datetime | None, same: dict[str, int]) -> str:
        # Retries of a time-out have equal figures: the second of the REPORT, or else their number, tells
        # them apart. Not every form of a log has more than the second.
        ended = self.report_at or started_at
        parts = [
            self.request_id,
            str(ended.replace(microsecond=0) if ended else self.attempt),
            *map(str, (report.duration_ms, report.billed_ms, report.max_memory_mb, report.init_ms)),
        ]
        if not UUID.fullmatch(self.request_id):
            # An id that somebody blotted out is not unique: then the name and the order count as well.
            parts += [name, str(started_at)]
            text = "|".join(parts)
            same[text] = same.get(text, 0) + 1
            parts.append(str(same[text]))
        return hashlib.sha256("|".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]

    def _logs(self, started_at: datetime) -> Iterator[LogLine]:
        at = started_at
        for line in self.lines:
            at = line.at or at
            yield LogLine(at=at, message=line.message, stream=line.origin, level=line.level)


def _runtime(version: str | None) -> str | None:
    """`python:3.13.v12` is `python3.13`, as Lambda names its runtimes."""
    match = re.fullmatch(r"([a-z]+)[:.]([\w.]+?)(?:\.v\d+)?", version or "")
    if match is None:
        return None
    if match[1] == "provided":
        return f"provided.{match[2]}"
    return f"{match[1]}{match[2]}" + (".x" if match[1] == "nodejs" and match[2].isdecimal() else "")


def _region_of(arn: str | None) -> str | None:
    parts = (arn or "").split(":")
    return parts[3] or None if len(parts) > 4 and parts[0] == "arn" else None


def _held_in_ids(trace_id: str | None, request_id: str) -> datetime | None:
    seconds: float | None = None
    if match := re.fullmatch(r"1-([0-9a-f]{8})(?:-.*)?", trace_id or ""):
        seconds = int(match[1], 16)
    elif UUID.fullmatch(request_id) and (parsed := uuid.UUID(request_id)).version == 1:
        # Lambda's ids were of version 1 until 2018: 100 ns steps since the Gregorian calendar began.
        seconds = (parsed.time - 0x01B21DD213814000) / 1e7
    if seconds is None or not 1_380_000_000 < seconds < 4_000_000_000:
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _version_in(stream: str | None) -> str:
    named = re.search(r"\[([^\]]+)\]", stream or "")
    return named[1] if named else ""
