"""Handing a request on to the cloud's process and its answer back, streaming both ways.

Rule: bytes are not looked at. Headers that are between two neighbours only are dropped; everything else goes
through as it is, the Host too, since S3 finds the bucket in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool

SECRET_HEADER = "x-faaslab-cloud"  # noqa: S105 - the name of the header
_PIECE = 1 << 18
# RFC 9110, 7.6.1, and what only the answering server can say.
_BETWEEN_NEIGHBOURS = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
_NOT_ASKED_FOR = _BETWEEN_NEIGHBOURS | {"expect", SECRET_HEADER}
_NOT_ANSWERED = _BETWEEN_NEIGHBOURS | {"server", "date"}


class Forwarded(NamedTuple):
    """An answer. `body` gives pieces and is read or closed by whoever got it; names of headers are small."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Iterator[bytes]


def pool(port: int) -> HTTPConnectionPool:
    """Connections to that port on this machine that are kept and used again."""
    from urllib3 import HTTPConnectionPool, Timeout

    # A long poll takes 20 s, a large upload is stored at its end only.
    return HTTPConnectionPool(
        "127.0.0.1", port, maxsize=64, block=False, retries=False, timeout=Timeout(connect=5, read=300)
    )


def forward(
    through: HTTPConnectionPool,
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    body: bytes | Iterator[bytes] = b"",
    *,
    secret: str,
) -> Forwarded:
    """Ask the cloud. `target` is the path and query as they came, percent signs and all.

    Raises what urllib3 raises. A body that is an iterator goes out as it comes.
    """
    from urllib3 import HTTPHeaderDict

    sent: Any = HTTPHeaderDict()
    named = ""
    for name, value in headers:
        small = name.lower()
        if small == "connection":
            named += "," + value.lower()
        if small not in _NOT_ASKED_FOR and not (small == "content-length" and isinstance(body, bytes)):
            sent.add(name, value)
    for name in named.split(","):
        if name.strip() not in ("", "host", "content-length"):
            sent.discard(name.strip())
    if isinstance(body, bytes) and (body or method not in ("GET", "HEAD")):
        sent["content-length"] = str(len(body))
    sent[SECRET_HEADER] = secret
    for name in ("accept-encoding", "user-agent"):
        if name not in sent:
            # urllib3 would put its own there.
            from urllib3.util import SKIP_HEADER

            sent[name] = SKIP_HEADER
    answer = through.urlopen(
        method,
        target,
        body=body or None,
        headers=sent,
        redirect=False,
        preload_content=False,
        decode_content=False,
        assert_same_host=False,
    )
    return Forwarded(
        answer.status,
        tuple(
            (name.lower(), value)
            for name, value in answer.headers.items()
            if name.lower() not in _NOT_ANSWERED
        ),
        _pieces(method, answer),
    )


def _pieces(method: str, answer: BaseHTTPResponse) -> Iterator[bytes]:
    length = answer.headers.get("content-length")
    if method == "HEAD" or answer.status in (204, 304) or (length is not None and int(length) <= _PIECE):
        # Most answers: the connection is free again before anybody looks at the body.
        data = answer.read(decode_content=False)
        answer.release_conn()
        return iter((data,) if data else ())
    return _Stream(answer)


class _Stream:
    """A long body. What is not read to its end leaves no connection for the next one, so it is closed."""

    def __init__(self, answer: BaseHTTPResponse) -> None:
        self._answer = answer
        self._pieces = answer.stream(_PIECE, decode_content=False)

    def __iter__(self) -> _Stream:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            self._answer.release_conn()
            raise

    def close(self) -> None:
        """Let go of it, read or not."""
        self._answer.close()

    def __del__(self) -> None:
        self.close()
