"""What TestState is asked, read and checked; what it is refused with.

Source of the words: answers recorded from TestState, where there are any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret import Mock
from faaslab.workflow.interpret.tasks import target_of
from faaslab.workflow.interpret.trial import STATE, machine_of
from faaslab.workflow.items import reading
from faaslab.workflow.testing import contexts, mocks
from faaslab.workflow.validate import diagnostics
from faaslab.workflow.validate import refusal as refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faaslab.workflow.items.item import Item
    from faaslab.workflow.testing.mocks import Form

    FormOf = Callable[[str], tuple[Form, frozenset[str]] | None]
    """The model of what a Resource answers with, and members of it that may be anything; None for neither."""

_UNMOCKABLE = frozenset({"Pass", "Wait", "Succeed", "Fail", "Choice"})
_WITH_A_MOCK = {
    "retrierRetryCount": "RetrierRetryCount",
    "errorCausedByState": "ErrorCausedByState",
    "mapIterationFailureCount": "MapIterationFailureCount",
    "mapItemReaderData": "MapItemReaderData",
}


class Refused(Exception):
    """TestState refuses: `code` is the error's name, the text its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Question:
    """A state that is to be tried. `body` is its part of `definition`; `context` may be in part."""

    definition: Mapping[str, Any]
    state_name: str | None
    body: Mapping[str, Any]
    input: Any
    variables: Mapping[str, Any] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    role: str | None = None
    mock: Mock | None = None
    retries: int = 0


def question(asked: Mapping[str, Any], form_of: FormOf) -> Question:
    """The question that the parameters of TestState are; raises Refused. `asked` has the API's names."""
    _check_together(asked)
    definition, body = _definition(asked)
    kind = body["Type"]
    mock = asked.get("mock")
    if mock is not None and kind in _UNMOCKABLE:
        raise _invalid(f"State type '{kind}' is not supported when a mock is specified")
    if mock is None:
        _check_unmocked(asked, body)
    configuration = asked.get("stateConfiguration") or {}
    return Question(
        definition=definition,
        state_name=asked.get("stateName"),
        body=body,
        input=_input(asked.get("input")),
        variables=_variables(asked.get("variables")),
        context=_context(asked.get("context")),
        role=asked.get("roleArn"),
        mock=None if mock is None else _mock(mock, body, configuration, form_of),
        retries=configuration.get("retrierRetryCount") or 0,
    )


def _check_together(asked: Mapping[str, Any]) -> None:
    """What may not be asked for together, or not by itself."""
    mock = asked.get("mock")
    if mock is None:
        for name, word in _WITH_A_MOCK.items():
            if (asked.get("stateConfiguration") or {}).get(name) is not None:
                raise _invalid(f"TestState does not support {word} when a mock is not specified.")
        if asked.get("context") is not None:
            raise _invalid("TestState does not support Context when a mock is not specified.")
        return
    if ("result" in mock) + ("errorOutput" in mock) != 1:
        raise _invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if asked.get("revealSecrets"):
        raise _invalid("TestState does not support RevealSecrets when a mock is specified.")


def _check_unmocked(asked: Mapping[str, Any], body: Mapping[str, Any]) -> None:
    if body["Type"] in ("Map", "Parallel"):
        raise Refused(
            "InvalidDefinition",
            "TestState API does not support Map or Parallel states. Supported state types include: "
            "[Task, Wait, Pass, Succeed, Fail, Choice]",
        )
    if body["Type"] != "Task":
        return
    target = target_of(body["Resource"])
    if target.kind == "activity" or target.pattern != "request":
        raise Refused(
            "InvalidDefinition",
            "TestState API supports activities and the integration patterns .sync and .waitForTaskToken only "
            f"when a mock is specified: {body['Resource']}",
        )
    if asked.get("roleArn") is None:
        raise _invalid("RoleArn must be specified when testing a Task state")


# -- the definition


def _definition(asked: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The definition as it was given, and the state in it."""
    text, name = asked["definition"], asked.get("stateName")
    if name is not None:
        said = refused(diagnostics(text))
        if said is not None:
            raise Refused("InvalidDefinition", said)
        definition = json.loads(text)
        try:
            return definition, machine_of(definition, name)["States"][STATE]
        except KeyError:
            raise _invalid("State not found in definition") from None
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused("InvalidDefinition", refused(diagnostics(text)) or "")
    found = [
        replace(each, location=each.location and (each.location.removeprefix(f"/States/{STATE}") or "/"))
        for each in diagnostics(_machine_around(body))
    ]
    said = refused(found)
    if said is not None:
        raise Refused("InvalidDefinition", said)
    return body, body


def _machine_around(body: Mapping[str, Any]) -> dict[str, Any]:
    """A machine that the state is alone in: wherever it leads to, that is an end."""
    around = {name: {"Type": "Succeed"} for name in _targets(body)}
    return {"StartAt": STATE, "States": {**around, STATE: body}}


def _targets(body: Mapping[str, Any]) -> Iterator[str]:
    rules = [body.get(name) for name in ("Choices", "Catch")]
    for each in [body, *(rule for given in rules if isinstance(given, list) for rule in given)]:
        for field_name in ("Next", "Default"):
            name = each.get(field_name) if isinstance(each, dict) else None
            if isinstance(name, str) and name:
                yield name


# -- what goes in


def _input(text: str | None) -> Any:
    try:
        return {} if text is None else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from None


def _variables(text: str | None) -> Mapping[str, Any] | None:
    if text is None:
        return None
    try:
        variables = json.loads(text)
    except (ValueError, RecursionError):
        variables = None
    if not isinstance(variables, dict):
        raise _invalid("Variables must be a JSON object")
    return variables


def _context(text: str | None) -> Mapping[str, Any]:
    try:
        return {} if text is None else contexts.given(text)
    except contexts.InvalidContext as error:
        raise _invalid(str(error)) from None


# -- the mock


def _mock(
    mock: Mapping[str, Any], body: Mapping[str, Any], configuration: Mapping[str, Any], form_of: FormOf
) -> Mock:
    failed = configuration.get("mapIterationFailureCount")
    items = _items(configuration.get("mapItemReaderData"), body)
    error = mock.get("errorOutput")
    if error is not None:
        return Mock(
            error=error.get("error"), cause=error.get("cause", ""), failed_iterations=failed, items=items
        )
    try:
        result = json.loads(mock["result"])
    except (ValueError, RecursionError):
        raise _invalid("Mocked result must be valid JSON") from None
    kind = body["Type"]
    if kind == "Task":
        _check_result(result, body["Resource"], mock.get("fieldValidationMode") or "STRICT", form_of)
    elif kind == "Map" and "ResultWriter" in body:
        if not isinstance(result, dict):
            raise _invalid("Mocked result must be a JSON object.")
    elif not isinstance(result, list):
        raise _invalid("Mocked result must be an array.")
    if kind == "Map" and isinstance(result, list) and (failed or 0) > len(result):
        raise _invalid(
            "Map iteration failure count must be less than or equal to the number of Map iterations"
        )
    return Mock(result=result, failed_iterations=failed, items=items)


def _items(data: str | None, body: Mapping[str, Any]) -> tuple[Item, ...]:
    """What an ItemReader makes of the data that it is to have read."""
    if data is None:
        return ()
    reader = body.get("ItemReader")
    if body["Type"] != "Map" or not isinstance(reader, dict):
        raise _invalid("MapItemReaderData is for a Map state with an ItemReader.")
    config = {"InputType": "JSON", **(reader.get("ReaderConfig") or {})}  # a listing is told as JSON
    most = config.get("MaxItems")
    try:
        found = reading.parsed(data.encode("utf-8", "surrogateescape"), config)
        return tuple(islice(found, most if isinstance(most, int) and most > 0 else None))
    except StateFailure as failure:
        raise _invalid(f"MapItemReaderData cannot be read: {failure.cause}") from None


def _check_result(result: Any, resource: str, mode: mocks.Mode, form_of: FormOf) -> None:
    found = form_of(resource) if mode != "NONE" else None
    if found is None:
        return
    form, free = found
    said = mocks.misfit(result, form, mode, free=free)
    if said is not None:
        raise _invalid(said)


def _invalid(message: str) -> Refused:
    return Refused("ValidationException", message)
