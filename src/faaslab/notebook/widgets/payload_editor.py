"""A payload to be written: as JSON that is checked while one types, or in a form; both are the same value.

Rule: what is typed is never taken away. While it is wrong it says where, and only what needs it waits.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import ipywidgets

from faaslab.errors import FaaslabError, InvalidValue
from faaslab.lab.payloads import encode
from faaslab.lab.sample_events import sample_events
from faaslab.notebook.markup import json_text
from faaslab.notebook.widgets import function_view as views
from faaslab.notebook.widgets.double_keys import double_key
from faaslab.notebook.widgets.form import MOST_FIELDS, Field, count, entered, fields_of, first, put, sendable
from faaslab.notebook.widgets.form_fields import FormFields
from faaslab.notebook.widgets.panel_style import block
from faaslab.notebook.widgets.schema import Resolver
from faaslab.notebook.widgets.schema_check import misfit
from faaslab.verbs.payload import read_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PLACE = re.compile(r"line (\d+) column (\d+)")
_ROWS = 10
_CHOOSE = "choose …"


class PayloadEditor:
    """`widget` is the whole of it.

    `changed()` is called when the payload is another, or is right or wrong now; `wanted(execution id)` when a
    recorded payload was chosen, which `load` is to answer; `made(widget)` when there are new controls.
    """

    def __init__(
        self,
        *,
        text: str | None = None,
        schema: Mapping[str, Any] | None = None,
        changed: Callable[[], None],
        wanted: Callable[[str], None],
        made: Callable[..., None],
        beside: Sequence[Any] = (),
    ) -> None:
        """`text` is what it begins with; `beside` are controls that stand beside the choices."""
        self._schema = schema
        self._changed = changed
        self._wanted = wanted
        self._loading = False
        self._mistakes: dict[str, str] = {}
        self._said: str | None = None
        self.value: Any = {}
        self.wrong: str | None = None
        self._where: tuple[int, int] | None = None
        self.area = ipywidgets.Textarea(rows=_ROWS, tooltip="the payload, as JSON")
        self.sample = ipywidgets.Dropdown(
            options=[(_CHOOSE, ""), *((each.title, each.name) for each in sample_events())],
            value="",
            description="sample",
            tooltip="an event as a trigger delivers it",
        )
        self.recorded = ipywidgets.Dropdown(
            options=[(_CHOOSE, "")],
            value="",
            description="recorded",
            tooltip="what it was given before, the last first",
        )
        self.way = ipywidgets.ToggleButtons(
            options=["JSON", "form"], tooltips=["write it as JSON", "fill in its fields"]
        )
        self.tidy = ipywidgets.Button(description="tidy", tooltip="indent the JSON")
        self.tidy.add_class("tidy")
        self.form = FormFields(self._entered, made)
        self.form.widget.add_class("away")
        self.verdict = ipywidgets.HTML()
        picks = ipywidgets.Box([self.sample, self.recorded, *beside])
        picks.add_class("picks")
        ways = ipywidgets.Box([self.way, self.tidy])
        ways.add_class("controls")
        self.widget = ipywidgets.VBox([picks, ways, self.area, self.form.widget, self.verdict])
        self.widget.add_class("editor")
        self.area.observe(lambda _: self._typed(), "value")
        self.sample.observe(lambda change: self._sampled(change["new"]), "value")
        self.recorded.observe(lambda change: self._chosen(change["new"]), "value")
        self.way.observe(lambda _: self._turned(), "value")
        self.tidy.on_click(lambda _: self._tidied())
        self.load(self._beginning(text))
        if schema is not None:
            self.way.value = "form"

    def _beginning(self, text: str | None) -> str:
        if text is not None:
            try:
                return json_text(read_json(text, "payload"))
            except FaaslabError:
                return text
        return "{}" if self._schema is None else json_text(Resolver(self._schema).example(self._schema))

    # -- for whoever has one

    @property
    def text(self) -> str:
        """The JSON as it stands, right or wrong."""
        written: str = self.area.value
        return written

    def body(self, *, asynchronous: bool = False) -> bytes:
        """The payload to send; `InvalidValue` for one that is wrong, or too large to be sent that way."""
        if self.wrong is not None:
            raise InvalidValue(self.wrong, place="payload")
        return encode(self.value, asynchronous=asynchronous)

    def load(self, text: str, *, said: str | None = None) -> None:
        """Put another payload in its place; `said` is what is to be known of it, until it is changed."""
        self._loading = True
        try:
            self.area.value = sendable(text)
        finally:
            self._loading = False
        self._read(said)

    def offer(self, recorded: Sequence[tuple[str, str]]) -> None:
        """The recorded payloads to choose from: a label and an execution's id each."""
        options = ((_CHOOSE, ""), *recorded)
        if self.recorded.options == options:
            return
        chosen = self.recorded.value
        self._loading = True
        try:
            self.recorded.options = options
            self.recorded.value = chosen if chosen in {each for _, each in options} else ""
        finally:
            self._loading = False

    # -- what a person does

    def _typed(self) -> None:
        if not self._loading:
            self._nothing_chosen()
            self._read()

    def _nothing_chosen(self) -> None:
        """What is there now is no sample any more."""
        self._loading = True
        try:
            self.sample.value = self.recorded.value = ""
        finally:
            self._loading = False

    def _sampled(self, name: str) -> None:
        if self._loading or not name:
            return
        sample = next(each for each in sample_events() if each.name == name)
        self._loading = True
        self.recorded.value = ""
        self._loading = False
        self.load(json_text(sample.event))

    def _chosen(self, execution_id: str) -> None:
        if self._loading or not execution_id:
            return
        self._loading = True
        self.sample.value = ""
        self._loading = False
        self._wanted(execution_id)

    def _tidied(self) -> None:
        if self.wrong is None:
            self.load(json_text(self.value), said=self._said)

    def _turned(self) -> None:
        in_form = self.way.value == "form"
        for each, away in ((self.area, in_form), (self.tidy, in_form), (self.form.widget, not in_form)):
            (each.add_class if away else each.remove_class)("away")
        if in_form:
            self._show_form()
        self._tell()

    def _entered(self, field: Field, text: Any) -> None:
        """Something was entered in the form: it goes into the JSON, or its mistake is told."""
        try:
            value = put(self.value, field.pointer, entered(field, text))
            json_now = sendable(json_text(value))
        except InvalidValue as error:
            self._mistakes[field.place] = str(error)
        else:
            self._mistakes.pop(field.place, None)
            self.value = value
            self._nothing_chosen()
            self._loading = True
            try:
                self.area.value = json_now
            finally:
                self._loading = False
        self.wrong, self._where, self._said = next(iter(self._mistakes.values()), None), None, None
        self._tell()

    # -- what follows from it

    def _read(self, said: str | None = None) -> None:
        self._mistakes.clear()
        self._said, self._where, self.wrong = said, None, None
        text = self.text
        try:
            self.value = read_json(text, "payload") if text.strip() else {}
            encode(self.value)
            twice = double_key(text) if text.strip() else None
            if twice is not None:
                double = f"the key {json_text(twice)} stands twice: the last one counts"
                self._said = double if said is None else f"{said}; {double}"
        except InvalidValue as error:
            self.wrong = error.message
            found = _PLACE.search(error.message)
            self._where = (int(found[1]), int(found[2])) if found else None
        if self.way.value == "form":
            self._show_form()
        self._tell()

    def _show_form(self) -> None:
        if self.wrong is None or self._mistakes:
            self.form.show(first(self._fields()), self.value)

    def _fields(self) -> tuple[Field, ...]:
        return fields_of(self.value, self._schema)

    def _tell(self) -> None:
        unfit = self._said
        if self.wrong is None and unfit is None:
            unfit = None if self._schema is None else misfit(self._schema, self.value)
        if self.wrong is None and unfit is None and self.way.value == "form":
            more = count(self._fields()) - MOST_FIELDS
            unfit = f"{more} more fields in the JSON" if more > 0 else None
        shown = block(views.verdict(self.wrong, self.text, self._where, unfit))
        if self.verdict.value != shown:
            self.verdict.value = shown
        (self.widget.add_class if self.wrong else self.widget.remove_class)("wrong")
        self.tidy.disabled = self.wrong is not None
        self._changed()
