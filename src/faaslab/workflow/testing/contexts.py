"""The context object that a test gives its state.

Source of the words: answers recorded from TestState.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS: Mapping[str, Mapping[str, str | None]] = {
    "Execution": {
        "Id": "a string",
        "Input": None,
        "Name": "a string",
        "RoleArn": "a string",
        "StartTime": "a string",
        "RedriveCount": "a number",
        "RedriveTime": "a string",
    },
    "State": {"EnteredTime": "a string", "Name": "a string", "RetryCount": "a number"},
    "StateMachine": {"Id": "a string", "Name": "a string"},
    "Task": {"Token": "a string"},
}
"""What may be given, and what it has to be."""


class InvalidContext(ValueError):
    """It is no context object; says why as AWS does."""


def given(text: str) -> Mapping[str, Any]:
    """The context object that `text` is. Raises InvalidContext."""
    try:
        context = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidContext("Invalid Context object provided: it must be valid JSON") from None
    said = _misfit(context)
    if said is not None:
        raise InvalidContext(f"Invalid Context object provided: {said}")
    assert isinstance(context, dict)
    return context


def _misfit(context: Any) -> str | None:
    if not isinstance(context, dict):
        return "it must be a JSON object"
    for section, fields in context.items():
        if section == "Map":
            return "'Map' field is not supported when mocking a Context object"
        known = _FIELDS.get(section)
        if known is None:
            return f"Field '{section}' is not allowed"
        if not isinstance(fields, dict):
            return f"{section} must be an object"
        for name, value in fields.items():
            if name not in known:
                return f"Field '{name}' is not allowed"
            wanted = known[name]
            if wanted is not None and not _fits(value, wanted):
                return f"{section}.{name} must be {wanted}"
    return None


def _fits(value: Any, wanted: str) -> bool:
    if wanted == "a string":
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)
