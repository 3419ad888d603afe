"""A state machine made ready to be walked: what every execution of it would otherwise ask again.

Rule: a plan says what is in the definition and nothing else; it is made once a machine and never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

WHOLE = "$"
RETRYING = frozenset({"Task", "Parallel", "Map"})


@dataclass(frozen=True, slots=True)
class StatePlan:
    """One state. `plain` says that what goes in comes out and nothing is evaluated."""

    name: str
    type: str
    body: Mapping[str, Any]
    jsonata: bool
    next: str | None
    """The name of the state that follows, None where the machine ends."""
    plain: bool
    retrying: bool
    """Whether `Retry` and `Catch` have a meaning here; the context then has `RetryCount`."""
    entered: str
    exited: str
    language_of_inner: bool
    """Whether the states of a branch or an iteration speak JSONata when they do not say."""


@dataclass(slots=True)
class MachinePlan:
    """A machine, a branch or an item processor; `inner` has the plans inside its states once used."""

    start: str
    states: Mapping[str, StatePlan]
    definition: Mapping[str, Any]
    timeout_s: float | None
    branched: bool = False
    """Whether it is a branch of a Parallel."""
    inner: dict[tuple[str, int], MachinePlan] = field(default_factory=dict)

    def branch(self, state: StatePlan, index: int) -> MachinePlan:
        """The plan of one branch of a Parallel, or with index 0 of the processor of a Map."""
        found = self.inner.get((state.name, index))
        if found is None:
            if state.type == "Map":
                definition = state.body.get("ItemProcessor", state.body.get("Iterator"))
            else:
                definition = state.body["Branches"][index]
            found = _planned(definition, jsonata=state.language_of_inner)
            found.branched = state.type == "Parallel"
            self.inner[state.name, index] = found
        return found


class _ByIdentity:
    """A definition as a key: the same object is the same machine, and it lives as long as the key does."""

    __slots__ = ("definition",)

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.definition = definition

    def __hash__(self) -> int:
        return id(self.definition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.definition is self.definition


def plan_of(definition: Mapping[str, Any]) -> MachinePlan:
    """The plan of a whole machine; the same object is planned once. It is not to be changed afterwards."""
    return _plan_of(_ByIdentity(definition))


@lru_cache(maxsize=256)
def _plan_of(key: _ByIdentity) -> MachinePlan:
    return _planned(key.definition, jsonata=False)


def _planned(definition: Mapping[str, Any], *, jsonata: bool) -> MachinePlan:
    language = definition.get("QueryLanguage")
    jsonata = jsonata if language is None else language == "JSONata"
    states = {name: _state(name, body, jsonata=jsonata) for name, body in definition["States"].items()}
    return MachinePlan(definition["StartAt"], states, definition, definition.get("TimeoutSeconds"))


def _state(name: str, body: Mapping[str, Any], *, jsonata: bool) -> StatePlan:
    kind = body["Type"]
    language = body.get("QueryLanguage")
    here = jsonata if language is None else language == "JSONata"
    evaluated = {"InputPath", "OutputPath", "Parameters", "Result", "ResultPath", "Assign", "Output"}
    plain = kind in {"Pass", "Succeed"} and evaluated.isdisjoint(body)
    return StatePlan(
        name,
        kind,
        body,
        here,
        None if body.get("End") else body.get("Next"),
        plain,
        kind in RETRYING,
        f"{kind}StateEntered",
        f"{kind}StateExited",
        # A state's own QueryLanguage is for its own fields; the machine's is for the states inside.
        jsonata,
    )
