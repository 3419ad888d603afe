"""Streams of events out: frames with checksums, as `application/vnd.amazon.eventstream`.

https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import zlib
from datetime import datetime
from struct import pack
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.wire import json_bodies, moments, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from faaslab.endpoint.wire.shapes import Shape

MEDIA_TYPE = "application/vnd.amazon.eventstream"


def frames(
    shape: Shape, events: Iterable[tuple[str, Mapping[str, Any]]], first: bytes = b""
) -> Iterator[bytes]:
    """One frame an event of (member, values); a `Fault` on the way is the last frame."""
    if first:
        yield first
    try:
        for name, fields in events:
            yield event(shape, name, fields)
    except Fault as fault:
        yield failure(shape, fault)


def event(shape: Shape, name: str, fields: Mapping[str, Any]) -> bytes:
    """The frame of one event of a stream's shape."""
    members = shape.members[name].shape.members
    headers: list[tuple[str, Any]] = [(":message-type", "event"), (":event-type", name)]
    body: dict[str, Any] = {}
    for member in members.values():
        value = fields.get(member.name)
        if member.event == "header":
            if value is not None:
                headers.append((member.wire, value))
        elif member.event == "payload":
            if member.shape.kind in {"blob", "string"}:
                data = value.encode() if isinstance(value, str) else bytes(value or b"")
                media = "application/octet-stream" if member.shape.kind == "blob" else "text/plain"
                return frame([*headers, (":content-type", media)], data)
            written = values.write(member, value or {})
            return frame([*headers, (":content-type", "application/json")], json_bodies.dumps(written))
        elif value is not None:
            body[member.wire] = values.write(member, value)
    return frame([*headers, (":content-type", "application/json")], json_bodies.dumps(body))


def initial(payload: bytes, media: str) -> bytes:
    """The first frame of protocols whose other members travel in the stream too."""
    headers = [(":message-type", "event"), (":event-type", "initial-response"), (":content-type", media)]
    return frame(headers, payload)


def failure(shape: Shape, fault: Fault) -> bytes:
    """The frame of an error, as the model's exception where it has one."""
    member = shape.members.get(fault.code[:1].lower() + fault.code[1:]) or shape.members.get(fault.code)
    if member is None:
        return frame(
            [(":message-type", "error"), (":error-code", fault.code), (":error-message", fault.message)], b""
        )
    headers = [
        (":message-type", "exception"),
        (":exception-type", member.wire),
        (":content-type", "application/json"),
    ]
    fields = values.write_structure(member.shape.members, {"message": fault.message, **fault.fields})
    return frame(headers, json_bodies.dumps(fields))


def frame(headers: Iterable[tuple[str, Any]], payload: bytes) -> bytes:
    """One frame: lengths, their checksum, headers, payload, and the checksum of all."""
    block = b"".join(_header(name, value) for name, value in headers)
    prelude = pack("!II", 16 + len(block) + len(payload), len(block))
    head = prelude + pack("!I", zlib.crc32(prelude)) + block
    checksum = zlib.crc32(payload, zlib.crc32(head))
    return b"".join((head, payload, pack("!I", checksum)))


def _header(name: str, value: Any) -> bytes:
    key = name.encode()
    start = pack("!B", len(key)) + key
    if isinstance(value, bool):
        return start + (b"\x00" if value else b"\x01")
    if isinstance(value, int):
        return start + pack("!Bq", 5, value)
    if isinstance(value, datetime):
        return start + pack("!Bq", 8, int(moments.to_seconds(value) * 1000))
    data, kind = (
        (value, 6) if isinstance(value, bytes) else (str(value).encode("utf-8", "replace")[:32767], 7)
    )
    return start + pack("!BH", kind, len(data)) + data
