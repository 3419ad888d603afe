"""Connections over which one invocation comes after another, each served by a thread of its own.

An invocation is waited for in a thread anyway. Here that thread reads the next request of its client as well,
so that nobody has to be woken in between: two wake-ups and the server's own bookkeeping are a third of what a
warm invocation costs its caller. Rule: only invocations in their plainest form; a connection with anything
else to say goes back to the server as it is, and so does one that says nothing for a while.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING

from faaslab.endpoint import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faaslab.endpoint.messages import Response

    Answer = Callable[[plain.Head], Callable[[bytes], Response] | None]
    """Who answers a request's body in the calling thread; None when it has to go the common way."""
    GiveBack = Callable[[socket.socket, bytes], None]
    """Hands a connection back to the server, with what was read from it and not answered."""

MOST = 1000
"""Connections at once: an account's concurrent executions."""
_IDLE_S = 5.0
_STALLED_S = 60.0
"""So long a client may take for a piece of its request, or of what it is answered."""
_TOGETHER = 65_536
_READ = 262_144


class Lanes:
    """All of a server's."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._lock = threading.Lock()
        self._open: dict[_Lane, threading.Thread] = {}
        self._draining = False

    @property
    def draining(self) -> bool:
        """Whether the server is being closed."""
        return self._draining

    def has_room(self) -> bool:
        """Whether one more may begin."""
        return not self._draining and len(self._open) < MOST

    def begin(self, connection: socket.socket, data: bytes, give_back: GiveBack) -> None:
        """Serve a connection from now on, beginning with the plain request that `data` begins with."""
        lane = _Lane(connection, data, self._answer, give_back)
        # Not of a pool that is joined at the end of the interpreter: `join` is for that, and a client that
        # says nothing holds nobody up.
        thread = threading.Thread(target=self._serve, args=(lane,), name="faaslab-lane", daemon=True)
        with self._lock:
            lane.last = self._draining
            try:
                thread.start()  # under the lock: whoever joins the open ones meets none that has not begun
                self._open[lane] = thread
                return
            except RuntimeError:  # no more threads are to be had
                pass
        give_back(connection, data)

    def _serve(self, lane: _Lane) -> None:
        try:
            lane.serve()
        finally:
            self._forget(lane)

    def _forget(self, lane: _Lane) -> None:
        with self._lock:
            self._open.pop(lane, None)

    def drain(self) -> None:
        """From now on each ends with the request that it has; those that have none end."""
        with self._lock:
            self._draining = True
            lanes = tuple(self._open)
            for lane in lanes:
                lane.last = True
        for lane in lanes:
            lane.end()

    def join(self, timeout_s: float) -> None:
        """Wait for all to end; what is left then is cut off."""
        until = time.monotonic() + timeout_s
        while (left := self._left()) and (left_s := until - time.monotonic()) > 0:
            next(iter(left.values())).join(left_s)
        for lane in left:
            lane.cut()

    def _left(self) -> dict[_Lane, threading.Thread]:
        with self._lock:
            return dict(self._open)


class _Lane:
    """One connection."""

    def __init__(self, connection: socket.socket, data: bytes, answer: Answer, give_back: GiveBack) -> None:
        self._connection = connection
        self._data = data
        self._answer = answer
        self._give_back = give_back
        self.last = False
        """Nothing is read after the request that is being answered."""

    def end(self) -> None:
        """Read no more requests than have come."""
        with contextlib.suppress(OSError):
            # Who waits for a request reads the end; what has come already is still there to be read.
            self._connection.shutdown(socket.SHUT_RD)

    def cut(self) -> None:
        """End it now, whoever waits."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        """Answer requests until there is none, or one that is not plain."""
        connection, data = self._connection, self._data
        connection.settimeout(_IDLE_S)
        try:
            while True:
                head = plain.head(data)
                answer = None if head is None else self._answer(head)
                if head is None or answer is None:
                    self._give_back(connection, data)
                    return
                body, rest = self._body(head, data)
                self._send(answer(body))
                if self.last and not rest:
                    break
                data = rest or self._next()
                if not data:
                    break
        except _Silent:
            self._give_back(connection, b"")
            return
        except OSError:
            pass  # the client is gone; what ran is recorded
        # Said by itself, as a forked child of this process may have the descriptor as well.
        self.cut()
        connection.close()

    def _next(self) -> bytes:
        try:
            return self._connection.recv(_READ)
        except TimeoutError:
            raise _Silent from None

    def _body(self, head: plain.Head, data: bytes) -> tuple[bytes, bytes]:
        """The body, and what came after it."""
        end = head.size + head.length
        if len(data) >= end:
            return data[head.size : end], data[end:]
        pieces, missing = [data[head.size :]], end - len(data)
        with self._patient():
            while missing:
                piece = self._connection.recv(min(missing, 1 << 20))
                if not piece:
                    raise ConnectionResetError("the request ended early")
                pieces.append(piece)
                missing -= len(piece)
        return b"".join(pieces), b""

    @contextlib.contextmanager
    def _patient(self) -> Iterator[None]:
        """In the middle of a request or an answer a client may take its time."""
        self._connection.settimeout(_STALLED_S)
        yield
        self._connection.settimeout(_IDLE_S)

    def _send(self, response: Response) -> None:
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        head = plain.answer_head(
            response.status, response.headers, len(body), date=_date(int(time.time())), closes=self.last
        )
        if response.status == 204:
            body = b""
        if len(body) <= _TOGETHER:
            self._connection.sendall(head + body)
        else:
            with self._patient():
                self._connection.sendall(head)
                self._connection.sendall(body)


class _Silent(Exception):
    """Nothing came for a while."""


_dates: tuple[int, str] = (0, "")


def _date(second: int) -> str:
    """The instant as HTTP writes it; the same text for all of a second."""
    global _dates  # noqa: PLW0603 -- a tuple that is replaced whole
    known = _dates
    if known[0] != second:
        known = _dates = (second, formatdate(second, usegmt=True))
    return known[1]
