"""A state graph whose states can be clicked: the picture, and over each state a button that one sees through.

Rule: the picture is set anew only when it is another one, and the buttons stay where they are while the
states do, so that nothing flickers and the keyboard's focus is not lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.workflow.graph.drawing import Geometry, Spot

MOST_BUTTONS = 200
"""So many states can be clicked; a page becomes slow with more. A list has all of them."""


def placed(spot: Spot, geometry: Geometry) -> dict[str, str]:
    """Where a button lies over the picture, in per cent of it, as CSS has it."""
    return {
        "left": _percent(spot.x, geometry.width),
        "top": _percent(spot.y, geometry.height),
        "width": _percent(spot.width, geometry.width),
        "height": _percent(spot.height, geometry.height),
    }


def _percent(length: float, whole: float) -> str:
    return f"{100 * length / whole:.3f}%"


class StateGraph:
    """The picture and its buttons.

    `chosen` is called with the name of the state that was clicked, `made` with new buttons.
    """

    def __init__(self, chosen: Callable[[str], None], made: Callable[..., None]) -> None:
        import ipywidgets

        self._chosen = chosen
        self._new = made
        self._geometry: Geometry | None = None
        self._buttons: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        self._marked: str | None = None
        self._picture: Any = ipywidgets.HTML()
        self._style: Any = ipywidgets.ButtonStyle()
        self._sheet: Any = ipywidgets.Box([self._picture])
        self._sheet.add_class("faas-graph")
        self.widget: Any = ipywidgets.Box([self._sheet], layout={"width": "100%"})
        self.widget.add_class("faas-scroll")

    def show(self, svg: str, geometry: Geometry) -> None:
        """Show a picture with its states there."""
        if self._picture.value != svg:
            self._picture.value = svg
        if geometry == self._geometry:
            return
        before, self._geometry = self._geometry, geometry
        layout = self._sheet.layout
        layout.width = f"{geometry.width:g}px"
        layout.min_width = f"{geometry.narrowest:g}px"
        layout.max_width = "100%"
        spots = geometry.spots[:MOST_BUTTONS]
        if before is None or [_who(spot) for spot in before.spots[:MOST_BUTTONS]] != [*map(_who, spots)]:
            self._make(spots)
        for spot in spots:
            self._place(spot, geometry)

    def _make(self, spots: tuple[Spot, ...]) -> None:
        import ipywidgets

        old = [*self._buttons.values()]
        self._buttons, self._names = {}, {}
        for spot in spots:
            button = ipywidgets.Button(tooltip=spot.name, style=self._style)
            button.add_class("faas-state")
            button.on_click(lambda _, name=spot.name: self._chosen(name))
            self._buttons[spot.key] = button
            self._names[spot.key] = spot.name
        self._sheet.children = (self._picture, *self._buttons.values())
        self._new(*self._buttons.values())
        for button in old:
            button.layout.close()
            button.close()
        marked, self._marked = self._marked, None
        self.mark(marked)

    def _place(self, spot: Spot, geometry: Geometry) -> None:
        layout = self._buttons[spot.key].layout
        with layout.hold_sync():
            for side, where in placed(spot, geometry).items():
                if getattr(layout, side) != where:
                    setattr(layout, side, where)

    def mark(self, name: str | None) -> None:
        """Show which state is chosen."""
        if name == self._marked:
            return
        self._marked = name
        for key, button in self._buttons.items():
            if self._names[key] == name:
                button.add_class("faas-chosen")
            else:
                button.remove_class("faas-chosen")

    def button(self, name: str) -> Any:
        """The button of the first state of that name; KeyError for none."""
        return next(self._buttons[key] for key, each in self._names.items() if each == name)


def _who(spot: Spot) -> tuple[str, str]:
    return spot.key, spot.name
