"""Variables: what a state may assign, and which ones it reads."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.workflow.query import jsonata
from faaslab.workflow.validate import expressions, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.workflow.validate.diagnostic import Findings

_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_READ = re.compile(r"(?<![\w$.])\$([^\W\d]\w*)")
_NESTED = ("Branches", "ItemProcessor", "Iterator")
_TEMPLATES = frozenset(
    ["Parameters", "ResultSelector", "ItemSelector", "Assign", "BatchInput", "Credentials"]
)
_LITERAL = frozenset(["Comment", "Result", "ErrorEquals"])


def assigned(machine: dict[str, Any]) -> set[str]:
    """The names that the states of a machine assign, without those of the machines in it."""
    return {
        name.removesuffix(".$")
        for state in machine["States"].values()
        if isinstance(state, dict)
        for _, assignment in assignments(state)
        if isinstance(assignment, dict)
        for name in assignment
    }


def assignments(state: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each Assign of a state with where it stands in it: its own, its rules', its catchers'."""
    if "Assign" in state:
        yield "/Assign", state["Assign"]
    for field in ("Choices", "Catch"):
        listed = state.get(field)
        for index, entry in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(entry, dict) and "Assign" in entry:
                yield f"/{field}[{index}]/Assign", entry["Assign"]


def check(assignment: Any, language: str, outer: frozenset[str], findings: Findings, at: str) -> None:
    """Check one Assign; `outer` are the names of the scopes around, which stay theirs."""
    if not values.table(assignment, findings, at):
        return
    for written in assignment:
        name = written.removesuffix(".$") if language == "JSONPath" else written
        if name == "states":
            findings.schema("The variable name 'states' is reserved", at)
        elif len(name) > 80 or not name.isidentifier():
            findings.schema(f"Invalid variable name: {name:.100}", at)
        elif name in outer:
            findings.schema(f"Cannot assign variable '{name}': it belongs to an outer scope", at)
    expressions.template(assignment, language, findings, at)


def references(machine: Mapping[str, Any]) -> dict[str, list[str]]:
    """The variables that each state reads, sorted; states that read none are left out."""
    found: dict[str, list[str]] = {}
    waiting: list[Any] = [machine]
    language = machine.get("QueryLanguage", "JSONPath")
    while waiting:
        here = waiting.pop()
        states = here.get("States") if isinstance(here, dict) else None
        for name, state in (states if isinstance(states, dict) else {}).items():
            if not isinstance(state, dict):
                continue
            read = _read_by(state, state.get("QueryLanguage", language))
            if read:
                found[name] = sorted(read)
            branches = state.get("Branches")
            waiting.extend(reversed(branches if isinstance(branches, list) else []))
            waiting.extend(state[field] for field in ("ItemProcessor", "Iterator") if field in state)
    return found


def _read_by(state: dict[str, Any], language: str) -> set[str]:
    read: set[str] = set()
    template = language == "JSONPath"
    waiting: list[tuple[Any, bool]] = [
        (value, name in _TEMPLATES)
        for name, value in _fields(state, top=True)
        if _note(name, value, language, read)
    ]
    while waiting:
        here, inside = waiting.pop()
        if isinstance(here, list):
            waiting.extend((value, inside) for value in here if _note("", value, language, read))
        elif isinstance(here, dict):
            for name, value in _fields(here, top=False) if not inside else here.items():
                behind = name.endswith(".$") if inside and template else True
                if _note(name if behind else "", value, language, read):
                    waiting.append((value, inside or name in _TEMPLATES))
    return read - {"states"}


def _fields(table: dict[str, Any], *, top: bool) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if name not in _LITERAL and not (top and name in _NESTED):
            yield name, value


def _note(name: str, value: Any, language: str, read: set[str]) -> bool:
    """Note what a text reads; whether there is something inside the value to look at."""
    if not isinstance(value, str):
        return True
    if language != "JSONPath":
        if values.is_expression(value):
            read.update(jsonata.variables_of(value))
    elif name.endswith((".$", "Path")) or name == "Variable":
        read.update(_READ.findall(_QUOTED.sub("''", value) if value.startswith("States.") else value))
    return False
