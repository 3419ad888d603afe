"""Errors as each protocol words them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.endpoint.messages import Fault, Response
from faaslab.endpoint.wire import json_bodies, query, rest, rpc, text_values, values, xml

if TYPE_CHECKING:
    from faaslab.endpoint.wire.shapes import Member, Shape


class ErrorShape(NamedTuple):
    """An error of the model: its shape's name, the code of old protocols, and its HTTP status."""

    name: str
    code: str
    status: int | None
    sender: bool
    shape: Shape


class Wording(NamedTuple):
    """What a service says in its errors beside the error: `namespace` of XML, `compatible` with query."""

    protocol: str
    namespace: str
    compatible: bool


def refuse(error: ErrorShape | None, fault: Fault, wording: Wording, request_id: str) -> Response:
    """The response for a fault; what the model says of its status holds."""
    status = (error.status if error is not None else None) or fault.status
    sender = error.sender if error is not None else status < 500
    headers = [("x-amzn-RequestId", request_id)]
    members, fields = _fields(error, fault, sender=sender)
    for name, member in members.items():
        if member.location == "header" and name in fields:
            text = text_values.write(member, fields.pop(name), style="rfc822")
            headers.append((member.wire, rest.one_line(text)))
    protocol = wording.protocol
    if protocol == "query":
        code = error.code if error is not None else fault.code
        body = _xml(code, fault, members, fields, sender=sender, wording=wording, request_id=request_id)
        headers.append(("Content-Type", query.MEDIA_TYPE))
        return Response(status=status, headers=tuple(headers), body=body)
    code = error.name if error is not None else fault.code
    written = values.write_structure(members, fields, binary=protocol == rpc.CBOR)
    if not {"message", "Message"} & set(written) and fault.message:
        written["message"] = fault.message
    if protocol == "rest-json":
        headers += [("x-amzn-ErrorType", code), ("Content-Type", "application/json")]
        return Response(status=status, headers=tuple(headers), body=json_bodies.dumps(written))
    if wording.compatible:
        old = error.code if error is not None else fault.code
        headers.append(("x-amzn-query-error", f"{old};{'Sender' if sender else 'Receiver'}"))
    headers += [("Content-Type", rpc.MEDIA_TYPES[protocol]), *rpc.marks(protocol)]
    body = rpc.dumps({"__type": code, **written}, protocol)
    return Response(status=status, headers=tuple(headers), body=body)


def _fields(
    error: ErrorShape | None, fault: Fault, *, sender: bool
) -> tuple[dict[str, Member], dict[str, Any]]:
    """The members of the error's shape and what stands in them."""
    if error is None:
        return {}, {}
    members = error.shape.members
    fields = {name: value for name, value in fault.fields.items() if value is not None}
    for name in ("message", "Message"):
        if name in members:
            fields.setdefault(name, fault.message)
    if "Type" in members:
        fields.setdefault("Type", "User" if sender else "Service")
    return members, fields


def _xml(
    code: str,
    fault: Fault,
    members: dict[str, Member],
    fields: dict[str, Any],
    *,
    sender: bool,
    wording: Wording,
    request_id: str,
) -> bytes:
    others = {name: member for name, member in members.items() if name not in {"message", "Message"}}
    inside = (
        xml.element("Type", "Sender" if sender else "Receiver")
        + xml.element("Code", xml.text(code))
        + xml.element("Message", xml.text(fault.message))
        + xml.structure(others, fields)
    )
    # A shape of the model names its message as it likes.
    if "message" in members:
        inside += xml.element("message", xml.text(fault.message))
    body = xml.element("Error", inside) + xml.element("RequestId", xml.text(request_id))
    return xml.element("ErrorResponse", body, wording.namespace).encode("utf-8", "replace")
