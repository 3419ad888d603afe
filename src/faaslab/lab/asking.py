"""What a caller may ask for beside the payload, by the names of `Invocation`'s fields. Pure.

Rule: what is of the wrong kind is refused here, by its name and with the remedy, before anything runs.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final

from faaslab.errors import InvalidValue, nearest
from faaslab.model.invocation import Invocation

_OBJECTS: Final = ("client_context", "cognito_identity")
_TYPES: Final = ("RequestResponse", "Event", "DryRun")
_NAMES: Final = frozenset(field.name for field in dataclasses.fields(Invocation)) - {
    "qualifier",
    "latest",
    "queued_at",
}


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as `Invocation` takes them; an object is written as JSON. Raises `InvalidValue`."""
    return {name: _value(name, value) for name, value in fields.items()}


def text(place: str, value: Any) -> str | None:
    """A text or nothing. Raises `InvalidValue`."""
    if value is None or isinstance(value, str):
        return value
    raise InvalidValue(f"{value!r} is no text", place=place, hint=f"pass a string, such as {str(value)!r}")


def _value(name: str, value: Any) -> Any:
    if name not in _NAMES:
        near = nearest(name, _NAMES)
        raise InvalidValue(
            "no invocation has such a field",
            place=name,
            hint=f"did you mean {near!r}?" if near else f"known are {', '.join(sorted(_NAMES))}",
        )
    if name == "hide":
        return tuple(value)
    if name == "attempt":
        if type(value) is not int or value < 1:
            raise InvalidValue(f"{value!r} is no number of an attempt", place=name, hint="the first is 1")
        return value
    if name == "invocation_type":
        if value not in _TYPES:
            raise InvalidValue(f"{value!r} is none of {', '.join(_TYPES)}", place=name)
        return value
    if name in _OBJECTS and isinstance(value, Mapping):
        return _document(name, value)
    if name in _OBJECTS and not isinstance(value, str) and value is not None:
        raise InvalidValue(
            f"a {type(value).__name__} is no JSON object",
            place=name,
            hint="pass a dictionary, or its JSON text",
        )
    return text(name, value)


def _document(name: str, value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(
            f"it has no JSON form: {error}",
            place=name,
            hint="use strings, finite numbers, booleans, None, lists and dictionaries",
        ) from None
