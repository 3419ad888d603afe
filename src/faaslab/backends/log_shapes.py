"""The shapes in which services and tools hand out log events, told apart and taken apart. Pure."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from faaslab.backends import report_line

CONTAINERS = ("events", "results", "logEvents")
"""The members that hold a list of events: of the Logs API, of Logs Insights, of a subscription."""


def is_csv(head: str) -> bool:
    """Whether a file that begins with `head` is a table out of the console."""
    first = head.partition("\n")[0].strip().replace('"', "")
    names = [name.strip() for name in first.split(",")]
    return (
        "@message" in names
        or "@requestId" in names
        or (len(names) > 1 and {"timestamp", "message"} <= set(names))
    )


def is_document(head: str) -> bool:
    """Whether JSON values span lines, or one holds a list of events that may be long."""
    if head[:1] == "[":
        return re.match(r"\[\s*(?:[{\[\]]|$)", head) is not None
    if head[:1] != "{":
        return False
    first, newline, _ = head.partition("\n")
    value = decoded(first)
    if value is None:
        # Broken off by the end of the head, or written over several lines.
        return not newline or re.match(r"\{\s*(?:$|\"[^\"]*\"\s*:)", first.rstrip()) is not None
    return any(isinstance(value.get(key), list) for key in CONTAINERS)


def is_cloudwatch_event(value: Mapping[str, Any]) -> bool:
    """Whether it is an event of the CloudWatch Logs API, and not a program's record with like names."""
    at = value.get("timestamp")
    if isinstance(at, bool) or not isinstance(at, (int, str)) or not isinstance(value.get("message"), str):
        return False
    marks = {"ingestionTime", "eventId", "logStreamName", "id", "logGroupName"}
    if isinstance(at, int):
        return bool(marks & value.keys()) or len(value) == 2
    return bool({"ingestionTime", "eventId", "logStreamName"} & value.keys())


def fields(row: list[Any]) -> Any:
    """An Insights row, which is a list of {field, value}, as an object."""
    if row and all(isinstance(cell, Mapping) and "field" in cell for cell in row):
        return {str(cell["field"]): cell.get("value") for cell in row}
    return row


def report_of(row: Mapping[str, Any]) -> str | None:
    """The REPORT that Insights took apart, put together again; its sizes are bytes, 10^6 to the MB."""
    try:
        numbers = {
            name: float(row[f"@{name}"])
            for name in ("duration", "billedDuration", "memorySize", "maxMemoryUsed")
        }
        init = row.get("@initDuration")
        return report_line.report_line(
            request_id=str(row["@requestId"]),
            duration_ms=numbers["duration"],
            billed_ms=round(numbers["billedDuration"]),
            memory_mb=round(numbers["memorySize"] / 1e6),
            max_memory_mb=round(numbers["maxMemoryUsed"] / 1e6),
            init_ms=float(init) if init else None,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def unpacked(data: Any) -> Any:
    """The document in a subscription's base64 gzip, or None; what grows past 64 MB is not believed."""
    if not isinstance(data, str):
        return None
    try:
        inflate = zlib.decompressobj(31)
        text = inflate.decompress(base64.b64decode(data), 1 << 26)
        return json.loads(text) if inflate.eof else None
    except (ValueError, zlib.error, RecursionError):
        return None


def decoded(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is, or None."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def encoded(value: Any) -> str:
    """`value` as short JSON."""
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def storable(text: str) -> str:
    """The same text with NUL and lone surrogates, which not every table can hold, written out."""
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def string(value: Any) -> str | None:
    """`value` where it is text and not empty."""
    return value if isinstance(value, str) and value else None
