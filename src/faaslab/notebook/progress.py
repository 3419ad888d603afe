"""A progress bar that is one output from its beginning to its end, and then says how it ended.

Where outputs cannot be replaced (a terminal) there is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from IPython.display import display

from faaslab.clock import SYSTEM, Clock
from faaslab.notebook.display import progress_block

if TYPE_CHECKING:
    from types import TracebackType

_EVERY_S = 0.15


class ProgressBar:
    """A context manager; `advance` may be called as often as one likes. `total` None is a count."""

    def __init__(self, total: int | None, label: str, *, live: bool = True, clock: Clock = SYSTEM) -> None:
        self._total = total
        self._label = label
        self._live = live
        self._clock = clock
        self._done = 0
        self._note: str | None = None
        self._begun = 0.0
        self._shown = 0.0
        self._handle: Any = None

    def __enter__(self) -> Self:
        self._begun = self._clock.monotonic()
        return self

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """`count` more are done (0: still at it), shown now and then. An empty note takes the last away."""
        self._done += count
        self._note = self._note if note is None else note
        now = self._clock.monotonic()
        if self._live and now - self._shown >= _EVERY_S:
            self._shown = now
            self._show("running")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = kind is None and (self._total is None or self._done >= self._total)
        if self._handle is not None or (self._live and whole):
            self._show("done" if whole else "stopped")

    def _show(self, state: str) -> None:
        elapsed_ms = (self._clock.monotonic() - self._begun) * 1_000
        shown = progress_block(self._label, self._done, self._total, elapsed_ms, state=state, note=self._note)
        if self._handle is None:
            self._handle = display(shown, display_id=True)
        else:
            self._handle.update(shown)
