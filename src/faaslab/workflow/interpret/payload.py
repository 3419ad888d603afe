"""JSON values as the history has them: their text, and how large they may be.

Rule: a text is made once and travels with its value; 262,144 bytes of UTF-8 is the most a payload may have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.query.values import json_text, nests_deeper

if TYPE_CHECKING:
    from datetime import datetime

LIMIT = 262_144
DEEPEST = 1_000
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"


def text_of(value: Any) -> str:
    """The value as compact JSON text; a StateFailure when it is nested so deeply that nobody reads it.

    For what was made by an expression `made_text` is the way: one value may stand in it a million times.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # whole numbers beyond 64 bits, lone surrogates, nesting beyond 254
        pass
    if nests_deeper(value, DEEPEST):
        raise StateFailure(
            RUNTIME, f"The data is nested more than {DEEPEST} levels deep, which nobody reads.", framed=True
        )
    return json_text(value)


def text_of_input(value: Any) -> str:
    """The text of what an execution is begun with, however deep."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json_text(value)


def is_too_large(text: str) -> bool:
    """Whether the text has more bytes than a payload may have."""
    length = len(text)
    if length > LIMIT:
        return True
    return length * 4 > LIMIT and not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > LIMIT


def outweighs(value: Any) -> bool:
    """Whether the value is surely over the limit, found without writing it out: its parts may be shared."""
    weight = 0
    todo = [value]
    while todo:
        item = todo.pop()
        kind = type(item)
        if kind is str:
            weight += len(item) + 2
        elif kind is dict:
            weight += 1
            for key in item:
                weight += len(key) + 3
            todo += item.values()
        elif kind is list:
            weight += 1
            if len(item) > LIMIT:
                return True
            todo += item
        else:
            weight += 1
        if weight > LIMIT:
            return True
    return False


def made_text(value: Any, name: str) -> str:
    """The text of what a state made; a StateFailure when it is too large."""
    kind = type(value)
    if (kind is dict or kind is list) and outweighs(value):
        raise too_large(name)
    text = text_of(value)
    if is_too_large(text):
        raise too_large(name)
    return text


def too_large(name: str) -> StateFailure:
    """The failure of a state or task whose result is over the limit."""
    return StateFailure(
        DATA_LIMIT_EXCEEDED,
        f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes "
        "service limit.",
    )


def moment(at: datetime) -> str:
    """An instant as the context object has it."""
    return at.isoformat(timespec="milliseconds") + "Z"
