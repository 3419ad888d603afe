"""From a text, or from what Python made of one, to a tree that is JSON, of a bearable depth and size.

Rule: what gets through here has string keys, finite numbers and text that can be written down, and can be
walked through by a recursive function.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from faaslab.workflow.validate.diagnostic import SCHEMA, Findings, Spot

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 1_048_576
"""Characters of a definition that CreateStateMachine takes."""
DEEPEST = 256
"""Arrays and objects within each other; a definition needs four a level of Parallel, and those are few."""

_INVALID = "INVALID_JSON_DESCRIPTION"
_NOT_AN_OBJECT = "Definition must be a valid JSON object"
_EXPECTED = "was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_LOOSE = re.compile(r"[^\s,:\[\]{}\"]+")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SOURCE_SHOWN = 500
_DIGITS = 400


class _NoNumber(ValueError):
    pass


def read(definition: str | Mapping[str, Any], findings: Findings) -> dict[str, Any] | None:
    """The definition as a tree, or None when it cannot be one; why is in the findings."""
    repeated: dict[int, list[str]] = {}
    if isinstance(definition, str):
        if len(definition) > LARGEST:
            _too_large(findings)
            return None
        tree, fine = _parsed(definition, repeated, findings)
        if not fine:
            return None
    else:
        tree = definition
    if not isinstance(tree, dict):
        findings.error(SCHEMA, _NOT_AN_OBJECT, None)
        return None
    return tree if _is_plain(tree, repeated, findings) else None


def _too_large(findings: Findings) -> None:
    findings.error(SCHEMA, f"Definition is larger than {LARGEST} characters", None)


def _parsed(text: str, repeated: dict[int, list[str]], findings: Findings) -> tuple[Any, bool]:
    if not text.strip():
        findings.error(SCHEMA, _NOT_AN_OBJECT, None)
        return None, False
    too_deep = _first_too_deep(text)
    if too_deep is not None:
        _refuse(text, too_deep, f"Document nesting depth exceeds the maximum allowed ({DEEPEST})", findings)
        return None, False
    tables: list[dict[str, Any]] = []  # kept, so that no id is used twice

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            counts = Counter(name for name, _ in pairs)
            repeated[id(made)] = [name for name, count in counts.items() if count > 1]
            tables.append(made)
        return made

    try:
        tree = json.loads(
            text, object_pairs_hook=table, parse_constant=_constant, parse_int=_whole, parse_float=_decimal
        )
    except json.JSONDecodeError as error:
        at, message = _in_jacksons_words(text, error.pos)
        _refuse(text, at, message, findings)
        return None, False
    except _NoNumber as error:
        findings.error(_INVALID, str(error), None)
        return None, False
    return tree, True


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise _NoNumber(f"Number out of range: {digits[:20]}…")
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _NoNumber(f"Number out of range: {digits[:20]}…")
    return number


def _constant(word: str) -> float:
    raise _NoNumber(f"Non-standard token '{word}': JSON has no such number")


def _first_too_deep(text: str) -> int | None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        mark = found.group()
        if mark in ("[", "{"):
            depth += 1
            if depth > DEEPEST:
                return found.end()
        elif mark in ("]", "}"):
            depth -= 1
    return None


def _in_jacksons_words(text: str, place: int) -> tuple[int, str]:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    if place >= len(text):
        return len(text), "Unexpected end-of-input"
    if text[:place].rstrip()[-1:] == "{":
        said = "was expecting double-quote to start field name"
        return place + 1, f"Unexpected character ('{text[place]}' (code {ord(text[place])})): {said}"
    loose = _LOOSE.match(text, place)
    if loose and not text[place].isdigit() and text[place] != "-":
        return loose.end(), f"Unrecognized token '{loose.group()[:256]}': {_EXPECTED}"
    return place + 1, f"Unexpected character ('{text[place]}' (code {ord(text[place])}))"


def _refuse(text: str, place: int, message: str, findings: Findings) -> None:
    line = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    rest = len(text) - _SOURCE_SHOWN
    shown = f'"{text}"' if rest <= 0 else f'"{text[:_SOURCE_SHOWN]}"[truncated {rest} chars]'
    where = f"[Source: (String){shown}; line: {line}, column: {column}]"
    findings.error(_INVALID, f"{message}\n at {where}", where)


def _is_plain(tree: dict[str, Any], repeated: dict[int, list[str]], findings: Findings) -> bool:
    """Whether all of it is JSON; without recursion, and with an end also where an object holds itself."""
    size, fine = 0, True
    waiting: list[tuple[Any, int, Spot]] = [(tree, 1, "")]
    while waiting:
        value, depth, spot = waiting.pop()
        if depth > DEEPEST:
            findings.error("TOO_DEEPLY_NESTED", f"Nested deeper than {DEEPEST} levels", spot)
            return False
        if isinstance(value, dict):
            among_states = isinstance(spot, tuple) and spot[1] == "States"
            for name in repeated.get(id(value), ()):
                code = "DUPLICATE_STATE_NAME" if among_states else _INVALID
                said = f"Duplicate State name: {name}" if among_states else f"Duplicate field '{name}'"
                findings.error(code, said, (spot, name))
            for name, inner in value.items():
                size += 4
                if not isinstance(name, str) or not _is_text(name):
                    findings.schema(f"A field's name must be text: {name!r:.80}", spot)
                    fine = False
                    continue
                size += len(name)
                waiting.append((inner, depth + 1, (spot, name)))
        elif isinstance(value, list):
            waiting.extend((inner, depth + 1, (spot, index)) for index, inner in enumerate(value))
            size += len(value)
        elif isinstance(value, str):
            size += len(value) + 2
            if not _is_text(value):
                findings.schema("Text holds half of a surrogate pair", spot)
                fine = False
        elif not _is_scalar(value):
            findings.schema(f"{type(value).__name__} is no JSON value", spot)
            fine = False
        else:
            size += 1
        if size > LARGEST:
            _too_large(findings)
            return False
    return fine


def _is_scalar(value: Any) -> bool:
    return (
        value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    )


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
