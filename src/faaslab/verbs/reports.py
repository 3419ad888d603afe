"""The verbs for reports: run a notebook into a page, list the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, nearest
from faaslab.verbs.answers import ReportAnswer, TableAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

FORMATS = ("html", "ipynb")


def run(lab: Lab, call: Call, face: Face) -> Answer:
    """A notebook through papermill."""
    formats = tuple(part.strip() for part in call["to"].split(",") if part.strip())
    for part in formats:
        if part not in FORMATS:
            near = nearest(part, FORMATS)
            raise InvalidValue(
                f"{part!r} is none of {', '.join(FORMATS)}",
                place="--to",
                hint=f"did you mean {near!r}?" if near else None,
            )
    with face.progress(None, f"report {call['name']}") as bar:
        report = lab.reports.run(
            call["name"], parameters=parameters(call["parameters"]), formats=formats, progress=bar.advance
        )
    if call["open"]:
        for path in report.outputs:
            if path.endswith(".html"):
                face.open(path)
    return ReportAnswer(run=report)


_WORDS = {"None": None, "True": True, "False": False}


def parameters(words: tuple[str, ...]) -> dict[str, Any]:
    """`-p key value` pairs; a value is JSON where it reads as a number, list, true, false or null.

    None, True and False are Python's, as papermill reads them.
    """
    import json

    pairs: dict[str, Any] = {}
    for key, text in zip(words[::2], words[1::2], strict=True):
        try:
            value = json.loads(text)
        except ValueError:
            value = _WORDS.get(text, text)
        pairs[key] = value
    return pairs


def ls(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """The reports there are, and their runs."""
    return TableAnswer(df=lab.reports.list(), empty="no report ran yet; run one: report run cold_starts")


VERBS: tuple[Verb, ...] = (
    Verb(
        name="report run",
        summary="run a report notebook into HTML that needs no network",
        run=run,
        positionals=(
            Positional(
                name="name",
                help="cold_starts, durations, costs, or the path of a notebook",
                completes="report",
            ),
        ),
        options=(
            Option(
                flags=("-p", "--parameter"),
                name="parameters",
                metavar="KEY VALUE",
                repeat=True,
                words=2,
                help="a parameter of the notebook; may be repeated",
            ),
            Option(
                flags=("--to",),
                name="to",
                metavar="FORMATS",
                default="html",
                help="html, ipynb, or both with a comma",
            ),
            Option(flags=("--open",), name="open", help="open the page"),
        ),
        examples=("report run cold_starts -p since 2026-11-16 --to html,ipynb",),
    ),
    Verb(name="report ls", summary="list the runs of reports", run=ls),
)
