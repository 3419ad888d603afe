"""A widget, and the same as plain HTML for whoever has no widgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.notebook.display import View


class Bundle:
    """One output: the widget where there are widgets, else the view."""

    def __init__(self, widget: Any, view: View) -> None:
        self.widget = widget
        self._view = view

    def _repr_mimebundle_(self, **_: Any) -> Mapping[str, Any]:
        shown = self.widget._repr_mimebundle_()
        bundle = shown[0] if isinstance(shown, tuple) else shown
        return {**bundle, **self._view._repr_mimebundle_()}
