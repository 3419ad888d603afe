"""An end to a conversation with a slow server: a timeout for each answer is none for all of them together."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def bounded(seconds: float, connection: Callable[[], socket.socket | None]) -> Iterator[threading.Event]:
    """After so many seconds the connection is cut, and who waits for it fails; the event says so."""
    over = threading.Event()

    def cut() -> None:
        over.set()
        present = connection()
        if present is not None:
            with suppress(OSError):
                # The plain socket's own: a TLS one would first say goodbye to a server that does not listen.
                socket.socket.shutdown(present, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()
        timer.join()
