"""Paths, payload templates and JSONata, wherever they stand in a definition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.workflow.query import intrinsics, jsonata, jsonpath
from faaslab.workflow.validate.values import is_expression, text

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Findings, Spot

_INVALID = "INVALID_JSONATA_EXPRESSION"
_LOOKS_LIKE_A_PATH = re.compile(r"\$\$?(?:$|[.\[])|States\.[A-Za-z0-9]+\(")


def path(value: Any, findings: Findings, at: str, *, null: bool = False) -> None:
    """A JSONPath that may give several values, or null where that is allowed."""
    if (value is None and null) or not text(value, findings, at):
        return
    reason = jsonpath.check(value, reference=False)
    if reason is not None:
        said = "Value must be a valid JSONPath."
        findings.schema(f"{said} {reason}" if value.startswith("$") else said, at)


def reference(value: Any, findings: Findings, at: str, *, null: bool = False) -> None:
    """A path to a single place (a Reference Path), or null where that is allowed."""
    if (value is None and null) or not text(value, findings, at):
        return
    reason = jsonpath.check(value, reference=True)
    if reason is not None:
        why = reason if value.startswith("$") else "Reference path didn't start with '$'"
        findings.schema(f"Value is not a Reference Path: {why}", at)


def result_path(value: Any, findings: Findings, at: str) -> None:
    """A Reference Path into the input, where something is put; or null."""
    if isinstance(value, str) and value.startswith("$") and not re.match(r"\$(?:[.\[]|\Z)", value):
        findings.schema("Value is not a Reference Path: only a path of the input can be written", at)
    else:
        reference(value, findings, at, null=True)


def path_or_call(value: Any, findings: Findings, at: str) -> None:
    """A path or a call of an intrinsic function."""
    if text(value, findings, at) and (reason := _fault(value)) is not None:
        findings.schema(f"Value must be a valid JSONPath or a valid intrinsic function call{reason}", at)


def _fault(value: str) -> str | None:
    """Why a text is neither a path nor a call, to be put behind a sentence; None when it is one."""
    if value.startswith("$"):
        reason = jsonpath.check(value, reference=False)
    elif value.startswith("States."):
        reason = intrinsics.check(value)
    else:
        return ""
    return None if reason is None else f": {reason}"


def template(value: Any, language: str, findings: Findings, at: str) -> None:
    """Any JSON with expressions in it: behind names that end with `.$`, or as `{% … %}`."""
    if language == "JSONata":
        _jsonata_template(value, findings, at)
    else:
        _payload_template(value, findings, at)


def _payload_template(value: Any, findings: Findings, at: str) -> None:
    waiting: list[tuple[Any, Spot]] = [(value, at)]
    while waiting:
        here, place = waiting.pop()
        if isinstance(here, list):
            waiting.extend((inner, (place, index)) for index, inner in reversed(list(enumerate(here))))
        elif isinstance(here, dict):
            for name, inner in here.items():
                if name.endswith(".$"):
                    _behind_a_name(name, inner, here, findings, place=place, field=at)
                elif isinstance(inner, str) and _LOOKS_LIKE_A_PATH.match(inner):
                    said = f"The value of '{name:.100}' looks like an expression, but no .$ ends its name"
                    findings.warn("NO_DOLLAR", said, (place, name))
            waiting.extend((here[name], (place, name)) for name in reversed(here))


def _behind_a_name(
    name: str, value: Any, beside: dict[str, Any], findings: Findings, *, place: Spot, field: str
) -> None:
    if name[:-2] in beside:
        findings.schema(
            f"The fields '{name[:-2]:.100}' and '{name:.100}' are one and the same when evaluated", place
        )
    reason = _fault(value) if isinstance(value, str) else ""
    if reason is not None:
        said = "must be a valid JSONPath or a valid intrinsic function call"
        findings.schema(f"The value for the field '{name:.100}' {said}{reason}", field)


def _jsonata_template(value: Any, findings: Findings, at: str) -> None:
    waiting: list[tuple[Any, Spot]] = [(value, at)]
    while waiting:
        here, place = waiting.pop()
        if isinstance(here, str):
            jsonata_text(here, findings, place)
        elif isinstance(here, list):
            waiting.extend((inner, (place, index)) for index, inner in reversed(list(enumerate(here))))
        elif isinstance(here, dict):
            waiting.extend((here[name], (place, name)) for name in reversed(here))


def jsonata_text(value: str, findings: Findings, at: Spot) -> None:
    """A string of a JSONata state: an expression when it is `{% … %}`, half a pair of marks is a slip."""
    if not is_expression(value):
        if value.startswith("{%") != value.endswith("%}"):
            said = "An expression begins with '{%' and ends with '%}', with nothing around them"
            findings.error(_INVALID, said, at)
        return
    reason = jsonata.check(value)
    if reason is not None:
        findings.error(_INVALID, reason, at)
        return
    for name in jsonata.names_without_context(value):
        said = f"Reference to '{name}' at the top level is not supported."
        findings.error("UNSUPPORTED_JSONATA_EXPRESSION", said, at)


def warn_of_static(value: Any, findings: Findings, at: str) -> None:
    """A Pass state's Result is taken as it is: a path in it is most likely not meant."""
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            if any(name.endswith(".$") for name in here):
                findings.warn(
                    "PASS_RESULT_IS_STATIC", "A path in the Result of a Pass state is not evaluated", at
                )
                return
            waiting.extend(here.values())
        elif isinstance(here, list):
            waiting.extend(here)
