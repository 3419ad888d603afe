"""An execution of a workflow that is shown while it runs: one output, which at its end is what is kept.

Rule: while it runs the output is a widget (`ipywidgets.HTML`) with the same picture as plain HTML beside it,
for whoever has no widgets. At the end the output is replaced by the HTML alone, so that a saved notebook
shows how it ended and asks for nothing. It is looked at by the one thread of all that is live, and to its end
also where no page shows it: what is kept has to be the end.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

from IPython.display import display

from faaslab.errors import Closed, FaaslabError
from faaslab.notebook.display import View
from faaslab.notebook.widgets.bundle import Bundle, close_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.lab.workflow_pictures import Watched
    from faaslab.notebook.widgets.pulse import Pulse


class LiveRun:
    """`draw` makes the view of what is watched as it stands. `close` twice is fine; the run goes on."""

    period_s: ClassVar[float] = 0.25

    def __init__(self, watched: Watched, draw: Callable[[Watched], View]) -> None:
        self._watched = watched
        self._draw = draw
        self._view: View | None = None
        self._widget: Any = None
        self._handle: Any = None
        self._turn = threading.RLock()
        self._over = False

    def begin(self, pulse: Pulse) -> None:
        """Show it, and keep it up to date until it has ended."""
        import ipywidgets

        self._view = view = self._draw(self._watched)
        if self._watched.ended:
            self._over = True
            display(view)
            return
        self._widget = ipywidgets.HTML(view.html)
        self._handle = display(Bundle(self._widget, view), display_id=True)
        pulse.wake(self)

    @property
    def beats(self) -> bool:
        """Whether it goes on."""
        return self.going

    def beat(self) -> None:
        """Look, and show what came."""
        with self._turn:
            if not self.going:
                return
            try:
                self._watched.look()
                if self._watched.ended:
                    self._end()
                else:
                    self._show()
            except Closed:  # what is shown is how it stood
                self._end()
            except FaaslabError:
                return  # the next look may have more luck

    def _show(self) -> None:
        self._view = view = self._draw(self._watched)
        if self._widget.value != view.html:
            self._widget.value = view.html

    def settle(self) -> None:
        """Show at once that it has ended, if it has: a kernel that runs by itself ends with its last cell."""
        with self._turn, suppress(FaaslabError):
            if self.going:
                self._watched.look()
                if self._watched.ended:
                    self._end()

    def _end(self) -> None:
        self._over = True
        with suppress(FaaslabError):
            self._view = self._draw(self._watched)
        self._handle.update(self._view)
        close_whole(self._widget)

    @property
    def going(self) -> bool:
        """Whether it is being followed."""
        return self._widget is not None and not self._over

    def close(self) -> None:
        """Follow it no more."""
        with self._turn:
            if self.going:
                self._end()


class ShownView(View):
    """A view whose output stands above already: as the value of its own cell it is not shown once more."""

    def _ipython_display_(self) -> None:
        shown, self.__dict__["shown"] = self.__dict__.get("shown", False), True
        if shown:
            display(View(self.html, self.text, self.value))
