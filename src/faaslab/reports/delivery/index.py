"""The index of delivered reports: one page, newest first, that carries its own list. Pure.

The list stands in the page itself, as JSON in a `meta` element, so that the page and what it is made from
can never disagree: whoever replaces the page in one step has replaced both. A page without that element is
not ours, and nobody overwrites it. It asks the network for nothing and has no script.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import quote

from faaslab.errors import InvalidValue
from faaslab.model.json import from_json, to_json
from faaslab.model.report import ReportStatus
from faaslab.reports.delivery.naming import LABELS, is_made
from faaslab.reports.delivery.story import Story, duration, one_line, seen, when

NAME = "index.html"
_META = "faaslab-reports"
_MOST = 1000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run in the index. `files` are the names beside the page, by format."""

    id: str
    title: str
    name: str
    status: ReportStatus
    due: datetime
    timezone: str = "UTC"
    started_at: datetime
    took_ms: int | None = None
    failure: str = ""
    schedule: str | None = None
    origin: str = ""
    """The store that it is from: schedules of the same name in two stores are two."""
    attempt: int = 1
    files: Mapping[str, str] = field(default_factory=dict)


def entry_of(story: Story, *, origin: str, files: Mapping[str, str]) -> Entry:
    """What the index keeps of a run."""
    run = story.run
    ended = run.ended_at
    return Entry(
        id=run.id,
        title=one_line(story.title)[:200],
        name=run.name,
        status=run.status,
        due=story.due,
        timezone=story.timezone,
        started_at=run.started_at,
        took_ms=None if ended is None else round((ended - run.started_at).total_seconds() * 1000),
        failure=story.failure,
        schedule=run.schedule,
        origin=origin,
        attempt=run.attempt,
        files=dict(files),
    )


def entries(page: str) -> tuple[Entry, ...] | None:
    """The list in a page; None of one that is not ours (or was changed until it was not)."""
    reader = _Reader()
    reader.feed(page)
    if reader.found is None:
        return None
    try:
        return from_json(tuple[Entry, ...], json.loads(reader.found))
    except (ValueError, InvalidValue, RecursionError):
        return None


def joined(
    present: Iterable[Entry], entry: Entry, *, keep: int | None = None
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """The list with `entry`, newest first, and what falls out: of its schedule all beyond `keep` due times.

    The same run twice is there once; the attempts for one due time stay or go together. Of all, the newest
    thousand are listed; the pages of older ones stay where they are.
    """
    listed = sorted(
        [entry, *(each for each in present if each.id != entry.id)],
        key=lambda each: (each.due, each.started_at, each.id),
        reverse=True,
    )
    dropped: set[str] = set()
    if keep is not None and entry.schedule is not None:
        whose = (entry.origin, entry.schedule)
        own = [each for each in listed if (each.origin, each.schedule) == whose]
        stay = list(dict.fromkeys(each.due for each in own))[:keep]
        dropped = {each.id for each in own if each.due not in stay}
    kept = tuple(each for each in listed if each.id not in dropped)
    return kept[:_MOST], tuple(each for each in listed if each.id in dropped)


def removable(dropped: Iterable[Entry], listed: Iterable[Entry]) -> tuple[str, ...]:
    """The files of what fell out: of the names that a page tells only those that were made for that run.

    Anybody may have edited the page; what it names beside them is somebody else's.
    """
    kept = {name for each in listed for name in each.files.values()}
    told = [(name, kind, each.id) for each in dropped for kind, name in each.files.items()]
    return tuple(name for name, kind, run in told if name not in kept and is_made(name, kind, run))


def page(listed: Sequence[Entry]) -> str:
    """The index as HTML; the same list gives the same bytes."""
    data = json.dumps(to_json(tuple(listed)), ensure_ascii=True, separators=(",", ":"))
    reports = len({_report(each) for each in listed})
    runs = "1 run" if len(listed) == 1 else f"{len(listed):,} runs"
    of = "1 report" if reports == 1 else f"{reports} reports"
    rows = "\n".join(_row(each) for each in listed)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_text(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="faaslab">
<title>Reports</title>
<style>
{_style()}</style>
</head>
<body>
<main>
<h1>Reports</h1>
<p>{runs} of {of}, newest first.</p>
{_latest(listed)}<table>
<thead><tr><th>Report</th><th>For</th><th>How it went</th><th class="took">Took</th><th>Open</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
</main>
<meta name="{_META}" content="{_text(data)}">
</body>
</html>
"""


@cache
def _style() -> str:
    return files("faaslab.reports.delivery").joinpath("index.css").read_text("utf-8")


def _latest(listed: Sequence[Entry]) -> str:
    """Of several reports, the newest page of each."""
    newest: dict[tuple[str | None, ...], Entry] = {}
    for each in listed:
        if each.status is ReportStatus.COMPLETED and _first(each):
            newest.setdefault(_report(each), each)
    if len({_report(each) for each in listed}) < 2:
        return ""
    items = "".join(
        f'<li><a href="{_href(_first(each))}">{_text(each.title)}</a>'
        f"<span>{_text(when(each.due, each.timezone))}</span></li>\n"
        for each in newest.values()
    )
    return f'<ul class="latest" aria-label="the newest of each report">\n{items}</ul>\n' if items else ""


def _report(each: Entry) -> tuple[str | None, ...]:
    """What tells reports apart: not the title, which may have a date in it."""
    return each.origin, each.name, each.schedule


def _row(each: Entry) -> str:
    title = _text(each.title)
    first = _first(each)
    name = f'<a href="{_href(first)}">{title}</a>' if first else title
    if each.schedule:
        name += f"<small>schedule {_text(each.schedule)}</small>"
    local, utc = when(each.due, each.timezone), when(each.due)
    due = f'<time datetime="{each.due.isoformat()}Z" title="{_text(utc)}">{_text(local)}</time>'
    went = f'<span class="{_text(each.status.value)}">{_text(each.status.value)}</span>'
    if each.attempt > 1:
        went += f" at attempt {each.attempt}"
    if each.failure:
        went += f'<span class="said">{_text(each.failure)}</span>'
    took = "" if each.took_ms is None else duration(each.took_ms)
    links = "".join(
        f'<a href="{_href(file)}">{_text(LABELS.get(kind, kind))}</a>' for kind, file in each.files.items()
    )
    return (
        f'<tr><td>{name}</td><td class="due">{due}</td><td>{went}</td>'
        f'<td class="took">{took}</td><td class="files">{links}</td></tr>'
    )


def _first(each: Entry) -> str:
    return each.files.get("html") or each.files.get("pdf") or ""


def _href(file: str) -> str:
    # "./", lest a name with a colon reads as an address.
    return _text("./" + quote(file))


def _text(value: str) -> str:
    return html.escape(seen(value), quote=True)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and given.get("name") == _META:
            self.found = given.get("content")
