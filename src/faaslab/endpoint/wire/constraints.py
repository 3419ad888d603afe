"""Whether parsed parameters are as the model demands, and AWS's sentence when they are not.

Every violation of a request is named in one message. A list or map of simple values is named whole, with
all that is demanded of what it holds; structures in it are named one by one (`tags.1.member.key`). The
words are those that AWS's services answer with:
https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html names the codes only, so they follow
recorded answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faaslab.endpoint.wire.shapes import Member, Shape

SHOWN = 2048
"""Characters of a value that a message repeats."""
MOST = 50
"""Violations that one message names."""
NOT_NULL = "Member must not be null"


def violations(shape: Shape | None, params: Mapping[str, Any], *, strict_nulls: bool) -> list[str]:
    """AWS's words for each violation; `strict_nulls` also refuses null in a list or a map."""
    if shape is None or _all_simple_and_right(shape, params):
        return []
    found: list[str] = []
    for violation in _of_structure(shape, params, "", strict_nulls):
        found.append(violation)
        if len(found) >= MOST:
            break
    return found


def _all_simple_and_right(shape: Shape, params: Mapping[str, Any]) -> bool:
    """Whether it is at once plain that nothing is wrong, as with most requests: at a third of the price."""
    if any(params.get(name) is None for name in shape.required):
        return False
    for name, value in params.items():
        member = shape.members.get(name)
        if member is None or value is None or not _simple(member.shape):
            return False
        for condition in member.shape.conditions:
            if not condition.holds(value):
                return False
    return True


def message(found: list[str]) -> str:
    """The message that names all violations."""
    count = len(found)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(found)}"


def _of_structure(shape: Shape, value: Mapping[str, Any], place: str, strict: bool) -> Iterator[str]:  # noqa: FBT001
    for name, member in shape.members.items():
        given = value.get(name)
        if given is None:
            if name in shape.required:
                yield f"Value null at '{place}{member.label}' failed to satisfy constraint: {NOT_NULL}"
            continue
        yield from _of(member.shape, given, f"{place}{member.label}", strict)


def _of(shape: Shape, value: Any, place: str, strict: bool) -> Iterator[str]:  # noqa: FBT001
    for condition in shape.conditions:
        if not condition.holds(value):
            yield f"Value {_shown(shape, value)}at '{place}' failed to satisfy constraint: {condition.words}"
    if shape.kind == "structure":
        yield from _of_structure(shape, value, f"{place}.", strict)
    elif shape.kind == "list" and shape.element is not None:
        yield from _of_elements(shape, value, place, strict)
    elif shape.kind == "map" and shape.key is not None and shape.element is not None:
        if any(not _simple_holds(shape.key, key, strict) for key in value):
            yield _whole(
                shape, value, place, f"Map keys must satisfy constraint: {_demands(shape.key, strict)}"
            )
        if _simple(shape.element.shape):
            if any(not _simple_holds(shape.element, each, strict) for each in value.values()):
                words = f"Map value must satisfy constraint: {_demands(shape.element, strict)}"
                yield _whole(shape, value, place, words)
            return
        for key, each in value.items():
            yield from _of_one(shape.element, each, f"{place}.{key[:SHOWN]}.member", strict)


def _of_elements(shape: Shape, value: list[Any], place: str, strict: bool) -> Iterator[str]:  # noqa: FBT001
    element = shape.element
    assert element is not None
    if _simple(element.shape):
        if any(not _simple_holds(element, each, strict) for each in value):
            yield _whole(shape, value, place, f"Member must satisfy constraint: {_demands(element, strict)}")
        return
    for number, each in enumerate(value, start=1):
        yield from _of_one(element, each, f"{place}.{number}.member", strict)


def _of_one(element: Member, value: Any, place: str, strict: bool) -> Iterator[str]:  # noqa: FBT001
    if value is not None:
        yield from _of(element.shape, value, place, strict)
    elif strict:
        yield f"Value null at '{place}' failed to satisfy constraint: {NOT_NULL}"


def _simple(shape: Shape) -> bool:
    return shape.kind not in {"structure", "list", "map", "document"}


def _simple_holds(member: Member, value: Any, strict: bool) -> bool:  # noqa: FBT001
    if value is None:
        return not strict
    return all(condition.holds(value) for condition in member.shape.conditions)


def _demands(member: Member, strict: bool) -> str:  # noqa: FBT001
    words = [condition.words for condition in member.shape.conditions]
    return f"[{', '.join([*words, NOT_NULL] if strict else words)}]"


def _whole(shape: Shape, value: Any, place: str, words: str) -> str:
    return f"Value {_shown(shape, value)}at '{place}' failed to satisfy constraint: {words}"


def _shown(shape: Shape, value: Any) -> str:
    """The value as Java writes it, and nothing where the model calls it, or what is in it, sensitive."""
    if _sensitive(shape):
        return ""
    text = _as_java(value, SHOWN)
    return f"'{text[:SHOWN]}' "


def _sensitive(shape: Shape, seen: tuple[Shape, ...] = ()) -> bool:
    if shape.sensitive:
        return True
    parts = [*shape.members.values(), *(part for part in (shape.key, shape.element) if part)]
    return any(_sensitive(part.shape, (*seen, shape)) for part in parts if part.shape not in seen)


def _as_java(value: Any, room: int) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    if isinstance(value, list):
        return f"[{', '.join(_as_java(each, room) for each in value[:room])}]"
    if isinstance(value, Mapping):
        shown = [f"{key}={_as_java(each, room)}" for key, each in list(value.items())[:room]]
        return f"{{{', '.join(shown)}}}"
    return str(value)
