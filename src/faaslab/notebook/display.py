"""What answers look like in a cell: pure, an answer in, HTML and plain text out.

Rule: nothing is looked up here. What a view shows beside its answer (notes, the cost, which cell a function
came from) is handed in as `Surroundings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from faaslab.lab.secrets import masked
from faaslab.model.execution import Execution
from faaslab.model.function import Function, ImageCode, InlineCode
from faaslab.model.layer import layer_name
from faaslab.notebook import charts, units
from faaslab.notebook.dashboard_view import dashboard_block
from faaslab.notebook.execution_view import execution_block
from faaslab.notebook.log_view import log_rows
from faaslab.notebook.markup import Html, box, facts, fold, gauge, joined, page, pill, tag
from faaslab.notebook.report_view import report_block, reports_block
from faaslab.notebook.run_view import picture_block, run_block, timeline_block, workflow_block
from faaslab.notebook.tables import ROWS, pairs, table, table_parts
from faaslab.verbs import (
    Answer,
    DashboardAnswer,
    DiagnosticsAnswer,
    ExecutionAnswer,
    FunctionCard,
    LogsAnswer,
    MapAnswer,
    PictureAnswer,
    ReportAnswer,
    ReportsAnswer,
    RunAnswer,
    StatsAnswer,
    SubmittedAnswer,
    TableAnswer,
    TextAnswer,
    TimelineAnswer,
    WorkflowCard,
)
from faaslab.verbs.changes import also_set, changes, numbered
from faaslab.verbs.text import plain_text

_MAP_ROWS = 10
_TITLED = 60
_TEXT = 40_000


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a view may show beside its answer.

    `cost` is dollars for an execution, or None where it cannot be told. `cell` gives, for a function's
    source, the number of the cell that it was typed into and how many lines stand above it there.
    `link` turns a path into an address that the page can open, or None.
    """

    notes: tuple[str, ...] = ()
    rows: int = ROWS
    cost: Callable[[Execution], float | None] = lambda _: None
    cell: Callable[[str], tuple[int, int] | None] = lambda _: None
    link: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True)
class View:
    """An answer as it is shown. `value` is what `-o` would bind; its attributes are the view's own too."""

    html: str
    text: str
    value: Any = field(repr=False)
    markdown: str | None = None

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, str]:
        if self.markdown is not None:
            return {"text/markdown": self.markdown, "text/plain": self.text}
        return {"text/html": self.html, "text/plain": self.text}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.value, name)

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Any:
        return iter(self.value)

    def __await__(self) -> Any:
        return self.value.__await__()

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return self.text


def view(answer: Answer, around: Surroundings | None = None, *, value: Any = None) -> View:
    """An answer as HTML and plain text. `value` stands for the answer's own where it is given."""
    around = around or Surroundings()
    value = answer.value if value is None else value
    shown = _clipped(plain_text(answer))
    if isinstance(answer, TextAnswer):
        # Code and help have no frame: the notebook colours the one and sets the other as it stands.
        fence = "`" * (3 + max((len(run) for run in _runs(answer.text)), default=0))
        language = "" if answer.language == "text" else answer.language
        return View("", shown, value, markdown=f"{fence}{language}\n{answer.text.rstrip()}\n{fence}")
    notes = tuple(tag("div", note, class_="note") for note in around.notes)
    text = "\n".join([shown, *(f"note: {note}" for note in around.notes)])
    return View(page(_block(answer, around), *notes), text, value)


def _clipped(text: str) -> str:
    """A notebook's file keeps the text beside the page: that of a huge result or log has an end."""
    left = len(text) - _TEXT
    return text if left <= 0 else f"{text[:_TEXT]}\n-- {left:,} more characters: -o NAME keeps all of it"


def notes_view(notes: tuple[str, ...]) -> View:
    """Notes on their own, where the answer is bound and not shown."""
    return View(
        page(*(tag("div", note, class_="note") for note in notes)),
        "\n".join(f"note: {n}" for n in notes),
        None,
    )


def nothing_view() -> View:
    """An output with nothing in it that takes no room either: outputs can be replaced, but not taken away."""
    style = "<style>.jp-OutputArea-child:has(.faas-nothing){display:none}</style>"
    return View(f'<div class="faas-nothing"></div>{style}', "", None)


def page_view(path: str, address: str | None) -> View:
    """A file to look at: a link where the page can open it."""
    shown = tag("a", path, href=address, target="_blank", rel="noopener") if address else tag("code", path)
    return View(page(shown), path, None)


def _runs(text: str) -> list[str]:
    """The runs of backticks in a text."""
    return [run for run in "".join(c if c == "`" else " " for c in text).split() if run]


def _block(answer: Answer, around: Surroundings) -> Html:
    match answer:
        case FunctionCard():
            return function_block(answer)
        case ExecutionAnswer():
            return execution_block(
                answer.execution,
                cost=around.cost(answer.execution),
                code=answer.code,
                filename=answer.filename,
                cell=None if answer.code is None else around.cell(answer.code),
                unfold_logs=answer.tail,
                waterfall=answer.svg,
            )
        case SubmittedAnswer():
            return box(
                tag(
                    "div",
                    tag("span", answer.function, class_="name"),
                    pill("handed over", "info"),
                    tag("span", "await it, or: history", class_="soft"),
                    tag("span", "request ", tag("code", answer.request_id), class_="soft push"),
                    class_="top",
                )
            )
        case MapAnswer():
            return map_block(answer.result, rows=min(around.rows, _MAP_ROWS))
        case DiagnosticsAnswer() if len(answer.df):
            return box(tag("pre", plain_text(answer), class_="part"))
        case LogsAnswer():
            return log_rows(answer.df, title=answer.title, empty=answer.empty)
        case StatsAnswer():
            if not answer.plot or not len(answer.df):
                return table(answer.df, empty=answer.empty, rows=around.rows, foot=_PRICES)
            figures = table_parts(answer.df, rows=around.rows, foot=_PRICES)
            return box(charts.spans(answer.df, answer.by), tag("div", figures, class_="under"))
        case ReportsAnswer():
            return reports_block(answer, around.link, rows=around.rows)
        case TableAnswer():
            rows = max(around.rows, _TITLED) if answer.title else around.rows  # doctor and config are short
            return table(answer.df, title=answer.title, empty=answer.empty, rows=rows)
        case DashboardAnswer():
            return dashboard_block(answer.dashboard)
        case ReportAnswer():
            return report_block(answer.run, around.link, whole=answer.looked_at, delivered=answer.delivered)
        case WorkflowCard():
            return workflow_block(answer)
        case RunAnswer():
            return run_block(answer)
        case PictureAnswer():
            return picture_block(answer)
        case TimelineAnswer():
            return timeline_block(answer, rows=around.rows)
        case _:
            return box(tag("div", tag("pre", answer.text), class_="top"))


_PRICES = "cost at list prices of us-east-1, without the free tier"


def function_block(card: FunctionCard) -> Html:
    """The card of a function."""
    function = card.function
    setup = function.configuration
    hue = units.STATUS_HUES.get(str(function.status), "mute")
    change = card.change
    top = tag(
        "div",
        tag("span", function.name, class_="name"),
        pill(change, "info" if change == "updated" else "ok" if change == "created" else "mute")
        if change
        else pill(function.status, hue),
        tag("span", numbered(function), class_="soft"),
        tag("span", function.description, class_="soft") if function.description else None,
        class_="top",
    )
    main = facts(
        [
            ("backend", function.backend),
            ("runtime", f"{function.runtime} · {function.architecture}"),
            ("memory", f"{setup.memory_mb:,} MB"),
            ("timeout", f"{setup.timeout_s} s"),
            ("code", _code(function)),
            ("source", None if function.source_path is None else tag("code", function.source_path)),
            ("image", tag("code", function.code.uri))
            if isinstance(function.code, ImageCode)
            else ("handler", tag("code", function.handler)),
            (
                "reserved concurrency",
                None if setup.reserved_concurrency is None else setup.reserved_concurrency,
            ),
            ("packages", ", ".join(setup.requires) or None),
            ("layers", ", ".join(map(layer_name, setup.layers)) or None),
            ("preloaded", ", ".join(setup.preload) or None),
            (
                "sandbox",
                "not held (--preload): it runs as you, and sees your files" if card.in_the_open else None,
            ),
            ("environment", _environment(setup.environment)),
            ("secrets", ", ".join(secret.partition("=")[0] for secret in setup.secrets) or None),
            ("published", card.published),
            ("aliases", "; ".join(card.aliases) or None),
            ("resource policy", card.policy),
            ("also set", also_set(function)),
            ("asynchronous", card.asynchronous),
        ]
    )
    update = (
        function.last_update_reason and f"update {function.last_update_status}: {function.last_update_reason}"
    )
    why = " · ".join(said for said in (function.status_reason, update) if said)
    failing = tag("p", why, class_="part said") if why else None
    return box(
        top,
        main,
        _changed(card.before, function),
        failing,
        _seen(function),
        _enforced(card.enforced),
        _source(card),
        hue=hue,
    )


def _changed(before: Function | None, function: Function) -> Html | None:
    """What is new since the definition before."""
    if before is None:
        return None
    another = before.definition != function.definition
    since = f"since definition {before.definition}: " if another else "changed: "
    said = tag("span", since, class_="soft")
    return tag("div", said, "; ".join(changes(before, function)) or "nothing that shows", class_="part")


def _code(function: Function) -> Html:
    digest = function.code_sha256
    return joined(
        units.size(function.code_bytes),
        tag("span", f" {digest[:10]}…", class_="mono soft", title=f"sha256 {digest}") if digest else None,
    )


def _environment(variables: Mapping[str, str]) -> Html | None:
    if not variables:
        return None
    shown = masked(variables)
    return tag("code", " ".join(f"{name}={value[:60]}" for name, value in shown.items()))


def _seen(function: Function) -> Html | None:
    """What the store has seen of it."""
    seen = function.statistics
    if seen is None or not seen.invocations:
        return None
    return fold(
        f"{units.amount(seen.invocations, 'invocation')} so far, {units.amount(seen.errors, 'error')}",
        facts(
            [
                (
                    "cold starts",
                    f"{seen.cold_starts:,} ({units.percent(seen.cold_starts / seen.invocations)})",
                ),
                ("mean duration", units.duration(seen.mean_duration_ms)),
                ("95 % below", units.duration(seen.p95_duration_ms)),
                ("most memory used", None if seen.max_memory_mb is None else f"{seen.max_memory_mb:,} MB"),
                ("timeouts", seen.timeouts or None),
                ("throttled", seen.throttles or None),
                (
                    "last",
                    None if seen.last_invoked_at is None else f"{units.moment(seen.last_invoked_at)} UTC",
                ),
            ]
        ),
    )


def _enforced(limits: Mapping[str, str]) -> Html | None:
    """Which limits hold on this machine."""
    if not limits:
        return None
    loose = [limit for limit, how in limits.items() if "not enforced" in how]
    said = f"{len(limits) - len(loose)} of {len(limits)} limits hold on this machine"
    return fold(said + (f"; not: {', '.join(loose)}" if loose else ""), pairs(list(limits.items())))


def _source(card: FunctionCard) -> Html | None:
    if card.code is None:
        return None
    code = card.function.code
    name = code.filename if isinstance(code, InlineCode) else "code"
    return fold(
        f"{name}, {units.amount(len(card.code.splitlines()), 'line')}",
        tag("pre", card.code, class_="scroll"),
        unfolded=True,
    )


def map_block(result: Any, *, rows: int = _MAP_ROWS) -> Html:
    """What a map did (a `MapResult`): figures, the first rows, the failed ones further down."""
    ended = result.executions
    failed = [place for place, execution in enumerate(ended) if not execution.ok]
    cold = sum(bool(execution.cold_start) for execution in ended)
    times = sorted(execution.duration_ms for execution in ended if execution.duration_ms is not None)
    billed = sum(execution.billed_ms or 0 for execution in ended)
    most = max((execution.max_memory_mb or 0 for execution in ended), default=0)
    size = next((execution.memory_mb for execution in ended if execution.memory_mb), None)
    completed = len(ended) - len(failed)
    top = tag(
        "div",
        tag("span", result.function, class_="name"),
        pill(f"{completed:,} completed", "ok") if completed else None,
        *(
            pill(f"{count:,} {status}", units.STATUS_HUES.get(status, "bad"))
            for status, count in _counts(ended, failed)
        ),
        pill(_interrupted(result), "warn") if result.interrupted else None,
        tag("span", "batch ", tag("code", result.batch_id), class_="soft push"),
        class_="top",
    )
    figures = facts(
        [
            ("median", units.duration(_quantile(times, 0.5))),
            ("95 % below", units.duration(_quantile(times, 0.95))),
            ("slowest", units.duration(times[-1]) if times else None),
            ("billed in all", units.duration(billed) if ended else None),
            ("cold starts", f"{cold:,} of {len(ended):,}" if ended else None),
            ("most memory used", f"{most:,} of {size:,} MB" if most and size else None),
        ]
    )
    df = result.df
    hidden = [place for place in failed if place >= rows]
    return box(
        top,
        figures if ended else None,
        tag("div", table_parts(df, rows=rows), class_="under") if ended else None,
        fold(f"{units.amount(len(hidden), 'failure')} further down", table_parts(df.iloc[hidden], rows=rows))
        if hidden
        else None,
        hue="bad" if failed else "ok" if ended else "mute",
    )


def _interrupted(result: Any) -> str:
    """Of a map that was: how many it ended, and how many it did not come to."""
    left = result.total - len(result.executions)
    told = [f"{left:,} not run" if left else "", f"{result.cancelled:,} ended" if result.cancelled else ""]
    return ", ".join(["interrupted", *filter(None, told)])


def _counts(ended: Any, failed: list[int]) -> list[tuple[str, int]]:
    statuses = [str(ended[place].status) for place in failed]
    return [(status, statuses.count(status)) for status in dict.fromkeys(statuses)]


def _quantile(ordered: list[float], share: float) -> float | None:
    """Between two neighbours where it falls there, as `stats` and the dashboard have it (quantile_cont)."""
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def progress_block(
    label: str,
    done: int,
    total: int | None,
    elapsed_ms: float,
    *,
    state: str = "running",
    note: str | None = None,
) -> View:
    """A progress bar: `state` is running, done, or stopped (with less than all of it done)."""
    ended = state != "running"
    count = f"{done:,} of {total:,}" if total is not None else f"{done:,} done"
    share = (done / total if total else 1.0) if total is not None else float(ended)
    hue = "info" if not ended else "ok" if state == "done" and not note else "warn"
    took = units.duration(elapsed_ms)
    before = "stopped at " if state == "stopped" else ""
    words = [f"{before}{count} {'in' if ended else 'after'} {took}"]
    if total is None and not done:  # there is nothing to count: one thing is waited for
        words = [f"{state if ended else 'for'} {'after ' if ended else ''}{took}"]
    if not ended and total and 0 < done < total and elapsed_ms > 1_000:
        words.append(f"about {units.duration(elapsed_ms / done * (total - done))} to go")
    if note:
        words.append(note)
    said = " · ".join(words)
    markup = tag(
        "div",
        tag("span", label, class_="name"),
        gauge(share, label, hue=hue, running=total is None and not ended),
        tag("span", said, class_="soft"),
        class_="bar",
    )
    return View(page(markup), f"{label}: {said}", None)
