"""The verbs that run workflows and look at runs: run, runs, stop, redrive, resume, graph, …"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound
from faaslab.lab import workflow_pictures as pictures
from faaslab.store.questions import workflow_lists
from faaslab.store.questions.workflow_lists import Wanted
from faaslab.verbs import payload as payloads
from faaslab.verbs.answers import DoneAnswer, PictureAnswer, RunAnswer, TableAnswer, TextAnswer
from faaslab.verbs.function_options import PAYLOAD
from faaslab.verbs.options import Option, Positional, row_limit
from faaslab.verbs.verb import Verb
from faaslab.verbs.workflows import card
from faaslab.workflow.graph.sheet import on_paper

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.lab.workflow_run import WorkflowRun
    from faaslab.model.workflow import Workflow, WorkflowExecution
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_LOOK_S = 0.2
_TOLD = 5
_GOES_ON = "where the store has a home (a notebook, faaslab serve) it goes on there; else it waits for"
_STATUSES = ("RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")


def run(lab: Lab, call: Call, face: Face) -> Answer:
    """Start an execution; a shell waits for its end, a notebook goes on and shows it live."""
    _decided(call)
    value = payloads.payload(call["payload"], face)
    started = lab.workflows.start(call["name"], value, name=call["execution"])
    return _followed(started, call, face)


def answer(of: WorkflowRun, *, looked_at: bool = False, waited: bool = False) -> RunAnswer:
    """A run as it stands, with its picture."""
    watched = of.watched()
    picture = watched.graph()
    return RunAnswer(
        run=of,
        execution=watched.execution,
        svg=picture.svg,
        drawn=picture.text,
        looked_at=looked_at,
        waited=waited,
    )


def shown(lab: Lab, what: str) -> Answer | None:
    """The card of a workflow, or an execution of one, by name or ARN; None where there is neither."""
    workflow = workflow_of(lab, what)
    if workflow is not None:
        return card(lab, workflow)
    with suppress(NotFound):
        return answer(lab.workflows.run(what), looked_at=True)
    return None


def _decided(call: Call) -> None:
    if call["wait"] and call["no_wait"]:
        raise InvalidValue("does not go with --wait", place="--no-wait", hint="leave one of them out")


def _followed(started: WorkflowRun, call: Call, face: Face) -> Answer:
    if call["no_wait"] or not (face.waits or call["wait"]):
        if face.waits:
            face.note(f"{_GOES_ON}: faaslab resume")
        return answer(started)
    try:
        with face.progress(1, started.execution.name) as bar:
            while not _has_ended(started):
                bar.advance(0, note=f"in {started.execution.current_state}")
            bar.advance(note="")
    except KeyboardInterrupt:
        name = started.execution.name
        face.note(f"{name} was not stopped (that is: stop {name}); {_GOES_ON}: faaslab resume")
        raise KeyboardInterrupt(f"not waited for any longer: {name} goes on") from None
    return answer(started, waited=True)


def _has_ended(started: WorkflowRun) -> bool:
    """Whether it has, after a moment at most."""
    with suppress(TimeoutError):
        started.wait(_LOOK_S)
        return True
    return False


def runs(lab: Lab, call: Call, face: Face) -> Answer:
    """The executions of a workflow, or of all."""
    import pandas as pd

    found = _listed(lab, call, face)
    rows = [
        {
            "name": each.name,
            "workflow": each.workflow,
            "status": str(each.status),
            "started_at": each.started_at,
            "duration_ms": None
            if each.ended_at is None
            else (each.ended_at - each.started_at).total_seconds() * 1_000,
            "state": each.current_state,
            "states": each.statistics.total_states,
            "retried": each.statistics.retried_states,
            "error": None if each.error is None else each.error.error,
            "arn": each.id,
        }
        for each in found
    ]
    return TableAnswer(df=pd.DataFrame(rows), empty=_none_of(call))


def _none_of(call: Call) -> str:
    """What an empty list of runs means."""
    which = "" if call["status"] is None else f" is {call['status']}"
    if call["parent"] is not None:
        return f"no execution that a distributed Map of it started{which}"
    if which:
        return f"no execution{'' if call['name'] is None else ' of ' + call['name']}{which}"
    if call["name"] is not None:
        return f"{call['name']} did not run yet; run it: run {call['name']}"
    return "no workflow ran yet; run one: run NAME"


def _listed(lab: Lab, call: Call, face: Face) -> tuple[WorkflowExecution, ...]:
    name, status, last = call["name"], call["status"], call["limit"]
    if call["parent"] is not None:
        parent = run_of(lab, payloads.named(call["parent"], face, place="--of"))
        children: list[WorkflowExecution] = []
        for each in lab.workflows.map_runs.list(parent.id):
            children += lab.workflows.executions(map_run=each.id, status=status, limit=last)
        return tuple(children[:last])
    try:
        return lab.workflows.executions(name, status=status, limit=last)
    except NotFound:
        found = _of_a_deleted(lab, name, status, last)
        if not found:
            raise
        return found


def _of_a_deleted(lab: Lab, name: str, status: str | None, limit: int) -> tuple[WorkflowExecution, ...]:
    """What ran of a workflow that is not there any more."""
    wanted = Wanted(workflow=name, statuses=(status,) if status else (), limit=limit)
    with lab.store.connect() as connection:
        return tuple(workflow_lists.executions(connection, lab.store.blobs, wanted))


def stop(lab: Lab, call: Call, face: Face) -> Answer:
    """The end of executions that run."""
    names = [payloads.named(word, face, place="RUNS") for word in call["runs"]]
    stopped, told = [], []
    for name in names:
        before = lab.workflows.execution(name)
        after = lab.workflows.stop(name, error=call["error"], cause=call["cause"])
        if before.ended_at is None and after.status == "ABORTED":
            stopped.append(name)
            told.append(f"stopped {name}")
        elif after.ended_at is None:
            told.append(f"{name} was told to stop, and has not by now")
        else:
            told.append(f"{name} had ended: {after.status}")
    return DoneAnswer(text="\n".join(told), facts={"stopped": stopped})


def redrive(lab: Lab, call: Call, face: Face) -> Answer:
    """Go on where it failed."""
    _decided(call)
    return _followed(lab.workflows.redrive(_named(call, face)), call, face)


def resume(lab: Lab, call: Call, face: Face) -> Answer:
    """Take up what was left by a process that ended, and see it to its end."""
    count = lab.workflows.resume()
    if not count:
        return DoneAnswer(text="nothing was left unfinished", facts={"resumed": 0})
    here = [
        each for each in lab.workflows.executions(status="RUNNING") if lab.workflows.runs.is_here(each.id)
    ]
    names = [f"{each.name} ({each.workflow}, in {each.current_state})" for each in here[:_TOLD]]
    more = [f"{len(here) - _TOLD:,} more"] if len(here) > _TOLD else []
    told = f"took up {'1 execution' if count == 1 else f'{count:,} executions'}"
    told = f"{told}: {', '.join([*names, *more])}" if names else told
    if not face.waits or call["no_wait"]:
        if face.waits:
            face.note(f"{_GOES_ON} the next command")
        return DoneAnswer(text=told, facts={"resumed": count})
    if not here:  # all have ended since
        return DoneAnswer(text=told, facts={"resumed": count})
    face.tell(told)
    try:
        with face.progress(len(here), "resumed") as bar:
            for each in here:
                one = lab.workflows.run(each.id)
                while not _has_ended(one):
                    bar.advance(0, note=f"{each.name} in {one.execution.current_state}")
                bar.advance()
    except KeyboardInterrupt:
        face.note(f"what runs was not stopped; {_GOES_ON}: faaslab resume")
        raise
    ended = [lab.workflows.execution(each.id) for each in here]
    well = sum(each.status == "SUCCEEDED" for each in ended)
    return DoneAnswer(text=f"{well:,} of {len(ended):,} ended well", facts={"resumed": count})


def history(lab: Lab, call: Call, face: Face) -> Answer:
    """What happened in an execution, event by event."""
    return TableAnswer(df=run_of(lab, _named(call, face)).history, empty="nothing happened yet")


def graph(lab: Lab, call: Call, face: Face) -> Answer:
    """The picture of a workflow, or of how an execution went through it."""
    what = payloads.named(call["what"], face, place="WHAT")
    workflow = workflow_of(lab, what)
    found: Any
    if workflow is None:
        run = run_of(lab, what)
        found, name = run.graph(), run.execution.workflow
        about = f"how {run.execution.name} went through its states"
    else:
        found, name = pictures.of_workflow(workflow), workflow.name
        about = f"the states of definition {workflow.version}"
    if call["mermaid"]:
        return TextAnswer(text=found.mermaid)
    return shown_picture(found.svg, found.text, call, face, name=name, about=about)


def shown_picture(svg: str, text: str, call: Call, face: Face, *, name: str = "", about: str = "") -> Answer:
    """A picture, shown, printed (`--svg -`) or written (`--svg PATH`)."""
    path = call["svg"]
    if path is None:
        return PictureAnswer(svg=svg, text=text, name=name, about=about)
    if path == "-":
        return TextAnswer(text=on_paper(svg))
    if not path.endswith(".svg"):
        raise InvalidValue(f"{path!r} does not end in .svg", place="--svg", hint="a browser shows SVG")
    target = Path(path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(on_paper(svg), "utf-8")
    if call["open"]:
        face.open(str(target))
    return DoneAnswer(text=f"wrote {target}", facts={"path": str(target)})


def workflow_of(lab: Lab, what: str) -> Workflow | None:
    """The workflow of that name; None where there is none."""
    with suppress(NotFound, InvalidValue):
        return lab.workflows.get(what)
    return None


def _named(call: Call, face: Face) -> str:
    return payloads.named(call["run"], face, place="RUN")


def run_of(lab: Lab, what: str) -> WorkflowRun:
    """The execution of a workflow of that name or ARN; the nearest names where there is none."""
    try:
        return lab.workflows.run(what)
    except NotFound:
        if workflow_of(lab, what) is not None:
            hint = f"runs {what} lists those that there are"
            raise InvalidValue(f"{what!r} is a workflow, and no execution of one", hint=hint) from None
        raise NotFound("workflow or run", what, lab.workflows.names()) from None


RUN = Positional(name="run", help="an execution's name or ARN, or {variable}", completes="run")
WAIT = Option(flags=("--wait",), name="wait", help="wait for its end, in a notebook as well")
NO_WAIT = Option(flags=("--no-wait",), name="no_wait", help="do not wait for its end")
SVG = (
    Option(
        flags=("--svg",),
        name="svg",
        metavar="PATH|-",
        completes="file",
        help="write it to this file, or print it",
    ),
    Option(flags=("--open",), name="open", help="show that file"),
)
VERBS: tuple[Verb, ...] = (
    Verb(
        name="run",
        summary="run a workflow; a notebook shows it live, a shell waits",
        run=run,
        positionals=(
            Positional(name="name", help="the workflow; NAME:ALIAS or NAME:VERSION", completes="workflow"),
        ),
        options=(
            PAYLOAD,
            Option(
                flags=("--name",),
                name="execution",
                metavar="NAME",
                help="the execution's name; the same name and input again is the same execution",
            ),
            WAIT,
            NO_WAIT,
        ),
        examples=("run etl -p @day.json", "run etl:prod --name 2026-11-27 --wait"),
    ),
    Verb(
        name="runs",
        summary="list the executions of workflows, the newest first",
        run=runs,
        positionals=(
            Positional(name="name", help="only of this workflow", required=False, completes="workflow"),
        ),
        options=(
            Option(
                flags=("--status",),
                name="status",
                metavar="STATUS",
                choices=_STATUSES,
                help="only those that stand so",
            ),
            Option(
                flags=("--of",),
                name="parent",
                metavar="RUN",
                completes="run",
                help="the executions that distributed Maps of this one started",
            ),
            row_limit(default=50, help="so many (50)"),
        ),
        examples=("runs etl --status FAILED", "runs --of 2026-11-27"),
    ),
    Verb(
        name="stop",
        summary="stop executions of workflows",
        run=stop,
        positionals=(
            Positional(name="runs", help="names or ARNs of executions", rest=True, completes="run"),
        ),
        options=(
            Option(flags=("--error",), name="error", metavar="NAME", help="the error it ends with"),
            Option(flags=("--cause",), name="cause", metavar="TEXT", help="why"),
        ),
        examples=("stop 2026-11-27",),
    ),
    Verb(
        name="redrive",
        summary="go on with a failed execution at the state where it failed",
        run=redrive,
        positionals=(RUN,),
        options=(WAIT, NO_WAIT),
        examples=("redrive 2026-11-27",),
    ),
    Verb(
        name="resume",
        summary="take up executions whose process has ended",
        run=resume,
        options=(NO_WAIT,),
        examples=("resume",),
    ),
    Verb(
        name="workflow history",
        summary="the events of an execution of a workflow",
        run=history,
        positionals=(RUN,),
        examples=("workflow history 2026-11-27",),
    ),
    Verb(
        name="graph",
        summary="the picture of a workflow, or of an execution of it",
        run=graph,
        positionals=(
            Positional(name="what", help="a workflow, or an execution's name or ARN", completes="workflow"),
        ),
        options=(*SVG, Option(flags=("--mermaid",), name="mermaid", help="as Mermaid text")),
        examples=("graph etl", "graph etl --mermaid", "graph 2026-11-27 --svg run.svg --open"),
    ),
)
