"""How what fails looks: a line or two that are recorded as a cell's error, never a stack of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError, InvocationFailed
from faaslab.notebook.execution_view import in_the_cell, place
from faaslab.verbs.reasons import reason, remedy

if TYPE_CHECKING:
    from faaslab.model.execution import Execution

_MESSAGE = 300


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, in a line: what a verb says of it, or that what had ended is recorded."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else "stopped; what had ended is recorded"

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


def invocation_failed(
    execution: Execution, filename: str | None, cell: tuple[int, int] | None
) -> InvocationFailed:
    """What a failed invocation is raised as: what it failed with, and where in the user's code."""
    error = execution.error
    said = f"{execution.function} {_WORDS.get(str(execution.status), 'failed')}"
    if error is not None:
        where = place(error, filename, cell)
        kind = f"{error.type}: " if error.type else ""
        why = reason(execution)
        message = error.message if len(error.message) <= _MESSAGE else f"{error.message[:_MESSAGE]}…"
        if cell is not None and filename is not None:
            message = in_the_cell(message, filename.rsplit("/", 1)[-1], cell)
        said += f": {kind}{' '.join(message.split())}"
        said += f" ({where})" if where and f"({where})" not in message else f" ({why})" if why else ""
    return InvocationFailed(said, execution=execution, hint=remedy(execution))


_WORDS = {"timeout": "timed out", "throttled": "was throttled"}


def unexpected(error: Exception) -> FaaslabError:
    """A fault of ours."""
    said = str(error).strip().splitlines()
    return FaaslabError(
        f"{type(error).__name__}: {said[0] if said else ''}",
        hint="this should not happen; set FAASLAB_DEBUG=1 in the environment for the whole trace",
    )
