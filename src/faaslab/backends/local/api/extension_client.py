"""One connection of an extension: bytes in, whole requests out, read by h11. Speed does not matter here."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    import socket

_BODY_LIMIT = 1024 * 1024


class Client:
    """A client; whoever reads it has seen that there is something to read."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self.descriptor = connection.fileno()
        self._parser = h11.Connection(h11.SERVER)
        self._head: h11.Request | None = None
        self._body = b""
        self.closed = False

    def read(self) -> list[tuple[str, str, dict[str, str], bytes]]:
        """(method, path, headers, body) of each request that is whole."""
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.close()
            return []
        found = []
        try:
            self._parser.receive_data(data)
            while (request := self._request()) is not None:
                found.append(request)
        except (h11.RemoteProtocolError, h11.LocalProtocolError):
            with contextlib.suppress(OSError):
                self._socket.sendall(
                    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
            self.close()
        return found

    def _request(self) -> tuple[str, str, dict[str, str], bytes] | None:
        parser = self._parser
        while True:
            event = parser.next_event()
            if isinstance(event, h11.Request):
                self._head, self._body = event, b""
                if parser.they_are_waiting_for_100_continue:
                    self._socket.sendall(
                        parser.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                    )
            elif isinstance(event, h11.Data):
                self._body += bytes(event.data)
                if len(self._body) > _BODY_LIMIT:
                    raise h11.RemoteProtocolError("too large")
            elif isinstance(event, h11.EndOfMessage) and self._head is not None:
                head, self._head = self._head, None
                # Answers are written whole, so the parser only has to know that there was one.
                parser.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                parser.send(h11.EndOfMessage())
                if parser.our_state is h11.DONE and parser.their_state is h11.DONE:
                    parser.start_next_cycle()
                headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
                path = head.target.decode("latin-1").partition("?")[0]
                return head.method.decode("latin-1"), path, headers, self._body
            else:
                return None

    def write(self, data: bytes) -> bool:
        """Write an answer whole; False when nobody listens any more."""
        try:
            self._socket.sendall(data)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Close it; may be called twice."""
        self.closed = True
        self._socket.close()
