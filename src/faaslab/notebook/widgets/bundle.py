"""A widget, and the same as plain HTML for whoever has no widgets; and the end of all that is in one."""

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


def close_whole(widget: Any) -> None:
    """Close it and all that is in it: each layout and style is a widget of its own, whose comm would stay."""
    todo: list[Any] = [widget]
    parts: list[Any] = []
    while todo:
        each = todo.pop()
        if each is None or any(each is part for part in parts):
            continue
        parts.append(each)
        todo += [*getattr(each, "children", ()), getattr(each, "layout", None), getattr(each, "style", None)]
    for part in parts:
        part.close()
