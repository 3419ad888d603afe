"""The verbs that look at what ran or runs, and end it: logs, history, cancel, replay, stats, sql."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue, nearest
from faaslab.model.execution import CANCELLED, Execution
from faaslab.verbs.answers import (
    DoneAnswer,
    ExecutionAnswer,
    FollowAnswer,
    LogsAnswer,
    StatsAnswer,
    TableAnswer,
)
from faaslab.verbs.debugging import DEBUG, debugger_of
from faaslab.verbs.options import Option, Positional, row_limit, whole_number
from faaslab.verbs.payload import named
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

SINCE = Option(flags=("--since",), name="since", metavar="WHEN", help="7d, 24h, now, 2026-11-16 or ISO 8601")
UNTIL = Option(flags=("--until",), name="until", metavar="WHEN", help="as --since")
LIMIT = row_limit(read=whole_number, help="at most so many rows")
_THERE = 1_000
"""Of what there is already a live view has so many lines at most."""
BY = (
    "function",
    "definition",
    "version",
    "qualifier",
    "memory",
    "runtime",
    "source",
    "status",
    "day",
    "hour",
    "architecture",
    "backend",
)


def logs(lab: Lab, call: Call, face: Face) -> Answer:
    """Log lines, now or as they come."""
    what = None if call["what"] is None else named(call["what"], face, place="WHAT")
    if call["follow"]:
        _follows(call)
    if call["follow"] and face.waits:
        for line in lab.executions.follow(what, grep=call["grep"], since=call["since"]):
            face.emit(line)
        return DoneAnswer(text=f"{what} has ended", facts={"ended": what})
    df = lab.executions.logs(
        what,
        grep=call["grep"],
        since=call["since"],
        until=call["until"],
        limit=_THERE if call["follow"] else call["limit"],
    )
    title = f"logs of {what}" if what else "logs"
    if call["follow"]:
        return FollowAnswer(df=df, title=title, what=what, grep=call["grep"], since=call["since"])
    return LogsAnswer(df=df, title=title)


def _follows(call: Call) -> None:
    for name in ("until", "limit"):
        if call[name] is not None:
            raise InvalidValue("does not go with --follow", place=name, hint="leave one of them out")


def history(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Executions, newest first; or what runs."""
    if call["status"] == "running":
        return _running(lab, call)
    df = lab.executions.list(
        call["name"],
        status=call["status"],
        since=call["since"],
        until=call["until"],
        limit=call["limit"] or 50,
    )
    chosen = any(call[name] for name in ("name", "status", "since", "until"))
    return TableAnswer(df=df, empty="nothing that ran is like that" if chosen else "nothing ran yet")


def _running(lab: Lab, call: Call) -> Answer:
    for name in ("since", "until"):
        if call[name] is not None:
            raise InvalidValue("does not go with --status running", place=name, hint="leave it out")
    df = lab.executions.running(call["name"])
    if call["limit"] is not None:
        df = df.head(call["limit"])
    return TableAnswer(df=df, empty="nothing has run for a second or longer at this moment")


def cancel(lab: Lab, call: Call, face: Face) -> Answer:
    """The end of invocations and of executions of workflows, wherever they run."""
    ended, told = [], []
    for word in call["ids"]:
        identity = named(word, face, place="IDS")
        found = lab.executions.cancel(identity)
        cancelled = (
            found.error is not None and found.error.type == CANCELLED
            if isinstance(found, Execution)
            else found.status == "ABORTED"
        )
        if cancelled:
            ended.append(found.id)
        told.append(_told_of(found, identity, cancelled=cancelled))
    return DoneAnswer(text="\n".join(told), facts={"cancelled": ended})


def _told_of(found: Execution | WorkflowExecution, identity: str, *, cancelled: bool) -> str:
    if not isinstance(found, Execution):
        if found.ended_at is None:
            return f"{identity} of {found.workflow} was told to stop, and has not by now"
        if cancelled:
            return f"stopped {identity} of {found.workflow}"
        return f"{identity} of {found.workflow} ended by itself before: {found.status}"
    name = f"{found.id[:8]} of {found.function}"
    if not cancelled:
        return f"{name} ended by itself before: {found.status}"
    lasted_s = 0.0 if found.ended_at is None else (found.ended_at - found.started_at).total_seconds()
    return f"cancelled {name} after {lasted_s:.1f} s"


def replay(lab: Lab, call: Call, face: Face) -> Answer:
    """A recorded execution once more, with its recorded payload."""
    identifier = named(call["id"], face, place="ID")
    if call["debug"]:
        debugger = debugger_of(face)
        execution = lab.executions.debug(identifier, debugger=debugger, breakpoints=debugger is not None)
    else:
        execution = lab.executions.replay(identifier)
    original = lab.executions.get(identifier)
    if original.definition is not None and original.definition != execution.definition:
        face.note(
            f"it ran as definition {original.definition} then, as definition {execution.definition} now"
        )
    source = None if execution.ok else lab.functions.source_of(execution)
    if source is None:
        return ExecutionAnswer(execution=execution)
    return ExecutionAnswer(execution=execution, code=source.source, filename=source.filename)


def stats(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Figures per group."""
    by = tuple(part.strip() for part in call["by"].split(",") if part.strip())
    for part in by:
        if part not in BY:
            near = nearest(part, BY)
            raise InvalidValue(
                f"{part!r} is none of {', '.join(BY)}",
                place="--by",
                hint=f"did you mean {near!r}?" if near else None,
            )
    df = lab.monitoring.stats(call["name"], since=call["since"], until=call["until"], by=by)
    return StatsAnswer(df=df, by=by, plot=call["plot"])


def sql(lab: Lab, call: Call, face: Face) -> Answer:
    """Any question in DuckDB's SQL."""
    text = " ".join(call["query"])
    df = lab.sql(text)
    several = lab.store.statements(text)
    if several > 1:
        face.note(f"{several} statements were run; this is the answer to the last")
    return TableAnswer(df=df, empty="no rows")


VERBS: tuple[Verb, ...] = (
    Verb(
        name="logs",
        summary="log lines of a function or of one execution",
        run=logs,
        positionals=(
            Positional(
                name="what",
                help="a function's name or an execution's id",
                required=False,
                completes="function",
            ),
        ),
        options=(
            Option(
                flags=("--grep", "-g"),
                name="grep",
                metavar="PATTERN",
                help="only lines that this regular expression finds",
            ),
            Option(
                flags=("--follow", "-f"),
                name="follow",
                help="go on with new lines: a shell until Ctrl-C or its end, a notebook in a live view",
            ),
            SINCE,
            UNTIL,
            LIMIT,
        ),
        examples=("logs score --grep ERROR", "logs score --follow"),
    ),
    Verb(
        name="history",
        summary="what ran, newest first",
        run=history,
        positionals=(
            Positional(
                name="name", help="the function (all without it)", required=False, completes="function"
            ),
        ),
        options=(
            Option(
                flags=("--status",),
                name="status",
                metavar="STATUS",
                help="only those that ended so; running: what runs now, in any process",
                choices=("running", "completed", "failed", "timeout", "throttled"),
            ),
            SINCE,
            UNTIL,
            LIMIT,
        ),
        examples=(
            "history score -o df",
            "history --status failed --since 24h",
            "history --status running",
        ),
    ),
    Verb(
        name="cancel",
        summary="end invocations and executions of workflows that run, in any process",
        run=cancel,
        positionals=(
            Positional(
                name="ids",
                help="ids of executions, as history --status running has them, or their beginnings; "
                "of workflows names or ARNs",
                rest=True,
                completes="running",
            ),
        ),
        notes=(
            "Waits until the end is recorded: as failed, with the error type Invocation.Cancelled.",
            "What has run for less than a second is not known yet. Exit status: 2 for what has",
            "ended already or is not known, 1 when its process has died or does not answer.",
        ),
        examples=("cancel 3f2a9c1e",),
    ),
    Verb(
        name="replay",
        summary="run a recorded execution again with its recorded payload",
        run=replay,
        positionals=(
            Positional(name="id", help="the execution's id, or {name} of a variable", completes="execution"),
        ),
        options=(DEBUG,),
        examples=("replay 01JD…", "replay {failed}"),
    ),
    Verb(
        name="stats",
        summary="invocations, errors, cold starts, percentiles and cost",
        run=stats,
        positionals=(
            Positional(
                name="name", help="the function (all without it)", required=False, completes="function"
            ),
        ),
        options=(
            Option(
                flags=("--by",),
                name="by",
                metavar="COLUMNS",
                default="function",
                help=f"group by these, with commas: {', '.join(BY)}",
            ),
            Option(flags=("--plot",), name="plot", help="draw them (in a notebook)"),
            SINCE,
            UNTIL,
        ),
        examples=("stats --since 7d --by function,definition --plot",),
    ),
    Verb(
        name="sql",
        summary="ask the store in DuckDB's SQL",
        run=sql,
        raw=True,
        cell=True,
        positionals=(Positional(name="query", help="the statement", rest=True),),
        examples=("sql SELECT function, count(*) FROM executions GROUP BY ALL",),
    ),
)
