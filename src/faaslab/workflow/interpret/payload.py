"""JSON values as the history has them: their text, and how large they may be.

Rule: a text is made once and travels with its value; 262,144 bytes of UTF-8 is the most a payload may have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.query.values import json_text

if TYPE_CHECKING:
    from datetime import datetime

LIMIT = 262_144
DATA_LIMIT_EXCEEDED = "States.DataLimitExceeded"


def text_of(value: Any) -> str:
    """The value as compact JSON text."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # whole numbers beyond 64 bits, lone surrogates, nesting beyond 254
        pass
    return json_text(value)


def is_too_large(text: str) -> bool:
    """Whether the text has more bytes than a payload may have."""
    length = len(text)
    if length > LIMIT:
        return True
    return length * 4 > LIMIT and not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > LIMIT


def state_output_text(value: Any, name: str) -> str:
    """The text of what a state gives; a StateFailure when it is too large."""
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
