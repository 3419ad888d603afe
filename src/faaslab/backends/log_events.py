"""Saved logs of any form, as a stream of log events: opened, unzipped, decoded and taken apart.

Rule: memory stays bounded whatever a file holds, and every character of it is either in an event or in an
`Unreadable`. Forms: text with or without a time and a log stream before each line (`aws logs tail`, S3
exports, `sam logs`, copies out of the console); one JSON record a line; JSON documents of the CloudWatch
Logs API (`events`), of Logs Insights (`results`), of subscriptions (`logEvents`), of the Telemetry API;
CSV as the console saves it; each of them gzipped or not.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from faaslab.backends import log_shapes, report_line
from faaslab.backends.json_stream import JsonStream, Malformed
from faaslab.backends.log_source import LogBytes, named_by
from faaslab.backends.report_line import PlatformLine, instant
from faaslab.model.execution import LogStream

# CloudWatch's largest event is 1 MB and a subscription's payload 6 MB: a longer line is no log line.
LINE_LIMIT = 8 * 1024 * 1024
EVENT_LIMIT = 1024 * 1024
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# Logs Insights returns 10,000 rows, newest first unless asked otherwise; only such lists are turned round.
_TURNED_ROUND = 100_000


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event: its text, and what the platform meant by it where it is the platform's."""

    message: str
    path: Path
    line: int
    at: datetime | None = None
    group: str | None = None
    stream: str | None = None
    origin: LogStream = LogStream.FUNCTION
    platform: PlatformLine | None = None
    record: Mapping[str, Any] | None = None
    """The message as an object, where it is JSON."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Text that became part of no execution, and why not.

    `unplaced` text was understood, but its invocation is not in these files or not whole. Text longer than
    a line may be comes in parts; all but the first are `continued`.
    """

    path: Path
    line: int
    text: str
    reason: str
    continued: bool = False
    unplaced: bool = False


Found: TypeAlias = Iterator[LogEvent | Unreadable]


def events(path: Path) -> Found:
    """All that the file at `path` holds, in its order; what comes newest first, in the order of time."""
    with path.open("rb") as file:
        source = LogBytes(file)
        first = source.peek()
        group, stream = named_by(path)
        form = _Form(path, group, stream)
        if not first:
            pass
        elif first.count(0) * 100 > len(first) and first[:2] not in _UTF16:
            yield Unreadable(path, 1, "", "is a binary file, not a log")
            return
        else:
            encoding = "utf-16" if first[:2] in _UTF16 else "utf-8-sig"
            # Bytes that are no UTF-8 stay readable, as \xff.
            text = io.TextIOWrapper(
                io.BufferedReader(source, 1 << 18), encoding, errors="backslashreplace", newline="\n"
            )
            head = first.decode(encoding, errors="replace")
            yield from form.read(text, head)
        if source.damage:
            yield Unreadable(path, form.line, "", source.damage)


# --- forms --------------------------------------------------------------------------------------------

_STREAM = r"\d{4}/\d\d/\d\d/[^\s/\[]*\[[^\]\s]+\][0-9a-zA-Z]+"
_INSTANT = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|\s?\(?[+-]\d\d:?\d\d\)?)?"
_PREFIX = re.compile(
    rf"(?:(?P<group>/aws/lambda/\S+)\s+)?(?:(?P<stream>{_STREAM})\s+)?"
    rf"(?:(?P<at>{_INSTANT})[ \t]+)?(?:(?P<late>{_STREAM})[ \t]+)?"
)
# Some other mark before a line of the platform: a time of day, a quote, a bullet.
_MARK = re.compile(
    r"[^a-z{\[]{1,60}?(?=(?:(?:START|END|REPORT)\s+RequestId|INIT_REPORT\s+Init|RESTORE_REPORT\s+Restore"
    r"|(?:INIT|RESTORE)_START\s+Runtime\s+Version):)"
)
_ZONE = re.compile(r"(?:Z|[+-]\d\d:?\d\d\)?)$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_REPORTS = ("REPORT", "INIT_REPORT", "RESTORE_REPORT", "# REPORT", "#REPORT")
_ONE_LINERS = ("START ", "END ", "XRAY ", "INIT_START ", "RESTORE_START ", "EXTENSION ", "TELEMETRY ")
_TRACEBACK = "Traceback (most recent call last)"


class _Form:
    """One file being read: finds out its form and keeps what one line means for the next."""

    def __init__(self, path: Path, group: str | None, stream: str | None) -> None:
        self._path = path
        self._group = group
        self._stream = stream
        self._prefixed = False
        self._listed = False
        """Whether its lines are log events as JSON."""
        self._held: LogEvent | None = None
        self.line = 0

    def read(self, text: io.TextIOWrapper, head: str) -> Found:
        start = head.lstrip("\ufeff \t\r\n")
        if log_shapes.is_csv(start):
            yield from _in_order(self._from_csv(text))
        elif log_shapes.is_document(start):
            yield from _in_order(self._from_document(JsonStream(text)))
        else:
            yield from self._from_text(self._lines(text))

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str | Unreadable]:
        while line := text.readline(LINE_LIMIT):
            self.line += 1
            if len(line) == LINE_LIMIT and not line.endswith("\n"):
                reason = f"the line is longer than {LINE_LIMIT:,} characters"
                yield Unreadable(self._path, self.line, line, reason)
                while more := text.readline(LINE_LIMIT):
                    yield Unreadable(self._path, self.line, more, reason, continued=True)
                    if more.endswith("\n"):
                        break
                continue
            yield line

    # text

    def _from_text(self, lines: Iterator[str | Unreadable]) -> Found:
        for line in lines:
            if isinstance(line, Unreadable):
                yield from self._release()
                yield line
                continue
            bare = line.rstrip("\r\n")
            if "\x1b" in bare:
                bare = _COLOUR.sub("", bare)
            if not bare or bare.isspace():
                continue
            if bare[0] == "{" and (value := log_shapes.decoded(bare)) is not None:
                yield from self._release()
                yield from self._from_value(value, self.line, bare)
            elif bare[0] == "{" and (self._listed or '"type":"platform.' in bare.replace(" ", "")):
                yield from self._release()
                yield Unreadable(self._path, self.line, bare, "is damaged JSON")
            else:
                yield from self._from_line(bare)
        yield from self._release()

    def _from_line(self, line: str) -> Found:
        message, at, group, stream = self._split(line)
        prefixed = message is not line or stream is not None
        if not prefixed and self._held is not None and self._continues(self._held.message, line):
            self._held = dataclasses.replace(self._held, message=f"{self._held.message}\n{line}")
            return
        yield from self._release()
        self._held = LogEvent(
            message, self._path, self.line, at, group or self._group, stream or self._stream
        )

    def _split(self, line: str) -> tuple[str, datetime | None, str | None, str | None]:
        """Message, instant, log group and stream; the message is `line` itself where nothing stood before."""
        if line[0].isdigit() or line[0] == "/":
            match = _PREFIX.match(line)
            assert match is not None
            at_text, rest = match["at"], line[match.end() :]
            stream = match["stream"] or match["late"]
            at = instant(re.sub(r"\s?\(([^)]*)\)", r"\1", at_text).replace(",", ".")) if at_text else None
            if rest and match.end():
                # A line about a time-out begins with a time of its own.
                whole = report_line.is_text_line(line)
                if stream or match["group"] or (not whole and _platform(rest)):
                    self._prefixed = True
                    return rest, at, match["group"], stream
                if self._prefixed and not whole:
                    return rest, at, None, None
            # A time that the program wrote itself is trusted only with its zone.
            return line, at if at_text and _ZONE.search(at_text) else None, None, None
        if (mark := _MARK.match(line)) is not None:
            return line[mark.end() :], None, None, None
        return line, None, None, None

    def _continues(self, held: str, line: str) -> bool:
        if len(held) + len(line) > EVENT_LIMIT:
            return False
        if held.startswith(_REPORTS):
            return report_line.continues(line)
        if held.startswith(_ONE_LINERS) or _platform(line):
            return False
        if held.startswith("RequestId: "):
            return re.fullmatch(r"\s*[A-Za-z]+\.[A-Za-z]+\s*", line) is not None
        if self._prefixed:
            return True
        if line[0] in " \t\u00a0\r" or line.startswith(_TRACEBACK):
            return True
        return _TRACEBACK in held and held.rpartition("\n")[2][:1] in (" ", "\t", "\u00a0") and line[0] != "["

    def _release(self) -> Found:
        held, self._held = self._held, None
        if held is not None:
            yield self._event(held.message, held.line, held.at, group=held.group, stream=held.stream)

    # JSON

    def _from_document(self, stream: JsonStream) -> Found:
        while (first := stream.peek()) is not None:
            self.line = stream.line
            if first == "[":
                yield from self._elements(stream)
            elif first == "{":
                yield from self._members(stream)
            else:
                yield from self._from_text(iter([stream.take_line()]))

    def _elements(self, stream: JsonStream) -> Found:
        for value in stream.elements():
            self.line = stream.line
            if isinstance(value, Malformed):
                yield from self._malformed(value)
            else:
                yield from self._from_value(value, stream.line)

    def _members(self, stream: JsonStream) -> Found:
        """An object; the lists of events in it are taken element by element."""
        others: dict[str, Any] = {}
        lists = 0
        line = stream.line
        for key in stream.members():
            if isinstance(key, Malformed):
                yield from self._malformed(key)
            elif key in log_shapes.CONTAINERS and stream.peek() == "[":
                lists += 1
                self._group = log_shapes.string(others.get("logGroup")) or self._group
                self._stream = log_shapes.string(others.get("logStream")) or self._stream
                yield from self._elements(stream)
            else:
                value = stream.value()
                if isinstance(value, Malformed):
                    yield from self._malformed(value)
                else:
                    others[key] = value
        if not lists and others:
            yield from self._from_value(others, line)

    def _malformed(self, found: Malformed) -> Found:
        for number, part in enumerate(found.parts):
            yield Unreadable(self._path, found.line, part, found.reason, continued=number > 0)

    def _from_value(self, value: Any, line: int, text: str | None = None) -> Found:
        """One decoded value: a list of events, an event, a record; `text` is what it was decoded from."""
        if isinstance(value, list):
            value = log_shapes.fields(value)
        if not isinstance(value, Mapping):
            yield self._unreadable(value, line, text, "is no log event")
            return
        lists = [value[key] for key in log_shapes.CONTAINERS if isinstance(value.get(key), list)]
        if lists:
            self._group = log_shapes.string(value.get("logGroup")) or self._group
            self._stream = log_shapes.string(value.get("logStream")) or self._stream
            for item in lists[0]:
                yield from self._from_value(item, line)
            return
        if isinstance(packed := value.get("awslogs"), Mapping):
            inner = log_shapes.unpacked(packed.get("data"))
            if inner is None:
                yield self._unreadable(value, line, text, "its awslogs data cannot be unpacked")
            else:
                yield from self._from_value(inner, line)
            return
        if "@message" in value or "@timestamp" in value or "@requestId" in value:
            yield self._insight(value, line, text)
        elif log_shapes.is_cloudwatch_event(value):
            self._listed = True
            message = value["message"]
            yield self._event(
                message,
                line,
                instant(value["timestamp"]),
                group=log_shapes.string(value.get("logGroupName")),
                stream=log_shapes.string(value.get("logStreamName")),
            )
        elif value.get("type") in ("function", "extension") and "record" in value:
            record = value["record"]
            origin = LogStream.EXTENSION if value["type"] == "extension" else LogStream.FUNCTION
            message = record if isinstance(record, str) else log_shapes.encoded(record)
            yield self._event(message, line, instant(value.get("time")), origin=origin)
        else:
            message = text if text is not None else log_shapes.encoded(value)
            yield self._event(message, line, record=value)

    def _insight(self, row: Mapping[str, Any], line: int, text: str | None) -> LogEvent | Unreadable:
        message = row.get("@message")
        if isinstance(message, (dict, list)):
            message = log_shapes.encoded(message)
        if not isinstance(message, str):
            message = log_shapes.report_of(row)
        if message is None:
            hint = "has no @message: add it to the fields of the query"
            return self._unreadable(row, line, text, hint)
        log = log_shapes.string(row.get("@log"))
        return self._event(
            message,
            line,
            instant(row.get("@timestamp")),
            group=(log.partition(":")[2] or log) if log else None,
            stream=log_shapes.string(row.get("@logStream")),
        )

    # CSV

    def _from_csv(self, text: io.TextIOWrapper) -> Found:
        csv.field_size_limit(max(csv.field_size_limit(), LINE_LIMIT))
        raw: list[str] = []

        def lines() -> Iterator[str]:
            for line in self._lines(text):
                if isinstance(line, str):
                    raw.append(line)
                    yield line

        rows = csv.reader(lines())
        header = [name.strip().lstrip("\ufeff") for name in next(rows, [])]
        start = self.line
        while True:
            raw.clear()
            try:
                row = next(rows, None)
            except csv.Error as error:
                yield Unreadable(self._path, start + 1, "".join(raw), f"is no CSV row: {error}")
                start = self.line
                continue
            if row is None:
                return
            if row:
                value: dict[str, Any] = dict(zip(header, row, strict=False))
                if "timestamp" in value and value["timestamp"].isdecimal():
                    value["timestamp"] = int(value["timestamp"])
                if len(row) != len(header):
                    reason = f"has {len(row)} columns, the header has {len(header)}"
                    yield Unreadable(self._path, start + 1, "".join(raw), reason)
                else:
                    yield from self._from_value(value, start + 1, "".join(raw))
            start = self.line

    # one event

    def _event(self, message: str, line: int, at: datetime | None = None, **known: Any) -> LogEvent:
        """An event out of its text; `known` are fields that its form told."""
        message = log_shapes.storable(message.rstrip("\r\n"))
        record = known.pop("record", None)
        if record is None and message[:1] == "{":
            record = log_shapes.decoded(message)
        platform = report_line.parse_event(record) if record is not None else report_line.parse(message)
        if platform is not None and platform.at is not None and (at is None or record is not None):
            at = platform.at
        if at is None and record is not None:
            at = instant(record.get("timestamp")) or instant(record.get("time"))
        return LogEvent(
            message,
            self._path,
            line,
            at,
            known.get("group") or self._group,
            known.get("stream") or self._stream,
            LogStream.PLATFORM if platform is not None else known.get("origin", LogStream.FUNCTION),
            platform,
            record,
        )

    def _unreadable(self, value: Any, line: int, text: str | None, reason: str) -> Unreadable:
        return Unreadable(self._path, line, text if text is not None else log_shapes.encoded(value), reason)


def _in_order(found: Found) -> Found:
    """The same, turned round while it comes newest first."""
    waiting: list[LogEvent | Unreadable] = []
    first: datetime | None = None
    descending: bool | None = None
    for item in found:
        if descending is False:
            yield item
            continue
        waiting.append(item)
        at = item.at if isinstance(item, LogEvent) else None
        if descending is None and at is not None:
            if first is None:
                first = at
            elif at != first:
                descending = at < first
        if descending is False or len(waiting) >= _TURNED_ROUND:
            yield from reversed(waiting) if descending else waiting
            waiting.clear()
    yield from reversed(waiting) if descending else waiting


def _platform(text: str) -> bool:
    return report_line.parse(text) is not None if text[:1] == "{" else report_line.is_text_line(text)
