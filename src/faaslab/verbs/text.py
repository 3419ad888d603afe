"""Answers as plain text for a terminal and as JSON documents for programs."""

from __future__ import annotations

import json
import math
import re
import textwrap
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from faaslab.lab.secrets import masked
from faaslab.model.execution import LogStream
from faaslab.model.function import FunctionStatus, ImageCode
from faaslab.model.json import to_json
from faaslab.model.layer import layer_name
from faaslab.verbs.answers import (
    DiagnosticsAnswer,
    DoneAnswer,
    ExecutionAnswer,
    FunctionCard,
    LogsAnswer,
    MapAnswer,
    PictureAnswer,
    ReportAnswer,
    ReportsAnswer,
    RunAnswer,
    SubmittedAnswer,
    TableAnswer,
    TextAnswer,
    TimelineAnswer,
    WorkflowCard,
)
from faaslab.verbs.changes import also_set, changes, numbered
from faaslab.verbs.dashboard_text import dashboard_document, headline
from faaslab.verbs.live_answers import DashboardAnswer
from faaslab.verbs.reasons import reason, remedy, trace_lines, without_advice
from faaslab.verbs.report_text import report_text, reports_text
from faaslab.verbs.workflow_text import card_text, diagnostic_lines, run_text, workflow_document
from faaslab.verbs.workflow_text import execution_document as workflow_execution

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.verbs.answers import Answer

_CELL = 60
_LAST_CELL = 120
_ROWS_GO_ON = 25
_LEAST_WRAPPED = 30
_WRAPPED_CELL = 400
_FOLDED_LINES = 5
_TASK_ROOT = re.compile(r"/[^\"\n]*/code/[0-9a-f]{64}/")  # where the package is unpacked on this machine


def plain_text(answer: Answer, *, width: int | None = None) -> str:
    """What a terminal shows of an answer; without a newline at its end."""
    match answer:
        case FunctionCard():
            return _card(answer)
        case ExecutionAnswer():
            text = _execution(answer.execution, whole=answer.tail, streamed=answer.streamed)
            return f"{text}\n-- phases\n{answer.drawn}" if answer.drawn else text
        case SubmittedAnswer():
            return f"{answer.function} was handed over, request {answer.request_id}"
        case MapAnswer():
            result = answer.result
            return f"{table(answer.value, width=width)}\n{_summary(result)}"
        case LogsAnswer():
            return _at_the_task_root("\n".join(answer.df["message"])) if len(answer.df) else answer.empty
        case DiagnosticsAnswer():
            return "\n".join(diagnostic_lines(answer)) or answer.empty
        case TextAnswer():
            return answer.text.rstrip("\n")
        case ReportsAnswer():
            return reports_text(answer, table, width)
        case TableAnswer():
            return table(answer.df, width=width) if len(answer.df) else answer.empty
        case DashboardAnswer():
            return _dashboard(answer, width)
        case ReportAnswer():
            return report_text(answer)
        case WorkflowCard():
            return card_text(answer)
        case RunAnswer():
            return run_text(answer)
        case _:
            return answer.text


def documents(answer: Answer) -> Any:
    """What `--json` gives: a list stands for one document a line, anything else for one document."""
    match answer:
        case FunctionCard():
            return function_document(answer)
        case WorkflowCard():
            return workflow_document(answer.workflow)
        case RunAnswer():
            return workflow_execution(answer.execution)
        case PictureAnswer():
            return {"svg": answer.svg, "text": answer.text}
        case ExecutionAnswer():
            return execution_document(answer.execution)
        case SubmittedAnswer():
            return {"function": answer.function, "submitted": True, "request_id": answer.request_id}
        case MapAnswer():
            return rows(answer.value)
        case ReportsAnswer():
            return [
                *({"kind": "report", **row} for row in rows(answer.reports)),
                *({"kind": "run", **row} for row in rows(answer.df)),
            ]
        case TableAnswer() | TimelineAnswer():
            return rows(answer.df)
        case DashboardAnswer():
            return dashboard_document(answer.dashboard)
        case ReportAnswer():
            delivered = {"delivered": to_json(answer.delivered)} if answer.delivered else {}
            return {**to_json(answer.run), **delivered}
        case DoneAnswer():
            return dict(answer.facts) or {"done": answer.text}
        case _:
            return {"text": answer.text}


def function_document(card: FunctionCard) -> dict[str, Any]:
    """A function as JSON; values under telling names are hidden."""
    document: dict[str, Any] = to_json(card.function)
    document["configuration"]["environment"] = masked(card.function.configuration.environment)
    if card.function.code.kind == "inline" and card.code is None:
        document["code"].pop("source", None)
    if card.events is not None:
        document["event_invoke_config"] = to_json(card.events)
    if card.change:
        document["change"] = card.change
    return document


def execution_document(execution: Execution) -> dict[str, Any]:
    """An execution as JSON: payload and result as values, the bodies left out."""
    document: dict[str, Any] = to_json(execution)
    for name in ("payload", "result"):
        del document[f"{name}_body"]
        document[name] = cell_value(getattr(execution, name))
    return document


def rows(df: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a DataFrame as JSON objects; what is missing is null, instants are ISO 8601 in UTC."""
    names = [str(name) for name in df.columns]
    return [
        dict(zip(names, map(cell_value, row), strict=True)) for row in df.itertuples(index=False, name=None)
    ]


def cell_value(value: Any) -> Any:
    """One value as JSON types."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if hasattr(value, "item") and not hasattr(value, "tolist"):
        value = value.item()
    elif hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): cell_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [cell_value(item) for item in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    if type(value).__name__ in {"NAType", "NaTType"}:
        return None
    if isinstance(value, datetime):
        return value.isoformat() + ("" if value.tzinfo else "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "backslashreplace")
    return str(value)


def _joined(
    line: Sequence[str], places: Sequence[int], widths: Sequence[int], numeric: Sequence[bool]
) -> str:
    return "  ".join(
        line[place].rjust(widths[place]) if numeric[place] else line[place].ljust(widths[place])
        for place in places
    )


def table(df: pd.DataFrame, *, width: int | None = None) -> str:
    """Rows in columns; numbers to the right, long texts cut at their end.

    Where only the last column is too wide its texts go on below. Otherwise what is wider than `width` loses
    its empty columns first. The rest of a few rows goes on below, of many
    rows it is named in a last line.
    """
    names = [str(name) for name in df.columns]
    most = [*[_CELL] * (len(names) - 1), _LAST_CELL if width is None else max(_CELL, min(width, _LAST_CELL))]
    lines = [
        [_cell(value, room) for value, room in zip(row, most, strict=True)]
        for row in df.itertuples(index=False, name=None)
    ]
    numeric = [_is_numeric(df.iloc[:, place]) for place in range(len(names))]
    widths = [max([len(name), *(len(line[place]) for line in lines)]) for place, name in enumerate(names)]

    def block(places: Sequence[int]) -> list[str]:
        return [_joined(line, places, widths, numeric).rstrip() for line in [names, *lines]]

    everywhere = list(range(len(names)))
    if width is None or sum(widths) + 2 * (len(widths) - 1) <= width:
        return "\n".join(block(everywhere))
    room = width - sum(widths[:-1]) - 2 * (len(widths) - 1)
    if not numeric[-1] and room >= _LEAST_WRAPPED:
        # Only the last column is too wide, and that is where sentences stand: they go on below themselves.
        indent = " " * (width - room)
        before = everywhere[:-1]
        return "\n".join(
            line
            + ("  " + wrapped[0] + "".join(f"\n{indent}{more}" for more in wrapped[1:]) if wrapped else "")
            for line, wrapped in zip(
                [_joined(row, before, widths, numeric) for row in [names, *lines]],
                [
                    textwrap.wrap(text, room)
                    for text in [names[-1], *(_cell(v, _WRAPPED_CELL) for v in df.iloc[:, -1])]
                ],
                strict=True,
            )
        )
    full = [place for place in everywhere if any(line[place] for line in lines)] or everywhere
    blocks = _side_by_side(full, widths, width)
    missing = [names[place] for places in blocks[1:] for place in places[1:]]
    if len(lines) > _ROWS_GO_ON:
        blocks = blocks[:1]
    text = [line for number, places in enumerate(blocks) for line in [*[""] * bool(number), *block(places)]]
    if missing and len(lines) > _ROWS_GO_ON:
        text.append(f"not shown: {', '.join(missing)} (a wider terminal or --json has all)")
    return "\n".join(line if len(line) <= width else line[: width - 1] + "…" for line in text)


def _side_by_side(places: Sequence[int], widths: Sequence[int], width: int) -> list[list[int]]:
    """The columns in groups that fit; every group begins with the first column, so that rows are found."""
    first, *others = places
    groups = [[first]]
    left = width - widths[first]
    for place in others:
        if widths[place] + 2 > left and len(groups[-1]) > 1:
            groups.append([first])
            left = width - widths[first]
        groups[-1].append(place)
        left -= widths[place] + 2
    return groups


def _is_numeric(column: pd.Series[Any]) -> bool:
    return column.dtype.kind in "iuf"


def _cell(value: Any, room: int) -> str:
    plain = cell_value(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    if isinstance(plain, float):
        return _number(plain)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    text = plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    text = " ".join(text.split()) if "\n" in text or "\t" in text else text
    return text if len(text) <= room else text[: room - 1] + "…"


def _number(value: float) -> str:
    """At most three places, or three digits of what is smaller: a price is never in powers of ten."""
    if value == int(value):
        return f"{value:.10g}"
    places = 3 if abs(value) >= 0.01 else min(2 - math.floor(math.log10(abs(value))), 15)
    return f"{value:,.{places}f}".rstrip("0").rstrip(".")


def _begins(function: Function) -> str:
    code = function.code
    return code.uri if isinstance(code, ImageCode) else f"handler {function.handler}"


def _card(card: FunctionCard) -> str:
    function = card.function
    configuration = function.configuration
    head = f"{function.name}  {numbered(function)}"
    if card.change:
        head += {"created": ", created", "updated": ", changed", "unchanged": ", unchanged"}[card.change]
    facts = [
        ("runtime", f"{function.runtime} {function.architecture}, {_begins(function)}"),
        ("memory", f"{configuration.memory_mb} MB, timeout {configuration.timeout_s} s"),
        ("code", f"{function.code.kind}, {function.code_bytes:,} bytes, sha256 {function.code_sha256[:12]}"),
        ("backend", function.backend),
    ]
    if function.source_path:
        facts.append(("source", function.source_path))
    if card.before is not None:
        facts.append(("changed", "; ".join(changes(card.before, function)) or "nothing that shows"))
    if function.status is not FunctionStatus.ACTIVE:
        facts.append(("state", f"{function.status}: {_last_line(function.status_reason)}"))
    if function.last_update_status != "Successful":
        facts.append(("update", f"{function.last_update_status}: {_last_line(function.last_update_reason)}"))
    if configuration.requires:
        facts.append(("requires", ", ".join(configuration.requires)))
    if configuration.layers:
        facts.append(("layers", ", ".join(map(layer_name, configuration.layers))))
    if configuration.preload:
        facts.append(("preload", ", ".join(configuration.preload)))
    if card.in_the_open:
        facts.append(("sandbox", "not held (--preload): it runs as you, and sees your files"))
    if configuration.environment:
        shown = masked(configuration.environment)
        facts.append(("env", ", ".join(f"{key}={value}" for key, value in shown.items())))
    if configuration.secrets:
        facts.append(("secrets", ", ".join(secret.partition("=")[0] for secret in configuration.secrets)))
    if configuration.reserved_concurrency is not None:
        facts.append(("concurrency", f"{configuration.reserved_concurrency} reserved"))
    also = also_set(function)
    if also:
        facts.append(("also set", also))
    if card.asynchronous:
        facts.append(("async", card.asynchronous))
    if card.published:
        facts.append(("published", card.published))
    if card.aliases:
        facts.append(("aliases", "; ".join(card.aliases)))
    if card.policy:
        facts.append(("policy", card.policy))
    if function.description:
        facts.append(("about", function.description))
    seen = function.statistics
    if seen is not None and seen.invocations:
        mean = "" if seen.mean_duration_ms is None else f", mean {seen.mean_duration_ms:.1f} ms"
        facts.append(
            ("so far", f"{seen.invocations} invocations, {seen.errors} errors, {seen.cold_starts} cold{mean}")
        )
    open_limits = [limit for limit, how in card.enforced.items() if "not enforced" in how]
    if open_limits:
        facts.append(("not held", f"{', '.join(open_limits)} (doctor says more)"))
    text = "\n".join([head, *(f"  {name:<11} {value}" for name, value in facts)])
    return f"{text}\n\n{card.code.rstrip()}" if card.code else text


def _last_line(text: str | None) -> str:
    """What an installer said last is what was wrong."""
    return (text or "").rstrip().rpartition("\n")[2]


def _execution(execution: Execution, *, whole: bool, streamed: bool) -> str:
    parts = [f"{execution.function} {execution.status}"]
    if execution.duration_ms is not None:
        parts.append(f"{execution.duration_ms:.2f} ms")
    if execution.billed_ms is not None:
        parts.append(f"billed {execution.billed_ms} ms")
    if execution.init_ms is not None:
        parts.append(f"init {execution.init_ms:.2f} ms")
    if execution.cold_start is not None:
        parts.append("cold" if execution.cold_start else "warm")
    if execution.max_memory_mb is not None:
        parts.append(f"{execution.max_memory_mb} of {execution.memory_mb} MB")
    lines = ["  ".join(parts), f"id {execution.id}"]
    if execution.error is not None:
        why, helps = reason(execution), remedy(execution)
        lines.append(f"{execution.error.type}: {execution.error.message}" + (f" ({why})" if why else ""))
        lines += [f"what helps: {helps}"] if helps else []
        lines += [_at_the_task_root(line) for line in trace_lines(execution.error)]
    elif execution.result_body is not None and not streamed:
        lines.append(json.dumps(cell_value(execution.result), ensure_ascii=False, indent=2))
    logs = [line for line in execution.logs if whole or line.stream is not LogStream.PLATFORM]
    shown = logs if whole else logs[:_FOLDED_LINES]
    if shown:
        lines += ["-- log", *(_at_the_task_root(without_advice(line.message)) for line in shown)]
    if len(shown) < len(logs):
        lines.append(f"-- {len(logs) - len(shown)} more lines: logs {execution.id}")
    return "\n".join(lines)


def _at_the_task_root(message: str) -> str:
    """A message of the runtime as Lambda's own would read: its line breaks, spaces and paths."""
    return _TASK_ROOT.sub("/var/task/", message.replace("\r", "\n").replace("\u00a0", " "))


def _summary(result: Any) -> str:
    count = len(result.executions)
    cold = sum(bool(execution.cold_start) for execution in result.executions)
    text = f"{count} of {result.total} ran, {result.failed} failed, {cold} cold"
    return f"{text}, batch {result.batch_id}"


def _dashboard(answer: DashboardAnswer, width: int | None) -> str:
    dashboard = answer.dashboard
    frames = [dashboard.df, dashboard.workflows_df]
    parts = [headline(dashboard), *(table(df, width=width) for df in frames if len(df))]
    return "\n\n".join(parts)


def _report(answer: ReportAnswer) -> str:
    run = answer.run
    lines = list(run.outputs)
    if answer.exit_status:
        where = "" if run.failed_cell is None else f" in cell {run.failed_cell}"
        lines.insert(0, f"{run.name} failed{where}: {run.error_type}: {run.error_message}")
    return "\n".join(lines)
