"""The cloud inside its process: moto's services, what keeps them, what answers for them.

Rule: one process has the folder at a time; a lock on it says which.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Any

from faaslab.clock import SYSTEM
from faaslab.cloud.child import inward
from faaslab.cloud.child.answers import ServiceMissing
from faaslab.cloud.child.bridge import Bridge
from faaslab.cloud.child.delivering import deliver_to
from faaslab.cloud.child.keeping import Keeper
from faaslab.cloud.child.keys import Keys
from faaslab.cloud.child.mending import mend
from faaslab.cloud.child.moments import Moments
from faaslab.cloud.child.server import Server
from faaslab.cloud.child.turns import Turn

_LOCK_LIMIT_S = 3.0
_DELIVERY_LIMIT_S = 5.0


class InUse(Exception):
    """Another process has the folder."""


class Cloud:
    """Made from what the owner said; it listens as soon as it is made."""

    def __init__(self, hello: dict[str, Any]) -> None:
        self._folder = Path(hello["folder"])
        self._lock = _locked(self._folder / "lock")
        inward.stay()
        self._turn = Turn()
        keys = Keys(self._folder / "keys")
        moments = Moments(keys)
        mend(self._turn, moments)
        moments.install()
        self._bridge = Bridge(hello["home"], hello["key"], self._turn)
        deliver_to(self._bridge)
        # After moto's own, whose place its classes take.
        from faaslab.cloud.child import stacks

        stacks.make_with(self._bridge)
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication

        self._keeper = Keeper(
            DomainDispatcherApplication(_application),
            self._folder,
            turn=self._turn,
            moments=moments,
            bridge=self._bridge,
            keys=keys,
            **hello.get("limits", {}),
        )
        self._keeper.open()
        self._server = Server(hello["secret"], self._keeper.carry)
        self.port = self._server.port

    def serve(self) -> None:
        """Answer until the process ends."""
        self._server.serve_forever()

    def close(self) -> None:
        """Put down what is here."""
        self._bridge.close(_DELIVERY_LIMIT_S)
        self._keeper.close()


def _application(service: Any) -> Any:
    """Moto's application of a service. Raises `ServiceMissing`."""
    from moto.moto_server.werkzeug_app import create_backend_app

    if service is None:
        raise ServiceMissing
    return create_backend_app(service)


def _locked(path: Path) -> int:
    """The lock, once who had it let go: a child of an owner that was just killed is about to."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = SYSTEM.monotonic() + _LOCK_LIMIT_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if SYSTEM.monotonic() > until:
                raise InUse(os.pread(file, 64, 0).decode("ascii", "replace").strip()) from None
        time.sleep(0.02)
    os.ftruncate(file, 0)
    os.pwrite(file, b"pid %d\n" % os.getpid(), 0)
    return file
