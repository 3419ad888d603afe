"""One port of the endpoint: who may use it, what answers there, and its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from faaslab.endpoint import guard
from faaslab.endpoint.lanes import Lanes
from faaslab.endpoint.server import DRAIN_S, Server, listen
from faaslab.endpoint.web import Web
from faaslab.lab.serving import check

if TYPE_CHECKING:
    from faaslab.endpoint.asking import Forward
    from faaslab.endpoint.dispatch import Dispatcher
    from faaslab.endpoint.web import Internal


class Endpoint:
    """Answers at `address` until it is closed. A context manager.

    Raises InvalidValue for a host that other machines reach without a `token` that nobody guesses.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        forward: Forward | None = None,
        internal: Internal | None = None,
    ) -> None:
        check(host, token)
        self._web = Web(dispatcher, admits=guard.Guard(token=token), forward=forward, internal=internal)
        lanes = Lanes(self._web.answering)
        self._server = Server(self._web, listen(host, port), lanes).start()

    @property
    def address(self) -> str:
        """`http://HOST:PORT`."""
        return self._server.address

    def close(self, drain_s: float = DRAIN_S) -> None:
        """Accept nothing more, and finish what was accepted; may be called twice."""
        self._web.let_go()
        self._server.close(drain_s)
        self._web.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
