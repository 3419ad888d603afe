"""What a user gives as a definition, as the text that is kept. Pure.

Rule: what is kept is the Amazon States Language as AWS takes it. Short forms (`Resource: score`) are written
out before anything is checked; a text without any stays as it was given, to the letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.lab import workflow_names
from faaslab.model.workflow import LoggingConfiguration
from faaslab.workflow import validate
from faaslab.workflow.source import read, with_arns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.workflow.source import Source
    from faaslab.workflow.validate import Diagnostic

MOST_BYTES = 1_048_576
_SCOPES = ("ItemProcessor", "Iterator")
_FUNCTION = re.compile(
    r"(?!activity:)(?:arn:aws:lambda:[^:]*:[^:]*:function:)?(?P<name>[A-Za-z0-9_-]{1,64})(?::[$A-Za-z0-9_-]+)?"
)
_INVOKES = re.compile(r"arn:[^:]*:states:[^:]*:[^:]*:lambda:invoke(?:\.waitForTaskToken)?")
_LEVELS = ("ALL", "ERROR", "FATAL", "OFF")


class InvalidDefinition(InvalidValue):
    """A definition does not validate; `diagnostics` tell all that was found, errors and warnings."""

    code = "InvalidDefinition"

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = (), **where: Any) -> None:
        super().__init__(message, **where)
        self.diagnostics = tuple(diagnostics)


def text_of(definition: Any, *, region: str, short_forms: bool = True) -> str:
    """The definition as text: JSON is taken as it is, an object or a builder is written.

    Raises `InvalidDefinition` for what is no JSON object, InvalidValue for what has no JSON form.
    """
    if hasattr(definition, "definition") and callable(definition.definition):
        definition = definition.definition()
    if isinstance(definition, bytes):
        definition = definition.decode("utf-8", "replace")
    if isinstance(definition, str):
        if not short_forms:
            return definition
        parsed = _object(definition)
        written = None if parsed is None else with_arns(parsed, region)
        return definition if written is None or written == parsed else _written(written)
    if not isinstance(definition, Mapping):
        raise InvalidValue(
            f"what was given is no definition of a workflow, but of the type {type(definition).__name__}",
            place="definition",
            hint="give YAML or JSON text, a dictionary, or states put together with >>",
        )
    text = _written(definition)
    return text_of(text, region=region) if short_forms else text


def source_of(definition: Any, *, draft: bool = False) -> Source | None:
    """What a text says that is no JSON: YAML; None for what is none of it.

    Raises `InvalidDefinition` with the line for what is neither; a draft may be anything.
    """
    if isinstance(definition, bytes):
        definition = definition.decode("utf-8", "replace")
    if not isinstance(definition, str) or definition.lstrip().startswith("{"):
        return None
    try:
        return read(definition)
    except InvalidValue as error:
        if draft:
            return None
        found = validate.diagnostics(definition)
        raise InvalidDefinition(error.message, found, place=error.place, hint=error.hint) from None


def _written(definition: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(definition, ensure_ascii=False, allow_nan=False, indent=2)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"the definition has no JSON form: {error}", place="definition") from None
    return text


def _object(text: str) -> dict[str, Any] | None:
    """The object that a text is; what is none is for the validation to tell."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def tasks_of(definition: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place, state) of every state that has a Resource, in the order of the text."""
    left: list[tuple[str, Any]] = [("", definition)]
    while left:
        at, machine = left.pop()
        states = machine.get("States") if isinstance(machine, Mapping) else None
        if not isinstance(states, Mapping):
            continue
        inner: list[tuple[str, Any]] = []
        for name, state in states.items():
            if not isinstance(state, Mapping):
                continue
            place = f"{at}/States/{name}"
            if isinstance(state.get("Resource"), str):
                yield place, state
            inner += [(f"{place}/{scope}", state[scope]) for scope in _SCOPES if scope in state]
            branches = state.get("Branches")
            for index, branch in enumerate(branches if isinstance(branches, list) else ()):
                inner.append((f"{place}/Branches[{index}]", branch))
        left += reversed(inner)


def functions_of(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(place, name) of every function that a task names by itself, in the order of the text."""
    for place, state in tasks_of(definition):
        named, where = _function(state["Resource"]), f"{place}/Resource"
        if _INVOKES.fullmatch(state["Resource"]):
            field = "Arguments" if "Arguments" in state else "Parameters"
            given = state.get(field)
            where = f"{place}/{field}/FunctionName"
            named = _function(given.get("FunctionName")) if isinstance(given, Mapping) else None
        if named is not None:
            yield where, named


def _function(resource: Any) -> str | None:
    """The name of a function of this account, shortly or as its ARN; None for what is none."""
    found = _FUNCTION.fullmatch(resource) if isinstance(resource, str) else None
    return None if found is None else found["name"]


def refusal(diagnostics: Sequence[Diagnostic]) -> InvalidDefinition | None:
    """What creating a workflow with them is refused with, in AWS's words; None when it is not."""
    told = validate.refusal(diagnostics)
    return None if told is None else InvalidDefinition(told, diagnostics, place="definition")


def logging_of(given: Any) -> LoggingConfiguration:
    """A logging configuration of what a caller gives: one, a mapping of its fields, or only a level."""
    if given is None:
        return LoggingConfiguration()
    if isinstance(given, LoggingConfiguration):
        return given
    if isinstance(given, str):
        given = {"level": given}
    known = {"level", "include_execution_data", "destinations"}
    unknown = sorted(set(given) - known) if isinstance(given, Mapping) else [repr(given)]
    if unknown:
        raise InvalidValue(
            f"{unknown[0]} is no part of a logging configuration",
            place="logging",
            hint="level (ALL, ERROR, FATAL, OFF), include_execution_data, destinations (ARNs of log groups)",
        )
    assert isinstance(given, Mapping)
    level = given.get("level", "OFF")
    if level not in _LEVELS:
        raise InvalidValue(f"{level!r} is none of {', '.join(_LEVELS)}", place="logging/level")
    destinations = given.get("destinations", ())
    if isinstance(destinations, str):
        destinations = (destinations,)
    return LoggingConfiguration(
        level=level,
        include_execution_data=bool(given.get("include_execution_data", False)),
        destinations=tuple(destinations),
    )


def tags_of(given: Mapping[str, Any] | None) -> dict[str, str]:
    """Tags: at most 50, names of 128 and values of 256 characters (TagResource)."""
    tags = {str(name): str(value) for name, value in (given or {}).items()}
    if len(tags) > 50:
        raise workflow_names.coded(
            InvalidValue(f"{len(tags)} tags; 50 is the most", place="tags"), "TooManyTags"
        )
    for name, value in tags.items():
        if not 1 <= len(name) <= 128 or len(value) > 256:
            raise InvalidValue(
                f"the tag {name[:140]!r} is too long",
                place="tags",
                hint="128 and 256 characters are the most",
            )
    return tags


def check_input(text: str, *, place: str = "input") -> str:
    """Raise for what is longer than Step Functions takes: 262,144 bytes of UTF-8."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > 262_144:
        raise workflow_names.coded(
            InvalidValue(
                f"{size} bytes; 262144 is the most that an execution takes",
                place=place,
                hint="put large data into a bucket and pass its name",
            ),
            "InvalidExecutionInput",
        )
    return text


def check_words(error: Any, cause: Any) -> None:
    """Raises InvalidValue (`ValidationException`) for what is no text, or longer than AWS takes."""
    for name, text, most in (("error", error, 256), ("cause", cause, 32_768)):
        if text is not None and not isinstance(text, str):
            problem = f"a {type(text).__name__} is no text"
        elif text is not None and len(text) > most:
            problem = f"it has more than {most} characters"
        else:
            continue
        raise workflow_names.coded(InvalidValue(problem, place=name), "ValidationException")
