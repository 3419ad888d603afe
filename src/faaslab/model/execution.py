"""An execution: one invocation of a function, with all that was measured of it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from faaslab.model.function import LATEST
from faaslab.model.quotas import LOG_TAIL_BYTES

CANCELLED = "Invocation.Cancelled"
"""The error type of what somebody ended. Lambda knows none for it: there nobody can."""


class ExecutionStatus(StrEnum):
    """How an invocation stands or ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMEOUT = "timeout"
    THROTTLED = "throttled"


class Source(StrEnum):
    """Where a record comes from, so that nobody mixes them unknowingly."""

    LOCAL = "local"
    AWS = "aws"
    IMPORTED = "imported"
    SIMULATED = "simulated"


class LogStream(StrEnum):
    """Who wrote a log line."""

    PLATFORM = "platform"
    FUNCTION = "function"
    EXTENSION = "extension"


@dataclass(frozen=True, kw_only=True)
class ExecutionError:
    """What an invocation failed with, in Lambda's words."""

    type: str
    message: str
    stack_trace: tuple[str, ...] = ()
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One log event. `message` has no newline at its end; a traceback keeps those inside."""

    at: datetime
    message: str
    stream: LogStream = LogStream.FUNCTION
    level: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExecutionMetrics:
    """The figures of Lambda's REPORT line that concern the environment."""

    cold_start: bool | None
    init_ms: float | None
    memory_mb: int | None
    max_memory_mb: int | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Execution:
    """One invocation.

    `id` is faaslab's own and unique in a store; `request_id` is Lambda's, and the same for the retries of
    an asynchronous invocation. `payload_body` and `result_body` are the bytes as they went over the wire
    (of a failure: the error payload), `None` where they were not captured; `payload` and `result` are the
    values that they stand for. A figure that the
    source does not tell is `None`, never a guess. `duration_ms` excludes the init; `billed_ms` is
    ceil(duration + init when cold) for local runs and as printed for imported ones.
    """

    id: str
    function: str
    request_id: str
    status: ExecutionStatus
    version: str = LATEST
    """What Lambda says that ran (`ExecutedVersion`): `$LATEST`, or the number of a published version."""
    definition: int | None = None
    """The number of the definition that ran; None for what ran elsewhere."""
    qualifier: str | None = None
    source: Source = Source.LOCAL
    backend: str = "local"
    region: str | None = None
    runtime: str | None = None
    architecture: str | None = None
    memory_mb: int | None = None
    timeout_s: float | None = None
    invocation_type: str = "RequestResponse"
    trigger: str | None = None
    queued_at: datetime | None = None
    """Since when this attempt had waited in the queue of asynchronous events: since the event was accepted,
    or since it was put back as the attempt before had failed or was throttled."""
    started_at: datetime
    ended_at: datetime | None = None
    duration_ms: float | None = None
    billed_ms: int | None = None
    init_ms: float | None = None
    restore_ms: float | None = None
    billed_restore_ms: int | None = None
    cold_start: bool | None = None
    init_type: str | None = None
    """`on-demand`, `provisioned-concurrency`, `snap-start`."""
    start_method: str | None = None
    """How the local environment was started: `spawn`, or `fork` of a template that had imported modules (its
    init is as short as that makes it); with `suppressed` when it was re-inited.
    `in-process` and `attached` ran under a debugger: they have no figures, and statistics leave them out."""
    environment_id: str | None = None
    log_stream: str | None = None
    max_memory_mb: int | None = None
    attempt: int = 1
    replay_of: str | None = None
    batch_id: str | None = None
    trace_id: str | None = None
    code_sha256: str | None = None
    payload_body: bytes | None = None
    result_body: bytes | None = None
    payload_bytes: int | None = None
    result_bytes: int | None = None
    error: ExecutionError | None = None
    logs: tuple[LogLine, ...] = ()

    def __repr__(self) -> str:
        # A line, as a person at a prompt wants it; `dataclasses.asdict` and `to_json` tell everything.
        took = "" if self.duration_ms is None else f" {self.duration_ms:.2f} ms"
        cold = " cold" if self.cold_start else ""
        why = "" if self.error is None else f" {self.error.type}: {self.error.message}"
        said = why if len(why) <= 100 else f"{why[:99]}…"
        return f"<Execution {self.id} of {self.function}: {self.status}{took}{cold}{said}>"

    @property
    def ok(self) -> bool:
        """Whether the function returned."""
        return self.status is ExecutionStatus.COMPLETED

    @property
    def queue_ms(self) -> float | None:
        """How long this attempt waited in the queue; None for what did not, or where that is not recorded."""
        return None if self.queued_at is None else (self.started_at - self.queued_at).total_seconds() * 1_000

    @property
    def log_tail(self) -> str:
        """The last 4 KB of its log in base64, as `LogType=Tail` gives it (X-Amz-Log-Result)."""
        text = "".join(f"{line.message}\n" for line in self.logs).encode("utf-8", "replace")
        return base64.b64encode(text[-LOG_TAIL_BYTES:]).decode()

    @property
    def payload(self) -> Any:
        """What the function was given, as a Python value; bytes where it was not JSON."""
        return _value(self.payload_body)

    @property
    def result(self) -> Any:
        """What the function returned, as a Python value; of a failure the error payload (as on Lambda)."""
        return _value(self.result_body)

    @property
    def answer(self) -> bytes:
        """The bytes that the caller in this process is owed, the values of secrets included.

        They are in this very object only: what is recorded or shown has `result_body`, with them hidden.
        """
        whole: bytes = self.__dict__.get("_answer") or self.result_body or b""
        return whole

    @property
    def hidden(self) -> tuple[str, ...]:
        """The values of secrets that stand in `answer`, and are hidden in all the rest; as that, no field."""
        found: tuple[str, ...] = self.__dict__.get("_hidden", ())
        return found

    @property
    def metrics(self) -> ExecutionMetrics:
        """Cold start, init duration, memory size and the true maximum used."""
        return ExecutionMetrics(
            cold_start=self.cold_start,
            init_ms=self.init_ms,
            memory_mb=self.memory_mb,
            max_memory_mb=self.max_memory_mb,
        )


def _value(body: bytes | None) -> Any:
    if body is None:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body
