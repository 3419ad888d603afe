"""The controls of a workflow's panel: buttons, lists and fields, and where they stand.

Rule: nothing is asked here. `show` brings all of it up to date and touches only what is another than before,
so that nothing flickers; what is clicked is told to whoever carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import ipywidgets

from faaslab.model.workflow import WorkflowExecution
from faaslab.notebook import panel_view
from faaslab.notebook.markup import Html, tag
from faaslab.notebook.run_view import HUES
from faaslab.notebook.widgets.choice import Choice
from faaslab.notebook.widgets.panel_style import block
from faaslab.notebook.widgets.payload_editor import PayloadEditor
from faaslab.notebook.widgets.state_detail import Detail
from faaslab.notebook.widgets.state_graph import StateGraph
from faaslab.notebook.widgets.workflow_style import sheet
from faaslab.workflow.graph.drawing import Geometry

if TYPE_CHECKING:
    from faaslab.verbs import PanelAnswer

SHOWN_RUNS = 8
_STATE = 60
_ROWS = 7
_BROAD = 470.0
"""A graph that cannot be made narrower (in pixels) has what was clicked below it, not beside it."""


class Deeds(Protocol):
    """What the controls want done."""

    def start(self, name: str, qualifier: str) -> None:
        """Start an execution with what stands in the editor."""

    def stop(self) -> None:
        """Stop it."""

    def redrive(self) -> None:
        """Have it go on."""

    def choose_run(self, identity: str) -> None:
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

    def take_input(self, identity: str) -> None:
        """Put the input of that execution into the editor."""

    def look_now(self) -> None:
        """Look for what is new."""

    def answer(self, *widgets: Any) -> None:
        """New controls are there."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """All that a panel shows. Options are (label, value); a part that is None is folded."""

    head: Html
    standing: Html
    svg: str
    geometry: Geometry
    state: str | None
    detail: Detail
    whole: bool
    runs: tuple[WorkflowExecution, ...]
    run: str | None
    targets: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...]
    cannot_stop: str | None
    cannot_redrive: str | None
    trouble: Html | None
    timeline: Html | None
    events: Html | None


class Controls:
    """The widgets of one panel."""

    def __init__(self, deeds: Deeds, answer: PanelAnswer, text: str) -> None:
        """`text` is what the editor begins with, where the answer says nothing."""
        self._deeds = deeds
        self._shown_runs: tuple[WorkflowExecution, ...] = ()
        self._whole_made = False
        chosen = answer.qualifier or ""
        self.head, self.standing, self.said = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.detail, self.timeline, self.events = ipywidgets.HTML(), ipywidgets.HTML(), ipywidgets.HTML()
        self.recent_head = ipywidgets.HTML()
        self.target = Choice("version or alias", lambda _: None, tooltip="what is started")
        self.target.widget.remove_class("picked")
        self.target.show([("the definition", ""), *([(chosen, chosen)] if chosen else [])], chosen)
        self.start = _button("Start", "start an execution with this input", "play", style="primary")
        self.start.on_click(lambda _: self._begin())
        self.name = ipywidgets.Text(
            placeholder="name of the execution (optional)",
            tooltip="name of the execution; without one it gets a random one",
        )
        self.editor = PayloadEditor(
            text=answer.payload if answer.payload is not None or answer.schema is not None else text,
            schema=answer.schema,
            changed=self._edited,
            wanted=deeds.take_input,
            made=deeds.answer,
            beside=[self.target.widget],
        )
        self.editor.area.rows = _ROWS
        self.rows = [_button("", "look at this execution") for _ in range(SHOWN_RUNS)]
        for place, row in enumerate(self.rows):
            row.on_click(lambda _, place=place: self._picked(place))
        self.stop = _button("Stop", "", "stop")
        self.stop.on_click(lambda _: deeds.stop())
        self.redrive = _button("Redrive", "", "repeat")
        self.redrive.on_click(lambda _: deeds.redrive())
        self.again = _button("Refresh", "look for executions that others started", "refresh")
        self.again.on_click(lambda _: deeds.look_now())
        self.graph = StateGraph(deeds.choose_state, deeds.answer)
        self.states = Choice("state", deeds.choose_state, tooltip="which state is looked into")
        self.visits = Choice("visit", deeds.choose_visit, tooltip="which visit of the state")
        self.insides = Choice("iteration", deeds.choose_inside, tooltip="which iteration of the Map")
        self.whole = _toggle("show all of it", "what is long is shown to its end")
        self.whole.observe(lambda change: deeds.show_whole(whole=change["new"]), "value")
        self.timeline_open = _toggle("Timeline", "show or hide the timeline")
        self.timeline_open.observe(lambda change: deeds.unfold("timeline", open_now=change["new"]), "value")
        self.events_open = _toggle("Event history", "show or hide the events")
        self.events_open.observe(lambda change: deeds.unfold("events", open_now=change["new"]), "value")
        self.widget: Any = self._laid_out()
        self._whole_made = True
        self._edited()

    def _laid_out(self) -> Any:
        """Editor and executions, how the chosen one stands, its graph and what was clicked in it."""
        deed = _classed(ipywidgets.Box([self.start, self.name]), "controls", "deed")
        left = _classed(ipywidgets.VBox([self.editor.widget, deed, self.said]), "side")
        recent = _classed(ipywidgets.VBox([self.recent_head, *self.rows]), "recent")
        whose = _classed(ipywidgets.Box([self.stop, self.redrive, self.again]), "controls", "small", "deeds")
        right = _classed(ipywidgets.VBox([recent, whose]), "side", "runs")
        above = _classed(ipywidgets.Box([left, right]), "sides")
        pick = _classed(ipywidgets.Box([self.states.widget, self.whole]), "controls", "small")
        lists = [pick, self.visits.widget, self.insides.widget]
        beside = _classed(ipywidgets.VBox([*lists, self.detail]), "side", "bench", "beside")
        graph = _classed(ipywidgets.VBox([self.graph.widget]), "side")
        self.below = below = _classed(ipywidgets.Box([graph, beside]), "sides")
        folds = _classed(ipywidgets.Box([self.timeline_open, self.events_open]), "controls", "small")
        low = _classed(ipywidgets.VBox([folds, self.timeline, self.events]), "low")
        style = ipywidgets.HTML(sheet(), layout={"display": "none"})
        standing = _classed(self.standing, "whose")
        return _classed(ipywidgets.VBox([style, self.head, above, standing, below, low]), "faas", "panel")

    # -- what is clicked

    def _begin(self) -> None:
        name, self.name.value = self.name.value.strip(), ""
        self._deeds.start(name, self.target.value or "")

    def _edited(self) -> None:
        if not self._whole_made:
            return
        wrong = self.editor.wrong
        self.start.disabled = wrong is not None
        self.start.tooltip = f"the input is wrong: {wrong}" if wrong else "start an execution with this input"

    def _picked(self, place: int) -> None:
        if place < len(self._shown_runs):
            self._deeds.choose_run(self._shown_runs[place].id)

    # -- showing

    def say(self, trouble: Html | None) -> None:
        """What did not work; None where all did."""
        _set(self.said, block(trouble) if trouble else "")

    def show(self, shown: Shown) -> None:
        """Bring all of it up to date."""
        _set(self.head, block(shown.head))
        _set(self.standing, block(shown.standing))
        self.say(shown.trouble)
        self.graph.show(shown.svg, shown.geometry)
        self.graph.mark(shown.state)
        broad = shown.geometry.narrowest > _BROAD
        (self.below.add_class if broad else self.below.remove_class)("broad")
        names = dict.fromkeys(spot.name for spot in shown.geometry.spots)
        states = tuple((_label(name), name) for name in names)
        self.states.show((("the execution as a whole", None), *states), shown.state)
        self.visits.show(shown.detail.visits, shown.detail.visit)
        self.insides.show(shown.detail.insides, shown.detail.inside)
        _set(self.detail, block(shown.detail.html))
        _hide(self.whole, away=not (shown.detail.clipped or shown.whole))
        self._show_runs(shown.runs, shown.run)
        self.target.show(shown.targets, self.target.value)
        self.editor.offer(shown.inputs)
        _able(self.stop, shown.cannot_stop, "stop this execution")
        _able(self.redrive, shown.cannot_redrive, "go on at the state that it failed in")
        _set(self.timeline, block(tag("div", shown.timeline, class_="picture")) if shown.timeline else "")
        _set(self.events, block(shown.events) if shown.events else "")

    def _show_runs(self, runs: tuple[WorkflowExecution, ...], chosen: str | None) -> None:
        self._shown_runs = runs[:SHOWN_RUNS]
        for place, row in enumerate(self.rows):
            run = self._shown_runs[place] if place < len(self._shown_runs) else None
            _hide(row, away=run is None)
            if run is None:
                continue
            line = panel_view.run_line(run)
            if row.description != line:
                row.description = line
            classes = {"run", HUES.get(str(run.status), "mute"), *(["chosen"] if run.id == chosen else [])}
            for name in {*row._dom_classes} - classes:  # noqa: SLF001 -- the one way to ask which there are
                row.remove_class(name)
            for name in classes - {*row._dom_classes}:  # noqa: SLF001
                row.add_class(name)
        _set(self.recent_head, block(panel_view.runs_head(len(runs), SHOWN_RUNS)))


def _button(word: str, tooltip: str, icon: str = "", *, style: str = "") -> Any:
    return ipywidgets.Button(description=word, icon=icon, tooltip=tooltip, button_style=style)


def _toggle(word: str, tooltip: str) -> Any:
    return ipywidgets.ToggleButton(value=False, description=word, tooltip=tooltip)


def _classed(widget: Any, *names: str) -> Any:
    for name in names:
        widget.add_class(name)
    return widget


def _set(widget: Any, html: str) -> None:
    if widget.value != html:
        widget.value = html


def _hide(widget: Any, *, away: bool) -> None:
    display = "none" if away else None
    if widget.layout.display != display:
        widget.layout.display = display


def _able(button: Any, why_not: str | None, tooltip: str) -> None:
    if button.disabled != (why_not is not None):
        button.disabled = why_not is not None
    if button.tooltip != (why_not or tooltip):
        button.tooltip = why_not or tooltip


def _label(name: str) -> str:
    flat = " ".join("".join(c if c.isprintable() else "\ufffd" for c in name).split()) or "(no name)"
    return flat if len(flat) <= _STATE else f"{flat[: _STATE - 1]}…"
