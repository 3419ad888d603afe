"""What is wrong with a definition, or odd in it, told to who wrote it: by lines, and with the nearest word.

Rule: an API tells mistakes in AWS's words and nothing else. Here they stand first, and what is added after.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from faaslab.errors import FaaslabError, nearest
from faaslab.lab.tasks import resources
from faaslab.lab.workflow_definitions import InvalidDefinition, functions_of, tasks_of
from faaslab.workflow.validate import Diagnostic, meant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.lab import Lab
    from faaslab.workflow.source import Source

_MOST_TOLD = 8
_ERRORS = {
    name.casefold(): name
    for name in (
        "States.ALL", "States.BranchFailed", "States.DataLimitExceeded",
        "States.ExceedToleratedFailureThreshold",
        "States.HeartbeatTimeout", "States.Http.Socket", "States.IntrinsicFailure", "States.ItemReaderFailed",
        "States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions",
        "States.QueryEvaluationError", "States.ResultPathMatchFailure", "States.ResultWriterFailed",
        "States.Runtime", "States.TaskFailed", "States.Timeout",
    )
}  # fmt: skip
_FIELDS = ("Parameters", "Arguments")


def said(each: Diagnostic, definition: Any) -> str:
    """Its message, and what was most likely meant."""
    word = meant(each, definition)
    return each.message if word is None else f"{each.message}; did you mean {word!r}?"


def told(each: Diagnostic, source: Source) -> str:
    """It in a line: `line 7, state Score: … (/States/Score/Type)`."""
    where, message = source.told(each.location), said(each, source.definition)
    field = "" if each.location in (None, "/") else f" ({each.location})"
    return f"{where}: {message}{field}" if where else message


def located(error: InvalidDefinition, source: Source, *, option: str = "draft=True") -> InvalidDefinition:
    """The same, told by the lines of what was written; with `option` it is kept all the same."""
    wrong = [each for each in error.diagnostics if each.severity == "ERROR"]
    if not wrong:
        return error
    lines = [told(each, source) for each in wrong[:_MOST_TOLD]]
    if len(wrong) > _MOST_TOLD:
        lines.append(f"and {len(wrong) - _MOST_TOLD} more: workflow check tells them all")
    message = lines[0] if len(lines) == 1 else "\n  ".join(["the definition has mistakes:", *lines])
    return InvalidDefinition(message, error.diagnostics, hint=f"{option} keeps it as it is")


def hinted(error: InvalidDefinition, text: str) -> InvalidDefinition:
    """The same with what was most likely meant, where the message stays AWS's."""
    with suppress(ValueError, RecursionError):
        definition = json.loads(text)
        words = (meant(each, definition) for each in error.diagnostics[:_MOST_TOLD])
        word = next((each for each in words if each is not None), None)
        if word is not None:
            error.hint = f"did you mean {word!r}?"
    return error


def warnings(lab: Lab, definition: Mapping[str, Any]) -> list[Diagnostic]:
    """What is found only when it runs: functions that there are not, parameters that no service has, jobs

    that have no end here, errors that nothing raises.
    """
    return [
        *_unknown_functions(lab, definition),
        *_odd_calls(definition),
        *_endless_jobs(definition),
        *_odd_errors(definition),
    ]


def _odd_errors(definition: Any) -> Iterator[Diagnostic]:
    """Names of errors that only differ in their letters from one that Step Functions gives."""
    waiting: list[tuple[str, Any]] = [("", definition)]
    while waiting:
        at, here = waiting.pop()
        if isinstance(here, list):
            waiting += reversed([(f"{at}[{index}]", each) for index, each in enumerate(here)])
        if not isinstance(here, dict):
            continue
        waiting += reversed([(f"{at}/{name:.100}", each) for name, each in here.items()])
        names = here.get("ErrorEquals")
        for index, name in enumerate(names if isinstance(names, list) else ()):
            right = _ERRORS.get(name.casefold(), name) if isinstance(name, str) else name
            if right != name:
                message = f"{name!r} is no error of Step Functions; did you mean {right!r}?"
                yield Diagnostic("WARNING", "ERROR_NAME", message, f"{at}/ErrorEquals[{index}]")


def _endless_jobs(definition: Mapping[str, Any]) -> Iterator[Diagnostic]:
    from faaslab.lab.tasks import jobs

    for place, state in tasks_of(definition):
        with suppress(FaaslabError):
            why = jobs.not_here(state["Resource"])
            if why is not None:
                yield Diagnostic("WARNING", "SYNC_NOT_HERE", why, f"{place}/Resource")


def _unknown_functions(lab: Lab, definition: Mapping[str, Any]) -> Iterator[Diagnostic]:
    known = set(lab.functions.names())
    for place, name in functions_of(definition):
        if name not in known:
            near = nearest(name, known)
            word = f"; did you mean {near!r}?" if near else ""
            message = f"there is no function named {name!r} yet{word}"
            yield Diagnostic("WARNING", "FUNCTION_NOT_FOUND", message, place)


def _odd_calls(definition: Mapping[str, Any]) -> Iterator[Diagnostic]:
    from faaslab.cloud import sdk_calls

    for place, state in tasks_of(definition):
        with suppress(FaaslabError):
            resource = resources.service(state["Resource"])
            field = next((each for each in _FIELDS if each in state), None)
            given = {} if field is None else state[field]
            for at, message in sdk_calls.odd(
                resource.service, resource.action, given, optimised=not resource.sdk
            ):
                where = f"{place}/{field}{at}" if field and at else f"{place}/Resource"
                yield Diagnostic("WARNING", "SERVICE_CALL", message, where)
