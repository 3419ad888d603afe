"""A request as it came and an answer as it goes, and how one becomes the other through WSGI.

Rule: the same way for a request from outside and for one that is read from the journal, so that a replay
cannot differ in how moto sees it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from email.message import Message
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

AS_FORM = "faaslab.form"
"""In the environment of a request: whether its body is fields of a form, and not what its type says."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request whose body is here; `target` is path and query as they came."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def header(self, name: str) -> str:
        """The first of that name, or nothing."""
        small = name.lower()
        return next((value for given, value in self.headers if given.lower() == small), "")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response whose body is here."""

    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def _is_form(asked: Asked) -> bool:
    """Only the query protocol and S3's upload by a page send one, and only with POST.

    Elsewhere the type says nothing: it is what `curl --data` and Python's urllib give to every body.
    """
    if asked.method != "POST" or asked.header("x-amz-target"):
        return False
    given = asked.header("content-type").lower()
    if "multipart/form-data" in given:
        return True
    return "x-www-form-urlencoded" in given and (b"Action=" in asked.body or "Action=" in asked.target)


def through(app: Callable[..., Any], asked: Asked) -> Answer:
    """What the application answers."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    message = Message()
    for name, value in asked.headers:
        if name.lower() not in ("content-length", "transfer-encoding"):
            message[name] = value
    message["Content-Length"] = str(len(asked.body))
    # moto's own way from a request to its environment, without a connection.
    handler = object.__new__(MotoRequestHandler)
    handler.__dict__.update(
        path=asked.target,
        command=asked.method,
        headers=message,
        request_version="HTTP/1.1",
        rfile=io.BytesIO(asked.body),
        connection=None,
        client_address=("127.0.0.1", 0),
        server=SimpleNamespace(
            ssl_context=None,
            multithread=True,
            multiprocess=False,
            _server_version="faaslab",
            server_address=("127.0.0.1", 80),
        ),
    )
    environ = handler.make_environ()
    environ[AS_FORM] = _is_form(asked)
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], None]:
        said[:] = [status, headers]
        return pieces.append

    pieces: list[bytes] = []
    given = app(environ, start)
    try:
        pieces.extend(given)
    finally:
        if hasattr(given, "close"):
            given.close()
    number, _, reason = said[0].partition(" ")
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    return Answer(status=int(number), reason=reason, headers=tuple(said[1]), body=body)
