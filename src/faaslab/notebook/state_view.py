"""A state of an execution as a block: how it stood, its data, its attempts, what they ran and said. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.model.cause import cause_text
from faaslab.notebook import units
from faaslab.notebook.log_view import log_block
from faaslab.notebook.markup import Html, box, cut, facts, fold, joined, json_block, json_text, pill, tag
from faaslab.verbs.workflow_text import value_of
from faaslab.workflow.graph.palette import SAID, STANDINGS, Standing
from faaslab.workflow.graph.spans import length

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from faaslab.model.execution import Execution
    from faaslab.model.workflow import HistoryEvent
    from faaslab.workflow.graph.stays import Attempt, Inside, Stay

STANDING_HUES: dict[Standing, str] = {
    "waiting": "mute",
    "running": "info",
    "succeeded": "ok",
    "failed": "bad",
    "caught": "warn",
    "aborted": "mute",
}
CLIPPED = 2_000
"""So many characters of an input, an output or a cause are shown at first."""
WHOLE = 10**9
_ATTEMPTS = 20
_INSIDES = 12
_EVENTS = 200
_LINES = 200
_SHORT = 160


def state_block(stay: Stay, ran: Mapping[int, tuple[Execution, ...]], *, most: int = CLIPPED) -> Html:
    """One visit of a state. `ran` are the executions of functions by the event of the attempt."""
    top = tag(
        "div",
        tag("span", stay.state, class_="name"),
        _pill(stay.standing),
        tag("span", stay.kind, class_="soft"),
        tag("span", f"in {stay.path}", class_="soft") if stay.path else None,
        class_="top",
    )
    figures = facts(
        [
            ("took", took(stay.entered, stay.left)),
            ("entered", None if stay.entered is None else f"{units.time_of_day(stay.entered)} UTC"),
            ("retries", f"{stay.retries:,}" if stay.retries else None),
            ("iterations", _counted(stay.insides) if stay.kind == "Map" and stay.insides else None),
        ]
    )
    told_by_attempt = bool(stay.attempts) and stay.attempts[-1].error is not None
    return box(
        top,
        figures,
        None if told_by_attempt else _problem(stay.error, stay.cause, most),
        _data("input", stay.input, most),
        _data("output", stay.output, most),
        _assigned(stay.assigned, most),
        _insides(stay.insides) if stay.kind == "Map" else None,
        _attempts(stay, ran, most),
        hue=STANDING_HUES[stay.standing],
    )


def inside_block(title: str, found: Sequence[Stay], *, most: int = CLIPPED) -> Html:
    """The states of one iteration, or of the branches of a Parallel, one under the other."""
    rows = [
        fold(
            joined(
                tag("b", stay.state),
                " ",
                _pill(stay.standing),
                tag("span", " · ".join(_said_of(stay)), class_="soft"),
            ),
            _problem(stay.error, stay.cause, most, framed=False),
            _value("output", stay.output, most),
            _value("input", stay.input, most),
            unfolded=stay.standing == "failed" or len(found) == 1,
        )
        for stay in found[:_ATTEMPTS]
    ]
    more = cut(len(found) - _ATTEMPTS, "more states")
    empty = None if found else tag("div", "no state was entered in it", class_="part soft")
    return box(tag("div", tag("span", title, class_="name"), class_="top"), *rows, more, empty)


def untouched_block(
    name: str, defined: Any, why: str = "it was not entered in this execution", *, most: int = CLIPPED
) -> Html:
    """A state of which there is nothing to tell but how it is defined."""
    said = tag("span", why, class_="soft")
    return box(
        tag("div", tag("span", name, class_="name"), _pill("waiting"), said, class_="top"),
        definition_fold(defined, most=most, unfolded=True),
    )


def definition_fold(defined: Any, *, most: int = CLIPPED, unfolded: bool = False) -> Html | None:
    """How a state is defined; None where that is not known."""
    if defined is None:
        return None
    return fold("definition", json_block(defined, most=most), unfolded=unfolded)


def is_clipped(texts: Iterable[str | None], most: int = CLIPPED) -> bool:
    """Whether one of these JSON texts has more characters, as they are shown, than that."""
    return any(text is not None and len(_shown(text)) > most for text in texts)


def texts_of(stay: Stay) -> list[str | None]:
    """All of a visit that may be long."""
    tried = [text for each in stay.attempts for text in (each.input, each.cause)]
    return [stay.input, stay.output, stay.cause, *tried]


def took(began: datetime | None, ended: datetime | None) -> str | None:
    """How long something took; since when it goes on, where it has not ended."""
    if began is None:
        return None
    if ended is None:
        return f"since {units.time_of_day(began)} UTC"
    return length(ended - began)


def events_block(events: Sequence[HistoryEvent]) -> Html:
    """The event history, the newest first."""
    if not events:
        return tag("div", "nothing has happened yet", class_="soft")
    begun = events[0].at
    shown = events[: -_EVENTS - 1 : -1]
    head = [tag("th", word, scope="col") for word in ("event", "after", "type", "state", "what it tells")]
    rows = [
        tag(
            "tr",
            tag("td", f"{event.id}", class_="num"),
            tag("td", length(event.at - begun), class_="num"),
            tag("td", event.type),
            tag("td", event.state or ""),
            tag("td", tag("div", _told(event)), class_="long"),
        )
        for event in shown
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    left = len(events) - len(shown)
    more = f"{left:,} earlier ones are not shown: %faas workflow history tells all" if left else None
    return joined(
        tag("div", table, class_="wide", style="max-height:26rem;overflow:auto", tabindex="0"),
        tag("div", more, class_="soft") if more else None,
    )


def _told(event: HistoryEvent) -> str:
    """The few words of an event that tell it from others."""
    details = event.details
    first = ("error", "cause", "resource", "index", "length", "output", "input", "parameters")
    parts = [f"{name}: {details[name]}" for name in first if details.get(name) not in (None, "")]
    said = " · ".join(parts)
    return said if len(said) <= _SHORT else f"{said[:_SHORT]}…"


def _said_of(stay: Stay) -> list[str]:
    parts = [took(stay.entered, stay.left) or ""]
    parts += [units.amount(stay.retries, "retry", "retries")] if stay.retries else []
    parts += [stay.error] if stay.error else []
    return [part for part in parts if part]


def _pill(standing: Standing) -> Html:
    return pill(SAID[standing].lower(), STANDING_HUES[standing])


def _counted(insides: Sequence[Inside]) -> str:
    stood = [each.standing for each in insides]
    counts = [f"{stood.count(each):,} {SAID[each].lower()}" for each in STANDINGS if each in stood]
    return f"{len(insides):,}: {', '.join(counts)}"


def _insides(insides: Sequence[Inside]) -> Html | None:
    """The iterations, those first that did not succeed."""
    if not insides:
        return None
    ordered = sorted(insides, key=lambda each: each.standing == "succeeded")
    head = [tag("th", word, scope="col") for word in ("iteration", "stands", "took", "error")]
    rows = [
        tag(
            "tr",
            tag("td", "–" if each.index is None else f"{each.index:,}", class_="num"),
            tag("td", _pill(each.standing)),
            tag("td", took(each.began, each.ended) or ""),
            tag("td", each.error or "", class_="long"),
        )
        for each in ordered[:_INSIDES]
    ]
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    more = cut(len(ordered) - _INSIDES, "more iterations: choose one above")
    return tag("div", tag("div", table, class_="wide"), more, class_="part")


def _attempts(stay: Stay, ran: Mapping[int, tuple[Execution, ...]], most: int) -> Html | None:
    if not stay.attempts:
        return None
    shown = stay.attempts[-_ATTEMPTS:]
    first = len(stay.attempts) - len(shown)
    blocks = [
        _attempt(
            each,
            f"attempt {first + place} of {len(stay.attempts)}" if len(stay.attempts) > 1 else "attempt",
            ran.get(each.event_id, ()),
            stay,
            most,
        )
        for place, each in enumerate(shown, 1)
    ]
    return joined(
        tag("div", f"{first:,} earlier attempts are not shown", class_="part soft") if first else None,
        *blocks,
    )


def _attempt(attempt: Attempt, title: str, executions: Sequence[Execution], stay: Stay, most: int) -> Html:
    began = None if attempt.began is None else f"{units.time_of_day(attempt.began)} UTC"
    last = attempt is stay.attempts[-1]
    spent = took(attempt.began, attempt.ended)
    about = [
        spent if attempt.ended is not None else None,
        None if began is None else f"from {began}" if attempt.ended is not None else f"since {began}",
        f"worker {attempt.worker}" if attempt.worker else None,
    ]
    head = tag(
        "div",
        tag("b", title),
        _pill(attempt.standing),
        tag("span", " · ".join(each for each in about if each), class_="soft"),
        tag("code", _called(attempt.resource), class_="soft push", title=attempt.resource)
        if attempt.resource and not executions
        else None,
        class_="bar",
    )
    with_what = attempt.input
    same = with_what is None or (stay.input is not None and value_of(with_what) == value_of(stay.input))
    return tag(
        "div",
        head,
        _problem(attempt.error, attempt.cause, most, framed=False),
        *(_execution(each, unfolded=last, most=most) for each in executions),
        None if same else _inner(fold("called with", json_block(value_of(with_what or ""), most=most))),
        class_="part",
    )


def _execution(execution: Execution, *, unfolded: bool, most: int) -> Html:
    """What a function's execution says of itself, in a line, and its log."""
    started = None if execution.cold_start is None else "cold start" if execution.cold_start else "warm"
    memory = execution.max_memory_mb
    about = [
        f"{execution.function} {execution.status}",
        units.duration(execution.duration_ms),
        None if execution.billed_ms is None else f"billed {execution.billed_ms:,} ms",
        None if execution.init_ms is None else f"init {units.duration(execution.init_ms)}",
        started,
        None if memory is None else f"{memory:,} of {execution.memory_mb or 0:,} MB",
    ]
    lines = WHOLE if most == WHOLE else _LINES
    log = log_block(execution.logs, unfolded=unfolded, most=lines)
    return joined(
        tag(
            "div",
            tag("span", " · ".join(each for each in about if each)),
            tag("code", f"{execution.id[:12]}…", class_="soft push", title=f"%faas show {execution.id}"),
            class_="bar",
        ),
        None if log is None else _inner(log),
    )


def _inner(part: Html) -> Html:
    return tag("div", part, class_="inner")


def _called(resource: str) -> str:
    """The end of an ARN that tells what it is."""
    if ":function:" in resource:
        return f"function {resource.partition(':function:')[2]}"
    if ":activity:" in resource:
        return f"activity {resource.partition(':activity:')[2]}"
    return resource.rpartition(":states:::")[2]


def _problem(error: str | None, cause: str | None, most: int, *, framed: bool = True) -> Html | None:
    """An error and its cause: of a function that raised, what it raised, then the lines that led there."""
    if error is None and cause is None:
        return None
    told = cause_text(cause or "")
    value = value_of(told)
    said = tag("div", error or "failed", class_="said")
    if isinstance(value, (dict, list)):
        body = json_block(value, most=most)
    else:
        first, _, rest = told.partition("\n")
        kind, _, message = first.partition(": ")
        if error is not None and kind == error and message:
            said = tag("div", first[:most], class_="said")
            first = ""
        body = joined(
            tag("div", first[:most]) if first else None,
            cut(len(first) - most, "more characters"),
            tag("pre", rest[:most], class_="scroll") if rest else None,
            cut(len(rest) - most, "more characters"),
        )
    return tag("div", said, body, class_="part" if framed else None)


def _data(name: str, text: str | None, most: int) -> Html | None:
    if text is None:
        return None
    return fold(name, json_block(value_of(text), most=most), unfolded=True)


def _value(name: str, text: str | None, most: int) -> Html | None:
    if text is None:
        return None
    return joined(tag("div", name, class_="at soft"), json_block(value_of(text), most=most))


def _assigned(assigned: Mapping[str, str], most: int) -> Html | None:
    if not assigned:
        return None
    values = {name: value_of(value) for name, value in assigned.items()}
    return fold("variables that it set", json_block(values, most=most), unfolded=True)


def _shown(text: str) -> str:
    value: Any = value_of(text)
    return text if isinstance(value, str) else json_text(value)
