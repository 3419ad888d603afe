"""What a map gives back: every execution that ended, and the same as rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue
from faaslab.model.execution import CANCELLED, Execution

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("input", "status", "ms", "billed", "cold", "memory", "result", "error", "id")
_OBJECTS = frozenset({"input", "cold", "result", "error"})  # None stays None


def was_cancelled(execution: Execution) -> bool:
    """Whether somebody ended it before it had an answer."""
    return execution.error is not None and execution.error.type == CANCELLED


@dataclass(frozen=True, kw_only=True, repr=False)
class MapResult:
    """A map over `total` inputs; `executions` are those that ended, in the order of their inputs.

    `inputs` are the values of `executions`, place by place. `interrupted` tells that not all were run to
    their end; those that were ended before it are among `executions`, as cancelled.
    """

    function: str
    batch_id: str
    total: int
    executions: tuple[Execution, ...]
    inputs: tuple[Any, ...]
    interrupted: bool = False
    again: Callable[[MapResult, bool], MapResult] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return (
            f"<MapResult of {self.function}: {len(self.executions)} of {self.total} ran, "
            f"{self.failed} failed, batch {self.batch_id}>"
        )

    @property
    def failed(self) -> int:
        """How many of them failed."""
        return sum(not execution.ok for execution in self.executions)

    @property
    def cancelled(self) -> int:
        """How many of them were ended before they had an answer; they count as failed."""
        return sum(map(was_cancelled, self.executions))

    @cached_property
    def df(self) -> pd.DataFrame:
        """A row an execution: input, status, ms, billed (ms), cold, memory (MB), result, error, id.

        Its `attrs` hold the function and the batch, so that `retry` finds them again.
        """
        import pandas as pd

        rows = [
            (
                value,
                str(execution.status),
                execution.duration_ms,
                execution.billed_ms,
                execution.cold_start,
                execution.max_memory_mb,
                execution.result if execution.ok else None,
                None if execution.error is None else f"{execution.error.type}: {execution.error.message}",
                execution.id,
            )
            for value, execution in zip(self.inputs, self.executions, strict=True)
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        df = pd.DataFrame(
            {
                name: pd.Series(values, dtype=object if name in _OBJECTS else None)
                for name, values in zip(COLUMNS, columns, strict=True)
            }
        )
        df.attrs["faaslab"] = {"function": self.function, "batch_id": self.batch_id}
        return df

    def retry(self, *, failed: bool = True) -> MapResult:
        """Run the failed ones again (or all of them), with the function as it is now."""
        assert self.again is not None
        return self.again(self, failed)


def to_run_again(mapped: MapResult | pd.DataFrame, *, failed: bool) -> tuple[str, list[Any]]:
    """The function of a map, and the inputs of its failed rows (or of all).

    `mapped` is what it answered, or rows of that. Raises InvalidValue for any other DataFrame.
    """
    rows = mapped.df if isinstance(mapped, MapResult) else mapped
    attrs = getattr(rows, "attrs", {}).get("faaslab")
    if attrs is None or not {"input", "status"} <= {*rows.columns}:
        raise InvalidValue(
            "this is not the DataFrame of a map", place="map", hint="give what map answered, or its batch"
        )
    if failed:
        rows = rows[rows["status"] != "completed"]
    return attrs["function"], rows["input"].tolist()
