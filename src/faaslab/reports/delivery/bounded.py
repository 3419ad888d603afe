"""An end to a conversation with a slow server: a timeout for each answer is none for all of them together.

The socket is known from its first packet on, while TLS is agreed upon too, so it can be cut at any time.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_AGAIN_S = 0.1
"""So often it is cut until the conversation has ended: a socket may have come up meanwhile."""


class Line:
    """One conversation. `over` is set when its time has passed."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.over = threading.Event()
        self._context = context
        self._socket: socket.socket | None = None

    def connect(self, address: tuple[str, int], timeout: float | None, *_: object) -> socket.socket:
        """Like `socket.create_connection`, with `timeout` for each address that the name has."""
        failed: OSError = OSError(f"{address[0]} has no address")
        for family, kind, protocol, _name, place in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
            self._go_on()
            try:
                self._socket = socket.socket(family, kind, protocol)
                self._socket.settimeout(timeout)
                self._socket.connect(place)
            except OSError as error:
                failed = error
                if self._socket is not None:
                    self._socket.close()
            else:
                return self._socket
        raise failed

    def wrap_socket(self, plain: socket.socket, *, server_hostname: str | None = None) -> ssl.SSLSocket:
        """Like the context's own, whose handshake nobody else could get at."""
        assert self._context is not None
        self._go_on()
        secure = self._context.wrap_socket(
            plain, server_hostname=server_hostname, do_handshake_on_connect=False
        )
        self._socket = secure
        try:
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        return secure

    def cut(self) -> None:
        """Whoever waits for the other side fails."""
        self.over.set()
        if self._socket is not None:
            with suppress(OSError):
                # The plain socket's own: a TLS one would first say goodbye to a server that does not listen.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _go_on(self) -> None:
        if self.over.is_set():
            raise TimeoutError("its time is over")


@contextmanager
def bounded(seconds: float, line: Line) -> Iterator[threading.Event]:
    """After so many seconds the line is cut, and who waits for it fails; the event says so."""
    ended = threading.Event()

    def watch() -> None:
        wait_s = seconds
        while not ended.wait(wait_s):
            line.cut()
            wait_s = _AGAIN_S

    watching = threading.Thread(target=watch, name="faaslab-delivery-end", daemon=True)
    watching.start()
    try:
        yield line.over
    finally:
        ended.set()
        watching.join()
