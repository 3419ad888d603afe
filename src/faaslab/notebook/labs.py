"""The labs of one shell: one for each store, opened when something first needs it.

A lab that the user opened over the same store is used, and left open. `close` twice is fine; what is still
open when the process ends is closed by `faaslab.app`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab import app
from faaslab.notebook.widgets.beside import Beside
from faaslab.notebook.widgets.pulse import Pulse

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.notebook.live_run import LiveRun
    from faaslab.notebook.widgets.live import LiveWidget


class Labs:
    """`flags` are the settings that were given with `%config`."""

    def __init__(self, shell: Any = None) -> None:
        self.beside = Beside(shell)
        self.flags: dict[str, Any] = {}
        self._opened: list[Lab] = []
        self._current: tuple[dict[str, Any], Lab] | None = None
        self._live: list[LiveRun] = []
        self._widgets: list[LiveWidget] = []
        self.pulse = Pulse()
        self._looks = Pulse()
        """That of panels and dashboards: what they ask may take long, and no bar is to wait for it."""

    def follow(self, live: LiveRun) -> None:
        """Show a run as it goes on, until it ends or the labs are closed."""
        self._live = [each for each in self._live if each.going]
        self._live.append(live)
        live.begin(self.pulse)

    def show(self, live: LiveWidget, *, attended: bool) -> None:
        """Show something live, until its output is cleared or the labs are closed."""
        # What was cleared goes when the next comes: until then somebody may bring it back. What has not been
        # seen yet stays: a page that runs all cells draws them later.
        for each in [each for each in self._widgets if each.gone]:
            each.close()
            self._widgets.remove(each)
        self._widgets.append(live)
        live.begin(self._looks, self.beside if attended else None)

    def settle(self, *_: Any) -> None:
        """After a cell: show the end of what has ended, where no page does so by itself."""
        for run in self._live:
            run.settle()
        for widget in self._widgets:
            widget.settle()

    def get(self) -> Lab:
        """The lab over the store as it is set now, opened if need be."""
        present = self.peek()
        if present is not None:
            return present
        flags = dict(self.flags)
        lab = app.opened(self._store())
        if lab is None:
            lab = app.open(**flags)
            self._opened.append(lab)
        self._current = (flags, lab)
        return lab

    def peek(self) -> Lab | None:
        """The lab that `get` would give, if it is open already."""
        if self._current is None:
            return None
        flags, lab = self._current
        return None if lab.closed or flags != self.flags else lab

    def known(self) -> Lab | None:
        """As `get`, but only where a store exists: looking for names makes no files."""
        present = self.peek()
        if present is not None:
            return present
        path = self._store()
        return self.get() if path.exists() or app.opened(path) is not None else None

    def _store(self) -> Any:
        return app.read_settings(dict(self.flags), root=app.project_root())["store"].value

    def close(self) -> None:
        """Close the labs that were opened here."""
        self._current = None
        while self._live:
            self._live.pop().close()
        self.pulse.close()
        self._looks.close()
        self.pulse, self._looks = Pulse(), Pulse()
        while self._widgets:
            self._widgets.pop().close()
        self.beside.close()
        while self._opened:
            self._opened.pop().close()
