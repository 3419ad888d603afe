"""`lab.door`: where the functions of this Lab find AWS's services, whichever process is the home.

An environment outlives a home, so it is told the address of this door and not of the home. Until somebody
knocks it is one socket on loopback and a thread that waits for it. Rule: bytes are passed on as they come;
each connection leads to the one who was the home when it was made.
"""

from __future__ import annotations

import errno
import json
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from faaslab.errors import Closed, FaaslabError
from faaslab.lab.relays import Relays
from faaslab.lab.serving import LOOPBACK
from faaslab.store import forks

if TYPE_CHECKING:
    from collections.abc import Callable

_BACKLOG = 128
_TRIES = 5
_PAUSE_S = 0.05
_CONNECT_S = 5.0


class Door:
    """One loopback socket, bound when its address is first asked for."""

    fork_order = 6

    def __init__(self, home: Callable[[], str], present: Callable[[], int | None]) -> None:
        """`home` gives the address of the live home, which it makes if there is none; `present` its epoch."""
        self._home = home
        self._present = present
        self._guard = threading.Lock()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._relays: Relays | None = None
        self._closing = threading.Event()
        forks.register(self)

    @property
    def address(self) -> str:
        """`http://127.0.0.1:PORT`; from the first time that it is asked for there is somebody there."""
        with self._guard:
            if self._closing.is_set():
                raise Closed("this lab is closed", hint="open another: faaslab.open()")
            if self._socket is None:
                self._socket = socket.create_server((LOOPBACK, 0), backlog=_BACKLOG)
                self._thread = threading.Thread(
                    target=self._answer, args=(self._socket,), name="faaslab-door", daemon=True
                )
                self._thread.start()
            return f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        """Shut it, with all that passes through; may be called twice."""
        with self._guard:
            self._closing.set()
            listening, self._socket = self._socket, None
            relays, self._relays = self._relays, None
        if listening is not None and self._thread is not None:
            with suppress(OSError):  # closing alone wakes nobody who waits in accept()
                socket.create_connection(listening.getsockname(), timeout=1).close()
            self._thread.join(_CONNECT_S)
            listening.close()
        if relays is not None:
            relays.close()

    # -- the thread

    def _answer(self, listening: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                client, _ = listening.accept()
            except OSError as error:
                if error.errno in (errno.EBADF, errno.EINVAL):
                    return
                self._closing.wait(_PAUSE_S)  # no more descriptors: those that are idle end in time
                continue
            if self._closing.is_set():
                client.close()
            else:
                self._let_in(client)

    def _let_in(self, client: socket.socket) -> None:
        try:
            home = self._reached()
        except (FaaslabError, OSError, ImportError) as error:
            _refuse(client, error)
            return
        with self._guard:
            if self._closing.is_set():
                client.close()
                home.close()
                return
            if self._relays is None:
                self._relays = Relays(self._present)
            relays = self._relays
        relays.add(client, home)

    def _reached(self) -> socket.socket:
        """A connection to the home; one that has just died is not found any more the next time."""
        for again in range(_TRIES):
            place = urlsplit(self._home())
            try:
                return socket.create_connection((place.hostname, place.port), timeout=_CONNECT_S)
            except OSError:
                if again == _TRIES - 1:
                    raise
                self._closing.wait(_PAUSE_S)
        raise AssertionError

    # -- forks

    def before_fork(self) -> None:
        """Nothing is half made while a child is."""
        self._guard.acquire()

    def after_fork(self, *, child: bool) -> None:
        """A child keeps nobody's connection open; it gets a door of its own when it needs one."""
        if not child:
            self._guard.release()
            return
        self._guard = threading.Lock()
        if self._socket is not None:
            self._socket.close()
        if self._relays is not None:
            self._relays.leave_to_parent()
        self._socket = self._thread = self._relays = None


def _refuse(client: socket.socket, error: Exception) -> None:
    """Say why there is nobody to talk to, as an answer that an SDK shows."""
    body = json.dumps({"__type": "ServiceUnavailableException", "message": str(error)}).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
        "x-amzn-errortype: ServiceUnavailableException\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    with client, suppress(OSError):
        client.settimeout(_CONNECT_S)
        client.recv(65536)  # a request that nobody read would reset the connection before it is answered
        client.sendall(head.encode() + body)
        client.shutdown(socket.SHUT_WR)
        while client.recv(65536):
            pass
