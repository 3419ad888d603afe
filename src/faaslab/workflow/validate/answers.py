"""How Step Functions says what was found: the error of CreateStateMachine, the answer of the validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.workflow.validate.diagnostic import Diagnostic

MOST: Final = 100
"""Diagnostics that one answer has, and how many when the request does not say (or says 0)."""


def refusal(found: Sequence[Diagnostic]) -> str | None:
    """The message of InvalidDefinition, or None when nothing found is an error."""
    errors = [
        f"{one.code}: {one.message.rstrip()} at {'null' if one.location is None else one.location}"
        for one in found
        if one.severity == "ERROR"
    ]
    return f"Invalid State Machine Definition: '{', '.join(errors)}'" if errors else None


def validation(
    found: Sequence[Diagnostic], *, severity: Literal["ERROR", "WARNING"] = "ERROR", most: int = 0
) -> Mapping[str, Any]:
    """What ValidateStateMachineDefinition answers: result, diagnostics, truncated.

    `severity` is the least that is told: with ERROR warnings are left out. `most` is maxResults.
    """
    told = [one for one in found if severity == "WARNING" or one.severity == "ERROR"]
    shown = told[: most or MOST]
    return {
        "result": "FAIL" if any(one.severity == "ERROR" for one in found) else "OK",
        "diagnostics": [
            {"severity": one.severity, "code": one.code, "message": one.message}
            | ({} if one.location is None else {"location": one.location})
            for one in shown
        ],
        "truncated": len(shown) < len(told),
    }
