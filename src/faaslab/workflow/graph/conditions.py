"""The rules of a Choice state as a person would say them: `$.n > 3`, `$.name = "a" and $.ok`. Pure.

Nothing raises: a rule that is none is shown as what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from faaslab.workflow.graph.words import seen, shortened

_DEEP = 6
_PARTS = 12
_VALUE = 60
_KINDS = ("String", "Numeric", "Timestamp", "Boolean")
_SIGNS = {
    "Equals": "=",
    "LessThan": "<",
    "GreaterThan": ">",
    "LessThanEquals": "≤",
    "GreaterThanEquals": "≥",
    "Matches": "~",
}
_IS = {
    "IsPresent": ("is present", "is absent"),
    "IsNull": ("is null", "is not null"),
    "IsNumeric": ("is a number", "is no number"),
    "IsString": ("is a string", "is no string"),
    "IsBoolean": ("is a boolean", "is no boolean"),
    "IsTimestamp": ("is a timestamp", "is no timestamp"),
}
_JSONATA = re.compile(r"^\s*\{%(.*)%\}\s*$", re.DOTALL)
_STATES = re.compile(r"\$states\.")
_NOT_RULE = ("Next", "Comment", "Assign", "Output", "Variable")


def condition(rule: Any) -> str:
    """What the rule asks, on one line."""
    return _said(rule, 0)


def _said(rule: Any, depth: int) -> str:
    if not isinstance(rule, Mapping):
        return "?"
    if depth >= _DEEP:
        return "…"
    if "Condition" in rule:
        return expression(rule["Condition"])
    for word in ("And", "Or"):
        if word in rule:
            return _joined(rule[word], word.lower(), depth)
    if "Not" in rule:
        return f"not ({_said(rule['Not'], depth + 1)})"
    variable = seen(rule.get("Variable", "?"))
    for name, value in rule.items():
        if name in _NOT_RULE or not isinstance(name, str):
            continue
        return f"{variable} {_comparison(name, value)}"
    return variable


def _joined(rules: Any, word: str, depth: int) -> str:
    if not isinstance(rules, (list, tuple)) or not rules:
        return "?"
    parts = [_said(each, depth + 1) for each in rules[:_PARTS]]
    nested = [
        f"({part})" if isinstance(each, Mapping) and ({"And", "Or"} - {word.title()}) & each.keys() else part
        for each, part in zip(rules, parts, strict=False)
    ]
    return f" {word} ".join([*nested, *(["…"] if len(rules) > _PARTS else [])])


def _comparison(name: str, value: Any) -> str:
    if name in _IS:
        return _IS[name][0 if value is True else 1] if isinstance(value, bool) else f"{name} {_value(value)}"
    path = name.endswith("Path")
    bare = name.removesuffix("Path")
    for kind in _KINDS:
        sign = _SIGNS.get(bare.removeprefix(kind)) if bare.startswith(kind) else None
        if sign:
            return f"{sign} {seen(value) if path or kind == 'Timestamp' else _value(value)}"
    return f"{seen(name)} {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        return "…"
    if isinstance(value, str):
        return json.dumps(shortened(seen(value), _VALUE), ensure_ascii=False)
    return (
        "null"
        if value is None
        else shortened(str(value).lower() if isinstance(value, bool) else _number(value), _VALUE)
    )


def _number(value: Any) -> str:
    return "…" if isinstance(value, int) and value.bit_length() > 512 else seen(value)


def expression(text: Any) -> str:
    """A JSONata expression without its frame; `$states.input.n` is `input.n`."""
    if not isinstance(text, str):
        return _value(text)
    found = _JSONATA.match(text[:4_000])
    return _STATES.sub("", seen(found[1] if found else text))
