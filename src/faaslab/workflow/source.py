"""A definition as somebody wrote it, YAML or JSON, with the line of everything in it.

Rule: what comes out is JSON and nothing else, in the order of the text, and the text decides nothing but
that: names stay names (`yes`, `on`, `1`), a timestamp stays text, no tag makes an object, an alias is a copy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from faaslab.errors import InvalidValue
from faaslab.model.function import function_arn
from faaslab.workflow import json_source, places, yaml_source
from faaslab.workflow.places import Place
from faaslab.workflow.validate.reading import DEEPEST

LONGEST = 4_194_304
"""Characters of a text that are looked at: a definition of the largest size, with room for comments."""

_FUNCTION = re.compile(r"(?P<name>[A-Za-z0-9_-]{1,64})(?P<qualifier>:(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?")
_ACTIVITY = re.compile(r"activity:(?P<name>[A-Za-z0-9._-]{1,80})")
_MACHINES = ("ItemProcessor", "Iterator")


@dataclass(frozen=True)
class Source:
    """`definition` is what the text says; whether that is a state machine is for `validate` to say."""

    text: str
    definition: dict[str, Any]
    root: Place = field(repr=False, compare=False)

    def place_of(self, pointer: str | None) -> Place | None:
        """Where the field begins that a pointer names, or the nearest one around it that is there.

        `pointer` is as Step Functions writes it (`/States/Pick/Choices[0]/Next`) or a JSON pointer. None
        for what is no pointer: some diagnostics are about the whole and name no place.
        """
        if pointer is None or not pointer.startswith("/"):
            return None
        return places.found(self.root, pointer)[0]

    def line_of(self, pointer: str | None) -> int | None:
        """The line, from 1, on which that field begins."""
        place = self.place_of(pointer)
        return None if place is None else place.line

    def told(self, pointer: str | None) -> str:
        """That place in a person's words: `line 7, state Score`; empty for what is no pointer."""
        if pointer is None or not pointer.startswith("/"):
            return ""
        place, state = places.found(self.root, pointer)
        return f"line {place.line}" + (f", state {state}" if state is not None else "")


def read(text: str) -> Source:
    """A text in YAML or JSON. Raises InvalidValue, with line and column, for what is neither or no object."""
    if len(text) > LONGEST:
        raise InvalidValue(f"it is longer than {LONGEST} characters", place="definition")
    bare = text.removeprefix("\ufeff")
    definition, root = _json_or_yaml(bare) if bare.lstrip().startswith("{") else yaml_source.read(bare)
    if not isinstance(definition, dict):
        raise places.refused("a definition is an object with StartAt and States", root.line, root.column)
    return Source(text, definition, root)


def _json_or_yaml(text: str) -> tuple[Any, Place]:
    try:
        return json_source.read(text)
    except InvalidValue as error:
        try:
            return yaml_source.read(text)
        except InvalidValue:
            raise error from None


def with_arns(definition: dict[str, Any], region: str) -> dict[str, Any]:
    """The definition with whole ARNs where a Task names its resource shortly; any other stays as it is.

    `score` and `score:prod` are functions, `activity:approve` is an activity. What was handed in stays as
    it was.
    """
    copy = dict(definition)
    waiting = [(copy, 0)]
    while waiting:
        machine, depth = waiting.pop()
        states = machine.get("States")
        if not isinstance(states, dict) or depth > DEEPEST:
            continue
        machine["States"] = states = dict(states)
        for name, state in states.items():
            if not isinstance(state, dict):
                continue
            states[name] = changed = dict(state)
            if changed.get("Type") == "Task" and isinstance(changed.get("Resource"), str):
                changed["Resource"] = _arn(changed["Resource"], region)
            for field_name in _MACHINES:
                if isinstance(changed.get(field_name), dict):
                    changed[field_name] = dict(changed[field_name])
                    waiting.append((changed[field_name], depth + 1))
            if isinstance(changed.get("Branches"), list):
                branches = [dict(one) if isinstance(one, dict) else one for one in changed["Branches"]]
                changed["Branches"] = branches
                waiting.extend((one, depth + 1) for one in branches if isinstance(one, dict))
    return copy


def _arn(resource: str, region: str) -> str:
    activity = _ACTIVITY.fullmatch(resource)
    if activity:
        return f"arn:aws:states:{region}:000000000000:activity:{activity['name']}"
    function = _FUNCTION.fullmatch(resource)
    if function:
        return function_arn(function["name"], region) + (function["qualifier"] or "")
    return resource
