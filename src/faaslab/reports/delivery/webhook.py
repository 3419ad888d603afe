"""Posts a document to an address: a few tries within a minute, no redirect followed, no answer kept."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from faaslab.reports.delivery.bounded import Line, bounded
from faaslab.reports.delivery.folder import NotDelivered
from faaslab.reports.delivery.targets import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRIES = 4
_ANSWER_S, _TRY_S = 10.0, 15.0
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A status, how many tries it took."""

    status: int
    tries: int


def post(
    url: str,
    content: bytes,
    headers: Mapping[str, str],
    *,
    pause: Callable[[float], object],
    chance: Callable[[], float],
    try_s: float = _TRY_S,
) -> Answered:
    """Post until it is taken (2xx), four times at most. Raises `NotDelivered`, which shows only the host.

    Between two tries it pauses 1, 2 and 4 seconds (by chance down to half of that), or as long as the server
    asks for, up to ten. What is refused for good (another 4xx) or leads elsewhere (3xx) is not tried again.
    """
    host = urlsplit(url).hostname or ""
    why = ""
    for number in range(1, TRIES + 1):
        wait = 2 ** (number - 1) * (0.5 + chance() / 2)
        try:
            status, after = _once(url, content, headers, try_s)
        except (OSError, http.client.HTTPException) as error:
            why = _said(error)
        else:
            if 200 <= status < 300:
                return Answered(status=status, tries=number)
            why = f"it answered {status}"
            if 300 <= status < 400:
                raise NotDelivered(f"{host} leads elsewhere ({status}), and a post is not passed on")
            if status not in _AGAIN:
                raise NotDelivered(f"{host}: {why}")
            if after.isascii() and after.isdecimal():
                wait = min(max(wait, float(after[:6])), _LONGEST_PAUSE_S)
        if number < TRIES:
            pause(wait)
    raise NotDelivered(f"{host} did not take it in {TRIES} tries: {why}")


def _once(url: str, content: bytes, headers: Mapping[str, str], try_s: float) -> tuple[int, str]:
    """The status and what Retry-After says."""
    context = ssl.create_default_context() if urlsplit(url).scheme == "https" else None
    connection, path = _connection(url, context)
    line = Line(context)
    connection._create_connection = line.connect  # type: ignore[attr-defined]  # noqa: SLF001
    if context is not None:
        connection._context = line  # type: ignore[attr-defined]  # noqa: SLF001
    with bounded(try_s, line) as over:
        try:
            connection.request("POST", path, body=content, headers=dict(headers))
            # The body of the answer is not read: nothing in it is needed, and it may never end.
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException):
            if not over.is_set():
                raise
        else:
            # To the parser a connection that was cut is a heading that has ended.
            if not over.is_set():
                return answer.status, answer.headers.get("Retry-After", "")
        finally:
            connection.close()
    raise TimeoutError(f"no answer within {try_s:g} s")


def _connection(url: str, context: ssl.SSLContext | None) -> tuple[http.client.HTTPConnection, str]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if context is None:
        return http.client.HTTPConnection(host, port, timeout=_ANSWER_S), path
    proxy = None if is_loopback(host) or urllib.request.proxy_bypass(host) else _proxy()
    if proxy is None:
        return http.client.HTTPSConnection(host, port, timeout=_ANSWER_S, context=context), path
    through = urlsplit(proxy)
    tunnel = http.client.HTTPSConnection(
        through.hostname or "", through.port or 3128, timeout=_ANSWER_S, context=context
    )
    who = f"{unquote(through.username or '')}:{unquote(through.password or '')}"
    asked = {"Proxy-Authorization": f"Basic {base64.b64encode(who.encode()).decode()}"}
    tunnel.set_tunnel(host, port or 443, headers=asked if through.username else {})
    return tunnel, path


def _proxy() -> str | None:
    """What the environment names for https."""
    found = urllib.request.getproxies().get("https")
    return None if not found else found if "://" in found else f"http://{found}"


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (
            f"its certificate or its TLS is not good ({getattr(error, 'verify_message', '') or error.reason})"
        )
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return type(error).__name__
