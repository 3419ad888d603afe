"""An HTTP server in a thread of its own: it answers until it is closed, and what it has accepted it finishes.

uvicorn with httptools underneath. Whoever has it may run an event loop already, as a kernel does; so it has
its own, in its own thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from faaslab.errors import InvalidValue, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.endpoint.lanes import Lanes

DRAIN_S = 30.0
"""How long a server that is closed waits for what it has accepted."""
_BACKLOG = 2048


class Server:
    """Listens when it is made, answers from `start` on. `application` is an ASGI callable.

    With `lanes` connections that keep invoking are served by threads of their own.
    """

    def __init__(
        self, application: Callable[..., Any], listener: socket.socket, lanes: Lanes | None = None
    ) -> None:
        import uvicorn

        from faaslab.endpoint.protocol import speaking

        self._lanes = lanes
        self._listener = listener
        self.address = _address(listener)
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                http="httptools" if lanes is None else speaking(lanes),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="error",  # somebody sent garbage: no news, in words for its own users
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=75,
            )
        )
        self._thread = threading.Thread(target=self._serve, name="faaslab-endpoint", daemon=True)
        self._guard = threading.Lock()

    def start(self) -> Self:
        """Answer from now on: what was connected before is answered as well."""
        self._thread.start()
        return self

    def _serve(self) -> None:
        with asyncio.Runner() as runner, contextlib.suppress(asyncio.CancelledError):
            runner.run(self._server.serve(sockets=[self._listener]))

    def close(self, drain_s: float = DRAIN_S) -> None:
        """Accept nothing more, finish what was accepted within `drain_s`; may be called twice."""
        with self._guard:
            until = time.monotonic() + drain_s
            self._server.config.timeout_graceful_shutdown = max(int(drain_s), 1)
            self._server.should_exit = True
            if self._lanes is not None:
                self._lanes.drain()
                self._lanes.join(until - time.monotonic())
            if self._thread.ident is not None and self._thread is not threading.current_thread():
                self._thread.join()
            self._listener.close()


def listen(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises InvalidValue, or Unsupported for a taken one."""
    if port not in range(65536):
        raise InvalidValue(f"{port} is not a port", place="port", hint="0 to 65535; 0 takes a free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, asyncio sends small pieces at once (TCP_NODELAY): waiting for the other side takes 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        # A name that nobody knows, or an address of another machine, is no matter of the port.
        of_port = port != 0 and error.errno in (errno.EADDRINUSE, errno.EACCES)
        at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        raise Unsupported(
            f"cannot listen at {at}: {error.strerror or error}",
            place="port" if of_port else "host",
            hint="choose another, or --port 0 for a free one"
            if of_port
            else "name an address of this machine: 127.0.0.1, or 0.0.0.0 for all that it has",
        ) from None
    listener.setblocking(False)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- any address: this machine's too
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
