"""Who may use the port: programs of this machine, no page of a browser, and elsewhere whoever has the token.

Rule: pure, and decided before a byte of the body is read. A page cannot leave out `Origin` or
`Sec-Fetch-Site`, nor name another `Host` than the one it was loaded from, so those tell it apart: a foreign
page that posts here (CSRF), and one whose name was made to lead to this address (DNS rebinding).
"""

from __future__ import annotations

import functools
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from faaslab.endpoint.credentials import Scope

BODY_BYTES = 70_167_211
"""The largest request of the Lambda API: a zip of 50 MB in base64, and what is around it."""

HEAD_BYTES = 65_536
"""The most that the target and the headers of a request may be; AWS's own limits are below it."""


@dataclass(frozen=True, kw_only=True)
class Guard:
    """`token` is asked for as the access key; without one only names of the loopback are answered to."""

    token: str | None = None

    def check(self, headers: Mapping[str, str], scope: Scope | None, *, has_key: bool = False) -> None:
        """Raise the Fault of a request that must not be answered; `has_key`: its address is one."""
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise _refused("a page in a browser may not use this port")
        if "sec-fetch-site" not in headers and headers.get("user-agent", "").startswith("Mozilla/"):
            raise _refused("a browser of before 2023 does not say whether a page asks")
        if self.token is None:
            if not is_loopback(headers.get("host", "")):
                raise _refused(
                    f"this port answers to 127.0.0.1 and localhost, not to {headers.get('host', '')[:100]!r}"
                )
        elif has_key:
            return
        elif scope is None or not hmac.compare_digest(scope.key.encode(), self.token.encode()):
            raise Fault(
                "UnrecognizedClientException",
                "The security token included in the request is invalid. Use the token that the server was "
                "started with as the access key id.",
                status=403,
            )


def check_head(raw: Iterable[tuple[bytes, bytes]], target: int) -> None:
    """Raise the Fault of headers (and a target of so many characters) that are longer than any SDK's."""
    if target + sum(len(name) + len(value) + 4 for name, value in raw) > HEAD_BYTES:
        raise Fault(
            "RequestHeaderSectionTooLarge", f"Headers of {HEAD_BYTES} bytes are the most.", status=431
        )


def _refused(why: str) -> Fault:
    return Fault("AccessDeniedException", f"Refused: {why}.", status=403)


@functools.lru_cache(64)
def is_loopback(host: str) -> bool:
    """Whether a `Host` (`NAME`, `NAME:PORT`, `[::1]:PORT`) names this machine by its loopback.

    Names under `.localhost` do (RFC 6761): S3 puts its buckets there.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    name = name.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_length(headers: Mapping[str, str], most: int = BODY_BYTES) -> None:
    """Raise the Fault of a body that says itself that it is too long."""
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit():
        raise Fault("InvalidRequestContentException", f"Content-Length {length[:40]!r} is not a number.")
    if len(length) > 18 or int(length) > most:
        raise too_large(most)


def too_large(most: int = BODY_BYTES) -> Fault:
    """What a body gets that is longer than any request may be."""
    return Fault(
        "RequestEntityTooLargeException",
        f"Request must be smaller than {most} bytes for the operation",
        status=413,
    )
