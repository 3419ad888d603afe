"""Whether a value has the type and the range that a field wants.

Each function notes what is wrong and says whether the value is fine.

`${Name}` is what CloudFormation, SAM and the Serverless Framework fill in before a definition is kept: where
the interpreter can say that it is missing it may stand, with a warning, so that a template can be checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faaslab.workflow.validate.diagnostic import Findings

_PLACEHOLDER = re.compile(r"\$\{[A-Za-z0-9_.:-]+\}")


def is_expression(value: Any) -> TypeGuard[str]:
    """Whether it is a JSONata string as a whole: `{% … %}`."""
    return isinstance(value, str) and len(value) >= 4 and value.startswith("{%") and value.endswith("%}")


def is_placeholder(value: Any) -> bool:
    """Whether a template's placeholder stands there and nothing else."""
    return isinstance(value, str) and _PLACEHOLDER.fullmatch(value) is not None


def has_placeholder(text: str) -> bool:
    """Whether there is a template's placeholder somewhere in it."""
    return _PLACEHOLDER.search(text) is not None


def unfilled(value: Any, findings: Findings, at: str) -> bool:
    """Whether a placeholder stands there; it is warned of."""
    if not is_placeholder(value):
        return False
    findings.warn("UNFILLED_PLACEHOLDER", f"{value} is a placeholder that nothing has filled in", at)
    return True


def text(value: Any, findings: Findings, at: str) -> TypeGuard[str]:
    """A string."""
    if isinstance(value, str):
        return True
    findings.schema("Expected value of type String", at)
    return False


def table(value: Any, findings: Findings, at: str) -> TypeGuard[dict[str, Any]]:
    """An object."""
    if isinstance(value, dict):
        return True
    findings.schema("Expected value of type Object", at)
    return False


def array(value: Any, findings: Findings, at: str, *, empty: bool = True) -> TypeGuard[list[Any]]:
    """An array, with something in it unless `empty`."""
    if not isinstance(value, list):
        findings.schema("Expected value of type Array", at)
        return False
    if not value and not empty:
        findings.schema("Array must have at least one element", at)
        return False
    return True


def boolean(value: Any, findings: Findings, at: str) -> TypeGuard[bool]:
    """True or false."""
    if isinstance(value, bool):
        return True
    findings.schema("Expected value of type Boolean", at)
    return False


def one_of(value: Any, name: str, allowed: Iterable[str], findings: Findings, at: str) -> bool:
    """One of a few words."""
    if not text(value, findings, at):
        return False
    words = tuple(allowed)
    if value in words:
        return True
    findings.schema(f"The field '{name}' should have one of these values: [{', '.join(words)}]", at)
    return False


def number(
    value: Any, findings: Findings, at: str, *, low: float, high: float | None, whole: bool = True
) -> bool:
    """A number from `low` to `high`; without a fraction when it is a `whole` one."""
    kind = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind):
        findings.schema(f"Expected value of type {'Integer' if whole else 'Number'}", at)
        return False
    if value < low:
        findings.schema(f"Minimum value is {low:g}", at)
        return False
    if high is not None and value > high:
        findings.schema(f"Maximum value is {high}", at)
        return False
    return True


def required(value: dict[str, Any], names: Iterable[str], findings: Findings, at: str) -> bool:
    """Whether all these fields are there."""
    missing = [name for name in names if name not in value]
    if missing:
        findings.schema(f"These fields are required: [{', '.join(missing)}]", at)
    return not missing


def known(value: dict[str, Any], allowed: Iterable[str], findings: Findings, at: str) -> None:
    """Whether no other field is there."""
    for name in value:
        if name not in allowed:
            findings.schema(f"Field '{name:.100}' is not supported", at)


def at_most_one(value: dict[str, Any], names: Iterable[str], findings: Findings, at: str) -> None:
    """Whether not two of these fields are there."""
    there = [name for name in names if name in value]
    if len(there) > 1:
        findings.schema(f"Only one of these fields may be there: [{', '.join(there)}]", at)


def at_least_one(value: dict[str, Any], names: Iterable[str], findings: Findings, at: str) -> None:
    """Whether one of these fields is there."""
    wanted = tuple(names)
    if not any(name in value for name in wanted):
        findings.schema(f"One of these fields is required: [{', '.join(wanted)}]", at)
