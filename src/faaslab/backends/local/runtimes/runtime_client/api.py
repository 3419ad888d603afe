"""The client's side of the Runtime API, on one connection that stays open.

Rule: no HTTP library; importing the standard one costs a cold start more than everything else here.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

_BASE = "/2018-06-01/runtime/"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


class Answer(NamedTuple):
    """What the server said; the names of `headers` are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Refused(Exception):
    """The server did not take what it was told; the process cannot go on."""

    def __init__(self, path: str, answer: Answer) -> None:
        super().__init__(f"the Runtime API answered {path} with {answer.status}: {answer.body[:500]!r}")


class RuntimeApi:
    """See the module. Not thread-safe."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = (host or address, int(port) if host else 80)
        self._host = address
        self._socket: socket.socket | None = None
        self._rest = b""

    # --- what a runtime says ----------------------------------------------------------------------

    def next(self) -> Answer:
        """Wait for the next invocation, however long that takes."""
        return self._checked("GET", "invocation/next", 200)

    def respond(self, request_id: str, body: bytes, content_type: str, invocation_id: str | None) -> None:
        """The result of an invocation."""
        headers = {"Content-Type": content_type, **_echo(invocation_id)}
        self._checked("POST", f"invocation/{request_id}/response", 202, body, headers)

    def fail(self, request_id: str, body: bytes, *, kind: str, cause: str, invocation_id: str | None) -> None:
        """The error of an invocation."""
        headers = {
            "Content-Type": "application/json",
            _ERROR_TYPE: kind,
            "Lambda-Runtime-Function-XRay-Error-Cause": cause,
            **_echo(invocation_id),
        }
        self._checked("POST", f"invocation/{request_id}/error", 202, body, headers)

    def fail_init(self, body: bytes, kind: str) -> None:
        """The init did not work; the process ends after this."""
        self._checked("POST", "init/error", 202, body, {_ERROR_TYPE: kind})

    def await_restore(self) -> None:
        """The snapshot may be taken; back when an environment was restored from it."""
        self._checked("GET", "restore/next", 200)

    def fail_restore(self, body: bytes, kind: str) -> None:
        """A hook after the restore did not work."""
        self._checked("POST", "restore/error", 202, body, {_ERROR_TYPE: kind})

    # --- HTTP -------------------------------------------------------------------------------------

    def _checked(
        self, method: str, path: str, expected: int, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        lines = [f"{method} {_BASE}{path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {_one_line(value)}" for name, value in (headers or {}).items()]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self._send("\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + body)
        answer = self._receive()
        if answer.status != expected:
            raise Refused(path, answer)
        return answer

    def _send(self, data: bytes) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(self._address)
            # No wait for a delayed acknowledgement when an answer takes more than one packet.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(data)

    def _receive(self) -> Answer:
        assert self._socket is not None
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        first, *lines = data[:end].decode("utf-8", "replace").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        body = bytearray(data[end + 4 :])
        while len(body) < length:
            body += self._more()
        self._rest = bytes(body[length:])
        return Answer(int(first.split(" ")[1]), headers, bytes(body[:length]))

    def _more(self) -> bytes:
        assert self._socket is not None
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the Runtime API closed the connection")
        return data


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def _echo(invocation_id: str | None) -> dict[str, str]:
    return {} if invocation_id is None else {"Lambda-Runtime-Invocation-Id": invocation_id}
