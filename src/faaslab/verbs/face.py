"""What a verb may ask of the face it was typed into: the shell, or a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from faaslab.backends.protocol import Debugger


class Progress(Protocol):
    """A bar that counts up to the total it was made with."""

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """`count` more are done; `note` is shown beside the bar (failures so far, say)."""

    def tell(self, text: str) -> None:
        """What somebody waits to hear, at once, without spoiling the bar."""


class Face(Protocol):
    """The small part of a face that verbs use. None of these may raise for want of a terminal."""

    def names(self, name: str) -> Any:
        """The caller's object of that name (`-p {name}`, `--capture`); `NotFound` when there is none."""

    def stdin(self, most: int) -> bytes:
        """Standard input, `most` bytes of it, for `-`; `Unsupported` where there is none (a notebook)."""

    def progress(self, total: int | None, label: str) -> AbstractContextManager[Progress]:
        """A progress bar, shown while the context lasts."""

    def debugger(self) -> Debugger | None:
        """What asks the user how to go on; None where nobody could answer (a pipe, papermill)."""

    def attended(self) -> bool:
        """Whether somebody may be there who does something beside (attaches a debugger)."""

    def confirm(self, question: str) -> bool | None:
        """Whether the user says yes; None where nobody could answer (a pipe, a script, papermill)."""

    @property
    def waits(self) -> bool:
        """Whether whoever starts a run waits for its end (a shell); a notebook shows it while it runs."""

    def note(self, text: str) -> None:
        """Say something beside the answer (standard error in a shell)."""

    def tell(self, text: str) -> None:
        """Say something beside the answer, at once: somebody has to do something before it can come."""

    def emit(self, text: str, *, end: str = "\n") -> None:
        """A line of an answer that comes in pieces (`logs --follow`), at once; `end` follows it."""

    def open(self, path: str) -> None:
        """Show a file to the user (`--open`): a browser, or a link."""

    def stay(self, ready: str) -> bool:
        """Say `ready` and wait until the user ends what runs, then True. A notebook goes on: False."""
