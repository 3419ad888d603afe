"""The server's side of HTTP: uvicorn's; it gives connections that invoke to the lanes and takes them back."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from faaslab.endpoint import plain
from faaslab.endpoint.guard import HEAD_BYTES

if TYPE_CHECKING:
    from faaslab.endpoint.lanes import Lanes

LOG = logging.getLogger(__name__)
# What uvicorn warns of, noise for one, is told to who sent it.
LOG.setLevel(logging.ERROR)
_UPGRADE = re.compile(rb"\nupgrade(?=[ \t]*:)", re.IGNORECASE)
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def speaking(lanes: Lanes) -> type[HttpToolsProtocol]:
    """The protocol of a server with those lanes."""

    class Protocol(HttpToolsProtocol):
        """One connection, as long as the event loop has it."""

        between = True
        """No request has begun whose end was not read: what comes next is the beginning of one."""

        comes_back = False
        """It was a lane's before."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self.logger = LOG
            if lanes.draining and not self.comes_back:
                # The server asks those that it has to end, once; one that was accepted in the same moment
                # would go on for as long as its client does.
                transport.close()

        in_head = False
        heading = 0
        """Bytes of a head that is not all there yet."""

        def data_received(self, data: bytes) -> None:
            if data.startswith(plain.BEGINNING) and self._may_leave() and plain.head(data) is not None:
                self._leave(data)
                return
            super().data_received(_without_upgrade(data) if self.between or self.in_head else data)
            self.heading = self.heading + len(data) if self.in_head else 0
            if self.heading > HEAD_BYTES and not self.transport.is_closing():
                # The parser would keep all of it, whoever sends it and for as long as it likes.
                self.transport.write(_TOO_LARGE)
                self.transport.close()

        def on_message_begin(self) -> None:
            self.between, self.in_head = False, True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self.in_head = False
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            super().on_message_complete()
            self.between = True

        def _may_leave(self) -> bool:
            return (
                self.between
                and getattr(self.cycle, "response_complete", True)
                and not self.transport.is_closing()
                and not self.transport.get_write_buffer_size()
                and lanes.has_room()
            )

        def _leave(self, data: bytes) -> None:
            # A second descriptor of the connection: the loop closes its own.
            there = socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno()))
            self._unset_keepalive_if_required()
            self.transport.abort()
            lanes.begin(there, data, self._come_back)

        def _come_back(self, connection: socket.socket, data: bytes) -> None:
            """In a lane's thread: have the loop go on with it."""
            try:
                self.loop.call_soon_threadsafe(self._return, connection, data)
            except RuntimeError:  # the loop has ended
                connection.close()

        def _return(self, connection: socket.socket, data: bytes) -> None:
            connection.setblocking(False)
            task = self.loop.create_task(self._returned(connection, data))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

        async def _returned(self, connection: socket.socket, data: bytes) -> None:
            with contextlib.suppress(OSError):
                _, made = await self.loop.connect_accepted_socket(self._another, connection)
                if data:
                    # Not to leave again: a lane has had it.
                    HttpToolsProtocol.data_received(made, _without_upgrade(data))
                if lanes.draining:
                    made.shutdown()

        def _another(self) -> Any:
            made = type(self)(
                config=self.config, server_state=self.server_state, app_state=self.app_state, _loop=self.loop
            )
            made.comes_back = True
            return made

    return Protocol


def _without_upgrade(data: bytes) -> bytes:
    """A head that asks for no other protocol, in as many bytes.

    A server may leave that alone (RFC 9110, 7.8), and Java's client asks for HTTP/2 with each connection. But
    the parser takes what follows such a head for that protocol, and not for the body that it is.
    """
    end = data.find(b"\r\n\r\n")
    end = len(data) if end < 0 else end
    if _UPGRADE.search(data, 0, end) is None:
        return data
    return _UPGRADE.sub(b"\nx-other", data[:end]) + data[end:]
