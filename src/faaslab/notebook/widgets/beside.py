"""Clicks that are answered while a cell runs.

A kernel answers one message after the other, so that a click would wait for the end of the cell. ipykernel
has subshells for what should not wait (JEP 91; a thread each, from 7.0 on), and sends what comes from a
widget to the one that the widget's comm names (from 7.4 on). So: one subshell of ours, and widgets that name
it. Rule: what is clicked is then called in that subshell's thread, beside whatever the cell does.
Where a kernel has none of that, clicks are answered after the cell, and `answers` says so.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

_PATIENCE_S = 2.0


class Beside:
    """The subshell of one kernel, begun with the first use. `close` twice is fine."""

    def __init__(self, shell: Any) -> None:
        self._kernel = getattr(shell, "kernel", None)
        self._guard = threading.Lock()
        self._subshell: str | None = None
        self._cannot = False

    def answers(self, *widgets: Any) -> bool:
        """Have clicks on these, and on all that is in them, answered at once; False where that cannot be."""
        subshell = self._begun()
        if subshell is None:
            return False
        seen: set[int] = set()
        todo = list(widgets)
        while todo:
            widget = todo.pop()
            if id(widget) in seen:
                continue
            seen.add(id(widget))
            todo += getattr(widget, "children", ())
            comm: Any = getattr(widget, "comm", None)
            if not hasattr(comm, "_reply_subshell_for"):
                return False
            comm._reply_subshell_for = self._route  # noqa: SLF001 -- ipykernel asks the comm
        return True

    def _route(self, data: Any, default: str | None) -> str | None:  # noqa: ARG002
        return self._subshell or default

    def _begun(self) -> str | None:
        with self._guard:
            if self._subshell is None and not self._cannot:
                try:
                    self._subshell = self._ask("_create_subshell")
                except Exception:  # noqa: BLE001 -- another ipykernel than those we know: it works without
                    self._cannot = True
            return self._subshell

    def _ask(self, deed: str, *arguments: Any) -> Any:
        """Have the subshell manager do it, in its own thread."""
        if self._kernel is None or not getattr(self._kernel, "_supports_kernel_subshells", False):
            raise RuntimeError("no subshells here")
        thread = self._kernel.shell_channel_thread
        answer: Future[Any] = Future()

        def do() -> None:
            try:
                answer.set_result(getattr(thread.manager, deed)(*arguments))
            except Exception as error:  # noqa: BLE001 -- it is raised where it was asked for
                answer.set_exception(error)

        thread.io_loop.add_callback(do)
        return answer.result(_PATIENCE_S)

    def close(self) -> None:
        """End the subshell; what named it is answered as any other widget."""
        with self._guard:
            subshell, self._subshell = self._subshell, None
        if subshell is not None and threading.current_thread().name != f"subshell-{subshell}":
            with suppress(Exception):
                self._ask("_delete_subshell", subshell)
