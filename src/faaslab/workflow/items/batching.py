"""Items put together for children: at most so many, and at most so many bytes of input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import RUNTIME, StateFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_BYTES = 262_144


def batched(items: Sequence[Any], batcher: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The inputs of the batches: `{"BatchInput": …, "Items": […]}`, in the order of the items.

    `batcher` is the rendered ItemBatcher. `MaxInputBytesPerBatch` counts the whole input as JSON, its
    BatchInput too; an item that alone is larger is a batch by itself.

    Raises:
        StateFailure: `States.Runtime`: a limit is no whole number above 0.

    """
    most = _limit(batcher, "MaxItemsPerBatch")
    largest = min(_limit(batcher, "MaxInputBytesPerBatch") or MOST_BYTES, MOST_BYTES)
    start: dict[str, Any] = {"BatchInput": batcher["BatchInput"]} if "BatchInput" in batcher else {}
    empty = _bytes({**start, "Items": []})
    batches: list[dict[str, Any]] = []
    held: list[Any] = []
    size = empty
    for item in items:
        added = _bytes(item) + 1
        if held and ((most and len(held) >= most) or size + added - 1 > largest):
            batches.append({**start, "Items": held})
            held, size = [], empty
        held.append(item)
        size += added
    if held:
        batches.append({**start, "Items": held})
    return batches


def _limit(batcher: Mapping[str, Any], field: str) -> int | None:
    value = batcher.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value % 1 != 0 or value <= 0:
        raise StateFailure(RUNTIME, f"{field} must be a whole number greater than 0, but was {value!r}.")
    return int(value)


def _bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
