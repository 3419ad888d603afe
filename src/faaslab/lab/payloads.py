"""Python values as the JSON that goes over the wire, with the place of what has no JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from faaslab.errors import InvalidValue
from faaslab.lab.limits import MAX_EVENT_BYTES, MAX_PAYLOAD_BYTES

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Any, *, place: str = "payload", asynchronous: bool = False) -> bytes:
    """`value` as JSON bytes within Lambda's limits. Bytes pass as they are; a DataFrame is its records."""
    body = value if isinstance(value, bytes) else _encode(value, place)
    limit = MAX_EVENT_BYTES if asynchronous else MAX_PAYLOAD_BYTES
    if len(body) > limit:
        raise InvalidValue(
            f"{len(body)} bytes; Lambda takes {limit} ({limit // 1024 // 1024} MB) at most",
            place=place,
            hint="put large data into a file or a bucket and pass its name",
        )
    return body


def _encode(value: Any, place: str) -> bytes:
    try:
        text = _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError):
        text = _encode_slowly(value, place)
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate: it has an escape in JSON, but no UTF-8
        return json.dumps(json.loads(text)).encode()


def _encode_slowly(value: Any, place: str) -> str:
    plain = records(value)
    if plain is None:
        plain = value
    wrong = _misfit(plain, "", ())
    if wrong is None:
        return _ENCODER.encode(plain)
    pointer, found = wrong
    raise InvalidValue(
        f"{found} has no JSON form, at {pointer or '/'}",
        place=place,
        hint="use strings, finite numbers, booleans, None, lists and dictionaries",
    )


def records(value: Any) -> list[Any] | None:
    """The rows of a DataFrame as dictionaries, the values of a Series; None for anything else."""
    kind = type(value)
    if kind.__module__.partition(".")[0] != "pandas" or not hasattr(value, "to_json"):
        return None
    rows: list[Any] = json.loads(value.to_json(orient="records", date_format="iso"))
    return rows


def items(values: Any) -> list[Any]:
    """What a map runs over, one by one: rows of a DataFrame, or the items of an iterable."""
    rows = records(values)
    if rows is not None:
        return rows
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise InvalidValue(
            f"a value of type {type(values).__name__} is not a collection of payloads",
            place="input",
            hint="give a DataFrame, a list or a range",
        )
    return list(values)


def _misfit(value: Any, at: str, above: tuple[int, ...]) -> tuple[str, str] | None:
    """(JSON pointer, what stands there) of the first thing without a JSON form."""
    if value is None or isinstance(value, (str, bool, int)):
        return None
    if isinstance(value, float):
        return None if value - value == 0 else (at, repr(value))
    if id(value) in above:
        return at, "a value that contains itself"
    if len(above) > 500:
        return at, "nesting this deep"
    if isinstance(value, dict):
        for key, item in value.items():
            escaped = str(key).replace("~", "~0").replace("/", "~1")
            if not isinstance(key, (str, int, float, bool, type(None))):
                return f"{at}/{escaped}", f"a key of type {type(key).__name__}"
            wrong = _misfit(item, f"{at}/{escaped}", (*above, id(value)))
            if wrong:
                return wrong
        return None
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            wrong = _misfit(item, f"{at}/{index}", (*above, id(value)))
            if wrong:
                return wrong
        return None
    return at, f"a value of type {type(value).__name__}"
