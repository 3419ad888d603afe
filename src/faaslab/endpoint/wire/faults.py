"""Errors as each protocol words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.endpoint.messages import Fault, Response
from faaslab.endpoint.wire import json_bodies, text_values, values

if TYPE_CHECKING:
    from faaslab.endpoint.wire.shapes import Shape


class ErrorShape(NamedTuple):
    """An error of the model: its shape's name, the code of old protocols, and its HTTP status."""

    name: str
    code: str
    status: int | None
    sender: bool
    shape: Shape


def refuse(error: ErrorShape | None, fault: Fault, protocol: str, request_id: str) -> Response:
    """The response for a fault."""
    status = fault.status
    headers = [("x-amzn-RequestId", request_id)]
    fields: dict[str, Any] = {}
    if error is None:
        fields["message"] = fault.message
        if fault.code != "SerializationException":
            fields |= fault.fields
        fields.setdefault("Type", "User" if status < 500 else "Service")
    else:
        status = error.status or status
        fields = members(error, fault, headers)
    code = error.name if error is not None else fault.code
    if protocol == "rest-json":
        headers += [("x-amzn-ErrorType", code), ("Content-Type", "application/json")]
        return Response(status=status, headers=tuple(headers), body=json_bodies.dumps(fields))
    raise NotImplementedError(protocol)


def members(error: ErrorShape, fault: Fault, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """The members of the error's shape for a body; those that are headers go there."""
    given = dict(fault.fields)
    for name in ("message", "Message"):
        if name in error.shape.members:
            given.setdefault(name, fault.message)
    if "Type" in error.shape.members:
        given.setdefault("Type", "User" if error.sender else "Service")
    body = {}
    for name, member in error.shape.members.items():
        value = given.get(name)
        if value is None:
            continue
        if member.location == "header":
            headers.append((member.wire, text_values.write(member, value, style="rfc822")))
        else:
            body[member.wire] = values.write(member, value)
    if not {"message", "Message"} & set(body):
        body["message"] = fault.message
    return body
