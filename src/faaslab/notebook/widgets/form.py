"""A form for a JSON value: which fields it has, what stands in them, and what is entered as a value. Pure.

Rule: the value is the truth and the form a view of it. The fields come from a JSON schema where there is one,
and from the value itself: what a schema does not name, and what does not fit it, is there all the same.
An array, and what is nested too deeply, is a field of JSON text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from faaslab.errors import InvalidValue
from faaslab.notebook.markup import json_text
from faaslab.notebook.widgets.schema import Resolver, plain_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["text", "long", "number", "integer", "truth", "choice", "json", "group"]
Pointer = tuple[str, ...]

MOST_FIELDS = 60
_DEEPEST = 4
_LONG = 80
_ABOUT = 200
_HALF = re.compile("[\ud800-\udfff]")


class Absent:
    """Nothing stands there: `ABSENT`."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field, or a group of them. `pointer` are the names that lead to it from the top.

    What is not `required` may be left empty, and is then absent. `choices` are JSON values.
    """

    pointer: Pointer
    label: str
    kind: Kind
    required: bool = True
    about: str = ""
    choices: tuple[Any, ...] = ()
    fields: tuple[Field, ...] = ()
    bounds: tuple[float | None, float | None] = (None, None)

    @property
    def place(self) -> str:
        """The field as a JSON pointer."""
        return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in self.pointer)


def fields_of(value: Any, schema: Mapping[str, Any] | None = None) -> tuple[Field, ...]:
    """The fields of a value; the top of one that is no object is a single field without a name."""
    resolver = Resolver(schema or {})
    top = _field((), "payload", resolver, resolver.resolved(schema or {}), value, required=True)
    return top.fields if top.kind == "group" else (top,)


def count(fields: Iterable[Field]) -> int:
    """How many fields there are, those in groups included."""
    return sum(count(field.fields) if field.kind == "group" else 1 for field in fields)


def first(fields: Iterable[Field], most: int = MOST_FIELDS) -> tuple[Field, ...]:
    """The first `most` of the fields, with the groups that they stand in."""
    kept = []
    for field in fields:
        if most <= 0:
            break
        if field.kind == "group":
            inner = first(field.fields, most)
            most -= count(inner)
            kept.append(Field(**{**vars(field), "fields": inner}))
        else:
            most -= 1
            kept.append(field)
    return tuple(kept)


def _field(
    pointer: Pointer,
    name: str,
    resolver: Resolver,
    schema: Mapping[str, Any],
    value: Any,
    *,
    required: bool,
) -> Field:
    label = schema.get("title")
    said: dict[str, Any] = {
        "pointer": pointer,
        "label": _HALF.sub("\ufffd", label if isinstance(label, str) and label else name),
        "required": required,
        "about": _about(schema),
        "bounds": _bounds(schema),
    }
    choices = _choices(schema)
    if choices and (value is ABSENT or any(_same(value, choice) for choice in choices)):
        return Field(kind="choice", choices=choices, **said)
    kind = _kind(schema, value, deep=len(pointer))
    if kind != "group":
        return Field(kind=kind, **said)
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    present: Mapping[str, Any] = value if isinstance(value, dict) else {}
    needed = schema.get("required")
    wanted = set(needed) if isinstance(needed, list) else set()
    inner = tuple(
        _field(
            (*pointer, each),
            each,
            resolver,
            resolver.resolved(known.get(each, {})),
            present.get(each, ABSENT),
            required=each not in known or each in wanted,
        )
        for each in dict.fromkeys((*known, *present))
    )
    return Field(kind="group", fields=inner, **said)


def _kind(schema: Mapping[str, Any], value: Any, *, deep: int) -> Kind:
    """What kind of field shows that value: the schema's, where the value fits it."""
    wanted = plain_type(schema)
    is_now = wanted if value is ABSENT else _type_of(value)
    if wanted == "number" and is_now == "integer":
        is_now = "number"
    if is_now is None or (wanted is not None and is_now != wanted):
        return "json"
    match is_now:
        case "object":
            some = bool(value) if isinstance(value, dict) else False
            some = some or bool(schema.get("properties"))
            return "group" if some and deep < _DEEPEST else "json"
        case "string":
            if isinstance(value, str) and _HALF.search(value):
                return "json"
            lines = isinstance(value, str) and ("\n" in value or len(value) > _LONG)
            return "long" if lines or schema.get("format") == "textarea" else "text"
        case "number" | "integer":
            # Without a schema a whole number is a number that may get a fraction.
            return "integer" if wanted == "integer" else "number"
        case "boolean":
            return "truth"
        case _:
            return "json"


def _type_of(value: Any) -> str | None:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return None


def _choices(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    if "const" in schema:
        return (schema["const"],)
    known = schema.get("enum")
    return tuple(known) if isinstance(known, list) else ()


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _bounds(schema: Mapping[str, Any]) -> tuple[float | None, float | None]:
    low, high = schema.get("minimum"), schema.get("maximum")
    return (
        low if isinstance(low, (int, float)) else None,
        high if isinstance(high, (int, float)) else None,
    )


def _about(schema: Mapping[str, Any]) -> str:
    """What the schema says of a field, in a line."""
    said = schema.get("description")
    words = [" ".join(said.split())[:_ABOUT]] if isinstance(said, str) and said.strip() else []
    low, high = _bounds(schema)
    if low is not None and high is not None:
        words.append(f"{low:g} to {high:g}")
    elif low is not None:
        words.append(f"{low:g} or more")
    elif high is not None:
        words.append(f"{high:g} or less")
    form = schema.get("format")
    if isinstance(form, str) and form != "textarea":
        words.append(form)
    return ", ".join(words)


# -- what stands in a field, and what is entered


def at(value: Any, pointer: Pointer) -> Any:
    """What a pointer leads to; ABSENT where that is nothing."""
    for step in pointer:
        if not isinstance(value, dict) or step not in value:
            return ABSENT
        value = value[step]
    return value


def put(value: Any, pointer: Pointer, new: Any) -> Any:
    """`value` with `new` at the pointer; ABSENT takes it away. Objects on the way are made."""
    if not pointer:
        return new
    step, *rest = pointer
    inside = value if isinstance(value, dict) else {}
    if rest and new is ABSENT and not isinstance(inside.get(step), dict):
        return value
    inner = put(inside.get(step, {}) if rest else None, tuple(rest), new)
    if inner is ABSENT:
        return {name: each for name, each in inside.items() if name != step}
    return {**inside, step: inner}


def shown(field: Field, value: Any) -> Any:
    """What a field shows of its value: text, of a truth and a choice the value itself (ABSENT for none)."""
    if field.kind in ("truth", "choice"):
        return value
    if value is ABSENT:
        return ""
    if field.kind in ("text", "long") and isinstance(value, str):
        return value
    return sendable(json_text(value))


def sendable(text: str) -> str:
    """JSON text as a page can be sent it: half a character, which stands in strings only, as its escape."""
    return _HALF.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def entered(field: Field, text: Any) -> Any:
    """The value that what was entered stands for; ABSENT where it may be left out and is empty.

    Raises `InvalidValue` with the field's label.
    """
    if field.kind in ("truth", "choice"):
        return text
    if not field.required and not text.strip():
        return ABSENT
    if field.kind in ("text", "long"):
        return text
    if not text.strip():
        what = {"number": "a number", "integer": "a whole number"}.get(field.kind, "JSON")
        raise InvalidValue(f"needs {what}", place=field.label)
    value = _json(field, text)
    if field.kind == "json":
        return value
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidValue(f"{text.strip()[:40]!r} is not a number", place=field.label)
    if field.kind == "integer" and not whole:
        raise InvalidValue(f"{text.strip()[:40]} is not a whole number", place=field.label)
    return value


def _json(field: Field, text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise InvalidValue("the JSON is nested too deeply", place=field.label) from None
    except json.JSONDecodeError as error:
        if field.kind != "json":
            raise InvalidValue(f"{text.strip()[:40]!r} is not a number", place=field.label) from None
        where = f"at line {error.lineno} column {error.colno}"
        raise InvalidValue(f"not JSON {where}: {error.msg.lower()}", place=field.label) from None
    except ValueError as error:
        raise InvalidValue(str(error), place=field.label) from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
