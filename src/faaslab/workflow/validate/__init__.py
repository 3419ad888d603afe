"""What is wrong with a definition, in Step Functions' words, with where it is. Pure.

Codes and wording are AWS's where AWS's are known, and so are the locations (`/States/Pick/Choices[0]/Next`).
Rule: nothing that is handed in makes this raise, and the time it takes grows with the length of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.validate.answers import refusal, validation
from faaslab.workflow.validate.diagnostic import Diagnostic, Findings
from faaslab.workflow.validate.machine import Check
from faaslab.workflow.validate.meant import meant
from faaslab.workflow.validate.reading import read
from faaslab.workflow.validate.variables import references as variable_references

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Diagnostic", "diagnostics", "meant", "refusal", "validation", "variable_references"]


def diagnostics(
    definition: str | Mapping[str, Any],
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD",  # noqa: A002
) -> tuple[Diagnostic, ...]:
    """All that is wrong with a definition (JSON text, or what was made of it), in the order of its text.

    Warnings are among them; without an ERROR the interpreter can carry the definition out. `type` is the
    state machine's.
    """
    findings = Findings()
    tree = read(definition, findings)
    if tree is not None:
        Check(tree, type, findings).run()
    return tuple(findings.found)
