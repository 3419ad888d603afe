"""The fields of a form as controls. Labels stand above them, groups are framed.

Rule: a choice is known by its place in the list, as `1` and `true` are the same to Python.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets

from faaslab.notebook.markup import json_text, tag
from faaslab.notebook.widgets.bundle import close_whole
from faaslab.notebook.widgets.form import ABSENT, Field, at, sendable, shown
from faaslab.notebook.widgets.panel_style import block

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_ROWS = 8


class FormFields:
    """`changed(field, entered)` is called for whatever a person enters, `made` for new controls."""

    def __init__(self, changed: Callable[[Field, Any], None], made: Callable[..., None]) -> None:
        self._changed = changed
        self._new = made
        self._fields: Sequence[Field] = ()
        self._controls: list[tuple[Field, Any]] = []
        self._filling = False
        self.widget = ipywidgets.VBox([])
        self.widget.add_class("fields")
        self.widget.add_class("whole")

    def show(self, fields: Sequence[Field], value: Any) -> None:
        """The fields with what stands in them; the same fields keep their controls."""
        if fields != self._fields:
            self._fields = fields
            before, self._controls = self.widget.children, []
            self.widget.children = [self._made(field) for field in fields]
            self._new(self.widget)
            for each in before:
                close_whole(each)
        with self._quietly():
            for field, control in self._controls:
                _fill(field, control, at(value, field.pointer))

    @property
    def controls(self) -> dict[str, Any]:
        """The control of each field, by its JSON pointer."""
        return {field.place: control for field, control in self._controls}

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._filling = True
        try:
            yield
        finally:
            self._filling = False

    def _made(self, field: Field) -> Any:
        if field.kind == "group":
            inner = ipywidgets.VBox([self._made(each) for each in field.fields])
            inner.add_class("fields")
            group = ipywidgets.VBox([ipywidgets.HTML(block(_named(field))), inner])
            group.add_class("group")
            return group
        control = _control(field)
        self._controls.append((field, control))
        control.observe(lambda change, field=field: self._entered(field, change["new"]), "value")
        return control

    def _entered(self, field: Field, value: Any) -> None:
        if self._filling:
            return
        if isinstance(value, int) and not isinstance(value, bool) and field.kind in ("truth", "choice"):
            value = _choices(field)[value][1]
        self._changed(field, value)


def _named(field: Field) -> Any:
    return tag("span", field.label, tag("span", f" {field.about}", class_="soft") if field.about else None)


def _control(field: Field) -> Any:
    named = " · ".join(
        part for part in (field.label, field.about, "" if field.required else "optional") if part
    )
    about = {"description": named, "tooltip": named}
    match field.kind:
        case "truth" if field.required:
            return ipywidgets.Checkbox(indent=False, **about)
        case "truth" | "choice":
            options = [(label, place) for place, (label, _) in enumerate(_choices(field))]
            return ipywidgets.Dropdown(options=options, **about)
        case "long" | "json":
            made = ipywidgets.Textarea(rows=2, placeholder="" if field.required else "not set", **about)
            made.add_class("long")
            return made
        case _:
            return ipywidgets.Text(placeholder="" if field.required else "not set", **about)


def _choices(field: Field) -> list[tuple[str, Any]]:
    """The label and the value of each choice."""
    known = (True, False) if field.kind == "truth" else field.choices
    none = [] if field.required and field.kind == "truth" else [("not set", ABSENT)]
    return [*none, *((sendable(each if isinstance(each, str) else json_text(each)), each) for each in known)]


def _fill(field: Field, control: Any, value: Any) -> None:
    now = shown(field, value)
    if field.kind in ("truth", "choice") and not isinstance(control, ipywidgets.Checkbox):
        values = [each for _, each in _choices(field)]
        now = next(
            (place for place, each in enumerate(values) if type(each) is type(value) and each == value), 0
        )
    elif field.kind == "truth":
        now = now is True
    elif field.kind in ("long", "json"):
        control.rows = min(max(now.count("\n") + 1, 1 + len(now) // 60), _ROWS)
    if control.value != now:
        control.value = now
