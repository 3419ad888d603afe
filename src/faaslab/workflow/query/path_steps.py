"""What a path is made of: steps, and the conditions of filters, as frozen data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Name:
    """`.a`, `['a']`."""

    name: str


@dataclass(frozen=True, slots=True)
class Names:
    """`['a', 'b']`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """`[0]`, `[-1]`."""

    index: int


@dataclass(frozen=True, slots=True)
class Indices:
    """`[0, 2]`."""

    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """`[1:3]`. Jayway reads a step after a second colon and leaves it alone."""

    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Every:
    """`*`."""


@dataclass(frozen=True, slots=True)
class Descend:
    """`..`."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`[?(…)]`."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Function:
    """`.length()`."""

    name: str
    argument: int | None = None


Step = Name | Names | Index | Indices | Slice | Every | Descend | Filter | Function


@dataclass(frozen=True, slots=True)
class Path:
    """A path that was read. `root` is `$`, `$$`, `@` or the name of a variable with its `$`."""

    text: str
    root: str
    steps: tuple[Step, ...]
    definite: bool
    """Whether it names one place: its answer is the value there, and else a list."""
    plain: tuple[str | int, ...] | None
    """The names and indices of a reference path; None of any other."""

    @property
    def written_out(self) -> str:
        """The path in brackets, as messages have it."""
        return "$" + "".join(map(fragment, self.steps))

    @property
    def is_reference(self) -> bool:
        """Whether it has only names and single indices."""
        return self.plain is not None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value in a filter."""

    value: Any


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in a filter."""

    fits: Callable[[str, Callable[[int], None]], bool]
    """Whether a text fits; the second argument is told how many places were looked at."""


Operand = Path | Constant | Pattern


@dataclass(frozen=True, slots=True)
class Relation:
    """`@.a > 3`; with the operator "exists" only the left side counts."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Combined:
    """Conditions that must hold all, or one of them."""

    how: Literal["and", "or"]
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """`!(…)`."""

    condition: Condition


Condition = Relation | Combined | Negated


def fragment(step: Step) -> str:
    """A step as Jayway writes it in messages."""
    match step:
        case Name(name):
            return f"['{name}']"
        case Names(names):
            return "[" + ",".join(f"'{name}'" for name in names) + "]"
        case Index(index):
            return f"[{index}]"
        case Indices(indices):
            return "[" + ",".join(map(str, indices)) + "]"
        case Slice(start, end):
            return f"[{'' if start is None else start}:{'' if end is None else end}]"
        case Every():
            return "[*]"
        case Descend():
            return ".."
        case Filter():
            return "[?]"
        case Function(name):
            return f".{name}()"
