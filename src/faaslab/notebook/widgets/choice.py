"""A list to choose from whose entries come and go while somebody looks at it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Choice:
    """`chosen` is called with the value that a person chose, and not for what the program sets."""

    def __init__(self, label: str, chosen: Callable[[Any], None], *, tooltip: str) -> None:
        import ipywidgets

        self._chosen = chosen
        self._setting: int | None = None
        self._values: list[Any] = []
        self.widget: Any = ipywidgets.Dropdown(
            options=[],
            description=label,
            tooltip=tooltip,
        )
        self.widget.add_class("picked")
        # By its place: a value may be None, which the widget takes for none chosen.
        self.widget.observe(self._changed, "index")

    def show(self, options: Sequence[tuple[str, Any]], value: Any) -> None:
        """Offer these (label, value), with that value chosen; hidden where there is nothing to choose."""
        labels = tuple(label for label, _ in options)
        with self._by_program():
            self._values = [each for _, each in options]
            if self._labels() != labels:
                self.widget.options = [(label, place) for place, label in enumerate(labels)]
            place = self._values.index(value) if value in self._values else None
            if self.widget.index != place:
                self.widget.index = place
            shown = None if labels else "none"
            if self.widget.layout.display != shown:
                self.widget.layout.display = shown

    def _labels(self) -> tuple[str, ...]:
        return tuple(label for label, _ in self.widget.options)

    @property
    def options(self) -> list[tuple[str, Any]]:
        """What can be chosen."""
        return [*zip(self._labels(), self._values, strict=True)]

    @property
    def value(self) -> Any:
        """What is chosen; None where nothing is."""
        place = self.widget.index
        return None if place is None else self._values[place]

    def choose(self, value: Any) -> None:
        """As if a person chose it."""
        self.widget.index = self._values.index(value)

    @contextmanager
    def _by_program(self) -> Iterator[None]:
        self._setting = threading.get_ident()
        try:
            yield
        finally:
            self._setting = None

    def _changed(self, change: Any) -> None:
        place = change["new"]
        if self._setting != threading.get_ident() and place is not None and place < len(self._values):
            self._chosen(self._values[place])
