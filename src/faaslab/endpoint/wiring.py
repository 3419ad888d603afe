"""What a Lab is given to be a home with: its endpoints, and the one embedded cloud behind all of them.

Rule: light. Nothing is imported, started or made before somebody needs it.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import BackendError, Closed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from urllib3 import HTTPConnectionPool

    from faaslab.cloud import CloudProcess, Forwarded
    from faaslab.endpoint.dispatch import Dispatcher
    from faaslab.endpoint.logs.sending import Sender
    from faaslab.endpoint.serving import Endpoint
    from faaslab.lab import Lab
    from faaslab.model.asynchronous import OutgoingMessage

_MOVES = 3


class Wiring:
    """Of one Lab, for as long as it is open; `start_endpoint` is what the Lab calls."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._lab: Lab | None = None
        self._cloud: CloudProcess | None = None
        self._sender_of_logs: Sender | None = None
        self._through: tuple[str, HTTPConnectionPool] | None = None
        self._dispatcher: Dispatcher | None = None

    def attach(self, lab: Lab) -> None:
        """Do for `lab` what is done at a home only: the cloud, and messages for its services."""
        self._lab = lab
        lab.targets.serve_with(self._perform, self._ask_cloud)
        lab.home.on_change(self._began, self._ended)

    def start_endpoint(self, lab: Lab, host: str, port: int, token: str | None, epoch: int) -> Endpoint:
        """An endpoint that answers; see `lab.serving`."""
        del epoch
        from faaslab.endpoint import downloads
        from faaslab.endpoint.serving import Endpoint

        return Endpoint(
            self._dispatching(lab),
            host=host,
            port=port,
            token=token,
            forward=self.forward,
            internal=lambda request: downloads.answer(lab, request),
        )

    def forward(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | Iterator[bytes] = b"",
    ) -> Forwarded:
        """Hand a request on to the cloud, which is started with the first.

        From a process that is the home no more, through the one that is.
        """
        lab = self._lab
        assert lab is not None
        headers = tuple(headers)
        for _ in range(_MOVES):
            if not lab.home.here:
                address = lab.home.ensure()
                if not lab.home.here:
                    return self._relayed(address, method, target, headers, body)
            # One that is closed meanwhile, since the home moves on, was not asked yet.
            with contextlib.suppress(Closed):
                return self._started_cloud().forward(method, target, headers, body)
        return self._started_cloud().forward(method, target, headers, body)

    def _relayed(
        self,
        address: str,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | Iterator[bytes],
    ) -> Forwarded:
        from urllib3.exceptions import HTTPError

        from faaslab.cloud import forwarding

        with self._guard:
            if self._through is None or self._through[0] != address:
                self._through = (address, forwarding.pool(int(address.rpartition(":")[2])))
            through = self._through[1]
        try:
            return forwarding.forward(through, method, target, headers, body, secret="")
        except HTTPError as error:
            raise BackendError(f"the home of this store ({address}) did not answer: {error}") from error

    def _dispatching(self, lab: Lab) -> Dispatcher:
        from faaslab.endpoint.asking import Asking
        from faaslab.endpoint.dispatch import Dispatcher

        with self._guard:
            if self._dispatcher is None:
                self._dispatcher = Dispatcher(lab, Asking(self.forward))
            return self._dispatcher

    def _started_cloud(self) -> CloudProcess:
        cloud = self._cloud
        if cloud is not None:
            return cloud
        lab = self._lab
        assert lab is not None
        address = lab.home.ensure()
        with self._guard:
            if not lab.home.here:
                raise Closed(
                    "the embedded cloud of this store is with another process now", hint=f"ask {address}"
                )
            if self._cloud is None:
                from faaslab.backends.local.host.unfollowed import unfollowed
                from faaslab.cloud import CloudProcess

                # By the door it finds the home wherever that is: ports come and go while it runs.
                self._cloud = CloudProcess(
                    folder_of(Path(lab.store.path)), lab.door.address, unfollowed=unfollowed
                )
            return self._cloud

    # -- at the home

    def _began(self, epoch: int) -> None:
        del epoch
        from faaslab.cloud.extra import installed

        assert self._lab is not None
        if installed():
            for service in ("sqs", "sns", "events", "s3"):
                if not self._lab.asynchronous.delivers(service):
                    self._lab.asynchronous.deliver_with(service, self._sender(service))
            self._lab.targets.begin()
            self._begin_sending(self._lab)

    def _begin_sending(self, lab: Lab) -> None:
        from faaslab.endpoint.logs.sending import Sender

        self._sender_of_logs = Sender(lab, self._perform)

    def _ended(self) -> None:
        assert self._lab is not None
        self._lab.targets.end()
        sender, self._sender_of_logs = self._sender_of_logs, None
        if sender is not None:
            sender.close()
        with self._guard:
            cloud, self._cloud = self._cloud, None
        if cloud is not None:
            cloud.close()

    def _perform(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str
    ) -> Mapping[str, Any]:
        assert self._lab is not None
        return self._dispatching(self._lab).perform(service, operation, params, region=region)

    def _ask_cloud(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str
    ) -> Mapping[str, Any]:
        assert self._lab is not None
        return self._dispatching(self._lab).ask_cloud(service, operation, params, region=region)

    def _sender(self, service: str) -> Callable[[OutgoingMessage], None]:
        def send(message: OutgoingMessage) -> None:
            from faaslab.endpoint import deliveries

            assert self._lab is not None
            deliveries.SENDERS[service](self._dispatching(self._lab).perform, message)

        return send


def folder_of(store: Path) -> Path:
    """Where the embedded cloud of a store keeps what is in it: beside it."""
    return store.with_name(store.name + ".cloud")
