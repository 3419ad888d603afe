"""Lambda's Runtime API on a loopback socket, one server for one execution environment.

Rule: no thread of its own; whoever waits for the function drives the sockets. Head and body of an answer
go out in one write, because two would wait for a delayed acknowledgement (40 ms).

A runtime has one connection, as a rule. It may open more, close them and come back: as on Lambda that means
nothing by itself. The one that speaks is the current one and gets the answer; the event goes to the one that
asked for it. What is not the runtime's business (extensions) is handed to `visitor`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time
from collections import deque
from typing import TYPE_CHECKING

from faaslab.backends.local.api.connection import CLOSED, NEXT, SEND_S, Connection, Request

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 64
"""Connections at once; a client that opens more loses its oldest."""
_FOREIGN = (b" /2020-01-01/extension/", b" /2022-07-01/telemetry", b" /2020-08-15/logs")
_LARGE = 65536
"""An event above this does not fit into the socket: somebody must be reading."""


class RuntimeApi:
    """The server's side of one environment's Runtime API."""

    def __init__(
        self, *, tick_s: float = 0.005, timed: bool = True, listener: socket.socket | None = None
    ) -> None:
        """With a `listener` of another network namespace, where its clients are."""
        self.listener = listener or socket.create_server(("127.0.0.1", 0), backlog=128)
        self.listener.setblocking(False)
        self._timed = timed
        self._tick_s = tick_s
        self._tick = struct.pack("@ll", int(tick_s), int(tick_s % 1 * 1_000_000))
        self._current: Connection | None = None
        self._asking: Connection | None = None
        self._clients: list[Connection] = []
        self._fresh: list[socket.socket] = []
        self._knocked = False
        self.wake: socket.socket | None = None
        """Readable when whoever drives should look again."""
        self._offered: deque[socket.socket] = deque()
        self.visitor: Callable[[socket.socket], None] | None = None
        """Takes connections that are not the runtime's; without it they are answered 404."""

    @property
    def address(self) -> str:
        """`host:port`, the value of AWS_LAMBDA_RUNTIME_API."""
        host, port = self.listener.getsockname()[:2]
        return f"{host}:{port}"

    @property
    def descriptor(self) -> int:
        """Where the current client speaks; -1 when there is none."""
        return -1 if self._current is None else self._current.fileno()

    @property
    def connected(self) -> bool:
        """Whether there is a runtime client."""
        return self._current is not None

    # --- listening --------------------------------------------------------------------------------

    def wait(self, seconds: float, *others: int) -> bool:
        """Wait for a client, known or new, or for one of the other descriptors; False when time is up."""
        poll = select.poll()
        current = self._current
        quiet = set(others)
        if current is not None:
            quiet.add(current.fileno())
        poll.register(self.listener, select.POLLIN)
        for client in self._clients:
            poll.register(client, select.POLLIN)
        for connection in self._fresh:
            poll.register(connection, select.POLLIN)
        if self.wake is not None:
            poll.register(self.wake, select.POLLIN)
        for descriptor in others:
            poll.register(descriptor, select.POLLIN)
        ready = poll.poll(max(seconds, 0.0) * 1000)
        if not self._knocked:
            self._knocked = any(descriptor not in quiet for descriptor, _ in ready)
        return bool(ready)

    def receive(self, flags: int = 0) -> Request | None:
        """The current client's next request; None when none came in a tick (at once with MSG_DONTWAIT)."""
        current = self._current
        if current is None:
            return None
        request = current.receive(flags)
        if request is NEXT:
            self._asking = current
        elif request is CLOSED:
            return self._gone(current)
        return request

    def look(self) -> Request | None:
        """What any client said meanwhile, without waiting; whoever spoke is the current one from now on."""
        request = self.receive(socket.MSG_DONTWAIT)
        if request is not None or not (self._knocked or self._current is None):
            return request
        self._knocked = False
        self._open()
        for client in self._clients:
            request = client.receive(socket.MSG_DONTWAIT)
            if request is CLOSED:
                # The list has changed; who else knocked is still there the next time.
                self._knocked = True
                return self._gone(client)
            if request is not None:
                self._current = client
                if request is NEXT:
                    self._asking = client
                self._knocked = True
                return request
        return None

    def _gone(self, client: Connection) -> Request | None:
        """Forget a client whose connection ended; CLOSED when it was the last."""
        client.close()
        if client in self._clients:
            self._clients.remove(client)
        if self._asking is client:
            self._asking = None
        if self._current is client:
            self._current = self._asking or (self._clients[-1] if self._clients else None)
        return CLOSED if self._current is None else None

    def _open(self) -> None:
        """Take what waits at the door, and see from its first line whose it is."""
        if self.wake is not None:
            with contextlib.suppress(OSError):
                self.wake.recv(4096)
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                break
            self._fresh.append(connection)
        while self._offered:
            self._fresh.append(self._offered.popleft())
        waiting, self._fresh = self._fresh, []
        for connection in waiting:
            try:
                line = connection.recv(256, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                self._fresh.append(connection)
                continue
            except OSError:
                line = b""
            if not line:
                connection.close()
            elif self.visitor is not None and foreign(line):
                self.visitor(connection)
            else:
                self.admit(connection)
        for connection in self._fresh[:-_MOST]:
            connection.close()
        del self._fresh[:-_MOST]

    def offer(self, connection: socket.socket) -> None:
        """From any thread: a connection of the runtime, for whoever drives."""
        self._offered.append(connection)

    def admit(self, connection: socket.socket) -> None:
        """A connection of the runtime."""
        connection.setblocking(self._timed)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._timed:
            # A receive that gives up by itself costs nothing; a poll before each costs 6-18 us.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, self._tick)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", SEND_S, 0))
        client = Connection(connection, tick_s=None if self._timed else self._tick_s)
        self._clients.append(client)
        if self._current is None:
            self._current = client
        if len(self._clients) > _MOST:
            self._gone(self._clients[0])

    # --- answering --------------------------------------------------------------------------------

    def send(self, data: bytes) -> bool:
        """Answer the current client; False when nobody listens any more."""
        current = self._current
        return current is not None and current.send(data)

    def give(self, event: bytes, deadline: float) -> bool:
        """Answer whoever asked for the next event; a large one until `deadline` on `time.perf_counter`."""
        asking = self._asking or self._current
        if asking is None:
            return False
        if len(event) <= _LARGE:
            return asking.send(event)
        return self._give_in_pieces(asking, event, deadline)

    def _give_in_pieces(self, asking: Connection, event: bytes, deadline: float) -> bool:
        poll = select.poll()
        poll.register(asking, select.POLLOUT)
        left = memoryview(event)
        while left:
            if not poll.poll(max(deadline - time.perf_counter(), 0.0) * 1000):
                return False
            sent = asking.send_some(left)
            if sent < 0:
                return False
            left = left[sent:]
        return True

    # --- its end ----------------------------------------------------------------------------------

    def drop(self) -> None:
        """Close the connections and keep listening: the next process starts anew."""
        for client in self._clients:
            client.close()
        while self._offered:
            self._fresh.append(self._offered.popleft())
        for connection in self._fresh:
            connection.close()
        self._clients, self._fresh = [], []
        self._current = self._asking = None
        self._knocked = True

    def close(self) -> None:
        """Close all sockets; may be called twice."""
        self.drop()
        self.listener.close()


def foreign(line: bytes) -> bool:
    """Whether a request's first line is none of the Runtime API's."""
    start = line.find(b" ")
    return start >= 0 and line.startswith(_FOREIGN, start)
