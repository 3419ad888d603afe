"""One generic way between the model's frozen dataclasses and JSON.

`to_json` gives what `json.dumps` takes; `from_json` builds the dataclass again and names the JSON pointer
of whatever does not fit. Law: `from_json(type(x), to_json(x)) == x`.

Instants are ISO 8601 in UTC with a `Z`, bytes are base64, enums their value; a union of dataclasses is
told apart by a `kind` field with a `Literal` type. Unknown members are ignored, so that an older faaslab
reads what a newer one added; missing members take the field's default.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from faaslab.errors import InvalidValue

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """`value` (a model dataclass, or what its fields may hold) as JSON types."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds") + "Z"
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [to_json(item) for item in items]
    raise InvalidValue(
        f"a value of type {type(value).__name__} has no JSON form",
        hint="use strings, numbers, booleans, None, lists and dictionaries",
    )


def from_json(cls: type[T], data: Any, *, at: str = "") -> T:
    """The `cls` that `data` describes. Raises `InvalidValue` whose place is a JSON pointer below `at`."""
    return typing.cast("T", _read(cls, data, at))


def _read(kind: Any, data: Any, at: str) -> Any:
    if kind is Any or kind is object:
        return data
    if kind is None or kind is type(None):
        if data is None:
            return None
        raise _misfit(at, "null", data)
    origin = get_origin(kind)
    if origin is not None:
        return _read_generic(kind, origin, data, at)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(typing.cast("type[Any]", kind), data, at)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError:
            raise _misfit(at, "one of " + ", ".join(str(m.value) for m in kind), data) from None
    return _read_scalar(kind, data, at)


def _read_scalar(kind: Any, data: Any, at: str) -> Any:
    if kind is bool and isinstance(data, bool):
        return data
    if kind is int and isinstance(data, int) and not isinstance(data, bool):
        return data
    if kind is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return float(data)
    if kind is str and isinstance(data, str):
        return data
    if kind is datetime and isinstance(data, str):
        try:
            return _instant(data)
        except ValueError:
            raise _misfit(at, "an ISO 8601 instant in UTC", data) from None
    if kind is bytes and isinstance(data, str):
        try:
            return base64.b64decode(data, validate=True)
        except binascii.Error:
            raise _misfit(at, "base64", data) from None
    raise _misfit(at, getattr(kind, "__name__", str(kind)), data)


def _instant(text: str) -> datetime:
    from datetime import UTC

    instant = datetime.fromisoformat(text)
    return instant.astimezone(UTC).replace(tzinfo=None) if instant.tzinfo else instant


def _read_generic(kind: Any, origin: Any, data: Any, at: str) -> Any:
    arguments = get_args(kind)
    if origin in (Union, types.UnionType):
        return _read_union(arguments, data, at)
    if origin is Literal:
        if data in arguments:
            return data
        raise _misfit(at, "one of " + ", ".join(map(str, arguments)), data)
    if origin in (tuple, list, frozenset):
        if not isinstance(data, list):
            raise _misfit(at, "a list", data)
        return origin(_read(arguments[0], item, f"{at}/{index}") for index, item in enumerate(data))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, Mapping):
            raise _misfit(at, "an object", data)
        return {key: _read(arguments[1], item, f"{at}/{_escape(key)}") for key, item in data.items()}
    raise TypeError(f"the model may not use the type {kind}")


def _read_union(arguments: tuple[Any, ...], data: Any, at: str) -> Any:
    if data is None and type(None) in arguments:
        return None
    present = [argument for argument in arguments if argument is not type(None)]
    if len(present) == 1:
        return _read(present[0], data, at)
    if isinstance(data, Mapping):
        for argument in present:
            if dataclasses.is_dataclass(argument) and data.get("kind") in _kinds(argument):
                return _read(argument, data, at)
    for argument in present:
        try:
            return _read(argument, data, at)
        except InvalidValue:
            continue
    raise _misfit(at, " or ".join(getattr(a, "__name__", str(a)) for a in present), data)


@functools.cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _kinds(cls: Any) -> tuple[Any, ...]:
    return get_args(_hints(cls).get("kind"))


def _read_dataclass(cls: Any, data: Any, at: str) -> Any:
    if not isinstance(data, Mapping):
        raise _misfit(at, f"an object ({cls.__name__})", data)
    hints = _hints(cls)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name in data:
            values[field.name] = _read(hints[field.name], data[field.name], f"{at}/{_escape(field.name)}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InvalidValue(f"{cls.__name__} needs the member {field.name!r}", place=at or "/")
    return cls(**values)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _misfit(at: str, wanted: str, found: Any) -> InvalidValue:
    shown = repr(found)
    return InvalidValue(
        f"expected {wanted}, found {shown if len(shown) <= 60 else shown[:57] + '...'}", place=at or "/"
    )
