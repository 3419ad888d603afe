"""One invocation on its way: its ids, its event, and its log lines so far.

Rule: cheap, because most of it stands between a caller and the function.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.backends import system_records
from faaslab.errors import InvalidValue
from faaslab.model.execution import LogLine, LogStream
from faaslab.model.quotas import CLIENT_CONTEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.backends.local.api.extension_life import Extensions
    from faaslab.backends.local.api.logs import Entry, LogPipe
    from faaslab.backends.system_records import Event, Voice
    from faaslab.model.invocation import Invocation

_log_line = LogLine.__new__
_PLATFORM = LogStream.PLATFORM
_FUNCTION = LogStream.FUNCTION
_HEADERS = ("request_id", "trace_id", "client_context", "cognito_identity", "tenant_id", "qualifier")
_LONGEST_HEADER = 4096
_TENANT = re.compile(r"[a-zA-Z0-9\._:\/=+\-@ ]{1,256}")


class Heard(Protocol):
    """An environment, as far as its log is concerned."""

    @property
    def logs(self) -> LogPipe:
        """What the function writes arrives here."""

    @property
    def voice(self) -> Voice:
        """How the platform says things."""


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
        "done_told",
        "id",
        "init_ms",
        "invocation",
        "lines",
        "payload",
        "request_id",
        "restore_ms",
        "sampled",
        "started_at",
        "suppressed",
        "trace_id",
        "wall_us",
    )

    def __init__(
        self,
        payload: bytes,
        invocation: Invocation,
        started_at: datetime,
        random: str,
        *,
        traced: bool = False,
    ) -> None:
        """`traced`: the function's tracing is Active, so Lambda decides on sampling."""
        wall_us = time.time_ns() // 1000
        self.payload = payload
        self.invocation = invocation
        self.started_at = started_at
        self.wall_us = wall_us
        self.id = random[:32]
        self.request_id = invocation.request_id or uuid_of(random[32:64])
        given = invocation.trace_id
        # As Lambda does for whoever gives none: an X-Ray trace that is not sampled, unless tracing is active.
        self.trace_id = given or (
            f"Root=1-{wall_us // 1_000_000:08x}-{random[64:88]};Parent={random[88:]};Sampled={traced:d}"
        )
        self.sampled = traced
        if given:
            if traced and "Sampled=" not in given:
                self.trace_id = f"{given};Sampled=1"
            self.sampled = "Sampled=1" in self.trace_id
        self.lines: list[LogLine] = []
        self.init_ms: float | None = None
        self.restore_ms: float | None = None
        self.cold = False
        self.suppressed = False
        self.began = 0.0
        self.deadline = 0.0
        self.done_told = False
        """It was told already that the runtime is done: its extensions wait for that."""

    def begin(self, timeout_s: float) -> None:
        """The invoke phase begins: the function's timeout counts from here."""
        self.began = time.perf_counter()
        self.deadline = self.began + timeout_s

    def told(self, arn: str) -> dict[str, Any]:
        """What extensions are told of it."""
        qualifier = self.invocation.qualifier
        return {
            "deadlineMs": int((time.time() + self.deadline - time.perf_counter()) * 1000),
            "requestId": self.request_id,
            "invokedFunctionArn": f"{arn}:{qualifier}" if qualifier else arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": self.trace_id},
        }

    def event(self, arn: str) -> bytes:
        """What the runtime client is given for its `GET next`, whole."""
        invocation = self.invocation
        more = (
            _more(invocation)
            if invocation.client_context or invocation.tenant_id or invocation.cognito_identity
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

    @property
    def segment_id(self) -> str:
        """Lambda's own segment of its trace."""
        return self.id[:16]

    @property
    def traced(self) -> dict[str, Any]:
        """What a system record tells of its trace."""
        return system_records.tracing(self.trace_id, self.segment_id) if self.sampled else {}

    def announce(self, voice: Voice, event: Event, at: datetime | None = None) -> None:
        """An event of the platform, in whatever form the environment's log has."""
        at = at or self.now()
        text = voice.line(event, at)
        if text is not None:
            self.lines.append(line(at, text, _PLATFORM))

    def say(self, text: str, at: datetime | None = None) -> None:
        """A line of the platform, now."""
        self.lines.append(line(at or self.now(), text, _PLATFORM))

    def now(self) -> datetime:
        """The instant, on the clock that gave `started_at`."""
        return self.started_at + timedelta(microseconds=time.time_ns() // 1000 - self.wall_us)

    def lasted_s(self) -> float:
        """Seconds since somebody asked for it."""
        return (time.time_ns() // 1000 - self.wall_us) / 1e6

    def hear(self, environment: Heard, *, last: bool = False) -> None:
        """Take what the function has written so far."""
        logs = environment.logs
        logs.drain()
        entries, dropped = logs.take(last=last)
        if entries or dropped:
            self._heard(environment, entries, dropped)

    def hear_meanwhile(self, environment: Heard) -> None:
        """The same while it runs and others may want to read it, of what has been drained."""
        entries = environment.logs.so_far()
        if entries:
            self._heard(environment, entries, 0)

    def _heard(self, environment: Heard, entries: Sequence[Entry], dropped: int) -> None:
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
        listener = environment.voice.listener
        for at, level, text in reversed(heard):
            floor = max(at, floor)
            lines.append(line(floor, text, _FUNCTION, level))
            if listener is not None:
                listener.publish_log("function", floor, text)
        if dropped:
            said = f"faaslab: {dropped} bytes of log were dropped (limit reached)"
            event = system_records.logs_dropped(reason=said, records=0, size=dropped, text=said)
            told = environment.voice.line(event, now)
            lines.append(line(max(now, floor), told or said, _PLATFORM, "WARN"))

    def hear_extensions(self, extensions: Extensions) -> None:
        """Take what its extensions have written so far."""
        for micros, level, text in extensions.take_logs():
            at = self.started_at + timedelta(microseconds=(micros or 0) - self.wall_us)
            self.lines.append(line(at, text, LogStream.EXTENSION, level))
            if extensions.telemetry is not None:
                extensions.telemetry.publish_log("extension", at, text)


def line(at: datetime, message: str, stream: LogStream, level: str | None = None) -> LogLine:
    """A LogLine, past its generated `__init__` (frozen: one object.__setattr__ a field, twice the price)."""
    made = _log_line(LogLine)
    made.__dict__.update(at=at, message=message, stream=stream, level=level)
    return made


def _more(invocation: Invocation) -> str:
    told = (
        ("Client-Context", invocation.client_context),
        ("Cognito-Identity", invocation.cognito_identity),
        ("Aws-Tenant-Id", invocation.tenant_id),
    )
    return "".join(f"\r\nLambda-Runtime-{name}: {value}" for name, value in told if value)


def check(invocation: Invocation) -> None:
    """Raise InvalidValue for what Lambda would refuse, or what would end its header line."""
    given = {name: value for name in _HEADERS if (value := getattr(invocation, name))}
    if not given:
        return
    for name, value in given.items():
        if not isinstance(value, str):
            raise InvalidValue(f"a {type(value).__name__} is no text", place=name, hint="pass a string")
        if not value.isprintable():
            raise InvalidValue("control characters are not allowed", place=name)
        if len(value) > _LONGEST_HEADER:
            raise InvalidValue(f"{len(value)} characters are too many", place=name)
    context = invocation.client_context
    # The limit is of the base64 text that a caller sends (Invoke).
    if context and -(-len(context.encode()) // 3) * 4 > CLIENT_CONTEXT_BYTES:
        raise InvalidValue(
            f"the client context is larger than {CLIENT_CONTEXT_BYTES} bytes in base64",
            place="client_context",
            hint="put it into the payload",
        )
    if context and not _is_object(context):
        # AWS's own words.
        raise InvalidValue(
            "Client context must be a valid Base64-encoded JSON object.",
            place="client_context",
            hint="in Python it is given as JSON text, without Base64",
        )
    if invocation.cognito_identity and not _is_object(invocation.cognito_identity):
        raise InvalidValue("this is no JSON object", place="cognito_identity")
    if invocation.tenant_id and not _TENANT.fullmatch(invocation.tenant_id):
        raise InvalidValue(
            f"{invocation.tenant_id!r} is no tenant id",
            place="tenant_id",
            hint="1 to 256 letters, digits, blanks and _.:/=+-@",
        )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
