"""One thing that is wrong (or odd) in a definition, and the list of them that grows while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"
MOST_FOUND: Final = 1_000
"""Errors, and as many warnings, that are noted: whoever has more is helped by the first."""
_LONGEST_NAME = 100

Spot = str | tuple["Spot", str | int] | None
"""A place: its text, or the place around it with a field's name or an index; None is the whole."""


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
        self._counts = {"ERROR": 0, "WARNING": 0}

    def error(self, code: str, message: str, at: Spot) -> None:
        """Note what makes the definition unusable; `at` is empty for the whole, None for no place."""
        self._note("ERROR", code, message, at)

    def schema(self, message: str, at: Spot) -> None:
        """Note a field that is not as the language wants it."""
        self._note("ERROR", SCHEMA, message, at)

    def warn(self, code: str, message: str, at: Spot) -> None:
        """Note what is allowed and most likely not meant."""
        self._note("WARNING", code, message, at)

    def _note(self, severity: Literal["ERROR", "WARNING"], code: str, message: str, at: Spot) -> None:
        self._counts[severity] += 1
        if self._counts[severity] <= MOST_FOUND:
            location = None if at is None else pointer(at) or "/"
            self.found.append(Diagnostic(severity, code, message, location))


def pointer(spot: Spot) -> str:
    """A place as Step Functions writes it; names longer than any that a definition needs are cut."""
    parts: list[str] = []
    while isinstance(spot, tuple):
        spot, name = spot
        parts.append(f"[{name}]" if isinstance(name, int) else f"/{name:.{_LONGEST_NAME}}")
    return (spot or "") + "".join(reversed(parts))
