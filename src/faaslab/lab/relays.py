"""The connections that pass through a door: bytes both ways in one thread, however many there are.

Rule: what is sent is never looked at. A side that has ended its sending is told to the other, and a side that
does not read holds up only its own connection.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 256
"""Connections at once; one more ends that which was idle longest, as servers do."""
STRANDED_S = 10.0
"""A connection to who is the home no more is ended when it was silent for so long."""
_PIECE = 256 * 1024
_AHEAD = 1024 * 1024
_LOOK_S = 1.0


@dataclass(eq=False)
class _Side:
    """One end of a connection, and what waits to be sent to it."""

    socket: socket.socket
    relay: _Relay
    waiting: bytearray = field(default_factory=bytearray)
    heard_all: bool = False
    told_all: bool = False
    watched: int = 0


class _Relay:
    def __init__(self, client: socket.socket, home: socket.socket, epoch: int | None) -> None:
        self.client = _Side(client, self)
        self.home = _Side(home, self)
        self.epoch = epoch
        self.moved_at = time.monotonic()

    def other(self, side: _Side) -> _Side:
        return self.home if side is self.client else self.client


class Relays:
    """The thread and its connections. `present` gives the epoch of the live home, or None."""

    def __init__(self, present: Callable[[], int | None], *, most: int = MOST) -> None:
        self._present = present
        self._most = most
        self._selector = selectors.DefaultSelector()
        self._near, self._far = socket.socketpair()
        self._near.setblocking(False)
        self._far.setblocking(False)
        self._selector.register(self._near, selectors.EVENT_READ, None)
        self._guard = threading.Lock()
        self._coming: list[_Relay] = []
        self._relays: dict[_Relay, None] = {}
        self._looked = time.monotonic()
        self._closing = False
        self._thread = threading.Thread(target=self._pass_on, name="faaslab-relays", daemon=True)
        self._thread.start()

    def add(self, client: socket.socket, home: socket.socket) -> None:
        """Connect the two until both have ended."""
        epoch = self._known()
        for each in (client, home):
            each.setblocking(False)
            with suppress(OSError):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._guard:
            if self._closing:
                client.close()
                home.close()
                return
            self._coming.append(_Relay(client, home, epoch))
        self._wake()

    def close(self) -> None:
        """End them all."""
        with self._guard:
            self._closing = True
        self._wake()
        self._thread.join()
        self.leave_to_parent()

    def leave_to_parent(self) -> None:
        """Close this process's ends of everything, and say nothing to the others."""
        for relay in (*self._relays, *self._coming):
            relay.client.socket.close()
            relay.home.socket.close()
        self._selector.close()
        self._near.close()
        self._far.close()

    def _wake(self) -> None:
        with suppress(BlockingIOError, OSError):
            self._far.send(b".")

    # -- the thread

    def _pass_on(self) -> None:
        while True:
            events = self._selector.select(_LOOK_S if self._relays else None)
            for key, mask in events:
                side = key.data
                if side is None:
                    with suppress(BlockingIOError):
                        self._near.recv(4096)
                elif side.relay in self._relays:
                    self._served(side, mask)
            with self._guard:
                if self._closing:
                    return
                coming, self._coming = self._coming, []
            for relay in coming:
                self._relays[relay] = None
                self._watch(relay)
            self._make_room()
            self._end_stranded()

    def _served(self, side: _Side, mask: int) -> None:
        relay = side.relay
        try:
            if mask & selectors.EVENT_READ:
                self._hear(side)
            if mask & selectors.EVENT_WRITE:
                self._tell(side)
            if relay.client.told_all and relay.home.told_all:
                self._end(relay)
            else:
                self._watch(relay)
        except OSError:
            self._end(relay)

    def _hear(self, side: _Side) -> None:
        other = side.relay.other(side)
        try:
            piece = side.socket.recv(_PIECE)
        except BlockingIOError:
            return
        side.relay.moved_at = time.monotonic()
        if piece:
            other.waiting += piece
        else:
            side.heard_all = True
        self._tell(other)

    def _tell(self, side: _Side) -> None:
        if side.waiting:
            with suppress(BlockingIOError):
                sent = side.socket.send(side.waiting)
                del side.waiting[:sent]
                side.relay.moved_at = time.monotonic()
        if not side.waiting and side.relay.other(side).heard_all and not side.told_all:
            side.told_all = True
            side.socket.shutdown(socket.SHUT_WR)

    def _watch(self, relay: _Relay) -> None:
        for side in (relay.client, relay.home):
            wanted = selectors.EVENT_WRITE if side.waiting else 0
            if not side.heard_all and len(relay.other(side).waiting) < _AHEAD:
                wanted |= selectors.EVENT_READ
            if wanted == side.watched:
                continue
            if not side.watched:
                self._selector.register(side.socket, wanted, side)
            elif wanted:
                self._selector.modify(side.socket, wanted, side)
            else:
                self._selector.unregister(side.socket)
            side.watched = wanted

    def _end(self, relay: _Relay) -> None:
        del self._relays[relay]
        for side in (relay.client, relay.home):
            if side.watched:
                self._selector.unregister(side.socket)
                side.watched = 0
            side.socket.close()

    def _make_room(self) -> None:
        while len(self._relays) > self._most:
            self._end(min(self._relays, key=lambda relay: relay.moved_at))

    def _end_stranded(self) -> None:
        """A home that stopped without a word would keep whoever talks to it waiting for ever."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        silent = [relay for relay in self._relays if now - relay.moved_at > STRANDED_S]
        if not silent:
            return
        try:
            present = self._present()
        except FaaslabError:
            return  # it will be asked again
        for relay in silent:
            if relay.epoch is not None and relay.epoch != present:
                self._end(relay)

    def _known(self) -> int | None:
        try:
            return self._present()
        except FaaslabError:
            return None  # it will be asked again
