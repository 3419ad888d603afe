"""An invocation in the plainest form of HTTP, as SDKs send it, and its answer. Pure.

Rule: in doubt it is not plain. Then the server reads it, which knows every form and how each is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import httptools

from faaslab.endpoint.guard import BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

BEGINNING = b"POST /2015-03-31/functions/"
"""What every request begins with that may be one."""
_HEAD_BYTES = 16_384
_TARGET = re.compile(rb"(/2015-03-31/functions/[^/?#\s]{1,512}/invocations)(?:\?([^\s#]*))?")
# What changes how a body is read, or what becomes of the connection.
_UNUSUAL = frozenset({b"connection", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer"})
_REASONS = {
    200: "OK",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    429: "Too Many",
}
_DROPPED = frozenset({"connection", "content-length", "date", "transfer-encoding"})


class Head(NamedTuple):
    """A request without its body, which is `length` bytes and begins after `size` bytes."""

    path: str
    query: str
    headers: dict[str, str]
    length: int
    size: int


class _Reading:
    """What the parser tells."""

    __slots__ = ("complete", "headers", "length", "plain", "url")

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[str, str] = {}
        self.length = 0
        self.plain = True
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in _UNUSUAL and not (name == b"connection" and value.lower() == b"keep-alive"):
            self.plain = False
        elif name == b"content-length":
            # The parser has refused what is no number; one that is enormous is the server's to refuse.
            self.length = int(value)
        key, text = name.decode("latin-1"), value.decode("latin-1")
        self.headers[key] = f"{self.headers[key]},{text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        self.complete = True


def head(data: bytes) -> Head | None:
    """The request at the beginning of `data`; None when it is not plain, or its head is not all there."""
    if not data.startswith(BEGINNING):
        return None
    end = data.find(b"\r\n\r\n", 0, _HEAD_BYTES)
    if end < 0:
        return None
    reading = _Reading()
    parser = httptools.HttpRequestParser(reading)
    try:
        parser.feed_data(data[: end + 4])
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    target = _TARGET.fullmatch(reading.url)
    if target is None or not (reading.complete and reading.plain) or reading.length > BODY_BYTES:
        return None
    if parser.get_http_version() != "1.1":
        return None
    query = (target[2] or b"").decode("latin-1")
    return Head(target[1].decode("latin-1"), query, reading.headers, reading.length, end + 4)


def answer_head(
    status: int, headers: Iterable[tuple[str, str]], length: int, *, date: str, closes: bool
) -> bytes:
    """The head of an answer whose body is `length` bytes; `closes`: no request is read after it."""
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, '')}", f"date: {date}"]
    lines += [f"{name}: {value}" for name, value in headers if name.lower() not in _DROPPED]
    if status != 204:
        lines.append(f"content-length: {length}")
    if closes:
        lines.append("connection: close")
    lines.append("\r\n")
    return "\r\n".join(lines).encode("latin-1", "replace")
