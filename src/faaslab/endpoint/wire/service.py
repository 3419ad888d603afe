"""One AWS service as its server: which operation a request is, what it asks for, and how it is answered."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.model import ServiceModel

from faaslab.endpoint.messages import Fault, Request, Response
from faaslab.endpoint.wire import constraints, faults, query, rest, rpc
from faaslab.endpoint.wire.routes import Routes
from faaslab.endpoint.wire.shapes import Shapes
from faaslab.endpoint.wire.values import Carrier

if TYPE_CHECKING:
    from collections.abc import Mapping

LEFT_TO_THE_SERVICE = {
    # Lambda refuses a runtime that it does not know with InvalidParameterValueException and words of its own.
    "lambda": frozenset({"Runtime"}),
}
REFUSES_NULLS = frozenset({"lambda"})
"""Services that say `Member must not be null` of what a list or a map holds; the others pass over it."""
VALIDATION_CODES = {"logs": "InvalidParameterException"}
"""What a service calls a violated constraint in those operations that have this error."""
SPOKEN = frozenset({"rest-json", "json", "query", rpc.CBOR})


class Service:
    """A service by botocore's name of it.

    A protocol is one of `rest-json`, `json-1.0`, `json-1.1`, `query` and `smithy-rpc-v2-cbor`.
    """

    def __init__(self, model: ServiceModel) -> None:
        self.name: str = model.service_name
        metadata = model.metadata
        protocols = SPOKEN & {metadata["protocol"], *metadata.get("protocols", ())}
        self._spoken = bool(protocols)
        self._model = model
        self._rest = "rest-json" in protocols or not protocols
        self._query = "query" in protocols
        self._json = f"json-{metadata.get('jsonVersion', '1.0')}"
        self._target = metadata.get("targetPrefix", "")
        self._version: str = metadata.get("apiVersion", "")
        self._namespace: str = metadata.get("xmlNamespace", "")
        self._compatible = "awsQueryCompatible" in metadata
        own = (
            metadata["protocol"] if metadata["protocol"] in protocols else min(protocols, default="rest-json")
        )
        self._own = self._json if own == "json" else own
        self._shapes = Shapes(model, unchecked=LEFT_TO_THE_SERVICE.get(self.name, frozenset()))

    @staticmethod
    def load(name: str) -> Service:
        """The service from botocore's model of it, read once in a process (60 ms for Lambda)."""
        return _load(name)

    @property
    def model(self) -> ServiceModel:
        """What botocore knows of it."""
        return self._model

    @cached_property
    def operations(self) -> frozenset[str]:
        """The names of all operations that the model has."""
        return frozenset(self._model.operation_names)

    def protocol(self, request: Request) -> str:
        """The protocol that a request is in, as far as it shows; never fails."""
        if self._rest:
            return "rest-json"
        headers = request.headers
        if self._target:
            if headers.get("smithy-protocol") == "rpc-v2-cbor":
                return rpc.CBOR
            if "x-amz-target" in headers:
                media = headers.get("content-type", "")
                return next((one for one, name in rpc.MEDIA_TYPES.items() if name in media), self._json)
        return "query" if self._query and "cbor" not in headers.get("content-type", "") else self._own

    def operation(self, request: Request) -> tuple[str, str]:
        """The operation's name and the protocol.

        Raises `Fault` where the service has no such operation, or none of the protocols (as S3 and EC2).
        """
        if not self._spoken:
            raise Fault("NotImplemented", f"The protocol of {self.name} is not spoken here", status=501)
        protocol = self.protocol(request)
        if protocol == "rest-json":
            found = self._routes.find(request.method, request.path, request.query)
            if found is None:
                what = f"{request.method} {request.path[:256]}"
                raise Fault("UnknownOperationException", f"There is no operation for {what}", status=404)
            return found, protocol
        if protocol == "query":
            return self._asked_for(query.form(request)), protocol
        if protocol == rpc.CBOR:
            before, _, name = request.path.rpartition(rpc.CBOR_PATH.format(self._target))
            known = not before and name in self.operations
        else:
            prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
            known = prefix == self._target and name in self.operations
        if not known:
            status = 404 if protocol == rpc.CBOR else 400
            raise Fault("UnknownOperationException", "", status=status)
        return name, protocol

    def parse(self, request: Request, name: str, protocol: str) -> dict[str, Any]:
        """The parameters in the shapes that a boto3 client takes, checked; moments are naive and in UTC.

        Raises `Fault`: SerializationException (in a form: MalformedInput) where a value has not the model's
        type, and the service's validation error that names every constraint that failed.
        """
        operation = self._shapes.operation(name)
        strict = self.name in REFUSES_NULLS
        if protocol == "rest-json":
            route = self._routes.by_operation[name]
            params = rest.parse(operation, route, request, Carrier(nulls=strict))
        elif protocol == "query":
            params = query.parse(operation, query.form(request))
        else:
            params = rpc.parse(operation, request, protocol, nulls=strict)
        found = constraints.violations(operation.input, params, strict_nulls=strict)
        if found:
            code = "ValidationError" if protocol == "query" else "ValidationException"
            if self.name in VALIDATION_CODES and VALIDATION_CODES[self.name] in operation.errors:
                code = VALIDATION_CODES[self.name]
            raise Fault(code, constraints.message(found))
        return params

    def answer(
        self, name: str, result: Mapping[str, Any] | None, protocol: str, *, request_id: str
    ) -> Response:
        """The response for a handler's result, with the model's status or that of its own status member.

        A body that streams may be bytes, a file or an iterator of bytes; a stream of events is an iterator of
        (member, values). What the model does not know is left out.
        """
        operation = self._shapes.operation(name)
        headers = [("x-amzn-RequestId", request_id)]
        given = result or {}
        if protocol == "rest-json":
            return rest.answer(operation, given, headers)
        if protocol == "query":
            return query.answer(operation, given, headers, namespace=self._namespace, request_id=request_id)
        return rpc.answer(operation, given, protocol, headers)

    def refuse(self, fault: Fault, name: str | None, protocol: str, *, request_id: str) -> Response:
        """The response for an error, whose `fields` fill the members that its shape has in the model.

        `name` is the operation, where there is one.
        """
        del name  # every service of ours words an error in one way for all of its operations
        wording = faults.Wording(protocol, self._namespace, self._compatible)
        return faults.refuse(self._errors.get(fault.code), fault, wording, request_id)

    def _asked_for(self, fields: Mapping[str, str]) -> str:
        name = fields.get("Action")
        if name is None:
            raise Fault("MissingAction", "The request must contain the parameter Action.")
        if name not in self.operations:
            version = fields.get("Version", self._version)
            raise Fault("InvalidAction", f"Could not find operation {name[:256]} for version {version[:32]}")
        return name

    @cached_property
    def _routes(self) -> Routes:
        models = [self._model.operation_model(name) for name in self._model.operation_names]
        return Routes([(one.name, one.http["method"], one.http["requestUri"]) for one in models])

    @cached_property
    def _errors(self) -> dict[str, faults.ErrorShape]:
        """The errors of the model by their code and by their shape's name, which goes before."""
        by_code: dict[str, faults.ErrorShape] = {}
        by_name: dict[str, faults.ErrorShape] = {}
        for shape in self._model.error_shapes:
            traits = shape.metadata.get("error") or {}
            status = traits.get("httpStatusCode")
            error = faults.ErrorShape(
                shape.name,
                traits.get("code", shape.name),
                status,
                bool(traits.get("senderFault", (status or 400) < 500)),
                self._shapes.shape(shape),
            )
            by_code.setdefault(error.code, error)
            by_name[error.name] = error
        return by_code | by_name


@cache
def _load(name: str) -> Service:
    # What the user may have put into ~/.aws/models is for clients: here it could only take operations away.
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return Service(ServiceModel(loader.load_service_model(name, "service-2"), service_name=name))
