"""Lambda's Runtime API on a loopback socket, one server for one execution environment.

Rule: no thread of its own; whoever waits for the function drives the socket. Head and body of an answer
go out in one write, because two would wait for a delayed acknowledgement (40 ms).
"""

from __future__ import annotations

import re
import select
import socket
import struct
from typing import NamedTuple

RESPONSE_LIMIT = 6 * 1024 * 1024 + 100
ACCEPTED = (
    b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
)
_TOO_LARGE = (
    b'{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).",'
    b'"errorType":"RequestEntityTooLarge"}'
)
TOO_LARGE = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TOO_LARGE), _TOO_LARGE)
)
_SEND_S = 30
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
_ERROR_TYPE = re.compile(rb"\r\nlambda-runtime-function-error-type:[ \t]*([^\r\n]*)", re.IGNORECASE)
_CONTENT_TYPE = re.compile(rb"\r\ncontent-type:[ \t]*([^\r\n]*)", re.IGNORECASE)


class Request(NamedTuple):
    """What the runtime client sent. `body` of a too large one is cut; `length` says what it was."""

    kind: str
    """`next`, `response`, `error`, `init_error`, or `closed` when the connection ended."""
    request_id: str = ""
    body: bytes = b""
    error_type: str | None = None
    length: int = 0
    content_type: str | None = None


NEXT = Request("next")
CLOSED = Request("closed")


class RuntimeApi:
    """The server's side of one environment's Runtime API."""

    def __init__(self, *, tick_s: float = 0.005, timed: bool = True) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=8)
        self._listener.setblocking(False)
        self._timed = timed
        self._tick_s = tick_s
        self._tick = struct.pack("@ll", int(tick_s), int(tick_s % 1 * 1_000_000))
        self._connection: socket.socket | None = None
        self._rest = b""
        self._head = b""
        self._body = bytearray()
        self._length = 0
        self._missing = 0

    @property
    def address(self) -> str:
        """`host:port`, the value of AWS_LAMBDA_RUNTIME_API."""
        host, port = self._listener.getsockname()[:2]
        return f"{host}:{port}"

    def fileno(self) -> int:
        """The connection's descriptor, else the listener's."""
        return (self._connection or self._listener).fileno()

    @property
    def connected(self) -> bool:
        """Whether the runtime client has called."""
        return self._connection is not None

    def accept(self) -> bool:
        """Take a waiting connection, if there is one; it takes the place of the one before."""
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError):
            return False
        connection.setblocking(self._timed)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._timed:
            # A receive that gives up by itself costs nothing; a poll before each costs 6-18 us.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, self._tick)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _SEND_S, 0))
        self.drop()
        self._connection = connection
        return True

    def wait(self, seconds: float, *others: int) -> bool:
        """Wait for the runtime client or for one of the other descriptors; False when time is up."""
        poll = select.poll()
        if self._connection is not None:
            poll.register(self._connection, select.POLLIN)
        poll.register(self._listener, select.POLLIN)
        for descriptor in others:
            poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(max(seconds, 0.0) * 1000))

    def receive(self, flags: int = 0) -> Request | None:
        """The next whole request; None when none came within a tick (at once with MSG_DONTWAIT)."""
        connection = self._connection
        if connection is None:
            return None
        while True:
            try:
                data = connection.recv(1 << 20 if self._head else 65536, flags)
            except (BlockingIOError, InterruptedError):
                if self._timed or flags or not _ready(connection, select.POLLIN, self._tick_s):
                    return None
                continue
            except OSError:
                return CLOSED
            if not data:
                return CLOSED
            if self._head:
                request = self._more(data)
            else:
                request = self._parsed(self._rest + data if self._rest else data)
            if request is not None:
                return request

    def _parsed(self, data: bytes) -> Request | None:
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._rest = data
            return None
        self._rest = b""
        if data[:4] == b"GET ":
            if data.startswith(b"/2018-06-01/runtime/invocation/next", 4):
                return NEXT
            self.send(NOT_FOUND)
            return None
        match = _LENGTH.search(data, 0, end)
        length = int(match.group(1)) if match else 0
        if len(data) - end - 4 >= length:
            return _request(data[:end], data[end + 4 : end + 4 + length], length)
        if len(data) == end + 4 and _EXPECT.search(data, 0, end):
            self.send(CONTINUE)
        self._head, self._length = data[:end], length
        self._body = bytearray(data[end + 4 :])
        self._missing = length - len(self._body)
        return None

    def _more(self, data: bytes) -> Request | None:
        self._missing -= len(data)
        # What is above the limit is counted, not kept: it must not cost memory here.
        if len(self._body) <= RESPONSE_LIMIT:
            self._body += data
        if self._missing > 0:
            return None
        head, self._head = self._head, b""
        body, self._body = bytes(self._body), bytearray()
        return _request(head, body, self._length)

    def send(self, data: bytes) -> bool:
        """Write it whole; False when nobody listens any more."""
        connection = self._connection
        if connection is None:
            return False
        try:
            if self._timed:
                connection.sendall(data)
            else:
                _send_all(connection, data)
        except OSError:
            return False
        return True

    def drop(self) -> None:
        """Close the connection and keep listening: the next process starts anew."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._rest = self._head = b""
        self._body = bytearray()

    def close(self) -> None:
        """Close both sockets; may be called twice."""
        self.drop()
        self._listener.close()


def _ready(connection: socket.socket, wanted: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(connection, wanted)
    return bool(poll.poll(seconds * 1000))


def _send_all(connection: socket.socket, data: bytes) -> None:
    """As `sendall`, on a socket that does not block."""
    left = memoryview(data)
    while left:
        try:
            left = left[connection.send(left) :]
        except (BlockingIOError, InterruptedError):
            if not _ready(connection, select.POLLOUT, _SEND_S):
                raise


def _request(head: bytes, body: bytes, length: int) -> Request:
    """`POST /2018-06-01/runtime/invocation/ID/response` and its siblings."""
    path = head[: head.find(b"\r\n")].split(b" ")[1]
    parts = path.split(b"/")
    kind = parts[-1]
    content_type = _CONTENT_TYPE.search(head)
    if kind == b"response":
        return Request(
            "response",
            parts[-2].decode("ascii", "replace"),
            body,
            None,
            length,
            content_type.group(1).decode("latin-1") if content_type else None,
        )
    error_type = _ERROR_TYPE.search(head)
    shown = error_type.group(1).decode("utf-8", "replace") if error_type else None
    if kind != b"error":
        return Request("unknown", "", body, shown, length)
    if parts[-2] == b"init":
        return Request("init_error", "", body, shown, length)
    return Request("error", parts[-2].decode("ascii", "replace"), body, shown, length)
