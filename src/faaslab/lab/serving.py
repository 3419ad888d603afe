"""The endpoints of a Lab: the one that every process of this machine uses, and what `serve` was told to open.

Rule: what started one is handed in; here it is decided only which there are, and when they end. The inner one
listens on loopback, on a port of its own choice, and is started when somebody needs it.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from faaslab.errors import Closed, InvalidValue, Unsupported

if TYPE_CHECKING:
    from faaslab.lab import Lab

LOOPBACK = "127.0.0.1"
TOKEN_LENGTH = 16
"""Characters that the token of an address has at least that other machines reach."""
_MAKE = 'python -c "import secrets; print(secrets.token_urlsafe())" makes one'
DRAIN_S = 10.0
"""How long an endpoint that ends waits for the answers that it owes."""


class EndpointHandle(Protocol):
    """An endpoint that answers, until it is closed."""

    @property
    def address(self) -> str:
        """`http://HOST:PORT`."""

    def close(self, drain_s: float) -> None:
        """Take no more connections, finish for so long what was asked, and end; may be called twice."""


StartEndpoint = Callable[["Lab", str, int, "str | None", int], EndpointHandle]
"""(lab, host, port, token, epoch of the home) -> an endpoint that answers. Raises what keeps it from it."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that host."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def named(host: str) -> str:
    """A host as a socket takes it: `[::1]`, as it stands in an address, is `::1`."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def check(host: str, token: str | None) -> None:
    """Raise InvalidValue for an address that everybody could use, or whoever guesses a short token.

    Whoever reaches the port runs code here, and may try as often as the network lets him.
    """
    if is_loopback(host):
        return
    if not token:
        raise InvalidValue(
            f"{host!r} can be reached from other machines, and there is no token",
            place="host",
            hint=f"give one, which clients use as their access key ({_MAKE}), or stay on 127.0.0.1",
        )
    if len(token) < TOKEN_LENGTH:
        raise InvalidValue(
            f"the token has {len(token)} characters, and whoever guesses it runs code here: "
            f"{TOKEN_LENGTH} at least where other machines reach the port",
            place="token",
            hint=_MAKE,
        )


class Endpoints:
    """Those of one Lab."""

    def __init__(self, lab: Lab, start: StartEndpoint | None) -> None:
        self._lab = lab
        self._start = start
        self._guard = threading.Lock()
        self._inner: EndpointHandle | None = None
        self._outer: EndpointHandle | None = None
        self._asked: tuple[str, str | None] | None = None
        self._open = False
        self._closed = False

    @property
    def possible(self) -> bool:
        """Whether there can be any."""
        return self._start is not None

    @property
    def address(self) -> str | None:
        """Where the processes of this machine reach the one that is there; None while there is none."""
        handle = self._outer if self._open else self._inner
        return None if handle is None else handle.address

    def inner(self, epoch: int) -> str:
        """The address that processes of this machine use; an endpoint is started when there is none."""
        with self._guard:
            if self.address is None:
                self._inner = self._started(LOOPBACK, 0, None, epoch)
            address = self.address
            assert address is not None
            return address

    def serve(self, host: str, port: int, token: str | None, epoch: int) -> EndpointHandle:
        """Open the one that was asked for. One without a token on loopback is the inner one, too."""
        with self._guard:
            if self._outer is not None:
                # A cell that is run again asks for the same once more.
                if self._asked == (host, token) and port in (0, urlsplit(self._outer.address).port):
                    return self._outer
                raise Unsupported(
                    f"this lab serves at {self._outer.address} already", hint="close that first"
                )
            self._asked = host, token
            self._outer = self._started(host, port, token, epoch)
            self._open = token is None and host == LOOPBACK
            return self._outer

    def withdraw(self) -> EndpointHandle | None:
        """What `serve` opened, to be closed: from now on its address is nobody's to use."""
        with self._guard:
            outer, self._outer, self._open = self._outer, None, False
            return outer

    def end_inner(self, drain_s: float) -> None:
        """Close the inner one; whoever talks to it finds the next home."""
        with self._guard:
            inner, self._inner = self._inner, None
        if inner is not None:
            inner.close(drain_s)

    def close(self, drain_s: float) -> None:
        """Close all for good."""
        with self._guard:
            self._closed = True
        outer = self.withdraw()
        if outer is not None:
            outer.close(drain_s)
        self.end_inner(drain_s)

    def _started(self, host: str, port: int, token: str | None, epoch: int) -> EndpointHandle:
        if self._closed:
            raise Closed("this lab is closed", hint="open another: faaslab.open()")
        if self._start is None:
            raise Unsupported("this lab has no endpoint", hint="open it with faaslab.open()")
        return self._start(self._lab, host, port, token, epoch)


class Serving:
    """What `lab.serve()` gives: an endpoint at `address`, until it is closed. A context manager."""

    def __init__(self, address: str, end: Callable[[float], None]) -> None:
        self.address = address
        self._end = end

    def close(self, drain_s: float = DRAIN_S) -> None:
        """Finish what was asked, for `drain_s` seconds at most, and end; may be called twice."""
        end, self._end = self._end, lambda _: None
        end(drain_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<serving at {self.address}>"
