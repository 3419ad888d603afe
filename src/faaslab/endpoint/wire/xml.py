"""Values as XML, as the protocol query answers with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.wire import text_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.wire.shapes import Member

STYLE = "iso8601"
# What XML 1.0 cannot say, even escaped.
UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, inside: str, namespace: str = "") -> str:
    """An element with what is inside of it, which is XML."""
    declared = f' xmlns="{text(namespace)}"' if namespace else ""
    return f"<{name}{declared}>{inside}</{name}>"


def text(value: str) -> str:
    """A text as XML says it; what XML has no way to say becomes U+FFFD."""
    value = UNSAYABLE.sub("\ufffd", value)
    for one, said in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#13;")):
        value = value.replace(one, said)
    return value


def structure(members: Mapping[str, Member], given: Mapping[str, Any]) -> str:
    """The elements of a structure's members, those that are there."""
    return "".join(
        _member(member, given[name]) for name, member in members.items() if given.get(name) is not None
    )


def _member(member: Member, value: Any) -> str:
    shape = member.shape
    if not (member.flattened or shape.flattened):
        return element(member.wire, _inside(member, value))
    if shape.kind == "list":
        part = shape.element
        assert part is not None
        name = part.wire if part.named else member.wire
        return "".join(element(name, _inside(part, each)) for each in value if each is not None)
    return "".join(element(member.wire, entry) for entry in _entries(member, value))


def _inside(member: Member, value: Any) -> str:
    shape = member.shape
    if shape.kind == "structure":
        return structure(shape.members, value)
    if shape.kind == "list":
        part = shape.element
        assert part is not None
        return "".join(element(part.wire, _inside(part, each)) for each in value if each is not None)
    if shape.kind == "map":
        return "".join(element("entry", entry) for entry in _entries(member, value))
    return text(text_values.write(member, value, style=STYLE))


def _entries(member: Member, value: Mapping[str, Any]) -> list[str]:
    key, part = member.shape.key, member.shape.element
    assert key is not None
    assert part is not None
    return [
        element(key.wire, text(str(name))) + element(part.wire, _inside(part, each))
        for name, each in value.items()
        if each is not None
    ]
