"""JSON as it goes into and comes out of tasks. Pure."""

from __future__ import annotations

import json
from typing import Any

import orjson

from faaslab.errors import InvalidValue
from faaslab.lab.payloads import encode


def text(value: Any) -> str:
    """`value` as Step Functions writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parsed(body: bytes | str) -> Any:
    """The value that JSON text stands for. Raises InvalidValue for what is none: NaN is not JSON."""
    try:
        return orjson.loads(body)
    except ValueError:
        pass  # json's has the last word: it also takes whole numbers above 64 bits and half characters
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(str(error) or "it is nested too deep") from None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def not_started(parameters: Any, why: str) -> str:
    """The cause of a task whose parameters its service does not take."""
    return f"The Parameters '{text(parameters)}' could not be used to start the Task: [{why}]"


def plain(value: Any) -> Any:
    """What a Python callable returned as JSON types. Raises InvalidValue for what has no JSON form."""
    return parsed(encode(value, place="result"))
