"""The words of CloudWatch Logs Insights' query language: commands, and the expressions in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Literal:
    """A text or a number."""

    value: str | float


@dataclass(frozen=True)
class Regex:
    """A regular expression; `names` are those of its groups in their order, None for one without."""

    text: str
    names: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Name:
    """A field: `@message`, an alias, or the path of a member of the message's JSON."""

    text: str


@dataclass(frozen=True)
class Apply:
    """A function or an operator (`+`, `and`, `like`, …) of expressions."""

    function: str
    arguments: tuple[Expression, ...]


Expression = Literal | Regex | Name | Apply


class Named(NamedTuple):
    """An expression and the name of its result."""

    expression: Expression
    name: str


@dataclass(frozen=True)
class Fields:
    """Show these too, and name them for what follows; `only` hides all others (`display`)."""

    items: tuple[Named, ...]
    only: bool = False


@dataclass(frozen=True)
class Filter:
    """Go on with the events for which it is true."""

    condition: Expression


@dataclass(frozen=True)
class Parse:
    """Name what the groups of a regular expression match in a field."""

    source: Expression
    regex: Regex


@dataclass(frozen=True)
class Stats:
    """Aggregates, a row a group of `by`."""

    items: tuple[Named, ...]
    by: tuple[Named, ...]


@dataclass(frozen=True)
class Sort:
    """In the order of those, each descending or not."""

    keys: tuple[tuple[Expression, bool], ...]


@dataclass(frozen=True)
class Limit:
    """So many rows at most."""

    rows: int


@dataclass(frozen=True)
class Dedup:
    """One row for each combination of those."""

    fields: tuple[Expression, ...]


Command = Fields | Filter | Parse | Stats | Sort | Limit | Dedup
