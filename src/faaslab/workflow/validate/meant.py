"""What was most likely meant where a definition has a word that Step Functions does not know. Pure.

Rule: the messages stay AWS's, word for word; what is found here stands after them, where a person reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from faaslab.errors import nearest
from faaslab.workflow.query.intrinsic_grammar import ARGUMENTS
from faaslab.workflow.validate import choice_rules, fields, resources

if TYPE_CHECKING:
    from faaslab.workflow.validate.diagnostic import Diagnostic

_UNKNOWN_FIELD = re.compile(r"Field '(?P<name>.*)' is not supported", re.DOTALL)
_ONE_OF = re.compile(r"The field '.*' should have one of these values: \[(?P<words>.*)\]", re.DOTALL)
_TARGET = re.compile(r"Missing 'Next' target: (?P<name>.*)", re.DOTALL)
_RESOURCE = re.compile(r"The resource provided .* is not recognized\..*", re.DOTALL)
_FUNCTION = re.compile(r": there is no function (?P<name>States\.[A-Za-z0-9_.]+)\Z")
_LONGEST, _MOST = 120, 1_000
"""Characters of a word, and words, that are compared: to find the nearest costs with both."""
_INSIDE = {
    "Retry": ("ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds",
              "JitterStrategy", "Comment"),
    "Catch": ("ErrorEquals", "Next", "ResultPath", "Assign", "Output", "Comment"),
    "Branches": tuple(fields.BRANCH),
    **dict.fromkeys(("Choices", "And", "Or", "Not"), choice_rules.IN_A_RULE),
    "Credentials": ("RoleArn",),
    "ItemProcessor": tuple(fields.PROCESSOR),
    "Iterator": tuple(fields.PROCESSOR),
    "ProcessorConfig": ("Mode", "ExecutionType"),
    "ItemReader": ("Resource", "Parameters", "Arguments", "ReaderConfig"),
    "ResultWriter": ("Resource", "Parameters", "Arguments", "WriterConfig"),
    "ItemBatcher": ("MaxItemsPerBatch", "MaxInputBytesPerBatch", "BatchInput", "MaxItemsPerBatchPath",
                    "MaxInputBytesPerBatchPath"),
}  # fmt: skip
"""What may stand in a field that is an object, or a list of objects."""


def meant(diagnostic: Diagnostic, definition: Any) -> str | None:
    """The word that would be right there; None where nothing is near enough."""
    message, at = diagnostic.message, diagnostic.location or "/"
    way = _way(definition, at)
    here = way[-1][1]
    if found := _UNKNOWN_FIELD.fullmatch(message):
        return _near(found["name"], _fields_of(way))
    if (found := _ONE_OF.fullmatch(message)) and isinstance(here, str):
        return _near(here, found["words"].split(", "))
    if found := _TARGET.fullmatch(message):
        around = [value["States"] for _, value in way if isinstance(value, Mapping) and "States" in value]
        return _near(found["name"], around[-1]) if around and isinstance(around[-1], Mapping) else None
    if found := _FUNCTION.search(message):
        return _near(found["name"], ARGUMENTS)
    if _RESOURCE.fullmatch(message) and isinstance(here, str):
        head, mark, tail = here.partition(":::")
        near = _near(tail, resources.offered()) if mark else None
        return None if near is None else f"{head}{mark}{near}"
    return None


def _near(word: str, known: Iterable[str]) -> str | None:
    """The nearest of them; one that is written in other cases is it."""
    words = [each for each in known if len(each) <= _LONGEST][:_MOST]
    same = next((each for each in words if each.casefold() == word.casefold()), None)
    near = same or nearest(word[:_LONGEST], words)
    return None if near == word else near


def _fields_of(way: list[tuple[str, Any]]) -> Iterable[str]:
    """What may stand in the object at the end of the way."""
    name, here = way[-1]
    if name in _INSIDE:
        return _INSIDE[name]
    if len(way) == 1:
        return fields.MACHINE
    kind = here.get("Type") if isinstance(here, Mapping) else None
    known = fields.FIELDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        return ()
    languages = [value["QueryLanguage"] for _, value in way if _has_language(value)]
    return known["JSONata" if languages[-1:] == ["JSONata"] else "JSONPath"]


def _has_language(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("QueryLanguage"), str)


def _way(definition: Any, pointer: str) -> list[tuple[str, Any]]:
    """(field, value) from the whole down to the place, as far as it is there. Names are cut in pointers."""
    way, left = [("", definition)], pointer.removesuffix("/")
    while left:
        name, here = way[-1]
        if left[0] == "[" and isinstance(here, list):
            index, _, left = left[1:].partition("]")
            if not index.isdecimal() or int(index) >= len(here):
                break
            way.append((name, here[int(index)]))
            continue
        if left[0] != "/" or not isinstance(here, Mapping):
            break
        rest = left[1:]
        fits = [key for key in here if rest.startswith(key[:100]) and rest[len(key[:100]) :][:1] in "/["]
        if not fits:
            break
        key = max(fits, key=len)
        way.append((key, here[key]))
        left = rest[len(key[:100]) :]
    return way
