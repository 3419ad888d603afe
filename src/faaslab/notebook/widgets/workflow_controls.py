"""The controls of a workflow's panel: buttons, lists and fields, and where they stand.

Rule: nothing is asked here. `show` brings all of it up to date and touches only what is another than before,
so that nothing flickers; what is clicked is told to whoever carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from faaslab.notebook.markup import Html, tag
from faaslab.notebook.panel_view import piece
from faaslab.notebook.style import CONTROLS, STYLE
from faaslab.notebook.widgets.choice import Choice
from faaslab.notebook.widgets.json_editor import JsonEditor, pretty
from faaslab.notebook.widgets.state_detail import Detail
from faaslab.notebook.widgets.state_graph import StateGraph
from faaslab.workflow.graph.drawing import Geometry

_STATE = 60


class Deeds(Protocol):
    """What the controls want done."""

    def start(self, text: str, name: str) -> None:
        """Start an execution."""

    def stop(self) -> None:
        """Stop it."""

    def redrive(self) -> None:
        """Have it go on."""

    def choose_run(self, identity: str | None) -> None:
        """Show that one."""

    def choose_state(self, name: str | None) -> None:
        """Look into a state."""

    def choose_visit(self, visit: Any) -> None:
        """One of its visits."""

    def choose_inside(self, inside: Any) -> None:
        """One of its iterations."""

    def show_whole(self, *, whole: bool) -> None:
        """What is long, to its end."""

    def unfold(self, part: str, *, open_now: bool) -> None:
        """A part below."""

    def look_now(self) -> None:
        """Look for what is new."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All that a panel shows. Options are (label, value); a part that is None is folded."""

    head: Html
    svg: str
    geometry: Geometry
    state: str | None
    detail: Detail
    whole: bool
    runs: tuple[tuple[str, Any], ...]
    run: str | None
    inputs: tuple[tuple[str, Any], ...]
    cannot_stop: str | None
    cannot_redrive: str | None
    trouble: Html | None
    timeline: Html | None
    events: Html | None


class Controls:
    """The widgets of one panel."""

    def __init__(self, deeds: Deeds, text: str, most_bytes: int) -> None:
        import ipywidgets as made

        self._deeds = deeds
        self._head = made.HTML()
        self._trouble = made.HTML()
        self._detail = made.HTML(layout={"width": "100%"})
        self._timeline = made.HTML()
        self._events = made.HTML()
        self._editor = JsonEditor(text, most_bytes=most_bytes, changed=self._typed)
        self._name = made.Text(
            placeholder="name of the execution (optional)",
            tooltip="name of the execution; without one it gets a random one",
            layout={"flex": "1 1 12rem", "width": "auto", "min_width": "9rem"},
        )
        self._inputs = Choice("", self._take_input, tooltip="inputs of past executions", width="14rem")
        self._start = self._button(
            "Start", "play", "start an execution with this input", self._begin, style="primary"
        )
        self._runs = Choice("execution", deeds.choose_run, tooltip="which execution is shown")
        self._runs.widget.layout.flex = "1 1 20rem"
        self._stop = self._button("Stop", "stop", "", deeds.stop)
        self._redrive = self._button("Redrive", "repeat", "", deeds.redrive)
        self._again = self._button("", "refresh", "look for new executions", deeds.look_now, width="2.4rem")
        self._graph = StateGraph(deeds.choose_state)
        self._states = Choice("state", deeds.choose_state, tooltip="which state is looked into")
        self._states.widget.layout.flex = "1 1 10rem"
        self._visits = Choice("visit", deeds.choose_visit, tooltip="which visit of the state", width="100%")
        self._insides = Choice(
            "iteration", deeds.choose_inside, tooltip="which iteration of the Map", width="100%"
        )
        self._whole = self._toggle("show all of it", "what is long is shown to its end", self._show_whole)
        self._timeline_open = self._toggle("Timeline", "show or hide the timeline", self._fold("timeline"))
        self._events_open = self._toggle("Event history", "show or hide the events", self._fold("events"))
        row = self._row
        beside = made.VBox(
            [
                row(self._states.widget, self._whole),
                self._visits.widget,
                self._insides.widget,
                self._detail,
            ],
            layout={"flex": "1 1 22rem", "min_width": "0", "width": "auto"},
        )
        graph = made.Box(
            [self._graph.widget], layout={"flex": "1.2 1 24rem", "min_width": "0", "width": "auto"}
        )
        split = made.Box([graph, beside], layout={"width": "100%"})
        split.add_class("faas-split")
        self.widget: Any = made.VBox(
            [
                made.HTML(f"<style>{STYLE}{CONTROLS}</style>", layout={"display": "none"}),
                self._head,
                self._editor.widget,
                row(self._start, self._name, self._inputs.widget),
                row(self._runs.widget, self._stop, self._redrive, self._again),
                self._trouble,
                split,
                row(self._timeline_open, self._events_open),
                self._timeline,
                self._events,
            ]
        )
        self.widget.add_class("faas-panel")

    # -- making

    def _button(
        self, word: str, icon: str, tooltip: str, deed: Any, *, style: str = "", width: str = "auto"
    ) -> Any:
        import ipywidgets

        made = ipywidgets.Button(
            description=word, icon=icon, tooltip=tooltip, button_style=style, layout={"width": width}
        )
        made.on_click(lambda _: deed())
        return made

    def _toggle(self, word: str, tooltip: str, deed: Any) -> Any:
        import ipywidgets

        made = ipywidgets.ToggleButton(
            value=False, description=word, tooltip=tooltip, layout={"width": "auto"}
        )
        made.observe(lambda change: deed(change["new"]), "value")
        return made

    @staticmethod
    def _row(*children: Any) -> Any:
        import ipywidgets

        made = ipywidgets.Box([*children], layout={"width": "100%"})
        made.add_class("faas-row")
        return made

    # -- what is clicked

    def _begin(self) -> None:
        name = self._name.value
        self._name.value = ""
        self._deeds.start(self._editor.text, name)

    def _take_input(self, text: str | None) -> None:
        if text is not None:
            self._editor.text = pretty(text)
            self._inputs.show(self._inputs.options, None)

    def _typed(self) -> None:
        self._start.disabled = self._editor.problem is not None

    def _show_whole(self, whole: bool) -> None:  # noqa: FBT001 -- as a widget tells it
        self._deeds.show_whole(whole=whole)

    def _fold(self, part: str) -> Any:
        return lambda now: self._deeds.unfold(part, open_now=now)

    # -- showing

    def say(self, trouble: Html | None) -> None:
        """What did not work; None where all did."""
        _set(self._trouble, piece(trouble) if trouble else "")

    def show(self, shown: Shown) -> None:
        """Bring all of it up to date."""
        _set(self._head, shown.head)
        self.say(shown.trouble)
        self._graph.show(shown.svg, shown.geometry)
        self._graph.mark(shown.state)
        names = dict.fromkeys(spot.name for spot in shown.geometry.spots)
        states = tuple((_label(name), name) for name in names)
        self._states.show((("the execution as a whole", None), *states), shown.state)
        self._visits.show(shown.detail.visits, shown.detail.visit)
        self._insides.show(shown.detail.insides, shown.detail.inside)
        _set(self._detail, piece(shown.detail.html))
        self._whole.layout.display = None if shown.detail.clipped or shown.whole else "none"
        self._runs.show(shown.runs, shown.run)
        self._inputs.show(shown.inputs, None)
        _able(self._stop, shown.cannot_stop, "stop this execution")
        _able(self._redrive, shown.cannot_redrive, "go on at the state that it failed in")
        _set(self._timeline, piece(tag("div", shown.timeline, class_="picture")) if shown.timeline else "")
        _set(self._events, piece(shown.events) if shown.events else "")


def _set(widget: Any, html: str) -> None:
    if widget.value != html:
        widget.value = html


def _able(button: Any, why_not: str | None, tooltip: str) -> None:
    if button.disabled != (why_not is not None):
        button.disabled = why_not is not None
    if button.tooltip != (why_not or tooltip):
        button.tooltip = why_not or tooltip


def _label(name: str) -> str:
    flat = " ".join("".join(c if c.isprintable() else "\ufffd" for c in name).split()) or "(no name)"
    return flat if len(flat) <= _STATE else f"{flat[: _STATE - 1]}…"
