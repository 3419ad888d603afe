"""The verb `timeline`: of a function, of a workflow's run, or of one execution, whichever has that name."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue, NotFound
from faaslab.lab import timelines, waterfalls
from faaslab.verbs import payload as payloads
from faaslab.verbs.answers import TimelineAnswer
from faaslab.verbs.executions import SINCE, UNTIL
from faaslab.verbs.options import Option, Positional, row_limit
from faaslab.verbs.verb import Verb
from faaslab.verbs.workflow_runs import SVG, run_of, shown_picture, workflow_of

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.lab.workflow_run import WorkflowRun
    from faaslab.model.execution import Execution
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_WINDOW = ("since", "until", "limit")


def timeline(lab: Lab, call: Call, face: Face) -> Answer:
    """Bars by environment of a function, by state of a workflow's run, by phase of an execution."""
    what = payloads.named(call["what"], face, place="WHAT")
    is_function = lab.executions.is_known(what)
    run = None if is_function and call["function"] else _run(lab, what)
    if is_function and run is not None:
        raise InvalidValue(
            f"{what!r} is a function, and an execution of the workflow {run.execution.workflow}",
            hint=f"timeline {what} --function, or the run's ARN",
        )
    if is_function:
        found = timelines.drawn(lab, what, since=call["since"], until=call["until"], last=call["limit"])
        if call["svg"] is not None:
            return shown_picture(found.picture.svg, found.picture.text, call, face)
        return TimelineAnswer(
            name=what,
            about=found.about,
            df=found.df,
            svg=found.picture.svg,
            text=found.picture.text,
        )
    if call["function"]:
        lab.executions.known(what)
    if run is None:
        execution = lab.executions.find(what)
        if execution is not None:
            return _of_execution(lab, execution, call, face)
        if workflow_of(lab, what) is not None:
            return _of_run(run_of(lab, what), call, face)
        names = (*lab.executions.functions(), *lab.workflows.names())
        raise NotFound("function, run or execution", what, names)
    return _of_run(run, call, face)


def _of_execution(lab: Lab, execution: Execution, call: Call, face: Face) -> Answer:
    _whole(call, "an execution")
    found = waterfalls.waterfall(lab, execution)
    if call["svg"] is not None:
        return shown_picture(found.picture.svg, found.picture.text, call, face)
    return TimelineAnswer(
        name=execution.function,
        about=f"phases of {execution.id}",
        df=found.table(),
        svg=found.picture.svg,
        text=found.picture.text,
    )


def _whole(call: Call, what: str) -> None:
    for name in _WINDOW:
        if call[name] is not None:
            raise InvalidValue(f"is for functions: this is {what}, and shown whole", place=f"--{name}")


def _of_run(run: WorkflowRun, call: Call, face: Face) -> Answer:
    _whole(call, "a run")
    picture = run.timeline()
    about = f"when {run.execution.name} was in which state"
    return shown_picture(picture.svg, picture.text, call, face, name=run.execution.workflow, about=about)


def _run(lab: Lab, what: str) -> WorkflowRun | None:
    with suppress(NotFound):
        return lab.workflows.run(what)
    return None


VERBS: tuple[Verb, ...] = (
    Verb(
        name="timeline",
        summary="when a function's environments were at work; a run's states, an execution's phases",
        run=timeline,
        positionals=(
            Positional(
                name="what",
                help="a function, a workflow's execution (name or ARN), a function's (id), or {variable}",
                completes="timed",
            ),
        ),
        options=(
            SINCE,
            UNTIL,
            row_limit(default=None, help="so many invocations, the newest (1,000)"),
            Option(
                flags=("--function",),
                name="function",
                help="the function of that name, where a run has it too",
            ),
            *SVG,
        ),
        examples=(
            "timeline score --since 1h",
            "timeline score --limit 50 -o df",
            "timeline 2026-11-27",
            "timeline 01JD…",
        ),
    ),
)
