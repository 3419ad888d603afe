"""JSON as it goes into and comes out of tasks. Pure."""

from __future__ import annotations

import json
from typing import Any

import orjson

from faaslab.errors import InvalidValue
from faaslab.lab.payloads import encode
from faaslab.workflow.query.values import nests_deeper


def text(value: Any) -> str:
    """`value` as Step Functions writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


DEEPEST = 500
"""Levels of nesting that data of an execution may have; JSONata takes no more either (ours: AWS names none).

A count, because how deep Python itself can go depends on what the process did before."""


def parsed(body: bytes | str) -> Any:
    """The value that JSON text stands for. Raises InvalidValue for what is none (NaN) or nests too deep."""
    try:
        value = orjson.loads(body)
    except ValueError:
        value = _by_json(body)  # also takes whole numbers above 64 bits and half characters
    if nests_deeper(value, DEEPEST):
        raise InvalidValue(f"it is nested more than {DEEPEST} levels deep")
    return value


def _by_json(body: bytes | str) -> Any:
    try:
        return json.loads(body, parse_constant=_no_number)
    except RecursionError:
        raise InvalidValue(f"it is nested more than {DEEPEST} levels deep") from None
    except ValueError as error:
        raise InvalidValue(str(error)) from None


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


def not_started(parameters: Any, why: str) -> str:
    """The cause of a task whose parameters its service does not take."""
    return f"The Parameters '{text(parameters)}' could not be used to start the Task: [{why}]"


def plain(value: Any) -> Any:
    """What a Python callable returned as JSON types. Raises InvalidValue for what has no JSON form."""
    return parsed(encode(value, place="result"))
