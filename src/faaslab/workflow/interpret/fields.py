"""What the fields of a state do to its data, in both query languages, and in the order of the language.

JSONPath: InputPath, Parameters, (the work), ResultSelector, Assign, ResultPath, OutputPath.
JSONata: Arguments, (the work), Assign and Output side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret.course import Course, runtime
from faaslab.workflow.interpret.payload import DATA_LIMIT_EXCEEDED, LIMIT, outweighs, text_of
from faaslab.workflow.interpret.plan import WHOLE, StatePlan
from faaslab.workflow.query import intrinsics, jsonata, jsonpath, template
from faaslab.workflow.query.jsonpath import PathMissing
from faaslab.workflow.scope import ABSENT, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.workflow.interpret.frame import Frame

VARIABLES_LIMIT = 10 * 1024 * 1024


def is_expression(value: Any) -> bool:
    """Whether a value of a definition is a JSONata expression."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def effective_input(course: Course, frame: Frame, state: StatePlan) -> Any:
    """What InputPath leaves of the input; in JSONata all of it."""
    if state.jsonata:
        return frame.input
    path = state.body.get("InputPath", WHOLE)
    value = filtered(path, course.scope(frame, frame.input)) if path != WHOLE else frame.input
    course.inspected("afterInputPath", value)
    return value


def filtered(path: str | None, scope: Scope) -> Any:
    """What InputPath or OutputPath selects: null is an empty object."""
    if path is None:
        return {}
    try:
        return jsonpath.read(path, scope)
    except PathMissing as missing:
        raise runtime(f"Invalid path '{path}' : {missing.reason}") from missing


def referred(path: str, scope: Scope, field: str) -> Any:
    """What a path or an intrinsic function in a field such as CausePath or TimeoutSecondsPath names."""
    if path.startswith("States."):
        return intrinsics.evaluate(path, scope)
    try:
        return jsonpath.read(path, scope)
    except PathMissing as missing:
        text = text_of(scope.state_input if scope.state_input is not ABSENT else scope.input)
        raise runtime(
            f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input "
            f"'{text}'"
        ) from missing


def arguments(course: Course, frame: Frame, state: StatePlan, value: Any, token: str | None = None) -> Any:
    """What Parameters or Arguments make for the work to be done; the input where there is neither."""
    body = state.body
    if state.jsonata:
        if "Arguments" not in body:
            return value
        made = jsonata.rendered(body["Arguments"], course.scope(frame, value, token=token), "Arguments")
        if state.type == "Task":
            course.inspected("afterArguments", made)
        return made
    made = value
    if "Parameters" in body:
        made = template.rendered(body["Parameters"], course.scope(frame, value, token=token), "Parameters")
    course.inspected("afterParameters", made)
    return made


def selected(course: Course, frame: Frame, state: StatePlan, result: Any) -> Any:
    """What ResultSelector leaves of a result."""
    if not state.jsonata:
        if "ResultSelector" in state.body:
            result = template.rendered(
                state.body["ResultSelector"], course.scope(frame, result), "ResultSelector"
            )
        course.inspected("afterResultSelector", result)
    return result


def given(course: Course, frame: Frame, state: StatePlan, result: Any, *, has_result: bool) -> Any:
    """The output of a state whose work gave `result`, with variables assigned on the way.

    `has_result` is False where the state does no work: then `$states` has no result and the output is the
    input.
    """
    body = state.body
    if state.jsonata:
        scope = course.scope(frame, frame.input)
        if has_result:
            scope.result = result
        return _told(frame, body, scope, "", result)
    if "Assign" in body:
        assign(frame, template.rendered(body["Assign"], course.scope(frame, result), "Assign"))
    return placed(course, frame, state, result)


def placed(course: Course, frame: Frame, state: StatePlan, result: Any) -> Any:
    """The result put into the input by ResultPath, and what OutputPath leaves of that."""
    body = state.body
    output = result
    if "ResultPath" in body:
        path = body["ResultPath"]
        if path is None:
            output = frame.input
        elif path != WHOLE:
            output = jsonpath.written(path, frame.input, result)
    if state.retrying or state.type == "Pass":
        course.inspected("afterResultPath", output)
    path = body.get("OutputPath", WHOLE)
    if path != WHOLE:
        output = filtered(path, course.scope(frame, output))
    return output


def caught(
    course: Course, frame: Frame, state: StatePlan, *, catcher: Mapping[str, Any], at: int, error: Any
) -> Any:
    """The output of a state whose failure a catcher took."""
    if state.jsonata:
        scope = course.scope(frame, frame.input)
        scope.error_output = error
        return _told(frame, catcher, scope, f"Catch[{at}]/", error)
    if "Assign" in catcher:
        assign(frame, template.rendered(catcher["Assign"], course.scope(frame, error), "Assign"))
    path = catcher.get("ResultPath", WHOLE)
    if path is None:
        return frame.input
    return error if path == WHOLE else jsonpath.written(path, frame.input, error)


def chosen(
    course: Course, frame: Frame, state: StatePlan, *, rule: Mapping[str, Any], value: Any, where: str
) -> Any:
    """The output of a Choice by the rule that held (or the state itself, for its Default)."""
    if state.jsonata:
        return _told(frame, rule, course.scope(frame, frame.input), where, frame.input)
    if "Assign" in rule:
        assign(frame, template.rendered(rule["Assign"], course.scope(frame, value), "Assign"))
    path = state.body.get("OutputPath", WHOLE)
    return value if path == WHOLE else filtered(path, course.scope(frame, value))


def _told(frame: Frame, fields: Mapping[str, Any], scope: Scope, where: str, otherwise: Any) -> Any:
    # Assign and Output see the same variables: those from before the state.
    values = jsonata.rendered(fields["Assign"], scope, f"{where}Assign") if "Assign" in fields else None
    output = jsonata.rendered(fields["Output"], scope, f"{where}Output") if "Output" in fields else otherwise
    if values is not None:
        assign(frame, values)
    return output


def assign(frame: Frame, values: Mapping[str, Any]) -> None:
    """Give variables of the frame their values; the limits are the service's."""
    if not values:
        return
    texts: dict[str, str] = {}
    size = 0
    for name, value in values.items():
        texts[name] = text = "" if outweighs(value) else text_of(value)
        size += len(text.encode("utf-8", "surrogatepass")) if text else LIMIT + 1
        if size > LIMIT:
            raise StateFailure(
                DATA_LIMIT_EXCEEDED,
                "The size of the variables that Assign sets exceeds 256 KiB.",
                framed=True,
            )
    merged = {**frame.variables, **values}
    frame.variable_texts = {**frame.variable_texts, **texts}
    if sum(map(len, frame.variable_texts.values())) > VARIABLES_LIMIT:
        raise StateFailure(DATA_LIMIT_EXCEEDED, "The size of all variables exceeds 10 MiB.", framed=True)
    frame.variables = merged
    frame.assigned = texts
