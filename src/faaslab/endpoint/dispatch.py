"""Which service a request is for, and who answers it: a handler of ours, or the embedded cloud.

A service of AWS is told by what the request was signed for. Of a service that is ours whole (Lambda) every
operation is answered here; of one that stands in front of the cloud's, those that are in its table, and the
rest goes on as it came.
"""

from __future__ import annotations

import importlib
import logging
import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from faaslab.backends.local.flight import uuid_of
from faaslab.endpoint import faults, unsigned
from faaslab.endpoint.call import Asked, Call, Handler, Later, Theirs
from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.messages import Fault, Held, Request, Response
from faaslab.endpoint.wire import Service
from faaslab.errors import FaaslabError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.asking import Asking
    from faaslab.lab import Lab

LOG = logging.getLogger(__name__)
INTERNAL = "/_faaslab/"
"""Paths of ours that are of no service of AWS."""


@dataclass(frozen=True, kw_only=True)
class Ours:
    """A service with handlers of ours: botocore's name of it, the modules with their `OPERATIONS`.

    `whole`: an operation that is in none of them is refused; otherwise it is the cloud's.
    """

    service: str
    modules: tuple[str, ...]
    whole: bool = False


OURS: Mapping[str, Ours] = {
    "lambda": Ours(service="lambda", modules=("lambda_",), whole=True),
    "logs": Ours(service="logs", modules=("logs.groups", "logs.events", "logs.queries", "logs.tail")),
    "states": Ours(service="stepfunctions", modules=("states",), whole=True),
    "events": Ours(service="events", modules=("events",)),
    "scheduler": Ours(service="scheduler", modules=("scheduler",)),
    "monitoring": Ours(service="cloudwatch", modules=("cloudwatch.metrics",)),
}
"""Signing name -> the service, where anything of it is answered here."""


def signing_name(request: Request, scope: Scope | None) -> str | None:
    """The service that a request is for, by its signature, else by the forms that only one service has."""
    return scope.service if scope is not None else unsigned.by_head(request)


class Dispatcher:
    """Answers what is ours. Called from any number of threads."""

    def __init__(self, lab: Lab, asking: Asking | None = None) -> None:
        self._lab = lab
        self._asking = asking

    def ours(self, request: Request, scope: Scope | None) -> Ours | None:
        """Who of ours may answer a request; None for the cloud. The body need not be there yet."""
        return OURS.get(signing_name(request, scope) or "")

    def taken_for(self, service: str) -> Scope:
        """The scope of a request that nobody signed, and that is for this service (a signing name)."""
        return Scope("local", service, self._lab.region)

    def answer(self, request: Request, ours: Ours, scope: Scope | None) -> Response | Held | None:
        """Carry a request out; None when it is the cloud's after all. What fails is an answer as well."""
        service = Service.load(ours.service)
        region = (scope.region if scope else None) or self._lab.region
        request_id = uuid_of(os.urandom(16).hex())
        protocol, name = service.protocol(request), None
        try:
            name, protocol = service.operation(request)
            handler = _handlers(ours).get(name)
            if handler is None:
                if not ours.whole:
                    return None
                raise faults.not_here(ours.service, name)
            call = Call(
                lab=self._lab,
                service=ours.service,
                operation=name,
                params=service.parse(request, name, protocol),
                request=request,
                region=region,
                request_id=request_id,
                cloud=self._cloud(ours.service, region),
            )
            result = handler(call) or {}
            if isinstance(result, Later):
                return self._held(service, name, protocol, request_id, result)
            return service.answer(name, result, protocol, request_id=request_id)
        except Theirs:
            return None
        except Exception as error:  # noqa: BLE001 -- what fails is an answer as well
            if name is None and not ours.whole:
                return None  # not in a form that we know: the cloud's to refuse
            return self._refusal(error, service, name, protocol, request_id)

    def _held(self, service: Service, name: str, protocol: str, request_id: str, later: Later) -> Held:
        def look() -> Response | None:
            try:
                told = later.look()
                return None if told is None else service.answer(name, told, protocol, request_id=request_id)
            except Exception as error:  # noqa: BLE001 -- what fails is an answer as well
                return self._refusal(error, service, name, protocol, request_id)

        return Held(look=look, nothing=service.answer(name, {}, protocol, request_id=request_id))

    def _refusal(
        self, error: Exception, service: Service, name: str | None, protocol: str, request_id: str
    ) -> Response:
        fault = faults.fault_of(error, service=service.name, region=self._lab.region)
        if fault.status >= 500:
            _note(error, f"{service.name} {name}")
        return service.refuse(fault, name, protocol, request_id=request_id)

    def perform(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str | None = None
    ) -> Mapping[str, Any]:
        """Carry an operation out for somebody in this process; it raises `Fault`, or what went wrong."""
        region = region or self._lab.region
        for ours in OURS.values():
            if ours.service == service and (handler := _handlers(ours).get(operation)) is not None:
                call = Call(
                    lab=self._lab,
                    service=service,
                    operation=operation,
                    params=params,
                    request=Request(method="POST", path="/"),
                    region=region,
                    request_id=uuid_of(os.urandom(16).hex()),
                    cloud=self._cloud(service, region),
                )
                try:
                    result = handler(call) or {}
                except Theirs:
                    break
                return result.look() or {} if isinstance(result, Later) else result
        return self._cloud(service, region)(operation, params)

    def ask_cloud(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str
    ) -> Mapping[str, Any]:
        """Have the cloud carry an operation out, whether it is ours or not."""
        return self._cloud(service, region)(operation, params)

    def _cloud(self, of: str, region: str) -> Asked:
        def ask(
            operation: str, params: Mapping[str, Any], /, *, service: str | None = None
        ) -> Mapping[str, Any]:
            if self._asking is None:
                raise Fault("ServiceUnavailable", "There is no embedded cloud here.", status=503)
            return self._asking.ask(service or of, operation, params, region=region)

        return ask


def _note(error: Exception, what: str) -> None:
    """In the log: what was foreseen in a line, where everything else was from as well."""
    if isinstance(error, Fault | FaaslabError):
        LOG.warning("%s: %s", what, error)
    else:
        LOG.error(what, exc_info=error)


@cache
def _handlers(ours: Ours) -> Mapping[str, Handler]:
    """The table of a service: its modules are imported when something of it is asked for first."""
    table: dict[str, Handler] = {}
    for module in ours.modules:
        table |= importlib.import_module(f"faaslab.endpoint.{module}").OPERATIONS
    return table
