"""The verbs for reports that run by themselves: schedule them, look at them, and run what is due."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.verbs.answers import DoneAnswer, TableAnswer
from faaslab.verbs.options import Option, Positional, positive
from faaslab.verbs.report_scheduling import SCHEDULE, listed, local, next_facts
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.lab.report_turns import Outcome
    from faaslab.model.report import ReportSchedule
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_EMPTY = "no report is scheduled; schedule one: report schedule weekly --cron '0 7 * * MON'"

_LEAVE_S = 30.0
"""How long a run that is ended may take for that, with what follows it."""


def ls(lab: Lab, call: Call, face: Face) -> Answer:
    """The schedules."""
    for name, at in lab.reports.schedules.overdue().items():
        face.note(f"{name} was due on {local(at)} and nobody runs it: report daemon, serve or report tick do")
    df = lab.reports.schedules.table()
    if not call.json and call.output is None:  # people read the same times in the schedule's own zone
        df = df.drop(columns=["next_at", "last_at"])
    return TableAnswer(df=df, empty=_EMPTY)


def pause(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Nothing is due until it is resumed."""
    kept = lab.reports.schedules.pause(call["name"])
    return DoneAnswer(
        text=f"paused {kept.name}; it goes on with: report resume {kept.name}", facts={"paused": kept.name}
    )


def resume(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """It is due again."""
    kept = lab.reports.schedules.resume(call["name"])
    times = lab.reports.schedules.next_times(kept.name)
    return DoneAnswer(
        text=f"resumed {kept.name}; what passed meanwhile is not caught up\nnext {listed(times)}",
        facts={"resumed": kept.name, **next_facts(times)},
    )


def unschedule(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """It runs no more."""
    lab.reports.schedules.delete(call["name"])
    return DoneAnswer(
        text=f"{call['name']} is not scheduled any more; its runs and their pages stay",
        facts={"unscheduled": call["name"]},
    )


def tick(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """What is due, once."""
    schedules = lab.reports.schedules
    with face.progress(None, "report tick"):
        outcomes = schedules.tick()
    lines = [line for outcome in outcomes for line in outcome_lines(outcome)]
    if not outcomes:
        now = lab.clock.now()
        elsewhere = [each.name for each, instant in schedules.coming() if instant <= now]
        coming = [each for each in schedules.coming() if each[1] > now]
        lines = ["nothing is due" + (f" but {', '.join(elsewhere)}, which another runs" if elsewhere else "")]
        lines = [lines[0] + (f"; next {_at(*coming[0])}" if coming else "")]
    return DoneAnswer(
        text="\n".join(lines),
        facts={"ran": [_document(outcome) for outcome in outcomes]},
        exit_status=1 if any(outcome.failed for outcome in outcomes) else 0,
    )


def daemon(lab: Lab, call: Call, face: Face) -> Answer:
    """What is due, from now on."""
    schedules = lab.reports.schedules

    def tell(outcome: Outcome) -> None:
        if call.json:
            face.emit(json.dumps(_document(outcome)))
        else:
            for line in outcome_lines(outcome):
                face.emit(line)

    coming = schedules.coming()
    said = {f"next {_at(each, instant)}" for each, instant in coming}

    def changed() -> None:
        for each, instant in schedules.coming():
            line = f"next {_at(each, instant)}"
            if line not in said:
                said.add(line)
                face.emit(json.dumps({"next": _coming(each, instant)}) if call.json else line)

    lines = [f"next {_at(each, instant)}" for each, instant in coming] or [_EMPTY]
    if schedules.start() and face.waits:  # in a notebook a thread's words land in whatever cell is the latest
        schedules.listen(tell, changed)
    facts = {"ready": True, "next": [_coming(each, instant) for each, instant in coming]}
    ready = json.dumps(facts) if call.json else "\n".join(["READY", *lines])
    if not face.stay(ready):
        return DoneAnswer(text="\n".join(["runs reports until the lab is closed", *lines]), facts=facts)
    schedules.stop()
    busy = schedules.busy()
    if busy:
        face.note(
            f"finishing {', '.join(busy)}, for {call['grace']} s at most; a second signal ends it at once"
        )
    if not schedules.finish(call["grace"]):
        face.note(f"ending {', '.join(schedules.busy())} as failed")
        schedules.cut_off()
        schedules.finish(_LEAVE_S)
    schedules.close()
    return DoneAnswer(text="", facts={"ended": True})


def outcome_lines(outcome: Outcome) -> list[str]:
    """What became of a due time: the run, its pages and deliveries, and what follows."""
    run = outcome.run
    took = (run.ended_at - run.started_at).total_seconds() if run.ended_at else 0.0
    due = "" if run.scheduled_for is None else f" for {_wall(run.scheduled_for, outcome.timezone)}"
    attempt = "" if run.attempt == 1 else f", attempt {run.attempt}"
    if outcome.failed:
        where = "" if run.failed_cell is None else f" in cell {run.failed_cell}"
        lines = [f"{outcome.schedule}{due}{attempt}: failed{where}: {run.error_type}: {run.error_message}"]
    else:
        lines = [f"{outcome.schedule}{due}{attempt}: completed in {took:.1f} s"]
    lines += [f"  {path}" for path in run.outputs]
    lines += [f"  log {run.log}"] if outcome.failed and run.log else []
    lines += [
        f"  {'delivered to' if each.ok else 'NOT delivered to'} {each.target}: {each.detail}"
        for each in outcome.delivered
    ]
    if outcome.skipped is not None:
        lines.append(f"  skipped what was due at {_wall(outcome.skipped, outcome.timezone)}, as it still ran")
    if outcome.next_at is not None:
        again = "tried again at" if outcome.again else "next"
        lines.append(f"  {again} {_wall(outcome.next_at, outcome.timezone)}")
    return lines


def _document(outcome: Outcome) -> dict[str, Any]:
    from faaslab.model.json import to_json

    return {
        "schedule": outcome.schedule,
        "run": to_json(outcome.run),
        "next": None if outcome.next_at is None else outcome.next_at.isoformat() + "Z",
        "again": outcome.again,
        "skipped": None if outcome.skipped is None else outcome.skipped.isoformat() + "Z",
        "delivered": [
            {"target": each.target, "ok": each.ok, "detail": each.detail} for each in outcome.delivered
        ],
    }


def _wall(instant: datetime, timezone: str) -> str:
    from faaslab.lab.report_schedules import in_zone

    return local(in_zone(instant, timezone))


def _at(each: ReportSchedule, instant: datetime) -> str:
    return f"{each.name} at {_wall(instant, each.timezone)}"


def _coming(each: ReportSchedule, instant: datetime) -> dict[str, str]:
    return {"schedule": each.name, "at": instant.isoformat() + "Z"}


_NAMED = Positional(name="name", help="the schedule's name", completes="schedule")

VERBS: tuple[Verb, ...] = (
    SCHEDULE,
    Verb(
        name="report schedules",
        summary="what is scheduled: the next time, and how the last run ended",
        run=ls,
    ),
    Verb(
        name="report pause",
        summary="let a schedule rest; what passes meanwhile is not caught up",
        run=pause,
        positionals=(_NAMED,),
    ),
    Verb(name="report resume", summary="have it run again", run=resume, positionals=(_NAMED,)),
    Verb(
        name="report unschedule",
        summary="forget a schedule; its runs and their pages stay",
        run=unschedule,
        positionals=(_NAMED,),
    ),
    Verb(
        name="report tick",
        summary="run the reports that are due, each once, whoever else does; 1 when one failed",
        run=tick,
        examples=("report tick",),
        notes=(
            "Looks once, runs what is due, waits for that and ends; a run that failed and is to be tried",
            "again is run by a later tick or a daemon, when its pause is over. Ctrl-C ends what runs as",
            "failed. Exit status: 0 when all that was due went well or nothing was due, 1 when a run",
            "failed, 2 when the line is wrong. Call it as often as times may matter (each minute: report",
            "schedule NAME --print).",
        ),
    ),
    Verb(
        name="report daemon",
        summary="run the reports that are due, from now on",
        run=daemon,
        options=(
            Option(
                flags=("--grace",),
                name="grace",
                metavar="SECONDS",
                read=positive,
                default=60,
                help="what runs when it is ended has so long to be done (60)",
            ),
        ),
        examples=("report daemon",),
        notes=(
            "Says READY and the next times on standard output, then each run as it ends (with --json: a",
            "line of JSON each). Looks every second for what became due and for schedules that were",
            "changed; two runs go at once, and those that failed are tried again after 30 s, 1 min, 2 min",
            "and so on (--retries). SIGTERM or Ctrl-C ends it: it begins nothing more, and what runs has",
            "--grace seconds to be done, then ends as failed (and is tried again, with --retries, by",
            "whoever comes next); a second signal ends it at once. Exit status: 0 when it was ended so,",
            "whatever became of the runs (report ls tells).",
        ),
    ),
)
