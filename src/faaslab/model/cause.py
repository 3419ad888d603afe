"""What the cause of a workflow's failure says: often the JSON that Lambda answered with. Pure."""

from __future__ import annotations

import json


def cause_text(cause: str) -> str:
    """A cause as it is; of a function that raised, what it raised and the lines that led there."""
    try:
        value = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    if not isinstance(value, dict) or not isinstance(value.get("errorMessage"), str):
        return cause
    kind, trace = value.get("errorType"), value.get("stackTrace")
    told = f"{kind}: {value['errorMessage']}" if isinstance(kind, str) else value["errorMessage"]
    lines = [each.rstrip("\n") for each in trace if isinstance(each, str)] if isinstance(trace, list) else []
    return "\n".join([told, *lines])


def cause_line(cause: str) -> str:
    """The first line of it, as a table has room for."""
    return next(iter(cause_text(cause).splitlines()), "")
