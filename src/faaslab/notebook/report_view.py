"""Reports and their runs as HTML. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from faaslab.notebook import units
from faaslab.notebook.markup import Html, box, facts, joined, pill, tag
from faaslab.notebook.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from faaslab.model.delivered import Delivered
    from faaslab.model.report import ReportRun
    from faaslab.verbs import ReportsAnswer

_TEXT = 200


def report_block(
    run: ReportRun,
    link: Callable[[str], str | None] = lambda _: None,
    *,
    whole: bool = False,
    delivered: Iterable[Delivered] = (),
) -> Html:
    """A report that ran: where its pages are, or which cell failed; `whole` with all that is known of it."""
    took = None if run.ended_at is None else (run.ended_at - run.started_at).total_seconds() * 1_000
    hue = units.STATUS_HUES.get(str(run.status), "mute")
    failure = None
    if run.error_type is not None:
        where = "" if run.failed_cell is None else f"cell {run.failed_cell}: "
        failure = tag(
            "div", tag("span", f"{where}{run.error_type}: {run.error_message}", class_="said"), class_="part"
        )
    paths = [*run.outputs, *([run.log] if run.log and (whole or failure is not None) else [])]
    pages = [
        tag(
            "div",
            tag("a", address, href=address, target="_blank", rel="noopener")
            if (address := link(path))
            else tag("code", path),
        )
        for path in paths
    ]
    brought = [
        tag(
            "div",
            pill("delivered" if each.ok else "not delivered", "good" if each.ok else "bad"),
            f" {each.target}: {each.detail}",
        )
        for each in delivered
    ]
    return box(
        tag(
            "div",
            tag("span", run.name, class_="name"),
            pill(run.status, hue),
            tag("span", units.duration(took), class_="soft") if took is not None else None,
            class_="top",
        ),
        failure,
        facts(_facts(run)) if whole else None,
        tag("div", *pages, class_="part") if pages else None,
        tag("div", *brought, class_="part") if brought else None,
        hue=hue,
    )


def _facts(run: ReportRun) -> list[tuple[str, object]]:
    return [
        ("started (UTC)", f"{run.started_at:%Y-%m-%d %H:%M:%S}"),
        ("due (UTC)", None if run.scheduled_for is None else f"{run.scheduled_for:%Y-%m-%d %H:%M:%S}"),
        ("schedule", run.schedule),
        ("attempt", run.attempt if run.attempt > 1 else None),
        ("notebook", tag("code", run.notebook)),
        *((name, tag("code", _short(value))) for name, value in run.parameters.items()),
        ("id", tag("code", run.id)),
    ]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"


def reports_block(
    answer: ReportsAnswer, link: Callable[[str], str | None] = lambda _: None, *, rows: int
) -> Html:
    """The reports there are, and below them the runs, each with its page."""
    shown = answer.df.drop(columns=["outputs", "log", "ended_at", "attempt"], errors="ignore")
    if len(answer.df):
        import pandas as pd

        pages = [_page(outputs, link) for outputs in answer.df["outputs"]]
        shown.insert(1, "page", pd.Series(pages, index=shown.index, dtype=object))
    return joined(
        table(answer.reports, title="reports", rows=max(rows, len(answer.reports))),
        table(shown, title="runs", empty=answer.empty, rows=rows),
    )


def _page(outputs: Sequence[str], link: Callable[[str], str | None]) -> Html | str | None:
    path = next((each for each in outputs if each.endswith((".html", ".pdf"))), None)
    if path is None:
        return None
    address = link(path)
    if address is None:
        return path
    return tag("a", path.rpartition("/")[2], href=address, target="_blank", rel="noopener", title=path)
