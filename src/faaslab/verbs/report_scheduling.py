"""`report schedule`: have a report run by itself, change how it does, or print it for another clock."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from faaslab.errors import InvalidValue, nearest
from faaslab.events.cron import InvalidSchedule
from faaslab.model.report import NotifyOn, Overlap
from faaslab.reports.delivery.targets import masked
from faaslab.reports.printing import KINDS
from faaslab.verbs.answers import DoneAnswer, TextAnswer
from faaslab.verbs.options import Option, Positional, positive, whole_number
from faaslab.verbs.reports import PAGES, PARAMETERS, formats, parameters
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.model.report import ReportSchedule
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

_FORMS = "--cron '0 7 * * MON', --cron @daily, --cron 'cron(0 7 ? * MON *)' or --every 1h"
_WHOLE = ("time zone", "schedule expression", "cron", "rate", "at", None)
"""Places that say no more than the option does; others are a field of it."""
_SAID = {
    "report": "report",
    "time": "expression",
    "time zone": "timezone",
    "parameters": "parameters",
    "formats": "formats",
    "title": "title",
    "theme": "theme",
    "keep": "keep",
    "timeout": "timeout_s",
    "retries": "retries",
    "overlap": "overlap",
    "notify": "notify",
    "notify-on": "notify_on",
    "folder": "folder",
}
_CLEARED = {word: _SAID[word] for word in ("parameters", "title", "keep", "timeout", "notify")}
_EMPTIED: dict[str, Any] = {"parameters": {}, "notify": ()}


def schedule(lab: Lab, call: Call, face: Face) -> Answer:
    """A report that runs by itself: made, or changed in what the line says; or printed for another clock."""
    try:
        return _scheduled(lab, call, face)
    except InvalidSchedule as error:
        option = "--tz" if error.place == "time zone" else "--cron" if call["every"] is None else "--every"
        place = option if error.place in _WHOLE else f"{option}, {error.place}"
        raise InvalidSchedule(error.message, place=place, hint=error.hint) from None


def _scheduled(lab: Lab, call: Call, face: Face) -> Answer:
    name = Path(call["name"]).stem if call["name"].endswith(".ipynb") else call["name"]
    if call["print"] is None:
        return _kept(lab, call, name)
    if _wanted(call) or call["clear"]:
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
    schedules = lab.reports.schedules
    known = {each.name: each for each in schedules.list()}
    wanted = _wanted(call)
    if name not in known:
        return _made(lab, call, name, wanted, nearest(name, known))
    before = known[name]
    if call["report"] is None and call["name"].endswith(".ipynb"):
        wanted["report"] = call["name"]
    cleared = {_CLEARED[word]: _EMPTIED.get(word) for word in call["clear"]}
    if "parameters" in wanted:
        wanted["parameters"] = {
            **({} if "parameters" in cleared else before.parameters),
            **wanted["parameters"],
        }
    kept = schedules.update(name, **cleared | wanted)
    changes = _changes(before, kept)
    times = schedules.next_times(name)
    lines = [f"{'changed' if changes else 'unchanged'}: {_described(kept)}"]
    lines += [f"  {word}: {_told(after)}, was {_told(was)}" for word, was, after in changes]
    lines += ["paused: report resume " + name] if kept.paused else ["next " + listed(times)]
    changed = {word: {"before": was, "after": after} for word, was, after in changes}
    change = "changed" if changes else "unchanged"
    facts = {"schedule": name, "change": change, "changed": changed, **next_facts(times)}
    return DoneAnswer(text="\n".join(lines), facts=facts)


def _made(lab: Lab, call: Call, name: str, wanted: dict[str, Any], near: str | None) -> DoneAnswer:
    if "expression" not in wanted:
        raise InvalidValue(
            f"no schedule is named {name!r}, and a new one needs its time",
            place="--cron",
            hint=f"did you mean {near!r}?" if near else _FORMS,
        )
    expression = wanted.pop("expression")
    kept = lab.reports.schedules.create(name, expression, **{"report": call["name"]} | wanted)
    times = lab.reports.schedules.next_times(name)
    lines = [
        f"scheduled: {_described(kept)}",
        "next " + listed(times),
        "it runs while report daemon or serve is there, or with report tick",
    ]
    facts = {"schedule": name, "change": "scheduled", **next_facts(times)}
    return DoneAnswer(text="\n".join(lines), facts=facts)


def _wanted(call: Call) -> dict[str, Any]:
    """What the line says of a schedule, by its fields; what it does not say is not there."""
    said = {
        "report": call["report"],
        "expression": _expression(call),
        "timezone": call["timezone"],
        "parameters": parameters(call) or None,
        "formats": None if call["to"] is None else formats(call["to"]),
        "title": call["title"],
        "theme": call["theme"],
        "keep": call["keep"],
        "timeout_s": call["timeout"],
        "retries": call["retries"],
        "overlap": call["overlap"],
        "notify": call["notify"] or None,
        "notify_on": call["notify_on"],
        "folder": call["folder"],
    }
    return {field: value for field, value in said.items() if value is not None}


def _expression(call: Call) -> str | None:
    from faaslab.lab.report_schedules import every

    if call["cron"] is not None and call["every"] is not None:
        raise InvalidValue("say when it runs, in one way", place="--cron", hint=_FORMS)
    if call["every"] is not None:
        return every(call["every"])
    return None if call["cron"] is None else " ".join(str(call["cron"]).split())


def _changes(before: ReportSchedule, after: ReportSchedule) -> list[tuple[str, Any, Any]]:
    """(what, what it was, what it is) of each thing that a person can say of a schedule."""
    found: list[tuple[str, Any, Any]] = []
    for word, field in _SAID.items():
        was, now = getattr(before, field), getattr(after, field)
        if was != now and field == "notify":
            found.append((word, [*map(masked, was)], [*map(masked, now)]))
        elif was != now:
            found.append((word, was, now))
    return found


def _told(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items()) or "none"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _described(kept: ReportSchedule) -> str:
    words = [f"{kept.name} runs {Path(kept.report).name}" if kept.report != kept.name else kept.name]
    words.append(f"{kept.expression} in {kept.timezone}")
    words += [f"to {', '.join(kept.formats)}"]
    words += [f"keeps {kept.keep}"] if kept.keep else []
    words += [f"{kept.retries} {'retry' if kept.retries == 1 else 'retries'}"] if kept.retries else []
    words += [f"ends after {kept.timeout_s:g} s"] if kept.timeout_s else []
    words += [f"goes to {' and '.join(map(masked, kept.notify))}"] if kept.notify else []
    return ", ".join(words)


def listed(times: tuple[datetime, ...]) -> str:
    """Times on the clock of their zone, for a person."""
    return "; ".join(local(at) for at in times) or "never"


def local(at: datetime) -> str:
    """One of them."""
    return f"{at:%a %d %b %Y %H:%M:%S %Z}" if at.second else f"{at:%a %d %b %Y %H:%M %Z}"


def next_facts(times: tuple[datetime, ...]) -> dict[str, Any]:
    """The same for a program."""
    return {"next": [at.isoformat() for at in times]}


SCHEDULE = Verb(
    name="report schedule",
    summary="have a report run by itself; or, of one that does, change what is said and nothing else",
    run=schedule,
    positionals=(
        Positional(
            name="name",
            help="a schedule; or, for a new one, a report, a notebook's path, or a name with --report",
            completes="scheduled",
        ),
    ),
    options=(
        Option(
            flags=("--cron",),
            name="cron",
            metavar="EXPRESSION",
            help="when: five fields as in crontab, @daily, or AWS's cron(...) and rate(...)",
        ),
        Option(flags=("--every",), name="every", metavar="PERIOD", help="every 30m, 1h or 7d, from now on"),
        Option(
            flags=("--tz",),
            name="timezone",
            metavar="ZONE",
            completes="zone",
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
        *(replace(option, default=None) for option in PAGES),
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
            help="try a run that failed again, after 30 s, 1 min, 2 min, …",
        ),
        Option(
            flags=("--overlap",),
            name="overlap",
            metavar="HOW",
            choices=get_args(Overlap),
            help="what is due while the last run goes: skip (as a rule), or queue (the latest of it)",
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
            help="write and post always (as a rule), or of a failure only",
        ),
        Option(
            flags=("--folder",),
            name="folder",
            metavar="FOLDER",
            completes="file",
            help="the folder that the notebook runs in (where it was scheduled)",
        ),
        Option(
            flags=("--clear",),
            name="clear",
            metavar="WHAT",
            repeat=True,
            choices=tuple(_CLEARED),
            help=f"take back what was said of {', '.join(_CLEARED)}; may be repeated",
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
        "report schedule weekly --keep 5 --clear notify",
    ),
    notes=(
        "A new schedule needs its time. Of one that is there, what the line says is changed and the",
        "rest stays; -p changes that parameter, --notify all of its targets. The answer tells what",
        "was before.",
    ),
)
