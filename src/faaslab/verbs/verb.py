"""A verb and a call of it, as data: the one thing that both faces read, complete, explain and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from faaslab.verbs.options import Option, Positional

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face

    Run = Callable[[Lab, "Call", Face], Answer]


@dataclass(frozen=True, kw_only=True)
class Verb:
    """A verb of one word or two (`store prune`). `raw` takes the rest of a notebook line as it stands.

    `needs_lab` is False for the few that answer without a store. `cell` says whether a cell may follow.
    `notes` are lines of help: how it ends, its exit status.
    `stays`: in a shell it goes on until it is ended, and runs what others have queued meanwhile.
    """

    name: str
    summary: str
    run: Run
    positionals: tuple[Positional, ...] = ()
    options: tuple[Option, ...] = ()
    examples: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    needs_lab: bool = True
    cell: bool = False
    raw: bool = False
    shell_only: bool = False
    stays: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """A verb with the values of its words. `output` is the name that `-o` gives; the rest are the shell's."""

    verb: Verb
    values: Mapping[str, Any] = field(default_factory=dict)
    cell: str | None = None
    output: str | None = None
    json: bool = False
    store: str | None = None
    backend: str | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]
