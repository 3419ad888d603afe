"""The parts of a function's panel, and the whole of it as it is kept, as HTML. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.notebook import units
from faaslab.notebook.markup import Html, box, fold, gauge, json_block, pill, tag
from faaslab.notebook.widgets.spark import sparklines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from faaslab.lab.executions import RecordedPayload
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function

_LABEL = 46
_REDACTED = "[redacted]"
SHOWN_RUNS = 8


def head(function: Function, notes: Sequence[str] = ()) -> Html:
    """What the function is, in a line, and what is to be noted."""
    setup = function.configuration
    words = f"{function.runtime} · {setup.memory_mb:,} MB · {setup.timeout_s} s"
    return tag(
        "div",
        tag("span", function.name, class_="name"),
        tag("span", words, class_="soft"),
        pill(function.status, units.STATUS_HUES.get(str(function.status), "mute"))
        if str(function.status) != "active"
        else None,
        tag("span", f"definition {function.definition}", class_="soft push"),
        *(tag("div", note, class_="note") for note in notes),
        class_="top",
    )


def verdict(wrong: str | None, text: str, place: tuple[int, int] | None, unfit: str | None) -> Html:
    """What is to be said of the payload: what is wrong and where, else how large it is."""
    if wrong is None:
        said = units.size(len(text.encode("utf-8", "replace"))) if text.strip() else "empty: sent as {}"
        return tag("div", f"JSON · {said}" if text.strip() else said, f" · {unfit}" if unfit else None,
                   class_="verdict unfit" if unfit else "verdict soft", role="status")  # fmt: skip
    lines = text.split("\n")
    shown = None
    if place is not None and 0 < place[0] <= len(lines) and lines[place[0] - 1].strip():
        line, column = lines[place[0] - 1].replace("\t", " "), place[1]
        # The part of a long line that has the place in it.
        begin = max(0, column - 40)
        shown = tag("pre", f"{line[begin : begin + 60]}\n{' ' * (column - 1 - begin)}^")
    return tag("div", tag("div", wrong, class_="said"), shown, class_="verdict", role="status")


def waiting(name: str, elapsed_s: float, *, queued: str | None = None, ending: bool = False) -> Html:
    """What stands in the place of the result while it runs; `queued` is the request of an event."""
    word = "queued" if queued else "ending" if ending else "running"
    more = "It runs from the queue, and again when it fails; what comes of it in the end stands here then."
    return box(
        tag(
            "div",
            tag("span", name, class_="name"),
            pill(word, "info"),
            tag("span", f"for {elapsed_s:.0f} s" if elapsed_s >= 1 else "", class_="soft"),
            tag("span", "request ", tag("code", queued), class_="soft push") if queued else None,
            class_="top",
        ),
        tag("div", tag("div", gauge(0.0, f"{name} is {word}", running=True), class_="bar"), class_="part"),
        tag("div", more, class_="soft part") if queued else None,
        hue="info",
    )


def refused(message: str) -> Html:
    """What could not be done at all."""
    return box(tag("div", message, class_="top said"), hue="bad")


def nothing_yet(name: str) -> Html:
    """In the place of the result before there is one."""
    return tag("div", f"{name} has not run yet: what comes back stands here", class_="soft none")


def left(said: str) -> Html:
    """Of a run that is waited for no more."""
    return tag("div", said, class_="soft caption", role="status")


def caption(execution: Execution, *, mine: bool | None) -> Html:
    """Above the result: whether that run was made here, or picked, or is just the last one (None)."""
    at = f"{execution.started_at:%H:%M:%S} UTC"
    said = {
        True: "what came of the event, from the queue"
        if execution.invocation_type == "Event"
        else "what came back",
        False: f"the run of {at}, as it was recorded",
        None: f"the last run, {at}",
    }[mine]
    return tag("div", said, class_="soft caption")


def run_line(execution: Execution, payload: str = "") -> str:
    """A run in a line for a button, in columns of characters; `payload` is how its payload begins."""
    memory = "" if execution.max_memory_mb is None else f"{execution.max_memory_mb:,} MB"
    took = units.duration(execution.duration_ms) or ""
    cold = "cold" if execution.cold_start else ""
    status = "" if execution.ok else str(execution.status)
    why = f": {execution.error.type}" if execution.error is not None and execution.error.type else ""
    line = f"{execution.started_at:%H:%M:%S} {took:>9} {memory:>8} {cold:<4}"
    return "  ".join(part for part in (line, f"{status}{why}" if status else "", payload) if part).rstrip()


def recent_head(count: int) -> Html:
    """Above the last runs."""
    if count == 0:
        more = "none yet"
    elif count == 1:
        more = "one so far, UTC: click it for its payload and result"
    else:
        more = f"the last {min(count, SHOWN_RUNS)}, UTC: click one for its payload and result"
    title = tag("span", "runs ", class_="title")
    return tag("div", title, tag("span", more, class_="soft"), class_="heading")


def hue_of(execution: Execution) -> str:
    """The hue of how it ended."""
    return units.STATUS_HUES.get(str(execution.status), "mute")


def recorded_label(payload: RecordedPayload, now: datetime) -> str:
    """A recorded payload in a line: its beginning, how its last run ended and when."""
    text = " ".join(payload.beginning.split()) or "a large payload"
    short = text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…"
    day = "" if payload.started_at.date() == now.date() else f"{payload.started_at:%d %b} "
    hidden = ", partly hidden" if _REDACTED in payload.beginning else ""
    return f"{short}  ({payload.status}, {day}{payload.started_at:%H:%M}{hidden})"


def hidden_parts(text: str) -> str | None:
    """What is to be said of a recorded payload some of which was not captured."""
    if _REDACTED not in text:
        return None
    return "parts of it were hidden when it was recorded: put in what [redacted] stands for"


def runs_table(runs: Sequence[Execution]) -> Html:
    """The last runs as a table; a column that would be empty is left out."""
    shown = runs[:SHOWN_RUNS]
    columns: list[tuple[str, str | None, list[object]]] = [
        ("started UTC", None, [units.moment(run.started_at) for run in shown]),
        ("status", None, [pill(run.status, hue_of(run)) for run in shown]),
        ("duration", "num", [units.duration(run.duration_ms) for run in shown]),
        ("start", None, ["cold" if run.cold_start else None for run in shown]),
        ("init", "num", [units.duration(run.init_ms) for run in shown]),
        ("memory", "num", [_used(run) for run in shown]),
        ("error", None, [run.error.type if run.error else None for run in shown]),
    ]
    kept_columns = [column for column in columns if any(each is not None for each in column[2])]
    head_row = tag("tr", *(tag("th", name, class_=class_, scope="col") for name, class_, _ in kept_columns))
    rows = [
        tag("tr", *(tag("td", values[place], class_=class_) for _, class_, values in kept_columns))
        for place in range(len(shown))
    ]
    return tag("div", tag("table", tag("thead", head_row), tag("tbody", *rows)), class_="wide under")


def _used(run: Execution) -> str | None:
    if run.max_memory_mb is None:
        return None
    return f"{run.max_memory_mb:,} of {run.memory_mb:,} MB" if run.memory_mb else f"{run.max_memory_mb:,} MB"


def kept(
    top: Html, result: Html, payload: object, runs: Sequence[Execution], problem: str | None = None
) -> Html:
    """The whole panel as it stands, without a control. `payload` is what the shown run was given."""
    return tag(
        "div",
        top,
        refused(problem) if problem else None,
        fold("payload", json_block(payload)) if payload is not None else None,
        result,
        tag("div", sparklines(runs), class_="under"),
        runs_table(runs) if runs else None,
        class_="faas panel mathjax_ignore tex2jax_ignore",
    )
