"""The protocols that name the operation and carry all the rest in one body: JSON 1.0 and 1.1, and CBOR.

https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html,
https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Response
from faaslab.endpoint.wire import cbor, compression, eventstream, json_bodies, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.messages import Request
    from faaslab.endpoint.wire.shapes import Operation

CBOR = "smithy-rpc-v2-cbor"
CBOR_PATH = "/service/{}/operation/"
MEDIA_TYPES = {
    "json-1.0": "application/x-amz-json-1.0",
    "json-1.1": "application/x-amz-json-1.1",
    CBOR: "application/cbor",
}


def parse(operation: Operation, request: Request, protocol: str, *, nulls: bool) -> dict[str, Any]:
    """The parameters as a boto3 client takes them, not yet checked."""
    binary = protocol == CBOR
    body = compression.body_of(request)
    given = _cbor(body) if binary else json_bodies.loads(body)
    members = operation.input.members if operation.input is not None else {}
    return values.read_structure(members, given, values.Carrier(binary, nulls))


def _cbor(body: bytes) -> Any:
    if not body:
        return {}
    try:
        return cbor.loads(body)
    except ValueError:
        raise values.serialization() from None


def answer(
    operation: Operation, result: Mapping[str, Any], protocol: str, headers: list[tuple[str, str]]
) -> Response:
    """The answer; `headers` are those that every answer has."""
    media = MEDIA_TYPES[protocol]
    members = {member.name: member for member in operation.output_body}
    written = values.write_structure(members, result, binary=protocol == CBOR)
    if operation.stream is not None:
        first = eventstream.initial(dumps(written, protocol), media)
        events = result.get(operation.stream.name) or ()
        body = eventstream.frames(operation.stream.shape, events, first)
        headers += [("Content-Type", eventstream.MEDIA_TYPE), *marks(protocol)]
        return Response(status=operation.status, headers=tuple(headers), body=body)
    if operation.output is None and protocol == CBOR:
        return Response(status=operation.status, headers=(*headers, *marks(protocol)))
    headers += [("Content-Type", media), *marks(protocol)]
    return Response(status=operation.status, headers=tuple(headers), body=dumps(written, protocol))


def marks(protocol: str) -> list[tuple[str, str]]:
    """What else the protocol says in the headers of an answer."""
    return [("smithy-protocol", "rpc-v2-cbor")] if protocol == CBOR else []


def dumps(value: Mapping[str, Any], protocol: str) -> bytes:
    """A body of the protocol."""
    return cbor.dumps(value) if protocol == CBOR else json_bodies.dumps(value)
