"""The life of something live: shown, asked now and then while a page shows it, kept, ended.

Rule: it costs nothing while nobody sees it (its output was cleared, its notebook closed), and goes on when
somebody does again.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from faaslab.errors import Closed, FaaslabError
from faaslab.notebook.failures import unexpected
from faaslab.notebook.widgets.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.lab import Lab
    from faaslab.notebook.display import Surroundings, View
    from faaslab.notebook.widgets.beside import Beside
    from faaslab.notebook.widgets.pulse import Pulse


class LiveWidget(ABC):
    """What a panel, the dashboard and live logs have in common. `close` twice is fine.

    `widget` is made once. `look` asks the store and brings the widget up to date; it runs in one thread at a
    time, never in two. `still` is the same as HTML, as it stands; it may ask nobody who might be slow.
    Whatever a button does that takes longer than a moment goes through `apart`.
    """

    period_s: ClassVar[float] = 1.0
    """Seconds from one look to the next; 0.0: it only looks when `look_now` is called."""

    def __init__(self, lab: Lab, around: Surroundings) -> None:
        self.lab = lab
        self.around = around
        self._stage = Stage(self.still, self._seen_changed)
        self._pulse: Pulse | None = None
        self._beside: Beside | None = None
        self._turn = threading.RLock()
        self._over = False
        self._wanted = False
        self._apart: set[threading.Thread] = set()

    @abstractmethod
    def widget(self) -> Any:
        """The ipywidgets widget, made here."""

    @abstractmethod
    def look(self) -> None:
        """Ask, and show what came. What it raises ends nothing: the next look may have more luck."""

    @abstractmethod
    def still(self) -> View:
        """All that is worth keeping of it, without a control."""

    @abstractmethod
    def trouble(self, error: FaaslabError) -> None:
        """Show, in a place meant for it, that a look or a deed failed."""

    # -- called by `Labs`

    def begin(self, pulse: Pulse, beside: Beside | None = None) -> None:
        """Show it, answered `beside` the cells. Without that nobody can click: HTML alone is shown."""
        self._pulse = pulse
        self._beside = beside
        if beside is not None:
            made = self.widget()
            self.beat()
            self._stage.show(None if self._over else made)
            self.answer(made)
        else:
            self.beat()
            self._stage.show()

    def settle(self) -> None:
        """After a cell: where no page shows it (papermill), what is kept is brought up to date."""
        if self.going and not self._stage.seen:
            self.beat()
            self._stage.keep()

    def close(self) -> None:
        """End it: what is kept stands in its place."""
        with self._turn:
            if self._over:
                return
            self._over = True
        for thread in tuple(self._apart):
            if thread is not threading.current_thread():
                thread.join()
        self._stage.end()

    @property
    def going(self) -> bool:
        """Whether it has been shown and not been ended."""
        return self._pulse is not None and not self._over

    @property
    def seen(self) -> bool:
        """Whether a page shows it."""
        return self._stage.seen

    @property
    def gone(self) -> bool:
        """Whether a page showed it, and none does any more."""
        return self._stage.was_seen and not self._stage.seen

    # -- for subclasses

    def keep(self) -> None:
        """Something worth keeping happened: a file saved from now on has it."""
        self._stage.keep()

    def answer(self, *widgets: Any) -> None:
        """Answer clicks on these, made after `widget`, while a cell runs, too (where the kernel can)."""
        if self._beside is not None:
            self._beside.answers(*widgets)

    def look_now(self) -> None:
        """Look at once, in the other thread."""
        if self._pulse is not None:
            self._wanted = True
            self._pulse.wake(self)

    def apart(self, deed: Any, *arguments: Any) -> None:
        """Do something that takes its time in a thread of its own; then look."""

        def do() -> None:
            try:
                if not self._tried(lambda: deed(*arguments)):
                    self.close()
            finally:
                self._apart.discard(threading.current_thread())
                self.look_now()

        thread = threading.Thread(target=do, name="faaslab-panel", daemon=True)
        self._apart.add(thread)
        thread.start()

    @property
    def restless(self) -> bool:
        """Whether what it shows changes by itself now; else it looks only when `look_now` is called."""
        return self.period_s > 0

    # -- called by `Pulse`

    @property
    def beats(self) -> bool:
        """Whether somebody sees it while it changes, or it was asked to look."""
        return not self._over and (self._wanted or (self.restless and self._stage.seen))

    def beat(self) -> None:
        """Look, once. When the Lab was closed meanwhile, what is kept stands in its place from now on."""
        with self._turn:
            if self._over:
                return
            self._wanted = False
            going = self._tried(self.look)
        if not going:
            self.close()

    def _tried(self, deed: Callable[[], Any]) -> bool:
        """Whether the Lab is still open. A fault of ours is shown as other trouble is, and nothing stops."""
        try:
            deed()
        except Closed:
            return False
        except FaaslabError as error:
            self.trouble(error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the page and its other widgets go on
            if os.environ.get("FAASLAB_DEBUG"):
                about = (type(error), error, error.__traceback__, threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(about))
            self.trouble(unexpected(error))
        return True

    def _seen_changed(self, seen: bool) -> None:  # noqa: FBT001
        if seen and self._pulse is not None and not self._over:
            self._pulse.wake(self)
