"""How one line of states is walked, from its start to its end or failure.

Rule: a walk yields GIVE_WAY when others should have their turn and AWAIT when only a signal or a child can
bring it on; it returns with the frame's output set, or raises the StateFailure that the frame ends with.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.interpret import fields, inline, map_run, retries, tasks, waits
from faaslab.workflow.interpret.course import NOT_TRUNCATED, NOTHING, Course, runtime
from faaslab.workflow.interpret.frame import AWAIT, GIVE_WAY, Frame, Walk
from faaslab.workflow.interpret.payload import made_text
from faaslab.workflow.query import choice, jsonata

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from faaslab.workflow.interpret.plan import StatePlan

Way = tuple[Any, str, str | None]
"""Output, its text, and the name of the state that follows (None at the end)."""


def walk(course: Course, frame: Frame) -> Walk:
    """Walk the frame's states; from the state it stands at when it is resumed."""
    states = frame.plan.states
    if frame.state is None:
        frame.resumed = False
        frame.state = states[frame.plan.start]
    while True:
        if course.room <= 0:
            yield GIVE_WAY
        state = frame.state
        if not (frame.resumed and frame.entered and state.retrying):
            _enter(course, frame, state)
        try:
            if state.plain:
                output, text, following = frame.input, frame.text, state.next
                if course.inspection is not None:
                    _inspect_plain(course, frame, state)
            elif state.retrying:
                output, text, following = yield from _worked(course, frame, state)
            elif state.type == "Wait":
                output, text, following = yield from _waited(course, frame, state)
            else:
                output, text, following = _SIMPLE[state.type](course, frame, state)
        except StateFailure as raised:
            failure = told(course, frame, state, raised)
            raise failure from None
        _exit(course, frame, state, text)
        frame.resumed = False
        if course.trial is not None:
            course.trial.next_state = following
            following = None
        if following is None:
            frame.output = output
            frame.text = text
            return
        frame.input = output
        frame.text = text
        if frame.attempts:
            frame.attempts.clear()
        # A definition may have true for the name "true" (see `validate.transitions`).
        frame.state = states[following] if following in states else states[json.dumps(following)]


def _inspect_plain(course: Course, frame: Frame, state: StatePlan) -> None:
    if state.jsonata:
        return
    phases: tuple[str, ...] = ("afterInputPath",)
    if state.type == "Pass":
        phases += ("afterParameters", "afterResultSelector", "afterResultPath")
    for phase in phases:
        course.inspected(phase, frame.input)


def _enter(course: Course, frame: Frame, state: StatePlan) -> None:
    frame.entered_after = frame.previous
    frame.entered_at = course.now
    frame.entered = frame.previous = course.note(
        state.entered,
        frame.previous,
        {"name": state.name, "input": frame.text, "inputDetails": NOT_TRUNCATED},
        state.name,
    )


def _exit(course: Course, frame: Frame, state: StatePlan, text: str) -> None:
    details: dict[str, Any] = {"name": state.name, "output": text, "outputDetails": NOT_TRUNCATED}
    if frame.assigned is not None:
        details["assignedVariables"] = frame.assigned
        details["assignedVariablesDetails"] = NOT_TRUNCATED
        frame.assigned = None
    frame.previous = course.note(state.exited, frame.previous, details, state.name)
    frame.entered = 0


def told(course: Course, frame: Frame, state: StatePlan, failure: StateFailure) -> StateFailure:
    """The failure as it is told, with EvaluationFailed written down where an expression was its reason."""
    location, cause = failure.location, failure.cause
    if failure.framed and course.trial is None:
        cause = (
            f"An error occurred while executing the state '{state.name}' (entered at the event id "
            f"#{frame.entered}). {cause}"
        )
    elif location is None:
        return failure
    failure = StateFailure(failure.error, cause)
    if location is None:
        return failure
    before = frame.entered_after if frame.previous == frame.entered else frame.previous
    details = {"error": failure.error, "location": location, "state": state.name}
    if cause is not None:
        details["cause"] = cause
    frame.previous = course.note("EvaluationFailed", before, details, state.name)
    return failure


# -- states that do no work


def _passed(course: Course, frame: Frame, state: StatePlan) -> Way:
    body = state.body
    if state.jsonata:
        output = fields.given(course, frame, state, frame.input, has_result=False)
    else:
        if "Result" in body:
            result = body["Result"]
            course.inspected("result", result)
        else:
            result = fields.arguments(course, frame, state, fields.effective_input(course, frame, state))
        course.inspected("afterResultSelector", result)
        output = fields.given(course, frame, state, result, has_result=False)
    return output, _text(frame, state, output), state.next


def _text(frame: Frame, state: StatePlan, output: Any) -> str:
    return frame.text if output is frame.input else made_text(output, state.name)


def _succeeded(course: Course, frame: Frame, state: StatePlan) -> Way:
    value = fields.effective_input(course, frame, state)
    output = fields.given(course, frame, state, value, has_result=False)
    return output, _text(frame, state, output), None


def _failed(course: Course, frame: Frame, state: StatePlan) -> Way:
    scope = course.scope(frame, frame.input)
    words: dict[str, str | None] = {}
    for field in ("Error", "Cause"):
        value: Any = state.body.get(field)
        path = state.body.get(f"{field}Path")
        if state.jsonata and fields.is_expression(value):
            value = jsonata.evaluate(value, scope, field, expected="string")
        elif path is not None and not state.jsonata:
            value = fields.referred(path, scope, f"{field}Path")
            if not isinstance(value, str):
                raise runtime(f"The {field}Path field must reference a string value: {path}")
        words[field] = value
    raise StateFailure(words["Error"], words["Cause"])  # type: ignore[arg-type] # a Fail may name no error


def _waited(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Way]:
    value = fields.effective_input(course, frame, state)
    due = waits.due(course, frame, state, value)
    if due > course.now:
        course.timer_at(frame, course.key("wait"), due)
        yield AWAIT
    output = fields.given(course, frame, state, value, has_result=False)
    return output, _text(frame, state, output), state.next


def _chosen(course: Course, frame: Frame, state: StatePlan) -> Way:
    value = fields.effective_input(course, frame, state)
    scope = course.scope(frame, value)
    for at, rule in enumerate(state.body["Choices"]):
        if _holds(rule, scope, at, jsonata_rules=state.jsonata):
            output = fields.chosen(course, frame, state, rule=rule, value=value, where=f"Choices[{at}]/")
            return output, _text(frame, state, output), rule["Next"]
    if state.body.get("Default") is None:
        raise runtime("Failed to transition out of the state. The state does not point to a next state.")
    output = fields.chosen(course, frame, state, rule=state.body, value=value, where="")
    return output, _text(frame, state, output), state.body["Default"]


def _holds(rule: Mapping[str, Any], scope: Any, at: int, *, jsonata_rules: bool) -> bool:
    if not jsonata_rules:
        return choice.matches(rule, scope)
    condition = rule["Condition"]
    if fields.is_expression(condition):
        condition = jsonata.evaluate(condition, scope, f"Choices[{at}]/Condition", expected="boolean")
    return condition is True


_SIMPLE = {
    "Pass": _passed,
    "Succeed": _succeeded,
    "Fail": _failed,
    "Choice": _chosen,
}


# -- states that do work, and may try again


def _worked(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Way]:
    while True:
        try:
            result = yield from _work(course, frame, state)
            result = fields.selected(course, frame, state, result)
            output = fields.given(course, frame, state, result, has_result=True)
            text = made_text(output, state.name)
            frame.children = []
            frame.map_run = None
            return output, text, state.next
        except StateFailure as raised:
            of_child = raised.location is None and not raised.framed
            failure = told(course, frame, state, raised)
        frame.assigned = None
        delay = retries.delay(course, frame, state, failure)
        if delay is not None:
            if course.trial is not None:
                course.trial.retriable = True
                raise failure
            if delay > 0:
                course.timer(frame, course.key("retry"), delay)
                yield AWAIT
            frame.children = []
            frame.map_run = None
            frame.resumed = False
            continue
        if state.type != "Task" and (of_child or failure.error != RUNTIME):
            frame.previous = course.note(f"{state.type}StateFailed", frame.previous, NOTHING, state.name)
        return _caught(course, frame, state, failure)


def _work(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Any]:
    if state.type == "Task":
        return (yield from tasks.done(course, frame, state))
    if state.type == "Parallel":
        return (yield from inline.parallel(course, frame, state))
    if map_run.is_distributed(state):
        return (yield from map_run.run(course, frame, state))
    return (yield from inline.mapped(course, frame, state))


def _caught(course: Course, frame: Frame, state: StatePlan, failure: StateFailure) -> Way:
    for at, catcher in enumerate(state.body.get("Catch", ())):
        if retries.matches(failure, catcher["ErrorEquals"]):
            output = fields.caught(
                course, frame, state, catcher=catcher, at=at, error=retries.error_output(failure)
            )
            frame.children = []
            frame.map_run = None
            course.inspected("errorDetails", {"catchIndex": at})
            if course.trial is not None:
                course.trial.caught = failure
            return output, made_text(output, state.name), catcher["Next"]
    raise failure
