"""What a cell shows while a verb takes its time: how far it is, since when, and a button that ends it.

Rule: one output from its beginning to its end, and then it says how it ended. What is quick shows nothing on
the way. The button does what Ctrl-C does: it interrupts the kernel, as long as that verb runs.
Where nobody could click (papermill) there is the bar alone, and where outputs cannot be replaced (a terminal)
there is none.
"""

from __future__ import annotations

import contextvars
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

from IPython.display import display

from faaslab.clock import SYSTEM, Clock
from faaslab.notebook.display import View, nothing_view, progress_block
from faaslab.notebook.widgets.bundle import Bundle, close_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from faaslab.notebook.widgets.beside import Beside
    from faaslab.notebook.widgets.pulse import Pulse

_EVERY_S = 0.15
_AFTER_S = 0.7
_NO_BUTTON = "■ interrupts it"


class ProgressBar:
    """A context manager; `advance` may be called as often as one likes. `total` None is a count.

    Within `going` it is shown by that, with a button; else it shows itself, where it is `live`.
    """

    def __init__(
        self,
        total: int | None,
        label: str,
        *,
        live: bool = True,
        going: Going | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        self._total = total
        self._label = label
        self._live = live
        self._going = going
        self._clock = clock
        self._done = 0
        self._note: str | None = None
        self._begun = 0.0
        self._shown = 0.0
        self._handle: Any = None

    def __enter__(self) -> Self:
        self._begun = self._clock.monotonic()
        if self._going is not None:
            self._going.begin(self)
        return self

    def advance(self, count: int = 1, note: str | None = None) -> None:
        """`count` more are done (0: still at it), shown now and then. An empty note takes the last away."""
        self._done += count
        self._note = self._note if note is None else note
        if self._going is not None or not self._live:
            return
        now = self._clock.monotonic()
        if now - self._shown >= _EVERY_S:
            self._shown = now
            self._show("running")

    def tell(self, text: str) -> None:
        """At once: beside the bar where there is one, else a line of output."""
        if self._going is not None:
            self._note = text
            self._going.beat()
        elif self._live:
            self._note = text
            self._show("running")
        else:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def drawn(self, state: str = "running", hint: str | None = None) -> View:
        """The bar as it stands, with a hint beside what is noted."""
        elapsed_ms = (self._clock.monotonic() - self._begun) * 1_000
        note = " · ".join(each for each in (self._note, hint) if each) or None
        return progress_block(self._label, self._done, self._total, elapsed_ms, state=state, note=note)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = kind is None and (self._total is None or self._done >= self._total)
        state = "done" if whole else "stopped"
        if self._going is not None:
            self._going.end(self.drawn(state), always=whole and self._live)
        elif self._handle is not None or (self._live and whole):
            self._show(state)

    def _show(self, state: str) -> None:
        if self._handle is None:
            self._handle = display(self.drawn(state), display_id=True)
        else:
            self._handle.update(self.drawn(state))


class Going:
    """A verb that may take its time, as somebody sees it who sits before it. A context manager.

    `show` displays something and gives what replaces it; it is called from the pulse's thread, too.
    """

    period_s = 0.2

    def __init__(
        self,
        label: str,
        *,
        pulse: Pulse,
        beside: Beside,
        clock: Clock = SYSTEM,
        show: Callable[[Any], Any] | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        self._pulse = pulse
        self._beside = beside
        self._clock = clock
        self._show = show or (lambda shown: display(shown, display_id=True))
        self._interrupt = interrupt or (lambda: os.kill(os.getpid(), signal.SIGINT))
        self._turn = threading.RLock()
        self._running = False
        self._since = 0.0
        self._own = self._current = ProgressBar(None, label, clock=clock)
        self._strip: _Strip | None = None
        self._context = contextvars.copy_context()

    def __enter__(self) -> Self:
        self._running = True
        self._own.__enter__()
        self._since = self._clock.monotonic()
        self._pulse.wake(self)
        return self

    def __exit__(self, *_: object) -> None:
        with self._turn:
            self._running = False
            self._finish(nothing_view())

    # -- bars of the verb

    def begin(self, bar: ProgressBar) -> None:
        """From now on it is that bar which is shown."""
        with self._turn:
            self._current = bar

    def end(self, view: View, *, always: bool) -> None:
        """That bar ended so; it is shown when it was shown before, or `always`."""
        with self._turn:
            self._current, self._since = self._own, self._clock.monotonic()
            if not self._finish(view) and always:
                self._show(view)

    # -- called by `Pulse`

    @property
    def beats(self) -> bool:
        """Whether the verb still runs."""
        return self._running

    def beat(self) -> None:
        """Show how far it is, if it takes long enough for somebody to wonder."""
        with self._turn:
            if not self._running:
                return
            if self._strip is None:
                if self._clock.monotonic() - self._since < _AFTER_S:
                    return
                strip = _Strip(self.cancel)
                strip.answered = self._beside.answers(strip.root)
                shown = Bundle(strip.root, self._draw(strip))
                strip.handle = self._context.run(self._show, shown)
                self._strip = strip
            self._draw(self._strip)

    def _draw(self, strip: _Strip) -> View:
        hint = None if strip.answered else _NO_BUTTON
        view = self._current.drawn(hint=hint)
        strip.draw(view.html)
        return view

    def _finish(self, view: View) -> bool:
        strip, self._strip = self._strip, None
        if strip is None:
            return False
        strip.handle.update(view)
        close_whole(strip.root)
        return True

    def cancel(self) -> None:
        """Interrupt the verb, if it still runs. Some end first what is begun; a second time gives that up."""
        with self._turn:
            if self._running:
                if self._strip is not None:
                    self._strip.button.description = "Stop now"
                    self._strip.button.tooltip = "do not wait for what is begun, either"
                self._interrupt()


class _Strip:
    """The bar and its button."""

    def __init__(self, cancel: Callable[[], None]) -> None:
        import ipywidgets

        self._html = ipywidgets.HTML(layout={"flex": "1 1 16rem", "min_width": "0"})
        self.button = ipywidgets.Button(
            description="Cancel", tooltip="end it, as Ctrl-C would", layout={"width": "auto"}
        )
        self.button.on_click(lambda _: cancel())
        self.root = ipywidgets.HBox(
            [self._html, self.button],
            layout={"flex_flow": "row wrap", "align_items": "center", "max_width": "78rem"},
        )
        self.handle: Any = None
        self._answered = True

    @property
    def answered(self) -> bool:
        """Whether a click reaches us while the verb runs; without that there is no button."""
        return self._answered

    @answered.setter
    def answered(self, answered: bool) -> None:
        self._answered = answered
        if not answered:
            self.root.children = (self._html,)

    def draw(self, html: str) -> None:
        if self._html.value != html:
            self._html.value = html
