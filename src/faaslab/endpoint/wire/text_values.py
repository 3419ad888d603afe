"""Values as texts carry them, in a path, a query, a header or a form, read and written by their shapes."""

from __future__ import annotations

import base64
import json
import math
import re
from datetime import datetime
from typing import Any

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.wire import moments
from faaslab.endpoint.wire.shapes import WHOLE_NUMBERS, Member
from faaslab.endpoint.wire.values import FALSE_WORDS, NOT_FINITE, TRUE_WORDS, unbase64

WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
NUMBER = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")
# One part of a list in a header: quoted, where it holds a comma or a quote.
PART = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')


def read(member: Member, text: str, *, style: str, code: str = "SerializationException") -> Any:
    """A simple value; `style` is how moments are written where the model does not say."""
    kind = member.shape.kind
    if kind == "string":
        return _from_json(text, code) if member.json_header else text
    if kind in WHOLE_NUMBERS:
        if WHOLE.fullmatch(text) is None:
            raise _refused(code, "a Long" if kind == "long" else "an Integer")
        limit = 1 << (WHOLE_NUMBERS[kind] - 1)
        return max(-limit, min(limit - 1, int(text)))
    if kind == "boolean":
        word = text.lower()
        if word not in TRUE_WORDS | FALSE_WORDS:
            raise _refused(code, "a Boolean")
        return word in TRUE_WORDS
    if kind == "timestamp":
        try:
            return moments.from_text(text, member.timestamp_format or style)
        except (ValueError, OverflowError, TypeError):
            raise Fault(code, "STRING_VALUE can not be converted to milliseconds since epoch") from None
    if kind == "blob":
        return unbase64(text)
    if text in NOT_FINITE:
        return NOT_FINITE[text]
    if NUMBER.fullmatch(text) is None:
        raise _refused(code, "a Double")
    return float(text)


def read_list(member: Member, text: str, *, style: str) -> list[Any]:
    """A list in one header, its parts between commas."""
    element = member.shape.element
    assert element is not None
    if element.shape.kind == "timestamp":
        # The date of HTTP has a comma of its own.
        halves = text.split(",")
        texts = [",".join(halves[place : place + 2]).strip() for place in range(0, len(halves), 2)]
        if (element.timestamp_format or style) != "rfc822":
            texts = [one.strip() for one in halves]
        return [read(element, one, style=style) for one in texts]
    parts, place = [], 0
    while place < len(text):
        found = PART.match(text, place)
        if found is None or found.end() == place:
            break
        quoted = found[1]
        parts.append(re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found[2].strip())
        place = found.end()
    return [read(element, one, style=style) for one in parts]


def write(member: Member, value: Any, *, style: str) -> str:
    """A simple value as a text."""
    kind = member.shape.kind
    if isinstance(value, bool):
        return "true" if value else "false"
    if kind == "timestamp" and isinstance(value, datetime):
        return moments.to_text(value, member.timestamp_format or style)
    if kind == "blob":
        return base64.b64encode(value.encode() if isinstance(value, str) else value).decode("ascii")
    if member.json_header:
        return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode("ascii")
    if kind == "list":
        element = member.shape.element
        assert element is not None
        return ", ".join(write(element, each, style=style) for each in value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return str(value)


def _refused(code: str, wanted: str) -> Fault:
    return Fault(code, f"STRING_VALUE can not be converted to {wanted}")


def _from_json(text: str, code: str) -> Any:
    try:
        return json.loads(unbase64(text))
    except (ValueError, RecursionError):
        raise Fault(code, "The header is not JSON in Base64") from None
