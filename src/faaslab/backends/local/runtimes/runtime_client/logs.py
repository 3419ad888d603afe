"""Where a function's log goes: framed records where the platform gave a descriptor, else stdout.

Rule: print and logging may not overtake each other, so stdout is never buffered and a frame is one write.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from typing import Any, TextIO

from .marshalling import to_json

_TEXT, _JSON = 0xA55A0003, 0xA55A0002
_INDENT = "\u00a0"
_INSTANT = "%Y-%m-%dT%H:%M:%S"
# What a record always has; everything else was given by the function as `extra`.
_USUAL = {*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "aws_request_id", "tenant_id", "taskName"}


class Current:
    """The invocation that is running; its ids stand in every record."""

    request_id: str = ""
    tenant_id: str | None = None


class Unbuffered:
    """A stream that keeps nothing back."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def __enter__(self) -> Unbuffered:  # noqa: PYI034 - Self came with 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.flush()

    def write(self, text: str) -> int:
        """Write, and flush."""
        written = self.stream.write(text)
        self.stream.flush()
        return written

    def writelines(self, lines: Any) -> None:
        """Write all, and flush."""
        self.stream.writelines(lines)
        self.stream.flush()


class StandardSink:
    """Text on stdout."""

    def log(self, message: str, kind: int = _TEXT) -> None:  # noqa: ARG002 - a sink's shape
        """Write it as it is."""
        sys.stdout.write(message)

    def error(self, lines: list[str], kind: int) -> None:  # noqa: ARG002 - as above
        """One event of several lines: a carriage return does not end an event."""
        sys.stdout.write("\r".join(lines) + "\n")


def frame(message: str, kind: int) -> bytes:
    """A record as bytes: 4 bytes kind, 4 length, 8 microseconds since 1970, big endian, the message."""
    body = message.encode("utf-8", "replace")
    micros = time.time_ns() // 1000
    return kind.to_bytes(4, "big") + len(body).to_bytes(4, "big") + micros.to_bytes(8, "big") + body


class FramedSink:
    """Records with their kind, length and instant, on a descriptor of the platform's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def log(self, message: str, kind: int = _TEXT) -> None:
        """Write one frame."""
        left = memoryview(frame(message, kind))
        while left:
            left = left[os.write(self._descriptor, left) :]

    def error(self, lines: list[str], kind: int) -> None:
        """One frame of several lines."""
        self.log("\n".join(lines), kind)


class _Handler(logging.Handler):
    def __init__(self, log_sink: Any, kind: int | None) -> None:
        super().__init__()
        self.log_sink = log_sink
        self._kind = kind
        self.addFilter(_add_ids)

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.log_sink.log(text, _TEXT if self._kind is None else _kind(self._kind, _level(record)))


def _add_ids(record: logging.LogRecord) -> bool:
    record.aws_request_id = Current.request_id
    record.tenant_id = Current.tenant_id
    return True


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.levelno = _level(record)
        record.levelname = logging.getLevelName(record.levelno)
        error = record.exc_info[1] if record.exc_info else None
        told: dict[str, Any] = {
            "timestamp": self.formatTime(record, _INSTANT + "Z"),
            "level": record.levelname,
            "message": record.msg
            if isinstance(record.msg, dict) and not record.args
            else record.getMessage(),
            "logger": record.name,
            "stackTrace": None if error is None else traceback.format_tb(error.__traceback__),
            "errorType": None if error is None else type(error).__name__,
            "errorMessage": None if error is None else str(error),
            "requestId": getattr(record, "aws_request_id", None),
            "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if error is not None else None,
            "tenantId": getattr(record, "tenant_id", None),
        }
        for name, value in vars(record).items():
            if name not in _USUAL and name not in told:
                told[name] = value
        text = json.dumps(
            {name: value for name, value in told.items() if value is not None},
            ensure_ascii=False,
            default=str,
        )
        return text + "\n"


def _level(record: logging.LogRecord) -> int:
    return min(max(record.levelno, 0), 50) // 10 * 10


def _kind(form: int, level: int) -> int:
    """The kind of a frame: from the third bit on stands the level, 2 for DEBUG to 6 for FATAL."""
    return form | (level // 10 + 1 if level else 0) << 2


class Logs:
    """What is written to a sink, in the form that the variables ask for."""

    def __init__(self, sink: Any) -> None:
        self.sink = sink
        self._json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
        self._level = "DEBUG" if level == "TRACE" else level

    def level(self) -> int | None:
        """The level that the root logger gets; None leaves it."""
        number = logging.getLevelName(self._level) if self._level else None
        return number if isinstance(number, int) else None

    def handler(self) -> logging.Handler:
        """The root logger's."""
        made = _Handler(self.sink, _JSON if self._json else _TEXT if self._level else None)
        text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        formatter = _Json() if self._json else logging.Formatter(text, _INSTANT)
        formatter.converter = time.gmtime
        made.setFormatter(formatter)
        return made

    def failed(self, told: dict[str, Any]) -> None:
        """An error payload, in the form of this log."""
        if self._json:
            now = time.strftime(_INSTANT + "Z", time.gmtime())
            self.sink.error(
                [to_json({"timestamp": now, "level": "ERROR", **told})], _kind(_JSON, logging.ERROR)
            )
        else:
            self.sink.error(_lines(told), _kind(_TEXT, logging.ERROR))


def of_process() -> Logs:
    """The log of a process that does nothing but serve a function."""
    sys.stdout, sys.stderr = Unbuffered(sys.stdout), Unbuffered(sys.stderr)
    descriptor = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", "")
    logs = Logs(FramedSink(int(descriptor)) if descriptor else StandardSink())
    root = logging.getLogger()
    level = logs.level()
    if level is not None:
        root.setLevel(level)
    root.addHandler(logs.handler())
    return logs


def _lines(told: dict[str, Any]) -> list[str]:
    head = ": ".join(part for part in (told["errorType"], told["errorMessage"]) if part)
    lines = [f"[ERROR] {head}" if head else "[ERROR]", "Traceback (most recent call last):"]
    for item in told["stackTrace"]:
        for line in item.splitlines() or [""]:
            bare = line.lstrip(" ")
            lines.append(_INDENT * (len(line) - len(bare)) + bare)
    return lines
