"""What an execution was told and what came of it, as rows; made before the transaction begins.

Rule: the history, and the execution as it is told of, never have the value of a secret. What an execution
needs to go on with has it, in the state alone, which is the user's alone, and in no blob: the steps until it
has succeeded (or can be redriven no more), its input, and what another execution waits for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from faaslab.model.masking import mask_of
from faaslab.model.workflow import WorkflowExecutionStatus, shown
from faaslab.store.sizes import INLINE_BYTES
from faaslab.store.workflow_record import body_of, execution_line, history_rows, name_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.model.workflow_steps import Change
    from faaslab.store.blobs import Blobs
    from faaslab.store.capture import Capture

SUCCEEDED = WorkflowExecutionStatus.SUCCEEDED


class Prepared(NamedTuple):
    """A change as rows."""

    change: Change
    body: str | None
    input_blob: str | None
    output_blob: str | None
    rows: list[tuple[str, str]]
    events: list[str]
    line: str | None
    steps: list[tuple[str, int, str, str | None, str | None, int, int]]


class Preparing:
    """Of one store."""

    def __init__(self, blobs: Blobs, capture: Callable[[], Capture]) -> None:
        self._blobs = blobs
        self._capture = capture

    def of(self, change: Change) -> Prepared:
        """The rows of a change."""
        w, capture = change.execution, self._capture()
        mask = mask_of(w.hidden) if w.hidden else None
        events = history_rows(w.id, change.events, capture, self._blobs, mask)
        rows = [("workflow", body) for body in events]
        ended, line = change.ended, None
        if ended:
            line = execution_line(shown(w), capture, self._blobs)
            if rows and len(rows[-1][1]) + len(line) < 1_000_000:
                rows[-1] = ("workflow", f"{rows[-1][1]}\n{line}")
            else:
                rows.append(("workflow", line))
        child = change.beginning.key is not None if change.beginning is not None else w.map_run is not None
        child = child or (mask is not None and w.parent is not None)
        body = input_blob = output_blob = None
        if change.beginning is not None or ended:
            # An input is wanted to go through it again; an output by the parent alone: the history has it.
            again = w.status is not SUCCEEDED
            text, input_blob = self._inline(w.input, here=mask is not None) if again else ("", None)
            output, output_blob = self._inline(w.output, here=mask is not None) if child else (None, None)
            once = change.beginning is not None and change.beginning.once
            if not (again or child):
                body = name_of(w)
            else:
                body = body_of(w if child else shown(w), text, output, once=once)
        steps = []
        if w.status is not SUCCEEDED and not is_passing(change):
            for step in change.steps:
                signal, blob = self._inline(step.signal, here=mask is not None)
                row = (w.id, step.number, step.at.isoformat(), signal or None, blob)
                steps.append((*row, step.last_event_id, step.check))
        return Prepared(change, body, input_blob, output_blob, rows, events, line, steps)

    def _inline(self, text: str | None, *, here: bool) -> tuple[str, str | None]:
        """(text, digest): the text is empty where a blob has it, as of a long one unless it stays `here`."""
        if text is None or here or len(text) <= INLINE_BYTES:
            return text or "", None
        return "", self._blobs.put(text.encode("utf-8", "surrogatepass"))


def is_passing(change: Change) -> bool:
    """Whether it begins and ends at once with no name to be kept, and nothing to go on with."""
    beginning = change.beginning
    return (
        change.ended
        and change.execution.type == "EXPRESS"
        and beginning is not None
        and beginning.key is None
    )
