"""Where the states of one machine lead: targets that are there, states that are reached, an end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faaslab.workflow.validate.diagnostic import Findings

_TARGET = "MISSING_TRANSITION_TARGET"
_STATIC = frozenset({"Succeed", "Fail"})


def check(machine: dict[str, Any], findings: Findings, at: str) -> None:
    """Check the ways through a machine whose states are objects of a known type."""
    states: dict[str, dict[str, Any]] = machine["States"]
    ways: dict[str, list[str]] = {}
    complete = True
    start = _existing(machine["StartAt"], states, findings, f"{at}/StartAt")
    for name, state in states.items():
        ways[name] = []
        complete = complete and not _has_no_way_out(state)
        for target, place in _targets(state, f"{at}/States/{name:.100}"):
            found = _name(target, states, findings, place)
            if found is not None:
                ways[name].append(found)
            complete = complete and isinstance(target, str | bool)
    if complete and not any(_is_terminal(state) for state in states.values()):
        findings.error("MISSING_END_STATE", "Workflow has no terminal state", at or None)
        return
    reached = _reached(start, ways)
    for name in states:
        if name not in reached:
            findings.error(_TARGET, f'State "{name}" is not reachable.', f"{at}/States/{name:.100}")


def _name(target: Any, states: dict[str, Any], findings: Findings, at: str) -> str | None:
    if isinstance(target, bool):
        # YAML 1.1 reads the state names Yes and No so, and whoever reads text from JSON's true has "true".
        word = json.dumps(target)
        if word in states:
            findings.warn("NAME_IS_NO_TEXT", f'{word} is taken as the name "{word}"', at)
            return word
    return _existing(target, states, findings, at)


def _existing(target: Any, states: dict[str, dict[str, Any]], findings: Findings, at: str) -> str | None:
    if not isinstance(target, str):
        findings.schema("Expected value of type String", at)
        return None
    if target not in states:
        findings.error(_TARGET, f"Missing 'Next' target: {target}", at)
        return None
    return target


def _targets(state: dict[str, Any], at: str) -> Iterator[tuple[Any, str]]:
    kind = state["Type"]
    if kind == "Choice":
        choices = state.get("Choices")
        for index, rule in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(rule, dict) and "Next" in rule:
                yield rule["Next"], f"{at}/Choices[{index}]/Next"
        if "Default" in state:
            yield state["Default"], f"{at}/Default"
        return
    if kind in _STATIC:
        return
    if "Next" in state:
        yield state["Next"], f"{at}/Next"
    catchers = state.get("Catch")
    for index, catcher in enumerate(catchers if isinstance(catchers, list) else ()):
        if isinstance(catcher, dict) and "Next" in catcher:
            yield catcher["Next"], f"{at}/Catch[{index}]/Next"


def _is_terminal(state: dict[str, Any]) -> bool:
    return state["Type"] in _STATIC or (state["Type"] != "Choice" and state.get("End") is True)


def _has_no_way_out(state: dict[str, Any]) -> bool:
    """Whether it was told already that it neither ends nor goes on."""
    if state["Type"] == "Choice":
        return not state.get("Choices") and "Default" not in state
    return state["Type"] not in _STATIC and "Next" not in state and state.get("End") is not True


def _reached(start: str | None, ways: dict[str, list[str]]) -> set[str]:
    reached = set() if start is None else {start}
    waiting = list(reached)
    while waiting:
        for target in ways[waiting.pop()]:
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached
