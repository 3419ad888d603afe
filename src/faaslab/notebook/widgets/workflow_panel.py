"""The panel of a workflow: start it, watch it, look into its states, stop and redrive it.

Rule: it asks the store for what may have changed only: while the execution that is shown runs its events,
and the list of executions when somebody asks, starts one, or one has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from faaslab.errors import FaaslabError
from faaslab.lab.workflow_pictures import Watched, drawn_workflow, parsed
from faaslab.lab.workflow_states import States
from faaslab.notebook import panel_view
from faaslab.notebook.display import View
from faaslab.notebook.markup import Html, json_text, page
from faaslab.notebook.run_view import workflow_block
from faaslab.notebook.state_view import CLIPPED, WHOLE, events_block, untouched_block
from faaslab.notebook.widgets.live import LiveWidget
from faaslab.notebook.widgets.state_detail import Chosen, Detail, detail_of
from faaslab.verbs import WorkflowCard
from faaslab.verbs.workflow_text import headline, value_of
from faaslab.workflow.graph.outline import state_of

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.model.workflow import Workflow, WorkflowExecution
    from faaslab.notebook.display import Surroundings
    from faaslab.notebook.widgets.workflow_controls import Controls, Shown
    from faaslab.verbs import PanelAnswer
    from faaslab.workflow.graph.drawing import Geometry

_RUNS = 20
_LIST_S = 2.0
"""From one look at the list of executions to the next, while another one of them runs."""


class WorkflowPanel(LiveWidget):
    """Of the workflow that the answer names."""

    period_s: ClassVar[float] = 0.3

    def __init__(self, lab: Lab, around: Surroundings, answer: PanelAnswer) -> None:
        super().__init__(lab, around)
        self._answer = answer
        self._name = answer.name
        self._controls: Controls | None = None
        self._workflow: Workflow = lab.workflows.get(answer.name)
        self._targets: tuple[tuple[str, str], ...] = ()
        self._runs: tuple[WorkflowExecution, ...] = ()
        self._stale = True
        self._listed_at_s = 0.0
        self._wanted_run: str | None = None
        self._watched: Watched | None = None
        self._states: States | None = None
        self._picture: tuple[str, Geometry] = drawn_workflow(self._workflow)
        self._chosen = Chosen()
        self._detail: tuple[Any, Detail] | None = None
        self._redrivable: tuple[Any, str | None] = (None, None)
        self._trouble: FaaslabError | None = None
        self._unfolded: set[str] = set()
        self._drawn_of: Any = None
        self._kept: Any = None

    # -- what is shown

    def widget(self) -> Any:
        """The controls."""
        from faaslab.notebook.widgets.workflow_controls import Controls

        self._refresh()
        self._controls = Controls(self, self._answer, _pretty(self._runs[0].input) if self._runs else "{}")
        return self._controls.widget

    @property
    def restless(self) -> bool:
        """While the execution runs that is shown, or another one of those listed."""
        return self._goes_on or self._others_go_on

    @property
    def _goes_on(self) -> bool:
        return self._watched is not None and not self._watched.ended

    @property
    def _others_go_on(self) -> bool:
        shown = None if self._watched is None else self._watched.execution.id
        return any(each.ended_at is None and each.id != shown for each in self._runs)

    def look_now(self) -> None:
        """Look at once; the list of executions too."""
        self._stale = True
        super().look_now()

    def look(self) -> None:
        """Bring what is shown up to date."""
        asked = self._stale
        overdue = self.lab.clock.monotonic() - self._listed_at_s > _LIST_S
        if asked or (overdue and self._others_go_on):
            self._refresh()
        self._watch()
        watched = self._watched
        if watched is not None:
            was_going = self._goes_on
            if was_going or asked:  # it may have been redriven
                watched.look()
            if was_going and not self._goes_on:
                self._refresh()
            if self._has_moved(watched):
                self._picture = watched.drawn()
        shown = self._shown()
        if self._controls is not None:
            self._controls.show(shown)
        now = None if watched is None else (watched.execution.id, watched.ended, self._chosen)
        if now != self._kept and self._controls is not None:
            self._kept = now
            self.keep()

    def _refresh(self) -> None:
        """The workflow as it is defined now, and its last executions."""
        self._stale = False
        self._listed_at_s = self.lab.clock.monotonic()
        before = self._workflow
        self._workflow = self.lab.workflows.get(self._name)
        if self._watched is None and self._workflow.version != before.version:
            self._picture = drawn_workflow(self._workflow)
        self._runs = self.lab.workflows.executions(self._name, limit=_RUNS)
        versions = self.lab.workflows.versions
        self._targets = (
            ("the definition", ""),
            *((f"alias {each.name}", each.name) for each in versions.aliases(self._name)),
            *((f"version {each.version}", each.version) for each in versions.list(self._name)),
        )

    def _watch(self) -> None:
        """Watch what was chosen; at first the last execution there is."""
        wanted = self._wanted_run
        if wanted is None:
            if not self._runs:
                return
            wanted = self._wanted_run = self._runs[0].id
        if self._watched is not None and self._watched.execution.id == wanted:
            return
        watched = Watched(self.lab, self.lab.workflows.execution(wanted))
        watched.look()
        self._watched, self._states = watched, States(self.lab, watched)
        self._detail, self._drawn_of = None, None

    def _has_moved(self, watched: Watched) -> bool:
        """Whether something happened since the graph was drawn; a distributed Map does so unseen."""
        now = (watched.execution.id, len(watched.events), watched.execution.status)
        unseen = not watched.ended and any(event.type == "MapRunStarted" for event in watched.events)
        moved = now != self._drawn_of or unseen
        self._drawn_of = now
        return moved

    def _shown(self) -> Shown:
        from faaslab.notebook.widgets.workflow_controls import SHOWN_RUNS, Shown

        watched = self._watched
        execution = None if watched is None else watched.execution
        now = self.lab.clock.now()
        detail = self._looked_at()
        runs = [self._as_known(each) for each in self._runs]
        if execution is not None and all(each.id != execution.id for each in runs[:SHOWN_RUNS]):
            runs.insert(SHOWN_RUNS - 1, execution)
        return Shown(
            head=panel_view.head(self._workflow, self.around.notes),
            standing=panel_view.standing(execution, now, retries=0 if watched is None else watched.retries),
            svg=self._picture[0],
            geometry=self._picture[1],
            state=self._chosen.state,
            detail=detail,
            whole=self._chosen.whole,
            runs=tuple(runs),
            targets=self._targets,
            run=None if execution is None else execution.id,
            inputs=self._inputs(),
            cannot_stop=None if self._goes_on else "nothing runs that could be stopped",
            cannot_redrive=self._not_redrivable(),
            trouble=None if self._trouble is None else panel_view.trouble_block(self._trouble),
            timeline=self._timeline() if "timeline" in self._unfolded else None,
            events=events_block(watched.events)
            if watched is not None and "events" in self._unfolded
            else None,
        )

    def _as_known(self, listed: WorkflowExecution) -> WorkflowExecution:
        """What is watched is known better than the list has it."""
        watched = self._watched
        return watched.execution if watched is not None and watched.execution.id == listed.id else listed

    def _inputs(self) -> tuple[tuple[str, str], ...]:
        """Of each input the last execution that had it."""
        found: dict[str, WorkflowExecution] = {}
        for each in self._runs:
            found.setdefault(each.input, each)
        return tuple((panel_view.input_label(each), each.id) for each in found.values())

    def _not_redrivable(self) -> str | None:
        watched = self._watched
        if watched is None:
            return "nothing ran that could be redriven"
        key = (watched.execution.id, watched.execution.status, len(watched.events))
        if self._redrivable[0] != key:
            reason = self.lab.workflows.runs.not_redrivable(watched.execution)
            self._redrivable = (key, reason)
        return self._redrivable[1]

    def _looked_at(self) -> Detail:
        watched, states = self._watched, self._states
        if watched is None or states is None:
            if self._chosen.state is None:
                return Detail(html=panel_view.waiting_block())
            defined = state_of(parsed(self._workflow.definition), self._chosen.state)
            return Detail(html=untouched_block(self._chosen.state, defined, "no execution is looked at"))
        key = (watched.execution.id, watched.execution.status, len(watched.events), self._chosen)
        if self._detail is None or self._detail[0] != key:
            self._detail = (key, detail_of(states, self._chosen))
        return self._detail[1]

    def _timeline(self) -> Html | None:
        return None if self._watched is None else Html(self._watched.timeline().svg)

    # -- what is kept

    def still(self) -> View:
        """How it stands, with the graph, the state that is looked at, the timeline and the events."""
        watched = self._watched
        if watched is None:
            block = workflow_block(WorkflowCard(workflow=self._workflow, svg=self._picture[0], drawn=""))
            return View(page(block), f"workflow {self._name}", self._name)
        detail = None if self._detail is None else self._detail[1].html
        timeline = watched.timeline()
        block = panel_view.kept_block(
            watched.execution,
            self._picture[0],
            timeline.svg,
            watched.events,
            detail if self._chosen.state is not None else None,
            retries=watched.retries,
        )
        execution = watched.execution
        text = f"{execution.workflow}  {execution.name}  {headline(execution)}\n\n{timeline.text}"
        return View(page(block), text, self._name)

    def trouble(self, error: FaaslabError) -> None:
        """Said under the controls, until the next deed."""
        self._trouble = error
        if self._controls is not None:
            self._controls.say(panel_view.trouble_block(error))

    def _seen_changed(self, seen: bool) -> None:  # noqa: FBT001 -- as the stage tells it
        if seen:
            self._stale = self._wanted = True  # much may have happened while nobody saw it
        super()._seen_changed(seen)

    def settle(self) -> None:
        """After a cell: it may have started or changed something."""
        if self.going and self.seen:
            self.look_now()
        else:
            super().settle()

    # -- what is clicked

    def start(self, name: str, qualifier: str) -> None:
        """Start an execution with what stands in the editor, and show it."""
        self._trouble = None
        assert self._controls is not None
        try:
            body = self._controls.editor.body()
        except FaaslabError as error:
            self.trouble(error)
            return
        target = f"{self._name}:{qualifier}" if qualifier else self._name
        self.apart(self._start, target, body, name or None)

    def _start(self, target: str, body: bytes, name: str | None) -> None:
        self.choose_run(self.lab.workflows.start(target, body, name=name).id)

    def take_input(self, identity: str) -> None:
        """Put the input of that execution into the editor."""
        found = next((each for each in self._runs if each.id == identity), None)
        if found is not None and self._controls is not None:
            self._controls.editor.load(_pretty(found.input))

    def stop(self) -> None:
        """Stop what is shown."""
        self._trouble = None
        if self._watched is not None:
            self.apart(self.lab.workflows.stop, self._watched.execution.id)

    def redrive(self) -> None:
        """Have what is shown go on at the state that it failed in."""
        self._trouble = None
        if self._watched is not None:
            self.apart(self.lab.workflows.redrive, self._watched.execution.id)

    def choose_run(self, identity: str) -> None:
        """Show that execution."""
        self._trouble = None
        self._wanted_run = identity
        self._chosen = self._chosen.at(self._chosen.state)
        self.look_now()

    def choose_state(self, name: str | None) -> None:
        """Look into a state; None is the execution as a whole."""
        self._chosen = self._chosen.at(name)
        self.look_again()

    def choose_visit(self, visit: Any) -> None:
        """Of a state's visits that one."""
        self._chosen = self._chosen.of(visit=visit)
        self.look_again()

    def choose_inside(self, inside: Any) -> None:
        """Of a Map's iterations that one."""
        self._chosen = self._chosen.of(inside=inside)
        self.look_again()

    def show_whole(self, *, whole: bool) -> None:
        """Show what is long to its end, or clipped."""
        self._chosen = self._chosen.of(most=WHOLE if whole else CLIPPED)
        self.look_again()

    def unfold(self, part: str, *, open_now: bool) -> None:
        """Show the `timeline` or the `events`, or fold them."""
        (self._unfolded.add if open_now else self._unfolded.discard)(part)
        self.look_again()

    def look_again(self) -> None:
        """Show what is known already in another way."""
        super().look_now()


def _pretty(text: str) -> str:
    """An input indented for people."""
    return json_text(value_of(text))
