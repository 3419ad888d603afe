"""One AWS service as its server: which operation a request is, what it asks for, and how it is answered."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from faaslab.endpoint.messages import Fault, Request, Response
from faaslab.endpoint.wire import constraints, faults, rest
from faaslab.endpoint.wire.routes import Routes
from faaslab.endpoint.wire.shapes import Operation, Shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_TO_THE_SERVICE = {
    # Lambda refuses a runtime that it does not know with InvalidParameterValueException and words of its own.
    "lambda": frozenset({"Runtime"}),
}
REFUSES_NULLS = frozenset({"lambda"})
"""Services that say `Member must not be null` of what a list or a map holds; the others pass over it."""
VALIDATION_CODES = {"logs": "InvalidParameterException"}


class Service:
    """A service by botocore's name of it.

    A protocol is one of `rest-json`, `json-1.0`, `json-1.1`, `query` and `smithy-rpc-v2-cbor`.
    """

    def __init__(self, model: ServiceModel) -> None:
        self.name: str = model.service_name
        self._model = model
        self._metadata = model.metadata
        self._operation_names = frozenset(model.operation_names)
        self._shapes = Shapes(model, unchecked=LEFT_TO_THE_SERVICE.get(self.name, frozenset()))
        self._routes: Routes | None = None

    @classmethod
    def load(cls, name: str) -> Service:
        """The service from botocore's model of it, read once in a process (60 ms for Lambda)."""
        return _load(name)

    @property
    def model(self) -> ServiceModel:
        """What botocore knows of it."""
        return self._model

    @property
    def operations(self) -> frozenset[str]:
        """The names of all operations that the model has."""
        return self._operation_names

    def protocol(self, request: Request) -> str:
        """The protocol that a request is in, as far as it shows; never fails."""
        del request
        return "rest-json"

    def operation(self, request: Request) -> tuple[str, str]:
        """The operation's name and the protocol. Raises `Fault` where the service has no such operation."""
        protocol = self.protocol(request)
        name = self._rest_routes.find(request.method, request.path, request.query)
        if name is None:
            raise Fault(
                "UnknownOperationException",
                f"No operation for {request.method} {request.path[:256]}",
                status=404,
            )
        return name, protocol

    def parse(self, request: Request, name: str, protocol: str) -> dict[str, Any]:
        """The parameters in the shapes that a boto3 client takes, checked; moments are naive and in UTC.

        Raises `Fault`: SerializationException where a value has not the model's type, and the service's
        validation error that names every constraint that failed.
        """
        del protocol
        operation = self._shapes.operation(name)
        params = rest.parse(operation, self._rest_routes.by_operation[name], request)
        self._check(operation, params)
        return params

    def answer(
        self, name: str, result: Mapping[str, Any] | None, protocol: str, *, request_id: str
    ) -> Response:
        """The response for a handler's result, with the status of the model or of its own status member."""
        del protocol
        headers = [("x-amzn-RequestId", request_id)]
        return rest.answer(self._shapes.operation(name), result or {}, headers)

    def refuse(self, fault: Fault, name: str | None, protocol: str, *, request_id: str) -> Response:
        """The response for an error; what the model says of its status and members holds."""
        del name
        return faults.refuse(self._error(fault.code), fault, protocol, request_id)

    def _check(self, operation: Operation, params: Mapping[str, Any]) -> None:
        found = constraints.violations(operation.input, params, strict_nulls=self.name in REFUSES_NULLS)
        if found:
            raise Fault(VALIDATION_CODES.get(self.name, "ValidationException"), constraints.message(found))

    @property
    def _rest_routes(self) -> Routes:
        if self._routes is None:
            models = [self._model.operation_model(name) for name in self._model.operation_names]
            self._routes = Routes(
                [
                    (one.name, one.http.get("method", "POST"), one.http.get("requestUri", "/"))
                    for one in models
                ]
            )
        return self._routes

    def _error(self, code: str) -> faults.ErrorShape | None:
        return self._errors.get(code)

    @property
    def _errors(self) -> dict[str, faults.ErrorShape]:
        return _errors(self._model, self._shapes)


@cache
def _load(name: str) -> Service:
    return Service(ServiceModel(Loader().load_service_model(name, "service-2"), service_name=name))


@cache
def _errors(model: ServiceModel, shapes: Shapes) -> dict[str, faults.ErrorShape]:
    found: dict[str, faults.ErrorShape] = {}
    for shape in model.error_shapes:
        traits = shape.metadata.get("error") or {}
        error = faults.ErrorShape(
            shape.name,
            traits.get("code", shape.name),
            traits.get("httpStatusCode"),
            bool(traits.get("senderFault")) or int(traits.get("httpStatusCode") or 400) < 500,
            shapes.shape(shape),
        )
        found.setdefault(error.code, error)
        found[error.name] = error
    return found
