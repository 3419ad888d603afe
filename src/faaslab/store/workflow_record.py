"""Executions of workflows and their histories as rows of the outbox, and back from those of the history.

What is long in an event (a payload over 64 KB) is `{"blob": DIGEST}` in its place: members that hold payloads
are JSON text in Step Functions' shapes, so that an object there can mean nothing else.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from faaslab.errors import NotFound
from faaslab.model.execution import Source
from faaslab.model.json import to_json
from faaslab.model.masking import mask_of
from faaslab.model.workflow import (
    HistoryEvent,
    WorkflowError,
    WorkflowExecution,
    WorkflowExecutionStatistics,
    WorkflowExecutionStatus,
    hiding,
)
from faaslab.store.capture import REDACTED
from faaslab.store.schema import TABLES
from faaslab.store.sizes import CHUNK_CHARACTERS, CHUNK_LINES, INLINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from faaslab.model.masking import Mask
    from faaslab.model.workflow_steps import HistoryRow
    from faaslab.store.blobs import Blobs
    from faaslab.store.capture import Capture

_SAME = (
    "id", "workflow", "workflow_version", "qualifier", "alias", "type", "name", "parent", "map_run", "status",
    "source", "trigger", "trace_header", "started_at", "ended_at", "redrive_count", "redriven_at",
    "current_state", "item_count",
)  # fmt: skip
_COUNTS = ("total_states", "completed_states", "failed_states", "retried_states", "mean_state_duration_ms")
_FIELDS = frozenset(field.name for field in dataclasses.fields(WorkflowExecution))
_PAYLOADS = ("input", "output", "parameters")
STANDS = "body, status, current_state, input_blob, output_blob"
"""The columns of the state that `standing_of` reads."""
RUNNING_ROWS = "FROM workflow_executions WHERE status = 'RUNNING'"


def text_of(row: object) -> str:
    """A row, or a value of one, as JSON; half characters become U+FFFD, as UTF-8 knows none."""
    try:
        return orjson.dumps(row).decode()
    except TypeError:
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=_said)
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _said(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def execution_line(
    w: WorkflowExecution, capture: Capture, blobs: Blobs, *, input_blob: str | None = None
) -> str:
    """The line of an execution, as it stands; `input_blob` has its input where the text is not at hand."""
    row: dict[str, Any] = {}
    for name in _SAME:
        value = getattr(w, name)
        if value is not None:
            row[name] = value
    if w.ended_at is not None:
        row["duration_ms"] = (w.ended_at - w.started_at).total_seconds() * 1000
    for name, text in (("input", w.input), ("output", w.output)):
        if name == "input" and input_blob is not None:
            if capture.payloads == "all" and not capture.redact:
                row["input_blob"] = input_blob
            continue
        kept = None if text is None else _captured(text, capture)
        if kept is not None and len(kept) > INLINE_BYTES:
            row[f"{name}_blob"] = blobs.put(kept.encode("utf-8", "replace"))
        else:
            row[name] = kept
    if w.error is not None:
        row["error"], row["cause"] = w.error.error, _told_why(w.error.cause, capture)
    for name in _COUNTS:
        row[name] = getattr(w.statistics, name)
    return f"workflow_executions\t{text_of(row)}"


def history_rows(
    execution_id: str,
    events: Iterable[HistoryRow | HistoryEvent],
    capture: Capture,
    blobs: Blobs,
    mask: Mask | None = None,
) -> list[str]:
    """Bodies for the outbox with all these events, in order: no more than fit in one each.

    `mask` hides the values of secrets in them.
    """
    plain = capture.payloads == "all" and not capture.redact
    start = f"workflow_history\t{text_of({'execution_id': execution_id})[:-1]}".encode()
    bodies, parts, size = [], [start], 0
    last, stamp = None, ""
    for event in events:
        at = event.at
        if at is not last:  # the events of a step share it
            last, stamp = at, at.isoformat()
        details = event.details if mask is None else _hidden_details(event.details, mask)
        row: dict[str, Any] = {
            "id": event.id,
            "previous_id": event.previous_id,
            "type": event.type,
            "timestamp": stamp,
            "state": event.state,
            "entered_id": event.entered_id,
            "outer_id": event.outer_id,
            "details": details if plain else _kept_details(details, capture, blobs),
        }
        if event.duration_ms is not None:
            row["duration_ms"] = event.duration_ms
        try:
            text = orjson.dumps(row)
        except TypeError:
            text = text_of(row).encode()
        if plain and len(text) > INLINE_BYTES:  # else no member of the details is as long
            row["details"] = _kept_details(details, capture, blobs)
            text = text_of(row).encode()
        if len(parts) > CHUNK_LINES or size + len(text) > CHUNK_CHARACTERS:
            bodies.append(b"\t".join(parts).decode())
            parts, size = [start], 0
        parts.append(text[1:])
        size += len(text)
    if len(parts) > 1:
        bodies.append(b"\t".join(parts).decode())
    return bodies


def _hidden_details(details: Mapping[str, Any], mask: Mask) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in details.items():
        if name in _PAYLOADS and isinstance(value, str):
            found[name] = mask.json_text(value)
        elif name == "assignedVariables" and isinstance(value, Mapping):
            found[name] = {mask.text(key): mask.json_text(text) for key, text in value.items()}
        elif name in ("error", "cause") and isinstance(value, str):
            found[name] = mask.prose(value)
        else:
            found[mask.text(name)] = _hidden(value, mask)
    return found


def _hidden(value: Any, mask: Mask) -> Any:
    if isinstance(value, str):
        return mask.text(value)
    if isinstance(value, Mapping):
        return {mask.text(name): _hidden(each, mask) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_hidden(each, mask) for each in value]
    return value


def _captured(text: str, capture: Capture) -> str | None:
    if capture.payloads == "all" and not capture.redact:
        return text
    kept = capture.text(text.encode("utf-8", "replace"))
    return None if kept is None else kept.decode("utf-8", "replace")


def _told_why(cause: str | None, capture: Capture) -> str | None:
    """A cause as it is kept: it may quote the payload."""
    if cause is None:
        return None
    kept = _captured(cause, capture)
    return REDACTED if kept is None else kept


def _kept_details(details: Mapping[str, Any], capture: Capture, blobs: Blobs) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in details.items():
        if isinstance(value, str):
            kept = _captured(value, capture) if name in _PAYLOADS else value
            if name == "cause":
                kept = _told_why(value, capture)
            if kept is not None:
                found[name] = _placed(kept, blobs)
        elif name == "assignedVariables" and isinstance(value, Mapping):
            texts = {key: _captured(text, capture) for key, text in value.items()}
            found[name] = {key: _placed(text, blobs) for key, text in texts.items() if text is not None}
        else:
            found[name] = value
    return found


def _placed(text: str, blobs: Blobs) -> str | dict[str, str]:
    return text if len(text) <= INLINE_BYTES else {"blob": blobs.put(text.encode("utf-8", "replace"))}


def whole_details(details: Mapping[str, Any], blobs: Blobs) -> dict[str, Any]:
    """The details with what stands in blobs; a member whose blob was pruned is left out."""
    found: dict[str, Any] = {}
    for name, value in details.items():
        if name == "assignedVariables" and isinstance(value, Mapping):
            found[name] = whole_details(value, blobs)
        elif isinstance(value, Mapping) and value.keys() == {"blob"}:
            try:
                found[name] = blobs.get(str(value["blob"])).decode("utf-8", "replace")
            except NotFound:
                continue
        else:
            found[name] = value
    return found


_INSTANTS = ("started_at", "ended_at", "redriven_at")
_NO_VALUES = dict.fromkeys(TABLES["workflow_executions"])


def execution_kept(data: dict[str, Any]) -> WorkflowExecution:
    """The execution of a body in the state: what `from_json` gives, for a tenth of its time.

    Thousands may run, and each question reads them all.
    """
    for name in _INSTANTS:
        if data.get(name) is not None:
            data[name] = datetime.fromisoformat(data[name].removesuffix("Z"))
    data["status"], data["source"] = (
        WorkflowExecutionStatus(data["status"]),
        Source(data.get("source", "local")),
    )
    error, statistics = data.get("error"), data.get("statistics")
    data["error"] = None if error is None else WorkflowError(**error)
    data["statistics"] = WorkflowExecutionStatistics(**statistics or {})
    data["history"] = ()
    w = WorkflowExecution(**{name: value for name, value in data.items() if name in _FIELDS})
    return hiding(w, data["hidden"]) if data.get("hidden") else w


def name_of(w: WorkflowExecution) -> str:
    """What is kept of one that the history has whole: its name is taken, and lists tell of it."""
    kept = ("id", "workflow", "name", "started_at", "ended_at")
    of_some = ("qualifier", "alias", "redrive_count", "redriven_at")
    rest = {name: value for name in of_some if (value := getattr(w, name))}
    return text_of({"input": "", **{name: getattr(w, name) for name in kept}, **rest})


def body_of(w: WorkflowExecution, text: str, output: str | None, *, once: bool) -> str:
    """An execution as it is kept, with these as its payloads, and which values of secrets are to be hidden.

    Of one that has succeeded those in it; another goes on, and may be told more of them by its context.
    """
    data = {**vars(w), "input": text, "output": output or None, "history": ()}
    if w.hidden:
        del data["_hidden"]
        data.pop("_answer", None)
        over = w.status is WorkflowExecutionStatus.SUCCEEDED
        data["hidden"] = mask_of(w.hidden).found_in(f"{text} {output}") if over else w.hidden
    if once:
        data["once"] = True
    try:
        return orjson.dumps(data).decode()
    except TypeError:  # half a character, which only the other one can write
        return json.dumps(to_json(data), separators=(",", ":"))


def standing_of(row: Sequence[Any], blobs: Blobs) -> WorkflowExecution:
    """The execution of a row of the state (`STANDS`)."""
    body, status, current_state, input_blob, output_blob = row
    data = json.loads(body)  # which reads half characters as well
    data["status"], data["current_state"] = status, current_state
    for name, digest in (("input", input_blob), ("output", output_blob)):
        if digest is not None and blobs.has(digest):
            data[name] = blobs.get(digest).decode("utf-8", "surrogatepass")
    if status == "RUNNING":  # also one that had ended before, and goes on
        data["ended_at"] = data["error"] = data["output"] = None
    return execution_kept(data)


def execution_of_line(row: Mapping[str, Any], blobs: Blobs) -> WorkflowExecution:
    """The same of a line of the outbox, where what is absent has no value and instants are text."""
    whole: dict[str, Any] = {**_NO_VALUES, **row}
    for name in _INSTANTS:
        if whole[name] is not None:
            whole[name] = datetime.fromisoformat(whole[name])
    return execution_of(whole, blobs)


def execution_of(row: Mapping[str, Any], blobs: Blobs) -> WorkflowExecution:
    """The execution of a row of the history; what was pruned or not captured of its payloads is empty."""
    texts: dict[str, Any] = {}
    for name, absent in (("input", "{}"), ("output", None)):
        digest = row[f"{name}_blob"]
        texts[name] = row[name] if row[name] is not None else absent
        if digest is not None and blobs.has(digest):
            texts[name] = blobs.get(digest).decode("utf-8", "replace")
    failed = row["error"] is not None or row["cause"] is not None
    same: dict[str, Any] = {
        name: row[name] for name in _SAME if name not in ("status", "source", "type", "redrive_count")
    }
    return WorkflowExecution(
        **same,
        **texts,
        status=WorkflowExecutionStatus(row["status"]),
        source=Source(row["source"]),
        type=row["type"] or "STANDARD",
        redrive_count=row["redrive_count"] or 0,
        error=WorkflowError(error=row["error"], cause=row["cause"]) if failed else None,
        statistics=WorkflowExecutionStatistics(
            **{name: row[name] or 0 for name in _COUNTS[:-1]}, mean_state_duration_ms=row[_COUNTS[-1]]
        ),
    )
