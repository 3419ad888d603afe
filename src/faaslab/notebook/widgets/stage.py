"""A widget as it stands on the page, and what is left of it in a file that somebody opens later.

Two outputs: the widget, and below it the same as plain HTML. While the widget lives it hides the HTML; in a
saved or exported file, where no widget can live, the HTML is what one sees. So the HTML can be renewed at any
time, and the widget above it neither flickers nor loses the keyboard's focus.
Where nobody could click anything (papermill, a report) there is the HTML alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from IPython.display import display

from faaslab.notebook.display import View, nothing_view
from faaslab.notebook.widgets.bundle import close_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WIDGET = "application/vnd.jupyter.widget-view+json"


class Stage:
    """`still` makes what is kept; `changed(seen)` is called when the page begins or ceases to show it."""

    def __init__(self, still: Callable[[], View], changed: Callable[[bool], None]) -> None:
        self._still = still
        self._changed = changed
        self._name = f"faas-kept-{os.urandom(4).hex()}"
        self._root: Any = None
        self._above: Any = None
        self._below: Any = None
        self._kept = ""
        self._over = False
        self.was_seen = False
        """Whether a page has ever shown the widget."""

    def show(self, widget: Any = None) -> None:
        """Show it; without a widget, what is kept alone."""
        if widget is not None:
            import ipywidgets

            # A widget without its kernel (restarted, ended) answers nobody: what is kept is shown then.
            dead = f".{self._name}-live.jupyter-widgets-disconnected"
            hides = (
                f"<style>body:not(:has({dead})) :is(.jp-OutputArea-child:has(.{self._name}),.{self._name}),"
                f".jp-OutputArea-child:has({dead}),{dead}{{display:none!important}}</style>"
            )
            self._root = ipywidgets.VBox([ipywidgets.HTML(hides, layout={"display": "none"}), widget])
            self._root.add_class(f"{self._name}-live")
            self._root._view_count = 0  # noqa: SLF001 -- from then on ipywidgets counts where it is shown
            self._root.observe(self._views_changed, "_view_count")
            self._above = display(_Widget(self._root), display_id=True)
        self._below = display(self._now(), display_id=True)

    def _views_changed(self, change: Any) -> None:
        self.was_seen = self.was_seen or bool(change["new"])
        if bool(change["new"]) != bool(change["old"]):
            self._changed(bool(change["new"]))

    @property
    def seen(self) -> bool:
        """Whether a page shows the widget now."""
        return self._root is not None and bool(self._root._view_count)  # noqa: SLF001

    def keep(self) -> None:
        """Let a file that is saved from now on show how it stands now."""
        if self._below is None or self._over:
            return
        before, now = self._kept, self._now()
        if self._kept != before:
            self._below.update(now)

    def end(self) -> None:
        """Show what is kept in place of the widget, for good. Twice is fine."""
        if self._below is None or self._over:
            return
        self._over = True
        if self._root is not None:
            self._above.update(nothing_view())
            close_whole(self._root)
        still = self._still()
        self._below.update(still)

    def _now(self) -> View:
        view = self._still()
        self._kept = view.html
        if self._root is None:
            return view
        # An output whose widget is gone says so in words that help nobody; the text below says it better.
        gone = (
            f"<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .{self._name}) "
            ".jp-OutputArea-output.jupyter-widgets:not(:has(*)){display:none}</style>"
        )
        return View(f'<div class="{self._name}">{view.html}</div>{gone}', view.text, view.value)


class _Widget:
    """The widget, and nothing beside it: what is kept is an output of its own."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        shown = self._widget._repr_mimebundle_()
        bundle = shown[0] if isinstance(shown, tuple) else shown
        return {_WIDGET: bundle[_WIDGET], "text/plain": ""}
