"""A notebook as a face: its variables, its outputs, its progress bar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError
from IPython.display import display

from faaslab.errors import NotFound, Unsupported
from faaslab.notebook.debugger import NotebookDebugger, asks, debugger_of
from faaslab.notebook.display import page_view
from faaslab.notebook.formatters import link
from faaslab.notebook.progress import ProgressBar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from faaslab.notebook.progress import Going
    from faaslab.verbs import Progress


class NotebookFace:
    """Notes are kept, to stand beside the answer."""

    def __init__(
        self, shell: Any, cells: Mapping[str, tuple[int, int]] | None = None, going: Going | None = None
    ) -> None:
        self._shell = shell
        self._going = going
        self._cells = cells or {}
        self.notes: list[str] = []
        self._debugger: NotebookDebugger | None = None

    def names(self, name: str) -> Any:
        """The notebook's object of that name."""
        namespace = self._shell.user_ns
        if name not in namespace:
            # IPython's own (In, exit, open) are nobody's variables.
            hidden = getattr(self._shell, "user_ns_hidden", {})
            known = [each for each in namespace if not each.startswith("_") and each not in hidden]
            raise NotFound("variable", name, known)
        return namespace[name]

    def stdin(self, most: int) -> bytes:  # noqa: ARG002
        """A notebook has none."""
        raise Unsupported(
            "a notebook has no standard input", place="-", hint="give JSON, {variable} or @file"
        )

    def progress(self, total: int | None, label: str) -> AbstractContextManager[Progress]:
        """An HTML bar that ends as a line."""
        return ProgressBar(total, label, live=hasattr(self._shell, "kernel"), going=self._going)

    def debugger(self) -> NotebookDebugger | None:
        """IPython's, where somebody sits before it."""
        self._debugger = debugger_of(self._shell, self._cells)
        return self._debugger

    def attended(self) -> bool:
        """Whether the front end answers questions, so that it is no papermill and no report."""
        return asks(self._shell)

    def confirm(self, question: str) -> bool | None:
        """A line to type into under the cell, where the front end has one."""
        if not asks(self._shell):
            return None
        try:
            return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
        except (EOFError, StdinNotImplementedError):
            return None

    @property
    def raised(self) -> BaseException | None:
        """What a function raised under the debugger."""
        return None if self._debugger is None else self._debugger.raised

    @property
    def waits(self) -> bool:
        """What runs is shown live, and can be awaited."""
        return False

    def note(self, text: str) -> None:
        """Kept until the answer is shown."""
        self.notes.append(text)

    def tell(self, text: str) -> None:
        """A line of output, at once."""
        self.emit(text)

    def emit(self, text: str, *, end: str = "\n") -> None:
        """A line of output, at once."""
        sys.stdout.write(f"{text}{end}")
        sys.stdout.flush()

    def stay(self, ready: str) -> bool:  # noqa: ARG002
        """A kernel has other things to do: it runs on beside them."""
        return False

    def open(self, path: str) -> None:
        """A link: what the browser can reach is the server's business."""
        display(page_view(path, link(path)))
