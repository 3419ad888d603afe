"""The verbs for reports that run by themselves: schedule them, look at them, and run what is due."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from faaslab.errors import InvalidValue
from faaslab.model.report import NotifyOn, Overlap
from faaslab.reports.delivery.targets import masked
from faaslab.reports.printing import KINDS
from faaslab.verbs.answers import DoneAnswer, TableAnswer, TextAnswer
from faaslab.verbs.options import Option, Positional, positive, whole_number
from faaslab.verbs.reports import PAGES, PARAMETERS, formats, parameters
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


def schedule(lab: Lab, call: Call, face: Face) -> Answer:
    """A report that runs by itself: made, or changed to what the line says; or printed for another clock."""
    name = Path(call["name"]).stem if call["name"].endswith(".ipynb") else call["name"]
    if call["print"] is None:
        return _kept(lab, call, name)
    if call["cron"] is not None or call["every"] is not None:
        face.note(_kept(lab, call, name).text)
    from faaslab.reports.printing import printed

    text = printed(
        call["print"],
        lab.reports.schedules.get(name),
        executable=_executable(),
        store=str(Path(lab.store.path).absolute()),
    )
    return TextAnswer(text=text.rstrip("\n"))


def _executable() -> str:
    """Where `faaslab` is, for whoever starts it without this shell's search path."""
    beside = Path(sys.executable).with_name("faaslab")
    return str(beside) if beside.is_file() else shutil.which("faaslab") or "faaslab"


def _kept(lab: Lab, call: Call, name: str) -> DoneAnswer:
    report = call["report"] or call["name"]
    schedules = lab.reports.schedules
    wanted: dict[str, Any] = {
        "report": report,
        "expression": _expression(call),
        "timezone": call["timezone"],
        "parameters": parameters(call),
        "formats": formats(call["to"]),
        "title": call["title"],
        "theme": call["theme"],
        "keep": call["keep"],
        "timeout_s": call["timeout"],
        "retries": call["retries"],
        "overlap": call["overlap"],
        "notify": call["notify"],
        "notify_on": call["notify_on"],
    }
    known = {each.name: each for each in schedules.list()}.get(name)
    if known is None:
        expression = wanted.pop("expression")
        kept, change = schedules.create(name, expression, **wanted), "scheduled"
    else:
        kept = schedules.update(name, **wanted)
        change = "unchanged" if kept == known else "changed"
    times = schedules.next_times(name)
    lines = [f"{change}: {_described(kept)}"]
    lines += ["paused: report resume " + name] if kept.paused else ["next " + _listed(times)]
    lines += ["it runs while report daemon or serve is there, or with report tick"] if known is None else []
    return DoneAnswer(text="\n".join(lines), facts={"schedule": name, "change": change, **_facts(times)})


def _expression(call: Call) -> str:
    from faaslab.lab.report_schedules import every

    if (call["cron"] is None) == (call["every"] is None):
        raise InvalidValue(
            "say when it runs, in one way",
            place="--cron",
            hint="--cron '0 7 * * MON', --cron @daily, --cron 'cron(0 7 ? * MON *)' or --every 1h",
        )
    if call["every"] is not None:
        return every(call["every"])
    return " ".join(str(call["cron"]).split())


def ls(lab: Lab, call: Call, face: Face) -> Answer:
    """The schedules."""
    for name, at in lab.reports.schedules.overdue().items():
        face.note(
            f"{name} was due on {_local(at)} and nobody runs it: report daemon, serve or report tick do"
        )
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
        text=f"resumed {kept.name}; what passed meanwhile is not caught up\nnext {_listed(times)}",
        facts={"resumed": kept.name, **_facts(times)},
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
        coming = schedules.coming()
        lines = ["nothing is due" + (f"; next {_at(*coming[0])}" if coming else "")]
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
        face.note(f"finishing {', '.join(busy)}; a second signal ends it at once")
    schedules.finish()
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


def _described(kept: ReportSchedule) -> str:
    words = [f"{kept.name} runs {Path(kept.report).name}" if kept.report != kept.name else kept.name]
    words.append(f"{kept.expression} in {kept.timezone}")
    words += [f"to {', '.join(kept.formats)}"]
    words += [f"keeps {kept.keep}"] if kept.keep else []
    words += [f"{kept.retries} {'retry' if kept.retries == 1 else 'retries'}"] if kept.retries else []
    words += [f"ends after {kept.timeout_s:g} s"] if kept.timeout_s else []
    words += [f"goes to {' and '.join(map(masked, kept.notify))}"] if kept.notify else []
    return ", ".join(words)


def _listed(times: tuple[datetime, ...]) -> str:
    return "; ".join(_local(at) for at in times) or "never"


def _local(at: datetime) -> str:
    return f"{at:%a %d %b %Y %H:%M %Z}"


def _wall(instant: datetime, timezone: str) -> str:
    from faaslab.lab.report_schedules import in_zone

    return _local(in_zone(instant, timezone))


def _at(each: ReportSchedule, instant: datetime) -> str:
    return f"{each.name} at {_wall(instant, each.timezone)}"


def _coming(each: ReportSchedule, instant: datetime) -> dict[str, str]:
    return {"schedule": each.name, "at": instant.isoformat() + "Z"}


def _facts(times: tuple[datetime, ...]) -> dict[str, Any]:
    return {"next": [at.isoformat() for at in times]}


_NAMED = Positional(name="name", help="the schedule's name")

VERBS: tuple[Verb, ...] = (
    Verb(
        name="report schedule",
        summary="have a report run by itself, or change how it does",
        run=schedule,
        positionals=(
            Positional(
                name="name",
                help="a report, the path of a notebook, or a name with --report",
                completes="report",
            ),
        ),
        options=(
            Option(
                flags=("--cron",),
                name="cron",
                metavar="EXPRESSION",
                help="when: five fields as in crontab, @daily, or AWS's cron(...) and rate(...)",
            ),
            Option(
                flags=("--every",), name="every", metavar="PERIOD", help="every 30m, 1h or 7d, from now on"
            ),
            Option(
                flags=("--tz",),
                name="timezone",
                metavar="ZONE",
                default="UTC",
                help="the time zone of --cron, such as Europe/Madrid (UTC)",
            ),
            Option(
                flags=("--report",),
                name="report",
                metavar="REPORT",
                completes="report",
                help="the report or notebook, where the schedule has another name",
            ),
            *PARAMETERS,
            *PAGES,
            Option(
                flags=("--keep",),
                name="keep",
                metavar="N",
                read=positive,
                help="remove the files of all but the newest N runs",
            ),
            Option(
                flags=("--retries",),
                name="retries",
                metavar="N",
                read=whole_number,
                default=0,
                help="try a run that failed again, after 30 s, 1 min, 2 min, …",
            ),
            Option(
                flags=("--overlap",),
                name="overlap",
                metavar="HOW",
                choices=get_args(Overlap),
                default="skip",
                help="what is due while the last run still goes: skip, or queue (the latest of it)",
            ),
            Option(
                flags=("--notify",),
                name="notify",
                metavar="TARGET",
                repeat=True,
                help="bring the pages to a folder, s3://…, mailto:… or https://…; may be repeated",
            ),
            Option(
                flags=("--notify-on",),
                name="notify_on",
                metavar="WHEN",
                choices=get_args(NotifyOn),
                default="always",
                help="write and post always, or of a failure only",
            ),
            Option(
                flags=("--print",),
                name="print",
                metavar="KIND",
                choices=KINDS,
                help=f"print what another clock needs to run it: {', '.join(KINDS)}",
            ),
        ),
        examples=(
            "report schedule weekly --print systemd",
            "report schedule weekly --cron '0 7 * * MON' --tz Europe/Madrid --keep 12",
            "report schedule errors --report my.ipynb --every 1h -p since -1h --retries 2",
        ),
    ),
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
    ),
    Verb(
        name="report daemon",
        summary="run the reports that are due, from now on",
        run=daemon,
        examples=("report daemon",),
    ),
)
