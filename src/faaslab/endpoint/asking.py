"""Asking the embedded cloud something, for a handler that needs what is in it.

The request is made and the answer read by botocore, as a client would; it does not go through our own port.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict

from faaslab.endpoint import credentials
from faaslab.endpoint.messages import Fault
from faaslab.endpoint.wire import Service

if TYPE_CHECKING:
    from botocore.model import ServiceModel

    from faaslab.cloud import Forwarded

Forward = Callable[[str, str, Iterable[tuple[str, str]], "bytes | Iterator[bytes]"], "Forwarded"]
"""Hands `(method, target, headers, body)` to the cloud; `target` is the path and the query as they came."""


class Asking:
    """Operations of the cloud by name, with the shapes of a boto3 client."""

    def __init__(self, forward: Forward) -> None:
        self._forward = forward
        self._lock = threading.Lock()
        self._made: dict[str, tuple[ServiceModel, Any, Any]] = {}

    def ask(
        self, service: str, operation: str, params: Mapping[str, Any], *, region: str
    ) -> Mapping[str, Any]:
        """The parsed answer. Raises the Fault that the cloud answered with."""
        model, serializer, parser = self._tools(service)
        shape = model.operation_model(operation)
        made = serializer.serialize_to_request(dict(params), shape)
        headers = {name: _text(value) for name, value in made["headers"].items()}
        headers["Host"] = f"{model.endpoint_prefix}.{region}.amazonaws.com"
        headers["Authorization"] = credentials.header(credentials.Scope("local", model.signing_name, region))
        target = made["url_path"]
        if made.get("query_string"):
            query = made["query_string"]
            target += ("&" if "?" in target else "?") + (
                query if isinstance(query, str) else urlencode(query)
            )
        body = made["body"]
        if isinstance(body, dict):
            body = urlencode(body)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        if isinstance(body, str):
            body = body.encode()
        status, answered, pieces = self._forward(made["method"], target, headers.items(), body or b"")
        content = b"".join(pieces)
        # What botocore's parsers take for a text unless it is a stream, as an object of S3 is.
        streams = shape.has_streaming_output and status < 300
        body_read = io.BytesIO(content) if streams else content
        response = {"status_code": status, "headers": HeadersDict(dict(answered)), "body": body_read}
        parsed = parser.parse(response, shape.output_shape)
        if status >= 300:
            error = parsed.get("Error", {})
            raise Fault(
                str(error.get("Code", "ServiceException")), str(error.get("Message", "")), status=status
            )
        return dict(parsed)

    def _tools(self, service: str) -> tuple[ServiceModel, Any, Any]:
        with self._lock:
            if service not in self._made:
                model = Service.load(service).model
                protocol = model.resolved_protocol
                self._made[service] = (
                    model,
                    serialize.create_serializer(protocol, include_validation=False),
                    parsers.create_parser(protocol),
                )
            return self._made[service]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
