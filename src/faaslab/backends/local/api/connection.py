"""One connection of a runtime client: bytes in, whole requests out.

Rule: a plain request costs one receive. Whatever is rare (a body in pieces or in chunks, more than one
request in a packet) leaves that path at its first sign; chunked bodies are read by h11.
"""

from __future__ import annotations

import base64
import binascii
import re
import select
import socket
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import h11

from faaslab.backends.local.api.runtime_replies import (
    CONTINUE,
    MALFORMED,
    NOT_ALLOWED,
    NOT_FOUND,
    PONG,
    RESPONSE_LIMIT,
    TRUNCATED,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SEND_S = 2
"""So long an answer may wait for its reader."""
_HEAD_LIMIT = 1_500_000
"""Of a request's head: X-Ray's error cause alone may be 1 MB (RIE)."""
_NEXT = b"/2018-06-01/runtime/invocation/next"
_RUNTIME = b"POST /2018-06-01/runtime/"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
_ERROR_TYPE = re.compile(rb"\r\nlambda-runtime-function-error-type:[ \t]*([^\r\n]*)", re.IGNORECASE)
_MODE = re.compile(rb"\r\nlambda-runtime-function-response-mode:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CONTENT_TYPE = re.compile(rb"\r\ncontent-type:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Request(NamedTuple):
    """What the runtime client sent. `body` of a too large one is cut; `length` says what it was."""

    kind: str
    """`next`, `response`, `error`, `init_error`, `restore_next`, `restore_error`; `chunk` for a piece of a
    streamed response that is on its way, `truncated` for one that ended before its end; `closed`."""
    request_id: str = ""
    body: bytes = b""
    error_type: str | None = None
    length: int = 0
    mode: str | None = None
    """The response mode that was asked for: `streaming`, or whatever it said."""
    content_type: str | None = None
    """Of a streamed response only; nobody asks for another's."""
    late_error: tuple[str, bytes] | None = None
    """Error type and payload in the trailers of a streamed response."""


NEXT = Request("next")
RESTORE_NEXT = Request("restore_next")
CLOSED = Request("closed")


class Connection:
    """A client and where its bytes stand."""

    __slots__ = ("_body", "_ready", "_rest", "_slow", "_socket", "_tick_s")

    def __init__(self, connection: socket.socket, *, tick_s: float | None = None) -> None:
        """`tick_s` is how long to wait for a request, where the socket cannot count that itself."""
        self._socket = connection
        self._tick_s = tick_s
        self._rest = b""
        self._body: _Sized | _Chunked | None = None
        self._ready: deque[Request] = deque()
        self._slow = False
        """Something is left from before: read that first."""

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def receive(self, flags: int = 0) -> Request | None:
        """The next request; None when none came within a tick (at once with MSG_DONTWAIT)."""
        if self._slow and (request := self._left_over()) is not None:
            return request
        while True:
            try:
                data = self._socket.recv(65536 if self._body is None else 1 << 20, flags)
            except (BlockingIOError, InterruptedError):
                if self._tick_s is None or flags or not _can(self._socket, select.POLLIN, self._tick_s):
                    return None
                continue
            except OSError:
                data = b""
            if not data:
                return self._ended()
            if self._body is None:
                request = self._parsed(self._rest + data if self._rest else data)
            else:
                request = self._more(data)
            if request is not None:
                return request

    def _left_over(self) -> Request | None:
        if self._ready:
            return self._ready.popleft()
        self._slow = False
        return self._parsed(self._rest) if self._rest else None

    def _parsed(self, data: bytes) -> Request | None:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            if len(data) > _HEAD_LIMIT:
                self._refuse()
                return CLOSED
            self._rest = data
            return None
        self._rest = b""
        if data[:4] == b"GET ":
            if len(data) > end + 4:
                self._keep(data[end + 4 :])
            return self._got(data, end)
        match = _LENGTH.search(data, 0, end)
        if match is None and _CHUNKED.search(data, 0, end):
            return self._opened(_Chunked(data[:end]), data, end, at=0)
        length = int(match.group(1)) if match else 0
        left = len(data) - end - 4 - length
        if left < 0:
            return self._opened(_Sized(data[:end], length), data, end, at=end + 4)
        if left:
            self._keep(data[end + 4 + length :])
        return self._told(made(data[:end], data[end + 4 : end + 4 + length], length))

    def _got(self, data: bytes, end: int) -> Request | None:
        if data.startswith(_NEXT, 4):
            return NEXT
        path = data[4 : data.find(b" ", 4, end)]
        if path == b"/2018-06-01/runtime/restore/next":
            return RESTORE_NEXT
        known = path.startswith(_RUNTIME[5:]) and path.rpartition(b"/")[2] in (b"response", b"error")
        self.send(PONG if path == b"/2018-06-01/ping" else NOT_ALLOWED if known else NOT_FOUND)
        return self._left_over() if self._slow else None

    def _told(self, request: Request) -> Request | None:
        if request.kind == "unknown":
            self.send(NOT_FOUND)
            return self._left_over() if self._slow else None
        return request

    def _opened(self, body: _Sized | _Chunked, data: bytes, end: int, *, at: int) -> Request | None:
        """A body that is not whole yet."""
        if len(data) == end + 4 and _EXPECT.search(data, 0, end):
            self.send(CONTINUE)
        self._body = body
        return self._more(data[at:])

    def _more(self, data: bytes) -> Request | None:
        body = self._body
        assert body is not None
        try:
            self._ready.extend(body.fed(data))
        except h11.RemoteProtocolError:
            self._refuse()
            return CLOSED
        if body.done:
            self._body = None
            if body.rest:
                self._keep(body.rest)
        if not self._ready:
            return None
        self._slow = True
        request = self._told(self._ready.popleft())
        return request if request is not None or not self._ready else self._left_over()

    def _keep(self, rest: bytes) -> None:
        self._rest = rest
        self._slow = True

    def _ended(self) -> Request:
        if self._body is None:
            return CLOSED
        request_id, self._body = self._body.request_id, None
        self.send(TRUNCATED)
        return Request("truncated", request_id)

    def _refuse(self) -> None:
        """What it says is no HTTP: nothing that follows can be trusted."""
        self._body, self._rest = None, b""
        self.send(MALFORMED)
        self.close()

    def send(self, data: bytes) -> bool:
        """Write it whole; False when nobody listens any more."""
        try:
            if self._tick_s is None:
                self._socket.sendall(data)
            else:
                _send_all(self._socket, data)
        except OSError:
            return False
        return True

    def send_some(self, data: memoryview) -> int:
        """Write what the socket takes at once; how much that was, -1 when nobody listens any more."""
        try:
            return self._socket.send(data, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return -1

    def close(self) -> None:
        """Close it; may be called twice."""
        self._socket.close()


def _can(connection: socket.socket, what: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, what)
    return bool(poll.poll(seconds * 1000))


def _send_all(connection: socket.socket, data: bytes) -> None:
    """As `sendall`, on a socket that does not block."""
    left = memoryview(data)
    while left:
        try:
            left = left[connection.send(left) :]
        except (BlockingIOError, InterruptedError):
            if not _can(connection, select.POLLOUT, SEND_S):
                raise


class _Sized:
    """A body whose length was told. What is above the limit is counted, not kept: it must not cost memory."""

    def __init__(self, head: bytes, length: int) -> None:
        self._head = head
        self._length = length
        self._missing = length
        self._body = bytearray()
        self._request = made(head, b"", length)
        self.request_id = self._request.request_id
        self.streamed = self._request.mode == "streaming"
        self.done = False
        self.rest = b""

    def fed(self, data: bytes) -> Iterator[Request]:
        if len(data) > self._missing:
            data, self.rest = data[: self._missing], data[self._missing :]
        self._missing -= len(data)
        if len(self._body) <= RESPONSE_LIMIT:
            self._body += data
        if self.streamed and data:
            yield self._request._replace(kind="chunk", body=data)
        if self._missing <= 0:
            self.done = True
            yield self._request._replace(body=bytes(self._body))


class _Chunked:
    """A body in chunks, which may have trailers."""

    def __init__(self, head: bytes) -> None:
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT)
        self._body = bytearray()
        self._length = 0
        self._request = made(head, b"", 0)
        self.request_id = self._request.request_id
        self.streamed = self._request.mode == "streaming"
        self.done = False
        self.rest = b""

    def fed(self, data: bytes) -> Iterator[Request]:
        parser = self._parser
        parser.receive_data(data)
        pieces = []
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Data):
                piece = bytes(event.data)
                self._length += len(piece)
                if len(self._body) <= RESPONSE_LIMIT:
                    self._body += piece
                if self.streamed:
                    pieces.append(piece)
            elif isinstance(event, h11.EndOfMessage):
                self.done = True
                self.rest = bytes(parser.trailing_data[0])
                break
            elif not isinstance(event, h11.Request):
                break
        if pieces:
            yield self._request._replace(kind="chunk", body=b"".join(pieces))
        if self.done:
            assert isinstance(event, h11.EndOfMessage)
            yield self._request._replace(
                body=bytes(self._body), length=self._length, late_error=_late_error(dict(event.headers))
            )


def _late_error(trailers: dict[bytes, bytes]) -> tuple[str, bytes] | None:
    kind = trailers.get(b"lambda-runtime-function-error-type")
    if not kind:
        return None
    try:
        body = base64.b64decode(trailers.get(b"lambda-runtime-function-error-body", b""), validate=True)
    except binascii.Error:
        body = b""
    return kind.decode("utf-8", "replace"), body


def made(head: bytes, body: bytes, length: int) -> Request:
    """`POST /2018-06-01/runtime/invocation/ID/response` and its siblings; kind `unknown` for any other."""
    if not head.startswith(_RUNTIME):
        return Request("unknown", "", b"", None, length)
    parts = head[25 : head.find(b" ", 25)].split(b"/")
    kind = parts[-1]
    if len(parts) == 3 and parts[0] == b"invocation":
        request_id = parts[1].decode("ascii", "replace")
        if kind == b"response":
            mode = _MODE.search(head)
            if mode is None:
                return Request("response", request_id, body, None, length)
            content_type = _CONTENT_TYPE.search(head)
            return Request(
                "response",
                request_id,
                body,
                None,
                length,
                mode.group(1).strip().decode("latin-1"),
                content_type.group(1).decode("latin-1") if content_type else None,
            )
        if kind == b"error":
            return Request("error", request_id, body, _error_type(head), length)
    elif len(parts) == 2 and kind == b"error" and parts[0] in (b"init", b"restore"):
        return Request(f"{parts[0].decode()}_error", "", body, _error_type(head), length)
    return Request("unknown", "", b"", None, length)


def _error_type(head: bytes) -> str | None:
    found = _ERROR_TYPE.search(head)
    return found.group(1).decode("utf-8", "replace") if found else None
