"""The protocol query, which SNS, STS and older clients of CloudWatch speak: a form in, XML out.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from faaslab.endpoint.messages import Fault, Response
from faaslab.endpoint.wire import compression, text_values, xml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.messages import Request
    from faaslab.endpoint.wire.shapes import Member, Operation, Shape

MEDIA_TYPE = "text/xml"
STYLE = "iso8601"
MALFORMED = "MalformedInput"
MOST_FIELDS = 100_000
MOST_PARTS = 48
"""Parts of a key between its points."""
Node = dict[str | None, Any]
"""What stands below a part of a key, and under None the text of the key that ends here."""


def form(request: Request) -> dict[str, str]:
    """The fields of query and body; of two by one name the first."""
    try:
        pairs = parse_qsl(
            compression.body_of(request).decode(),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Fault(MALFORMED, "The body is not a form") from None
    found: dict[str, str] = {}
    for name, text in (*request.query, *pairs):
        found.setdefault(name, text)
    return found


def parse(operation: Operation, fields: Mapping[str, str]) -> dict[str, Any]:
    """The parameters as a boto3 client takes them, not yet checked."""
    if operation.input is None:
        return {}
    tree: Node = {}
    for name, text in fields.items():
        parts = name.split(".", MOST_PARTS)
        node = tree
        for part in parts:
            node = node.setdefault(part, {})
        node[None] = text
    return _structure(operation.input, tree)


def _structure(shape: Shape, node: Node) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = _member(member, node)
        if value is not None:
            found[name] = value
    return found


def _member(member: Member, node: Node) -> Any:
    """The member's value below the node of its structure; None where there is none."""
    shape = member.shape
    if shape.kind == "list":
        return _list(member, node)
    below = node.get(member.wire)
    if not isinstance(below, dict):
        return None
    if shape.kind == "map":
        return _map(member, below)
    return _value(member, below)


def _value(member: Member, node: Node) -> Any:
    kind = member.shape.kind
    if kind == "structure":
        return _structure(member.shape, node)
    if kind in {"list", "map"}:
        # A list of lists: what is inside has no name of its own.
        return _member(member, {member.wire: node})
    text = node.get(None)
    if not isinstance(text, str):
        raise Fault(MALFORMED, "Start of structure or map found where not expected.")
    return text_values.read(member, text, style=STYLE, code=MALFORMED)


def _list(member: Member, node: Node) -> list[Any] | None:
    element = member.shape.element
    assert element is not None
    if member.flattened or member.shape.flattened:
        below = node.get(element.wire if element.named else member.wire)
    else:
        below = node.get(member.wire)
        if isinstance(below, dict) and element.wire in below:
            below = below[element.wire]
    if not isinstance(below, dict):
        return None
    return [_value(element, each) for each in _numbered(below)]


def _map(member: Member, below: Node) -> dict[str, Any]:
    key, element = member.shape.key, member.shape.element
    assert key is not None
    assert element is not None
    if not (member.flattened or member.shape.flattened):
        entries = below.get("entry")
        below = entries if isinstance(entries, dict) else {}
    found = {}
    for entry in _numbered(below):
        name = entry.get(key.wire, {}).get(None)
        value = entry.get(element.wire)
        if not isinstance(name, str) or value is None:
            raise Fault(MALFORMED, "An entry of a map has no key or no value")
        found[name] = _value(element, value)
    return found


def _numbered(node: Node) -> list[Node]:
    numbers = {}
    for part, each in node.items():
        if part is None:
            continue
        if not part.isascii() or not part.isdigit() or len(part) > 9 or not isinstance(each, dict):
            raise Fault(MALFORMED, "Start of list found where not expected")
        numbers[int(part)] = each
    return [numbers[number] for number in sorted(numbers)]


def answer(
    operation: Operation,
    result: Mapping[str, Any],
    headers: list[tuple[str, str]],
    *,
    namespace: str,
    request_id: str,
) -> Response:
    """The answer; `headers` are those that every answer has."""
    body = ""
    if operation.output is not None:
        wrapper = operation.result_wrapper or f"{operation.name}Result"
        body = xml.element(wrapper, xml.structure(operation.output.members, result))
    body += xml.element("ResponseMetadata", xml.element("RequestId", xml.text(request_id)))
    whole = xml.element(f"{operation.name}Response", body, namespace)
    headers.append(("Content-Type", MEDIA_TYPE))
    return Response(status=operation.status, headers=tuple(headers), body=whole.encode("utf-8", "replace"))
