"""One execution as a block: what came back, what it took, what it said, where it broke. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.model.function import LATEST
from faaslab.notebook import units
from faaslab.notebook.log_view import log_block
from faaslab.notebook.markup import Html, box, cut, facts, fold, gauge, joined, json_block, pill, tag
from faaslab.verbs.reasons import reason, remedy, trace_lines

if TYPE_CHECKING:
    from faaslab.model.execution import Execution, ExecutionError

_FRAME = re.compile(
    r'\s*File "(?P<path>[^"\n]*)",? [Ll]ine (?P<line>\d+)(?:, in (?P<name>[^\n]*))?\n?(?P<code>[^\n]*)'
)
_AROUND = 2
_MESSAGE = 2_000


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A line of a stack. `ours` when it lies in the function's own file."""

    path: str
    line: int
    name: str
    code: str
    ours: bool


def frames(error: ExecutionError, filename: str | None) -> list[Frame]:
    """The Python frames of a failure, outermost first; entries of another form are left out."""
    found = []
    for entry in error.stack_trace:
        match = _FRAME.match(entry)
        if match:
            path = match["path"]
            ours = (
                filename is not None
                and path.replace("\\", "/").rsplit("/", 1)[-1] == filename.rsplit("/", 1)[-1]
            )
            found.append(
                Frame(
                    path=path,
                    line=int(match["line"]),
                    name=(match["name"] or "").strip(),
                    code=match["code"].strip(),
                    ours=ours and "site-packages" not in path,
                )
            )
    return found


def place(error: ExecutionError, filename: str | None, cell: tuple[int, int] | None) -> str | None:
    """Where in the user's own code it broke, in words: `In [3], line 4` or `score.py, line 3`."""
    own = [frame for frame in frames(error, filename) if frame.ours]
    return _where(own[-1], filename, cell) if own else None


def in_the_cell(text: str, filename: str, cell: tuple[int, int]) -> str:
    """A text that names a line of the code, `(score.py, line 2)`, with the place where that was typed."""
    number, above = cell
    return re.sub(
        rf"\({re.escape(filename)}, line (\d+)\)",
        lambda found: f"(In [{number}], line {int(found[1]) + above})",
        text,
    )


def _where(frame: Frame, filename: str | None, cell: tuple[int, int] | None) -> str:
    if cell is not None and frame.ours:
        return f"In [{cell[0]}], line {frame.line + cell[1]}"
    shown = filename if frame.ours and filename else _short(frame.path)
    return f"{shown}, line {frame.line}"


def _short(path: str) -> str:
    """The end of a path that tells where it belongs."""
    path = path.replace("\\", "/")
    for mark in ("site-packages/", "/code/", "/task/"):
        if mark in path:
            tail = path.rsplit(mark, 1)[1]
            return tail.partition("/")[2] or tail if mark == "/code/" else tail
    return path.rsplit("/", 1)[-1] if path.startswith("<") is False else path


def execution_block(
    execution: Execution,
    *,
    cost: float | None = None,
    code: str | None = None,
    filename: str | None = None,
    cell: tuple[int, int] | None = None,
    unfold_logs: bool = False,
    waterfall: str | None = None,
) -> Html:
    """Status, figures, result or failure, log, and the `waterfall` (SVG) of its phases.

    `cost` is in dollars; `cell` is (number, lines above).
    """
    status = str(execution.status)
    hue = units.STATUS_HUES.get(status, "mute")
    started = None if execution.cold_start is None else ("cold start" if execution.cold_start else "warm")
    top = tag(
        "div",
        tag("span", execution.function, class_="name"),
        pill(status, hue),
        pill(started, "info" if execution.cold_start else "mute") if started else None,
        pill(f"replay of {execution.replay_of[:8]}…", "mute", title=execution.replay_of)
        if execution.replay_of
        else None,
        pill(execution.source, "mute") if execution.source != "local" else None,
        tag("code", execution.id, class_="soft push", title="%faas show, logs and replay take this id"),
        class_="top",
    )
    return box(
        top,
        _figures(execution, cost),
        _failure(execution, code, filename, cell) if execution.error is not None else _result(execution),
        log_block(execution.logs, unfolded=unfold_logs),
        None if waterfall is None else fold("phases", _drawn(waterfall), unfolded=True),
        hue=hue,
    )


def _drawn(svg: str) -> Html:
    return tag("div", Html(svg), class_="picture")


def _figures(execution: Execution, cost: float | None) -> Html:
    latest = execution.version == LATEST
    return facts(
        [
            ("duration", units.duration(execution.duration_ms)),
            ("billed", None if execution.billed_ms is None else f"{execution.billed_ms:,} ms"),
            ("init", units.duration(execution.init_ms)),
            ("restore", units.duration(execution.restore_ms)),
            ("memory", _memory(execution)),
            ("cost", _cost(cost)),
            ("version", None if latest and execution.definition else execution.version),
            ("definition", execution.definition),
            ("queue", units.duration(execution.queue_ms)),
            ("attempt", execution.attempt if execution.attempt > 1 else None),
            ("started", f"{units.moment(execution.started_at)} UTC"),
        ]
    )


def _memory(execution: Execution) -> Html | None:
    used, size = execution.max_memory_mb, execution.memory_mb
    if used is None or size is None:
        return None if size is None else tag("span", f"{size:,} MB")
    share = used / size if size else 0.0
    hue = "bad" if share >= 0.95 else "warn" if share >= 0.8 else "ok"
    said = f"{used:,} of {size:,} MB"
    return joined(said, gauge(share, f"memory used: {said}", hue=hue))


def _cost(cost: float | None) -> Html | None:
    if cost is None:
        return None
    shown = units.micro_dollars(cost)
    return tag("span", shown, title=f"at list price; a million like this: ${units.significant(cost * 1e6)}")


def _result(execution: Execution) -> Html | None:
    if execution.result_body is None:
        size = execution.result_bytes
        return (
            None
            if size is None
            else tag("div", f"the result ({units.size(size)}) was not recorded", class_="part soft")
        )
    return tag("div", json_block(execution.result), class_="part")


def _failure(
    execution: Execution, code: str | None, filename: str | None, cell: tuple[int, int] | None
) -> Html:
    error = execution.error
    assert error is not None
    message = error.message[:_MESSAGE]
    said = tag("div", f"{error.type}: {message}" if error.type else message, class_="said")
    why, helps = reason(execution), remedy(execution)
    beside = tag("div", " · ".join(part for part in (why, helps) if part), class_="soft") if why else None
    found = frames(error, filename)
    own = [frame for frame in found if frame.ours]
    shown = own or found
    where = _where(own[-1], filename, cell) if own else None
    stack = None
    if shown:
        foreign = len(found) - len(shown)
        stack = fold(
            f"trace: {where}" if where else "trace",
            *(_frame(frame, code, filename, cell) for frame in shown),
            tag("div", f"{units.amount(foreign, 'frame')} of libraries not shown", class_="soft")
            if foreign
            else None,
            unfolded=bool(own),
        )
    elif error.stack_trace:
        stack = fold("trace", tag("pre", "\n".join(trace_lines(error)), class_="scroll"))
    return joined(
        tag("div", said, cut(len(error.message) - len(message), "more characters"), beside, class_="part"),
        stack,
    )


def _frame(frame: Frame, code: str | None, filename: str | None, cell: tuple[int, int] | None) -> Html:
    head = tag(
        "div", _where(frame, filename, cell), f" in {frame.name}" if frame.name else "", class_="at soft"
    )
    lines = code.splitlines() if code is not None and frame.ours else []
    if not 0 < frame.line <= len(lines):
        return joined(head, tag("pre", frame.code) if frame.code else None)
    above = cell[1] if cell else 0
    first = max(1, frame.line - _AROUND)
    last = min(len(lines), frame.line + _AROUND)
    width = len(str(last + above))
    rows: list[object] = []
    for number in range(first, last + 1):
        here = number == frame.line
        row = f"{'→' if here else ' '} {number + above:>{width}}  {lines[number - 1]}"
        rows.append(tag("b", row, class_="row here" if here else "row"))
    return joined(head, tag("pre", *rows))
