"""The protocol rest-json, as Lambda and Scheduler speak it: path, query, headers and a body.

https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault, Request, Response
from faaslab.endpoint.wire import eventstream, json_bodies, text_values, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.endpoint.wire.routes import Route
    from faaslab.endpoint.wire.shapes import Member, Operation
    from faaslab.endpoint.wire.values import Carrier

JSON = "application/json"
PATH_STYLE = "iso8601"
HEADER_STYLE = "rfc822"
NOT_IN_HEADERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def parse(operation: Operation, route: Route, request: Request, carrier: Carrier) -> dict[str, Any]:
    """The parameters as a boto3 client takes them, not yet checked."""
    params: dict[str, Any] = {}
    if operation.labels:
        _labels(operation, route, request, params)
    if operation.query:
        _query(operation, route, request.query, params)
    headers = request.headers
    for member in operation.headers:
        if member.location == "headers":
            prefix = member.wire.lower()
            found = {name[len(prefix) :]: text for name, text in headers.items() if name.startswith(prefix)}
            if found:
                params[member.name] = found
            continue
        text = headers.get(member.wire.lower())
        if text is None:
            continue
        if member.shape.kind == "list":
            params[member.name] = text_values.read_list(member, text, style=HEADER_STYLE)
        else:
            params[member.name] = text_values.read(member, text, style=HEADER_STYLE)
    if operation.payload is not None:
        _payload(operation, operation.payload, request, params, carrier)
    elif operation.body:
        _refuse_other_media(operation, request)
        given = json_bodies.loads(request.body)
        params |= values.read_structure({one.name: one for one in operation.body}, given, carrier)
    return params


def _labels(operation: Operation, route: Route, request: Request, params: dict[str, Any]) -> None:
    try:
        texts = route.values(request.path)
    except (UnicodeDecodeError, IndexError):
        raise values.serialization("The path is not UTF-8") from None
    for member in operation.labels:
        params[member.name] = text_values.read(member, texts[member.wire], style=PATH_STYLE)


def _query(
    operation: Operation, route: Route, query: tuple[tuple[str, str], ...], params: dict[str, Any]
) -> None:
    if not query:
        return
    taken = {member.wire for member in operation.query} | {name for name, _ in route.query}
    for member in operation.query:
        kind = member.shape.kind
        if kind == "map":
            if others := [pair for pair in query if pair[0] not in taken]:
                params[member.name] = _rest_of_query(member, others)
            continue
        texts = [text for name, text in query if name == member.wire]
        if not texts:
            continue
        if kind == "list":
            element = member.shape.element
            assert element is not None
            params[member.name] = [text_values.read(element, text, style=PATH_STYLE) for text in texts]
        else:
            params[member.name] = text_values.read(member, texts[0], style=PATH_STYLE)


def _rest_of_query(member: Member, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    lists = member.shape.element is not None and member.shape.element.shape.kind == "list"
    found: dict[str, Any] = {}
    for name, text in pairs:
        if lists:
            found.setdefault(name, []).append(text)
        else:
            found.setdefault(name, text)
    return found


def _payload(
    operation: Operation, member: Member, request: Request, params: dict[str, Any], carrier: Carrier
) -> None:
    if not request.body:
        return
    kind = member.shape.kind
    if kind == "blob":
        params[member.name] = request.body
    elif kind == "string":
        try:
            params[member.name] = request.body.decode()
        except UnicodeDecodeError:
            raise values.serialization() from None
    else:
        _refuse_other_media(operation, request)
        given = json_bodies.loads(request.body)
        if given is not None:
            params[member.name] = values.read(member, given, carrier)


def _refuse_other_media(operation: Operation, request: Request) -> None:
    """A body of JSON must not be called something else: a form is what a page of a stranger can send."""
    media = request.headers.get("content-type")
    if (
        media
        and request.body
        and not operation.names_media
        and "json" not in media.lower()
        and "octet-stream" not in media.lower()
    ):
        raise Fault(
            "UnsupportedMediaTypeException", "The content type of the request body is not JSON.", status=415
        )


def answer(operation: Operation, result: Mapping[str, Any], headers: list[tuple[str, str]]) -> Response:
    """The answer; `headers` are those that every answer has."""
    status = operation.status
    if operation.status_member is not None:
        status = int(result.get(operation.status_member) or status)
    for member in operation.output_headers:
        value = result.get(member.name)
        if value is None:
            continue
        if member.location == "headers":
            headers += [(member.wire + str(name), one_line(str(text))) for name, text in value.items()]
        else:
            headers.append((member.wire, one_line(text_values.write(member, value, style=HEADER_STYLE))))
    body: bytes | Iterator[bytes] = b""
    if operation.stream is not None:
        # Lambda's model has a member for this header; its answer says the type of the stream all the same.
        headers = [(name, text) for name, text in headers if name.lower() != "content-type"]
        headers.append(("Content-Type", eventstream.MEDIA_TYPE))
        events = result.get(operation.stream.name) or ()
        return Response(
            status=status, headers=tuple(headers), body=eventstream.frames(operation.stream.shape, events)
        )
    payload = operation.output_payload
    if payload is not None:
        value = result.get(payload.name)
        if payload.shape.kind in {"blob", "string"}:
            body = _bytes(value)
        elif value is not None:
            body = json_bodies.dumps(values.write(payload, value))
    elif operation.output_body and status != 204:
        members = {member.name: member for member in operation.output_body}
        body = json_bodies.dumps(values.write_structure(members, result))
    # Lambda's answer is JSON whatever is in it, unless a function says otherwise.
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", JSON))
    return Response(status=status, headers=tuple(headers), body=body)


def one_line(text: str) -> str:
    """A text that may stand in a header: without ends of lines, and of characters that HTTP has there."""
    return NOT_IN_HEADERS.sub(" ", text).encode("latin-1", "replace").decode("latin-1")


def _bytes(value: Any) -> bytes | Iterator[bytes]:
    if value is None:
        return b""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, str):
        return value.encode()
    read = getattr(value, "read", None)
    return iter(lambda: read(65536), b"") if read is not None else iter(value)
