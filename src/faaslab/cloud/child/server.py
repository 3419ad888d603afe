"""HTTP/1.1 on a loopback port for one client: the owner of this process, who knows the secret.

Rule: a request without the secret is refused before its body is read, whatever it asks for, so that neither a
page in a browser nor another user of the machine gets anywhere. Connections stay; a thread serves each.
"""

from __future__ import annotations

import hmac
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import IO, TYPE_CHECKING, Any, cast

from faaslab.cloud.child.asked import Asked
from faaslab.cloud.forwarding import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.cloud.child.asked import Answer

_IN_ONE = 1 << 16
_OURS = ("connection", "transfer-encoding", "server", "date")


class Server(ThreadingHTTPServer):
    """Listens on a port that the system picks, from the moment it is made."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, secret: str, carry: Callable[[Asked], Answer]) -> None:
        self.secret = secret.encode()
        self.carry = carry
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to write down."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Nothing: a request line can hold a presigned URL."""

    def _serve(self) -> None:
        given = self.headers.get(SECRET_HEADER, "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self.server.secret):
            self.close_connection = True
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        asked = Asked(
            method=self.command,
            target=self.path,
            headers=tuple(
                (name, value) for name, value in self.headers.items() if name.lower() != SECRET_HEADER
            ),
            body=self._body(),
        )
        self._send(self.server.carry(asked))

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            from werkzeug.serving import DechunkedInput

            return DechunkedInput(cast("IO[bytes]", self.rfile)).read() or b""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("the request ended before its body did")
        return body

    def _send(self, answer: Answer) -> None:
        reason = answer.reason or self.responses.get(answer.status, ("",))[0]
        lines = [f"HTTP/1.1 {answer.status} {reason}"]
        length = ""
        for name, value in answer.headers:
            small = name.lower()
            if small == "content-length":
                length = value
            elif small not in _OURS:
                lines.append(f"{name}: {value}")
        bodiless = self.command == "HEAD" or answer.status in (204, 304)
        if answer.status not in (204, 304):
            # After a HEAD it stands for a body that is not sent.
            lines.append(f"Content-Length: {(bodiless and length) or len(answer.body)}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        body = b"" if bodiless else answer.body
        if len(body) <= _IN_ONE:
            self.wfile.write(head + body)
        else:
            self.wfile.write(head)
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815
