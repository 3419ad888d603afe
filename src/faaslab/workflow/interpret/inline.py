"""Parallel and inline Map: frames inside a frame, and what becomes of the others when one fails.

Events as the service has them: what follows the start of an iteration, or of the next one in line, and what
ends the state all name the last event of the frame that made way for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret import fields, settings, tally
from faaslab.workflow.interpret.course import NOTHING, Course, runtime
from faaslab.workflow.interpret.frame import AWAIT, Frame
from faaslab.workflow.interpret.payload import LIMIT, made_text, text_of, too_large
from faaslab.workflow.items.item import Item, items_of
from faaslab.workflow.query import jsonata, jsonpath, template
from faaslab.workflow.query.jsonpath import PathMissing

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from faaslab.workflow.interpret.plan import MachinePlan, StatePlan
    from faaslab.workflow.scope import Scope

MOST_AT_A_TIME = 40
ABORTED_KINDS = frozenset({"Task", "Wait", "Parallel", "Map"})


def parallel(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Any]:
    """Walk every branch; their outputs in the order of the branches."""
    resumed = frame.resumed and bool(frame.children)
    if not resumed:
        value = fields.arguments(course, frame, state, fields.effective_input(course, frame, state))
        course.follow(frame, "ParallelStateStarted")
        if course.trial is not None and course.trial.is_mocked:
            return course.trial.answer()
        text = made_text(value, state.name)
        frame.children = [
            _child(frame, frame.plan.branch(state, index), value, text, index)
            for index in range(len(state.body["Branches"]))
        ]
    left = 0
    for child in frame.children:
        assert child is not None
        if child.phase == "succeeded":
            continue
        left += 1
        go(course, frame, child)
    frame.resumed = False
    last = frame.previous
    while left:
        child = yield AWAIT
        if child.failure is not None:
            raise _ended_by(course, frame, child)
        left -= 1
        last = child.previous
    course.note("ParallelStateSucceeded", last, NOTHING, state.name)
    frame.previous = last
    return _together(frame.children, state)


def _child(frame: Frame, plan: MachinePlan, value: Any, text: str, index: int) -> Frame:
    return Frame(
        "branch" if plan.branched else "iteration",
        plan,
        value,
        text,
        frame,
        index,
        frame.item,
        frame.variables,
        frame.variable_texts,
        None,
        frame.previous,
    )


def go(course: Course, frame: Frame, child: Frame) -> None:
    """Let a child walk, from its start or from where it failed."""
    if child.phase != "ready":
        child.resumed = True
        child.failure = None
        child.walk = None
        child.attempts.clear()
    child.phase = "open"
    child.previous = frame.previous
    course.queue.append((child, None))


def mapped(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Any]:
    """Walk the processor for every item; the outputs in the order of the items."""
    value = fields.effective_input(course, frame, state)
    found = items(course, frame, state, value)
    resumed = frame.resumed and bool(frame.children)
    if not resumed:
        frame.children = [None] * len(found)
        course.follow(frame, "MapStateStarted", {"length": len(found)})
    frame.resumed = False
    most = settings.concurrency(course, state, course.scope(frame, value), MOST_AT_A_TIME)
    if course.trial is not None and course.trial.is_mocked:
        tried(course, frame, state, found, value)
        return course.trial.answer()
    children = frame.children
    waiting = [index for index, child in enumerate(children) if child is None or child.phase != "succeeded"]
    waiting.reverse()
    left = len(waiting)
    last = after = frame.previous
    running = 0
    while left:
        while waiting and running < most:
            _begin(course, frame, state, found=found, index=waiting.pop(), value=value, after=after)
            running += 1
        child = yield AWAIT
        if child.failure is not None:
            raise _ended_by(course, frame, child)
        running -= 1
        left -= 1
        after = child.previous
        last = course.note(
            "MapIterationSucceeded", after, {"name": state.name, "index": child.index}, state.name
        )
    course.note("MapStateSucceeded", last, NOTHING, state.name)
    frame.previous = last
    return _together(children, state)


def _together(children: list[Frame | None], state: StatePlan) -> list[Any]:
    """The outputs of all children, as the state's result."""
    if sum(len(child.text) + 1 for child in children if child is not None) > LIMIT:
        raise too_large(state.name)
    return [child.output for child in children if child is not None]


def _begin(
    course: Course, frame: Frame, state: StatePlan, *, found: list[Item], index: int, value: Any, after: int
) -> None:
    child = frame.children[index]
    if child is None:
        item = found[index].context(index)
        try:
            chosen = selected(course, frame, state, value, item=found[index], context=item)
            text = made_text(chosen, state.name)
        except StateFailure:
            # No iteration has failed, but none of those under way is of use any more.
            for sibling in frame.children:
                if sibling is not None and sibling.phase == "open":
                    abort(course, sibling, frame.previous)
            raise
        child = _child(frame, frame.plan.branch(state, 0), chosen, text, index)
        child.item = item
        frame.children[index] = child
    go(course, frame, child)
    child.previous = course.note(
        "MapIterationStarted", after, {"name": state.name, "index": index}, state.name
    )


def items(course: Course, frame: Frame, state: StatePlan, value: Any, *, objects: bool = False) -> list[Item]:
    """What a Map goes through: ItemsPath of the input, or Items; with `objects`, the pairs of one as well.

    Only a distributed Map goes through an object
    (docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html).
    """
    body = state.body
    kinds = (list, dict) if objects else (list,)
    if state.jsonata:
        found = value
        if "Items" in body:
            given = body["Items"]
            scope = course.scope(frame, value)
            if fields.is_expression(given):
                found = jsonata.evaluate(given, scope, "Items", expected=None if objects else "array")
                if not isinstance(found, kinds):
                    found = jsonata.evaluate(given, scope, "Items", expected="array")
            else:
                found = jsonata.rendered(given, scope, "Items")
        if not isinstance(found, kinds):
            wanted = "an array or an object" if objects else "an array"
            raise runtime(f"The field 'Items' must be {wanted}, and it is {text_of(found)[:200]}")
        return list(items_of(found))
    path = body.get("ItemsPath", "$")
    found = value
    if path != "$":
        try:
            found = jsonpath.read(path, course.scope(frame, value))
        except PathMissing as missing:
            raise runtime(f"Invalid path '{path}' : {missing.reason}") from missing
    if not isinstance(found, kinds):
        shown = path[1:] if path.startswith("$$") else path
        raise runtime(f'Reference path "{shown}" must point to array.')
    if "ItemsPath" in body:
        course.inspected("afterItemsPath", found)
    return list(items_of(found))


def inputs(course: Course, frame: Frame, state: StatePlan, found: list[Item], value: Any) -> list[Any]:
    """The input of every iteration."""
    return [
        selected(course, frame, state, value, item=item, context=item.context(index))
        for index, item in enumerate(found)
    ]


def tried(course: Course, frame: Frame, state: StatePlan, found: list[Item], value: Any) -> list[Any]:
    """The input of every iteration of a Map that is tried by itself, noted where an ItemSelector made it."""
    made = inputs(course, frame, state, found, value)
    if "ItemSelector" in state.body:
        course.inspected("afterItemSelector", made)
    return made


def selected(
    course: Course, frame: Frame, state: StatePlan, value: Any, *, item: Item, context: Mapping[str, Any]
) -> Any:
    """The input of one iteration: what ItemSelector (Parameters, in its old form) makes of the item."""
    body = state.body
    field = "ItemSelector" if "ItemSelector" in body else "Parameters"
    if field not in body or (state.jsonata and field == "Parameters"):
        return item.given
    scope: Scope = course.scope(frame, value)
    scope.context = {**scope.context, "Map": context}
    if state.jsonata:
        return jsonata.rendered(body[field], scope, field)
    return template.rendered(body[field], scope, field)


# -- failure of one, and the end of the others


def _ended_by(course: Course, frame: Frame, child: Frame) -> StateFailure:
    """Write down that a child failed, and abort its siblings; the failure."""
    failure = child.failure
    assert failure is not None
    last = child.previous
    frame.previous = last
    name = frame.state.name if frame.state else ""
    if child.kind == "iteration":
        course.note("MapIterationFailed", last, {"name": name, "index": child.index}, name)
    if child.timed_out and child.state is not None:
        course.note(f"{child.state.type}StateAborted", last, NOTHING, child.state.name)
    for sibling in frame.children:
        if sibling is not None and sibling.phase == "open":
            abort(course, sibling, last)
    return StateFailure(failure.error, failure.cause)


def abort(course: Course, frame: Frame, previous: int) -> None:
    """End an open frame and all that is open inside, and write that down."""
    if frame.kind == "iteration":
        parent = frame.parent
        name = parent.state.name if parent is not None and parent.state is not None else ""
        course.note("MapIterationAborted", previous, {"name": name, "index": frame.index}, name)
    close(course, frame)
    state = frame.state
    if frame.map_run is not None and frame.map_run.executions and state is not None:
        course.note("MapRunAborted", previous, NOTHING, state.name)
        tally.tell(course, frame.map_run, state.name, "ABORTED")
    for child in frame.children:
        if child is not None and child.phase == "open":
            abort(course, child, previous)
    if state is not None and frame.entered and state.type in ABORTED_KINDS:
        course.note(f"{state.type}StateAborted", previous, NOTHING, state.name)


def close(course: Course, frame: Frame) -> None:
    """End the frame's walk; what it waited for is of no use."""
    if frame.walk is not None:
        frame.walk.close()
        frame.walk = None
    for key in tuple(frame.awaiting):
        course.forget(key)
    frame.awaiting.clear()
    if frame.map_run is not None and frame.map_run.executions:
        tally.stop(course, frame.map_run)
    frame.phase = "aborted"
