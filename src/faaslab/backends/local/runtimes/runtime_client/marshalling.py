"""Events to Python values, results to bytes, by the rules of Lambda's Python runtime.

Rule: what awslambdaric's encoder does with a value is done here with the standard library's: a Decimal keeps
its digits, a named tuple is an object, bytes within a value are UTF-8 text, NaN is written and not read.
"""

from __future__ import annotations

import json
import os
import re
from decimal import Decimal
from typing import Any

from .faults import Fault

_RUNTIME = re.compile(r"AWS_Lambda_python3\.(\d+)")
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|NaN|-?Infinity')
# No text of a function has this in it: it is drawn anew in each process.
_MARK = "decimal:" + os.urandom(16).hex() + ":"
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def _keeps_unicode() -> bool:
    """From Python 3.12 on Lambda writes characters as they are, before it escaped them."""
    match = _RUNTIME.fullmatch(os.environ.get("AWS_EXECUTION_ENV", ""))
    return match is not None and int(match.group(1)) >= 12


_encode = json.JSONEncoder(ensure_ascii=not _keeps_unicode()).encode


def to_json(value: Any) -> str:
    """The text of a value. Raises what the standard encoder raises."""
    try:
        plain = _plain(value)
    except RecursionError:
        # The encoder knows how to say what is wrong: a circle, or too deep.
        plain = value
    text = _encode(plain)
    return _MARKED.sub(r"\1", text) if _MARK in text else text


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    fields = getattr(value, "_asdict", None)
    if callable(fields):
        value = fields()
        if not isinstance(value, dict):
            raise TypeError("_asdict() must return a dict, not " + type(value).__name__)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return float("nan") if value.is_nan() else _MARK + str(value)
    return value


def _key(key: Any) -> Any:
    if isinstance(key, bytes):
        return key.decode("utf-8")
    if key is None or isinstance(key, (int, float)):
        return key
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def result(value: Any) -> tuple[bytes, str]:
    """(body, content type) of what a handler returned; bytes go out as they are."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        text = to_json(value)
    except Exception as error:  # noqa: BLE001 - a function's values may raise anything
        raise Fault("MarshalError", f"Unable to marshal response: {error}") from None
    return text.encode("utf-8"), "application/json"


def event(body: bytes, content_type: str) -> Any:
    """The event of an invocation; what is not JSON is handed over as bytes."""
    if content_type != "application/json":
        return body
    try:
        text = body.decode("utf-8")

        def refuse(_constant: str) -> None:
            places = (match for match in _CONSTANT.finditer(text) if match.group()[0] != '"')
            raise json.JSONDecodeError("Expecting value", text, next(places).start())

        return json.loads(text, parse_constant=refuse)
    except Exception as error:  # noqa: BLE001 - whatever a decoder raises means the same
        raise Fault("UnmarshalError", f"Unable to unmarshal input: {error}") from None


def header(text: str, name: str) -> Any:
    """A header whose value is JSON."""
    try:
        return json.loads(text)
    except Exception as error:  # noqa: BLE001 - as above
        raise Fault("LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from None
