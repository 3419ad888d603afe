"""What is fetched from the port by an address alone: the zips that GetFunction and GetLayerVersion point at.

Rule: such an address cannot be guessed and soon leads nowhere, as those that AWS signs. It is made of what it
leads to and a code that only this process can make, so nothing is kept for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.endpoint.messages import Response
from faaslab.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.endpoint.messages import Request
    from faaslab.lab import Lab

CODE = "/_faaslab/code/"
LASTS = timedelta(minutes=10)
"""As long as AWS's (GetFunction)."""

_KEY = secrets.token_bytes(32)


def code_address(request: Request, digest: str, now: datetime) -> str:
    """Where the blob of that digest can be fetched from `now` on, at the host that `request` was sent to."""
    until = str(int((now + LASTS).replace(tzinfo=UTC).timestamp()))
    host = request.headers.get("host") or "127.0.0.1"
    return f"http://{host}{CODE}{digest}/{until}/{_signature(digest, until)}"


def code(lab: Lab, request: Request) -> Response:
    """The zip behind an address that was given; 403 for another, or one that is too old."""
    parts = request.path.partition("?")[0].removeprefix(CODE).split("/")
    if len(parts) != 3:
        return _refused(403)
    digest, until, signature = parts
    if not hmac.compare_digest(signature.encode(), _signature(digest, until).encode()):
        return _refused(403)
    if lab.clock.now().replace(tzinfo=UTC).timestamp() > int(until):
        return _refused(403)
    try:
        data = lab.store.blobs.get(digest)
    except NotFound:
        return _refused(404)
    headers = (("Content-Type", "application/zip"), ("Content-Length", str(len(data))))
    return Response(headers=headers, body=data if request.method == "GET" else b"")


ROUTES: Mapping[str, Callable[[Lab, Request], Response]] = {CODE: code}
"""The beginning of a path -> who answers it."""


def answer(lab: Lab, request: Request) -> Response:
    """What a path of ours gives."""
    for path, given in ROUTES.items():
        if request.path.startswith(path):
            return given(lab, request) if request.method in ("GET", "HEAD") else _refused(405)
    return _refused(404)


def has_its_key(path: str) -> bool:
    """Whether an address carries in itself what lets its holder in."""
    return path.startswith(CODE)


def _signature(digest: str, until: str) -> str:
    return hmac.new(_KEY, f"{digest}/{until}".encode(), hashlib.sha256).hexdigest()


def _refused(status: int) -> Response:
    return Response(status=status, headers=(("Content-Length", "0"),))
