"""Whether a mocked result could be what an API answers with, by the model of that API.

Source of the words: answers recorded from TestState. A model says nothing of members that it does not have,
and TestState passes over them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Mode = Literal["STRICT", "PRESENT", "NONE"]
"""What is demanded: all of the model, what it says of the members that are there, or nothing."""

_NUMBERS = frozenset({"integer", "long", "float", "double", "short", "byte", "bigdecimal", "biginteger"})
# Step Functions hands times and bytes on as texts.
_TEXTS = frozenset({"string", "character", "timestamp", "blob"})


class Form(Protocol):
    """What the model of an API says of a value, as botocore has it (`botocore.model.Shape`)."""

    @property
    def type_name(self) -> str:
        """`structure`, `list`, `map`, `string`, `integer`, …"""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """`enum`, `min`, `max`, `required`, where the model has them."""

    @property
    def members(self) -> Mapping[str, Form]:
        """Of a structure."""

    @property
    def member(self) -> Form:
        """Of a list."""

    @property
    def value(self) -> Form:
        """Of a map."""


_MOST = {"MemorySize": 10_240}
"""Members that TestState holds to less than the newest models say."""


def misfit(result: Any, form: Form, mode: Mode, *, free: frozenset[str] = frozenset()) -> str | None:
    """Why `result` is not what `form` says, in AWS's words; None when it is.

    Members have the names that Step Functions gives them (`ExecutionArn` for `executionArn`). Those in
    `free` may be anything: of them an integration answers with something else than the API.
    """
    if mode == "NONE":
        return None
    if not isinstance(result, dict):
        return "Mocked result must be a JSON object."
    said = next(_misfits(result, form, free, strict=mode == "STRICT"), None)
    return said and f"Mock result schema validation error: {said}"


def _misfits(result: Any, form: Form, free: frozenset[str], *, strict: bool) -> Iterator[str]:
    """What does not fit, first things first; a mock may be nested as deep as it likes."""
    waiting: list[tuple[str, Any, Form]] = [("", result, form)]
    while waiting:
        name, value, kind = waiting.pop()
        if name in free or getattr(kind, "is_document_type", False):
            continue
        wanted = _wanted(kind.type_name, value)
        if wanted is not None:
            yield f"Field '{name}' must be {wanted}"
            continue
        yield from _beyond(name, value, kind.metadata)
        if kind.type_name == "structure":
            members = {_named(member): form for member, form in kind.members.items()}
            if strict:
                required = (_named(member) for member in kind.metadata.get("required", ()))
                yield from (f"Required field '{each}' is missing" for each in required if each not in value)
            inside = [(each, value[each], members[each]) for each in members if value.get(each) is not None]
        elif kind.type_name == "list":
            inside = [(name, each, kind.member) for each in value if each is not None]
        elif kind.type_name == "map":
            inside = [(key, each, kind.value) for key, each in value.items() if each is not None]
        else:
            continue
        waiting.extend(reversed(inside))


def _named(member: str) -> str:
    return member[:1].upper() + member[1:]


def _wanted(kind: str, value: Any) -> str | None:
    """What a value should have been; None when it is."""
    if kind in _TEXTS:
        return None if isinstance(value, str) else "a string"
    if kind == "boolean":
        return None if isinstance(value, bool) else "a boolean"
    if kind in _NUMBERS:
        return None if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
    if kind == "list":
        return None if isinstance(value, list) else "an array"
    return None if isinstance(value, dict) else "an object"


def _beyond(name: str, value: Any, traits: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in traits and value not in traits["enum"]:
        yield f"Field '{name}' is not an expected value"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "min" in traits and value < traits["min"]:
            yield f"Field '{name}' is less than the minimum value"
        if "max" in traits and value > min(traits["max"], _MOST.get(name, traits["max"])):
            yield f"Field '{name}' exceeds the maximum value"
