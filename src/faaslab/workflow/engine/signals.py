"""Signals as JSON text, as they are kept and left for others, and back.

Rule: what was kept is read again exactly, half characters and NaN included; what does not fit is refused and
never raises anything but `InvalidValue`, as a letter may come from anywhere.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from typing import Any

from faaslab.errors import InvalidValue
from faaslab.model.json import from_json
from faaslab.workflow.effects import Signal

FORMAT = 1
"""The number of this form; a reader refuses a higher one."""

_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in typing.get_args(Signal)}
_FIELDS: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(field.name for field in dataclasses.fields(kind)) for kind in _KINDS.values()
}
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_BARE = {kind: _encode({"v": FORMAT, "kind": kind.__name__}) for kind, names in _FIELDS.items() if not names}


def packed(signal: Signal) -> str:
    """The text of a signal. Raises `InvalidValue` for a payload that has no JSON form."""
    kind = type(signal)
    bare = _BARE.get(kind)
    if bare is not None:
        return bare
    data: dict[str, Any] = {"v": FORMAT, "kind": kind.__name__}
    for name in _FIELDS[kind]:
        data[name] = getattr(signal, name)
    if not data.get("hide", True):
        del data["hide"]  # as it seldom has any
    try:
        return _encode(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(
            f"a signal {kind.__name__} has no JSON form: {error}",
            hint="payloads are strings, numbers, booleans, None, lists and dictionaries",
        ) from None


def unpacked(text: str) -> Signal:
    """The signal of a text. Raises `InvalidValue` for what is none, or is one of a newer faaslab."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"no signal: {error}") from None
    if not isinstance(data, dict) or type(data.get("v")) is not int or not 1 <= data["v"] <= FORMAT:
        raise InvalidValue(f"no signal of the form {FORMAT} or before", hint="upgrade faaslab")
    name = data.get("kind")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InvalidValue(f"there is no signal {str(name)[:40]!r}", hint="upgrade faaslab")
    signal: Signal = from_json(kind, {field: data[field] for field in _FIELDS[kind] if field in data})
    return signal
