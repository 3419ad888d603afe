"""Where each field of a text stands, and how a pointer finds it."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import Final

from faaslab.errors import InvalidValue

_INDEX = re.compile(r"\[(\d+)\]|/(\d+)(?=[/\[]|$)", re.ASCII)
_MACHINES: Final = {"ItemProcessor", "Iterator"}


@dataclass(frozen=True, slots=True)
class Place:
    """Line and column, from 1, of a field's name, or of an array's element; and the places inside of it."""

    line: int
    column: int
    inside: dict[str, Place] | list[Place] | None = None

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


class Lines:
    """The lines of a text, to make a place of an offset."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Line and column of a character."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def refused(message: str, line: int, column: int, hint: str | None = None) -> InvalidValue:
    """The error for a text that cannot be read."""
    return InvalidValue(message, place=f"definition, line {line}, column {column}", hint=hint)


def found(root: Place, pointer: str) -> tuple[Place, str | None]:
    """The place that a pointer names, or the nearest around it, with the name of the state it is in.

    Step Functions does not escape names, so a name may hold what separates: the longest that is there wins.
    """
    here, rest = root, "" if pointer == "/" else pointer
    state: str | None = None
    kind = "machine"
    while rest and here.inside:
        if isinstance(here.inside, list):
            index = _INDEX.match(rest)
            number = int((index[1] or index[2])[:9]) if index else -1
            if index is None or number >= len(here.inside):
                break
            here, rest = here.inside[number], rest[index.end() :]
            kind = "machine" if kind == "branches" else "value"
            continue
        name, rest = _name(here.inside, rest)
        if name is None:
            break
        here = here.inside[name]
        if kind == "states":
            state, kind = name, "state"
        elif kind == "machine":
            kind = "states" if name == "States" else "value"
        elif kind == "state":
            kind = "machine" if name in _MACHINES else "branches" if name == "Branches" else "value"
        else:
            kind = "value"
    return here, state


def _name(inside: dict[str, Place], rest: str) -> tuple[str | None, str]:
    if not rest.startswith("/"):
        return None, rest
    best, end = None, 0
    for name in inside:
        for written in {name, name.replace("~", "~0").replace("/", "~1")}:
            behind = 1 + len(written)
            if behind > end and rest.startswith(written, 1) and rest[behind : behind + 1] in ("", "/", "["):
                best, end = name, behind
    return best, rest[end:]
