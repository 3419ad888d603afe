"""The verbs for reports: run a notebook into pages, look at the runs, begin a notebook of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound, nearest
from faaslab.model.json import to_json
from faaslab.reports.delivery import targets
from faaslab.verbs.answers import DoneAnswer, ReportAnswer, ReportsAnswer
from faaslab.verbs.options import Option, Positional, positive
from faaslab.verbs.report_text import delivery_lines
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.model.delivered import Delivered
    from faaslab.model.report import ReportRun
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

FORMATS = ("html", "pdf", "ipynb")
THEMES = ("light", "dark", "auto")


def run(lab: Lab, call: Call, face: Face) -> Answer:
    """A notebook through papermill."""
    name = call["name"]
    given = parameters(call)
    for target in call["notify"]:
        targets.parsed(target)  # before it runs, rather than after
    told = {"where": "before its first cell"}
    with face.progress(lab.reports.cells(name), f"report {name}") as bar:

        def heard(count: int, note: str | None) -> None:
            told["where"] = note or told["where"]
            bar.advance(count, note)

        try:
            report = lab.reports.run(
                name,
                parameters=given,
                formats=formats(call["to"]),
                out_dir=call["dir"],
                stem=call["stem"],
                title=call["title"],
                theme=call["theme"],
                timeout_s=call["timeout"],
                progress=heard,
            )
            bar.advance(0, "")
        except KeyboardInterrupt:
            face.note(f"stopped {told['where']}; nothing of it runs on (report show {name} tells its log)")
            raise
    if call["open"]:
        for path in report.outputs:
            if path.endswith((".html", ".pdf")):
                face.open(path)
                break
    return ReportAnswer(run=report, delivered=_delivered(lab, face, report, call["notify"]))


def _delivered(lab: Lab, face: Face, run: ReportRun, wanted: tuple[str, ...]) -> tuple[Delivered, ...]:
    from faaslab.lab.report_delivery import deliver_by_hand

    if not wanted:
        return ()
    with face.progress(None, f"deliver {run.name}"):
        return deliver_by_hand(lab, run, wanted)


def deliver(lab: Lab, call: Call, face: Face) -> Answer:
    """A run that ended is brought somewhere, whether it was there before or not."""
    found = lab.reports.get(call["run"])
    delivered = _delivered(lab, face, found, call["targets"])
    return DoneAnswer(
        text="\n".join(delivery_lines(delivered)),
        facts={"id": found.id, "report": found.name, "delivered": to_json(delivered)},
        exit_status=0 if all(each.ok for each in delivered) else 1,
    )


def formats(text: str) -> tuple[str, ...]:
    """`html,pdf` as a tuple. Raises `InvalidValue` with the nearest format."""
    wanted = tuple(part.strip() for part in text.split(",") if part.strip())
    for part in wanted:
        if part not in FORMATS:
            near = nearest(part, FORMATS)
            raise InvalidValue(
                f"{part!r} is none of {', '.join(FORMATS)}",
                place="--to",
                hint=f"did you mean {near!r}?" if near else None,
            )
    return wanted


def parameters(call: Call) -> dict[str, Any]:
    """What `-f`, `-y`, `-p` and `-r` of a call give, in papermill's order. `{{ … }}` is left as it stands."""
    from faaslab.reports.given import gathered, pairs

    return gathered(
        files=tuple((name, _read(name)) for name in call["files"]),
        yaml=call["yaml"],
        typed=pairs(call["parameters"]),
        raw=pairs(call["raw"]),
    )


def _read(name: str) -> str:
    from faaslab.reports.given import MOST_BYTES

    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            body = file.read(MOST_BYTES + 1)
        return body.decode("utf-8-sig")
    except FileNotFoundError:
        raise NotFound("file", name, hint="a file of parameters in YAML or JSON") from None
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise InvalidValue(f"cannot be read: {said}", place=f"-f {name}") from None


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The reports there are, and their runs; of one schedule, its runs and what they are of."""
    import pandas as pd

    schedule = call["schedule"]
    runs = lab.reports.list(schedule)
    if schedule is not None and runs.empty:
        names = [each.name for each in lab.reports.schedules.list()]
        if schedule not in names:
            raise NotFound("schedule of a report", schedule, names)

    found = [
        {
            "report": report.name,
            "about": report.about,
            "parameters": ", ".join(each.partition("=")[0] for each in report.parameters),
            "from": str(report.path) if report.own else "shipped",
        }
        for report in lab.reports.catalogue()
        if schedule is None or report.name in runs["name"].to_numpy()
    ]
    reports = pd.DataFrame(found, columns=["report", "about", "parameters", "from"])
    empty = ReportsAnswer.empty if schedule is None else f"{schedule} has not run yet"
    return ReportsAnswer(df=runs, reports=reports, empty=empty)


def show(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """One run: its pages, parameters, log, and what went wrong."""
    return ReportAnswer(run=lab.reports.get(call["run"]), looked_at=True)


def open_(lab: Lab, call: Call, face: Face) -> Answer:
    """The latest page."""
    run, page = lab.reports.latest_page(call["run"])
    face.open(str(page))
    last = lab.reports.get(call["run"])
    later = "" if last.id == run.id else f"; the run of {last.started_at:%Y-%m-%d %H:%M} UTC has no page"
    return DoneAnswer(
        text=f"opened {page}, of {run.started_at:%Y-%m-%d %H:%M} UTC{later}",
        facts={"opened": str(page), "report": run.name, "id": run.id},
    )


def new(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """A notebook to change."""
    name = call["name"]
    path = lab.reports.new(name, like=call["from"], to=call["to"])
    known = name in lab.reports.names() and path.parent == lab.reports.folder
    word = name if known else str(path)
    where = (
        "it stands where your own notebooks are looked for by name; its pages go to " + str(lab.reports.pages)
        if known
        else "it stands outside of where notebooks are looked for by name, so it is run by its path"
    )
    return DoneAnswer(
        text=(
            f"wrote {path}, a copy of {call['from']}: change it in JupyterLab\n"
            f"{where}\n"
            f"run it       report run {word} --open\n"
            f"by itself    report schedule {word} --cron '0 7 * * MON'"
        ),
        facts={"path": str(path), "report": word, "from": call["from"], "pages": str(lab.reports.pages)},
    )


PARAMETERS: tuple[Option, ...] = (
    Option(
        flags=("-p", "--parameter"),
        name="parameters",
        metavar="NAME VALUE",
        repeat=True,
        words=2,
        completes="parameter",
        help="a parameter of the notebook: a number, True, None, JSON, a text; -7d and {{ now }} are times",
    ),
    Option(
        flags=("-r", "--raw"),
        name="raw",
        metavar="NAME TEXT",
        repeat=True,
        words=2,
        completes="parameter",
        help="a parameter that is this very text",
    ),
    Option(
        flags=("-f", "--file"),
        name="files",
        metavar="FILE",
        repeat=True,
        completes="file",
        help="a file of parameters in YAML or JSON; -y, -p and -r win over it",
    ),
    Option(
        flags=("-y", "--yaml"),
        name="yaml",
        metavar="YAML",
        repeat=True,
        help="parameters as YAML, such as 'since: -7d'",
    ),
)
"""Papermill's own words, in its order: a schedule takes the same."""

PAGES: tuple[Option, ...] = (
    Option(
        flags=("--to",),
        name="to",
        metavar="FORMATS",
        completes="format",
        default="html",
        help="html, pdf, ipynb, or several with commas; pdf needs Chromium or Chrome",
    ),
    Option(
        flags=("--title",), name="title", metavar="TEXT", help="the page's headline; may have {{ … }} times"
    ),
    Option(
        flags=("--theme",),
        name="theme",
        metavar="THEME",
        default="light",
        choices=THEMES,
        help="light, dark, or auto (the reader's); printed it is light",
    ),
    Option(
        flags=("--timeout",),
        name="timeout",
        metavar="SECONDS",
        read=positive,
        help="cut it off after so long; the page is what there is by then",
    ),
)

NOTIFY = Option(
    flags=("--notify",),
    name="notify",
    metavar="TARGET",
    repeat=True,
    help=f"bring it to {targets.FORMS}",
)

_RUN = Positional(
    name="run",
    help="a report or a schedule (its last run), or the id of a run",
    required=False,
    completes="scheduled",
)

VERBS: tuple[Verb, ...] = (
    Verb(
        name="report run",
        summary="run a report notebook into HTML that needs no network, or PDF",
        run=run,
        positionals=(
            Positional(
                name="name",
                help="cold_starts, durations, costs, workflows, weekly, your own, or a notebook's path",
                completes="report",
            ),
        ),
        options=(
            *PARAMETERS,
            *PAGES,
            Option(
                flags=("--dir",),
                name="dir",
                metavar="DIR",
                completes="file",
                help="where the pages go (reports/ beside the store)",
            ),
            Option(
                flags=("--stem",),
                name="stem",
                metavar="NAME",
                help="their name without its ending (the report and the time); may have {{ … }} times",
            ),
            Option(flags=("--open",), name="open", help="open the page"),
            NOTIFY,
        ),
        examples=(
            "report run cold_starts --notify published/ --notify 'mailto:team@example.com'",
            "report run cold_starts -p since 2026-11-16 --to html,ipynb",
            "report run costs -p since -30d --to pdf --title 'Costs of {{ now:%B %Y }}'",
        ),
    ),
    Verb(
        name="report ls",
        summary="the reports there are, and their runs",
        run=ls,
        options=(
            Option(
                flags=("--schedule",),
                name="schedule",
                metavar="NAME",
                completes="schedule",
                help="the runs of that schedule alone",
            ),
        ),
        examples=("report ls --schedule mondays",),
    ),
    Verb(
        name="report show",
        summary="one run of a report: its pages, parameters and log, and what went wrong",
        run=show,
        positionals=(_RUN,),
    ),
    Verb(
        name="report open",
        summary="open the latest page of a report, or of all",
        run=open_,
        positionals=(_RUN,),
    ),
    Verb(
        name="report deliver",
        summary="bring a run's pages somewhere: a folder, S3, e-mail, a webhook",
        run=deliver,
        positionals=(
            Positional(
                name="run",
                help="a report or a schedule (its last run), or the id of a run",
                completes="scheduled",
            ),
            Positional(name="targets", help=targets.FORMS, rest=True),
        ),
        examples=("report deliver cold_starts published/ s3://team-reports/lambda",),
    ),
    Verb(
        name="report new",
        summary="a copy of a report to change; nothing is written over",
        run=new,
        positionals=(Positional(name="name", help="what yours is called"),),
        options=(
            Option(
                flags=("--from",),
                name="from",
                metavar="NAME",
                default="cold_starts",
                completes="report",
                help="the report to copy",
            ),
            Option(
                flags=("--to",),
                name="to",
                metavar="FILE",
                completes="file",
                help="a file or a folder (the setting reports: the project's notebooks/)",
            ),
        ),
        examples=("report new checkout --from durations",),
    ),
)
