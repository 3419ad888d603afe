"""An execution of a workflow that is shown while it runs: one output, which at its end is what is kept.

Rule: while it runs the output is a widget (`ipywidgets.HTML`) with the same picture as plain HTML beside it,
for whoever has no widgets. At the end the output is replaced by the HTML alone, so that a saved notebook
shows how it ended and asks for nothing.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.display import display

from faaslab.clock import SYSTEM, Clock
from faaslab.errors import FaaslabError
from faaslab.notebook.display import View
from faaslab.notebook.widgets.bundle import Bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.lab.workflow_pictures import Watched

_EVERY_S = 0.25


class LiveRun:
    """`draw` makes the view of what is watched as it stands. `close` twice is fine; the run goes on."""

    def __init__(
        self,
        watched: Watched,
        draw: Callable[[Watched], View],
        *,
        clock: Clock = SYSTEM,
    ) -> None:
        self._watched = watched
        self._draw = draw
        self._clock = clock
        self._widget: Any = None
        self._handle: Any = None
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._shown_whole = False
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Show it, and keep it up to date until it has ended."""
        import ipywidgets

        view = self._draw(self._watched)
        if self._watched.ended:
            display(view)
            return
        self._widget = ipywidgets.HTML(view.html)
        self._handle = display(Bundle(self._widget, view), display_id=True)
        self._thread = threading.Thread(target=self._follow, name="faaslab-live-run", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            while not self._watched.ended and not self._clock.wait(self._over, _EVERY_S):
                with self._turn:
                    if self._watched.look() or not self._watched.ended:
                        self._widget.value = self._draw(self._watched).html
        except FaaslabError:
            pass  # the lab was closed: what is shown is how it stood
        with self._turn:
            self._end()

    def settle(self) -> None:
        """Show at once that it has ended, if it has: a kernel that runs by itself ends with its last cell."""
        with self._turn, suppress(FaaslabError):
            if self.going and not self._shown_whole:
                self._watched.look()
                if self._watched.ended:
                    self._end()

    def _end(self) -> None:
        if self._shown_whole:
            return
        self._shown_whole = True
        self._over.set()
        self._handle.update(self._draw(self._watched))
        self._widget.close()

    @property
    def going(self) -> bool:
        """Whether it is being followed."""
        return self._thread is not None and self._thread.is_alive()

    def close(self) -> None:
        """Follow it no more."""
        self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()


class ShownView(View):
    """A view whose output stands above already: as the value of its own cell it is not shown once more."""

    def _ipython_display_(self) -> None:
        shown, self.__dict__["shown"] = self.__dict__.get("shown", False), True
        if shown:
            display(View(self.html, self.text, self.value))
