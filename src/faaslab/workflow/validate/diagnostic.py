"""One thing that is wrong (or odd) in a definition, and the list of them that grows while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMA = "SCHEMA_VALIDATION_FAILED"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What ValidateStateMachineDefinition tells: with an ERROR the definition cannot be kept.

    `location` is a path as Step Functions writes it: `/States/Pick/Choices[0]/Next`, `/` for the whole;
    None where there is none (no terminal state) and where the text is no object at all.
    """

    severity: Literal["ERROR", "WARNING"]
    code: str
    message: str
    location: str | None = None


class Findings:
    """What was found so far, in the order of the text."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    def error(self, code: str, message: str, at: str | None) -> None:
        """Note what makes the definition unusable; `at` is empty for the whole."""
        self.found.append(Diagnostic("ERROR", code, message, at or ("/" if at is not None else None)))

    def schema(self, message: str, at: str) -> None:
        """Note a field that is not as the language wants it."""
        self.error(SCHEMA, message, at)

    def warn(self, code: str, message: str, at: str) -> None:
        """Note what is allowed and most likely not meant."""
        self.found.append(Diagnostic("WARNING", code, message, at or "/"))
