"""Python values as the JSON that goes over the wire, with the place of what has no JSON form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from faaslab.errors import InvalidValue
from faaslab.model.quotas import EVENT_BYTES, REQUEST_BYTES


def _plain(value: Any) -> Any:
    """A number or an array of NumPy as Python's own; `json` asks for what it does not know."""
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()
        if type(plain) is not type(value):
            return plain
    raise TypeError(type(value).__name__)


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)


def encode(value: Any, *, place: str = "payload", asynchronous: bool = False) -> bytes:
    """`value` as JSON bytes within Lambda's limits. Bytes pass as they are; a DataFrame is its records."""
    body = value if isinstance(value, bytes) else _encode(value, place)
    limit = EVENT_BYTES if asynchronous else REQUEST_BYTES
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
    row, rows = _row(value), records(value)
    plain = row if row is not None else rows if rows is not None else value
    wrong = _misfit(plain, "", ())
    if wrong is None:
        return _ENCODER.encode(plain)
    pointer, found = wrong
    raise InvalidValue(
        f"{found} has no JSON form, at {pointer or '/'}",
        place=place,
        hint="use strings, finite numbers, booleans, None, lists and dictionaries",
    )


def _row(value: Any) -> dict[str, Any] | None:
    """A row of a DataFrame: a Series under the names of its columns. None for anything else."""
    kind = type(value)
    if kind.__module__.partition(".")[0] != "pandas" or kind.__name__ != "Series":
        return None
    if not len(value) or not all(isinstance(name, str) for name in value.index):
        return None
    rows: list[dict[str, Any]] = json.loads(value.to_frame().T.to_json(orient="records", date_format="iso"))
    return rows[0]


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
    try:
        plain = _plain(value)
    except TypeError:
        return at, f"a value of type {type(value).__name__}"
    return _misfit(plain, at, above)
