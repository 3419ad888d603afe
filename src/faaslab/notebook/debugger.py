"""The debugger of a notebook: IPython's own, which asks below the cell; or JupyterLab's, when that is on.

Rule: what was raised is kept and not looked at; `%debug` does that in the next cell.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.debugger import set_trace

from faaslab.verbs import call_under

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class NotebookDebugger:
    """See `faaslab.backends.protocol.Debugger`."""

    def __init__(self, shell: Any, cells: Mapping[str, tuple[int, int]]) -> None:
        """`cells`: source of a function -> the number of the cell it was typed into, and the lines above."""
        self._shell = shell
        self._cells = cells
        self.raised: BaseException | None = None
        # In a kernel that JupyterLab's debugger is not on, `breakpoint()` does nothing at all.
        self.hook = None if is_visual() else _stop

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Stop at its first line; JupyterLab's debugger stops at the breakpoints that were set in it."""
        if is_visual():
            return function(*arguments)
        return call_under(self._shell.debugger_cls(), function, *arguments)

    def typed(self, source: str) -> tuple[str, int] | None:
        """For JupyterLab's debugger a cell is a file, named by its text; its breakpoints are set there."""
        number, above = self._cells.get(source, (0, 0))
        if not number or not is_visual():
            return None
        from ipykernel.compiler import get_file_name

        file: str = get_file_name(  # type: ignore[no-untyped-call]
            self._shell.history_manager.input_hist_raw[number]
        )
        return file, above

    def failed(self, error: BaseException) -> None:
        """Keep it."""
        self.raised = error


def _stop(*_: Any, **__: Any) -> None:
    set_trace(sys._getframe(1))  # noqa: SLF001 - the frame that says breakpoint()


def is_visual() -> bool:
    """Whether JupyterLab's debugger (the bug beside the kernel's name) is on."""
    debugpy = sys.modules.get("debugpy")
    return debugpy is not None and bool(debugpy.is_client_connected())


def asks(shell: Any) -> bool:
    """Whether a question would be answered: not in papermill, nbconvert, a report."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return sys.stdin is not None and sys.stdin.isatty()
    # What the front end said with the cell; input() goes by it.
    return bool(getattr(kernel, "_allow_stdin", False)) or is_visual()


def debugger_of(shell: Any, cells: Mapping[str, tuple[int, int]]) -> NotebookDebugger | None:
    """None where no question would be answered."""
    return NotebookDebugger(shell, cells) if asks(shell) else None
