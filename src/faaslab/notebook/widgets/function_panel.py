"""The panel of a function: write a payload, run it, see what came back, and how the last runs fared.

Rule: a click does nothing that takes time. An invocation runs in the backend and calls back; the store is
asked by `look`, in the one thread of all that is live.
"""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.errors import Closed, FaaslabError, InvalidValue
from faaslab.lab.queued import Queued
from faaslab.model.execution import Execution
from faaslab.notebook.display import View
from faaslab.notebook.execution_view import execution_block
from faaslab.notebook.markup import Html, json_text
from faaslab.notebook.widgets import function_view as views
from faaslab.notebook.widgets.live import LiveWidget
from faaslab.notebook.widgets.panel_style import block, sheet
from faaslab.notebook.widgets.spark import sparklines
from faaslab.verbs import ExecutionAnswer
from faaslab.verbs.invoking import code_of
from faaslab.verbs.text import plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab
    from faaslab.lab.executions import RecordedPayload
    from faaslab.model.function import Function
    from faaslab.notebook.display import Surroundings
    from faaslab.verbs import PanelAnswer

RUNS = 50
_LONGEST = timedelta(minutes=20)
"""An invocation takes 15 minutes at most, and its init besides."""
_LATEST = "$LATEST"
_ENDS = "end it: it is recorded as failed, and billed for the time that it ran"
_LEAVES = "wait no more: it is among the runs when it has ended"


_RUNS_ON = "cannot be ended from here: it runs on, and is among the runs when it has ended"


@dataclass(kw_only=True, eq=False)
class Begun:
    """An invocation that is waited for. An `event` waits in the queue, under its `request_id`."""

    at_s: float
    event: bool
    request_id: str | None = None
    future: Future[Execution] | None = None
    """Once it was handed over."""
    ending: bool = False
    """Somebody has cancelled it."""


class FunctionPanel(LiveWidget):
    """`answer` says which function, and what the editor begins with."""

    period_s = 1.0

    def __init__(self, lab: Lab, around: Surroundings, answer: PanelAnswer) -> None:
        super().__init__(lab, around)
        self._answer = answer
        self._name = answer.name
        self._function: Function | None = None
        self._runs: tuple[Execution, ...] = ()
        self._recorded: tuple[RecordedPayload, ...] = ()
        self._result: Execution | None = None
        self._code: dict[str, Any] = {}
        self._mine: bool | None = None
        """Whether it was run here; None: it is just the last one, whoever ran it."""
        self._begun: Begun | None = None
        self._problem: str | None = None
        self._trouble: str | None = None
        self._left: tuple[str, str | None] | None = None
        """What is to be said of a run that is waited for no more, and its request where it is known."""
        self._made = False
        self._position: tuple[int, int] | None = None

    # -- the controls

    def widget(self) -> Any:
        """All of it: editor and deeds at the left, result at the right, pictures and runs below."""
        import ipywidgets

        from faaslab.notebook.widgets.payload_editor import PayloadEditor

        self.invoke = ipywidgets.Button(
            description="Invoke", button_style="primary", icon="play", tooltip="run it with this payload"
        )
        self.apart_from = ipywidgets.Checkbox(
            description="as an event (asynchronous)", indent=False, tooltip="queued, retried when it fails"
        )
        self.cancel = ipywidgets.Button(description="Cancel", icon="stop", tooltip=_ENDS)
        self.cancel.add_class("away")
        chosen = self._answer.qualifier or ""
        self.qualifier = ipywidgets.Dropdown(
            options=[(_LATEST, ""), *([(chosen, chosen)] if chosen else [])],
            value=chosen,
            description="version or alias",
        )
        self.head, self.result = ipywidgets.HTML(), ipywidgets.HTML()
        self.sparks, self.recent_head = ipywidgets.HTML(), ipywidgets.HTML()
        self.editor = PayloadEditor(
            text=self._answer.payload,
            schema=self._answer.schema,
            changed=self._edited,
            wanted=lambda execution_id: self.apart(self._open, execution_id, False),
            made=self.answer,
            beside=[self.qualifier],
        )
        self.rows = [
            ipywidgets.Button(tooltip="its result, and its payload in the editor")
            for _ in range(views.SHOWN_RUNS)
        ]
        for place, row in enumerate(self.rows):
            row.on_click(lambda _, place=place: self._picked(place))
        self.invoke.on_click(lambda _: self._invoked())
        self.cancel.on_click(lambda _: self._cancelled())
        self.apart_from.observe(lambda _: self._busy(), "value")
        deed = _classed(ipywidgets.Box([self.invoke, self.cancel, self.apart_from]), "controls", "deed")
        left = _classed(ipywidgets.VBox([self.editor.widget, deed]), "side")
        right = _classed(ipywidgets.VBox([self.result]), "side")
        sides = _classed(ipywidgets.Box([left, right]), "sides")
        recent = _classed(ipywidgets.VBox([self.recent_head, *self.rows]), "recent")
        self._made = True
        self._edited()
        whole = ipywidgets.VBox([self.head, sides, _classed(self.sparks, "under"), recent])
        return _classed(whole, "faas", "panel")

    def _edited(self) -> None:
        """The payload is another: it can be sent, or why not."""
        if not self._made:
            return
        wrong = self.editor.wrong
        self.invoke.disabled = wrong is not None or self._begun is not None or self._function is None
        does = "put it into the queue" if self.apart_from.value else "run it"
        self.invoke.tooltip = f"the payload is wrong: {wrong}" if wrong else f"{does} with this payload"

    def _invoked(self) -> None:
        asynchronous = bool(self.apart_from.value)
        try:
            body = self.editor.body(asynchronous=asynchronous)
        except InvalidValue as error:
            self._refuse(str(error))
            return
        self._problem = self._trouble = self._left = None
        self._begun = Begun(at_s=self.lab.clock.monotonic(), event=asynchronous)
        self._busy()
        self.apart(self._begin_run, self._begun, body, self.qualifier.value or None)

    def _cancelled(self) -> None:
        """End what runs. What waits in the queue is only waited for no more."""
        begun = self._begun
        if begun is None:
            return
        if begun.event:
            waits = "the event waits in the queue or runs, and is among the runs when it has ended"
            self._leave(waits, begun.request_id)
            return
        begun.ending = True
        self._busy()
        self.apart(self._end_run, begun)

    def _end_run(self, begun: Begun) -> None:
        future = begun.future
        # Without one it is being handed over: `_begin_run` sees then that it is to end.
        if future is not None and not future.cancel() and not future.done() and self._begun is begun:
            self._leave(f"what runs {_RUNS_ON}")

    def _leave(self, said: str, request_id: str | None = None) -> None:
        self._begun, self._left = None, (said, request_id)
        self._busy()

    def _begin_run(self, begun: Begun, body: bytes, qualifier: str | None) -> None:
        kind = {"invocation_type": "Event"} if begun.event else {}
        try:
            future = self.lab.functions.submit(self._name, body, qualifier=qualifier, **kind)
        except FaaslabError as error:
            self._refuse(str(error))
            return
        if isinstance(future, Queued):
            begun.request_id = future.request_id
        begun.future = future
        future.add_done_callback(lambda ended: self._ended(begun, ended))
        if begun.ending:
            self._end_run(begun)

    def _ended(self, begun: Begun, future: Future[Execution]) -> None:
        """Called by the backend's thread."""
        if not self.going or self._begun is not begun:
            return
        try:
            execution = future.result()
        except Closed:
            return
        except CancelledError:
            self._refuse("cancelled before it began: nothing ran, and nothing is recorded")
        except Exception as error:  # noqa: BLE001 -- whatever it was, the panel says it and goes on
            self._refuse(str(error))
        else:
            self._choose(execution, mine=True)
            self._begun = None
        self.look_now()

    def _picked(self, place: int) -> None:
        if place < len(self._runs):
            self.apart(self._open, self._runs[place].id, True)

    def _open(self, execution_id: str, look_at_it: bool) -> None:  # noqa: FBT001
        """A recorded execution: its payload into the editor, and, where asked, its result into its place."""
        execution = self.lab.executions.get(execution_id)
        body = execution.payload_body
        if body is not None:
            value = execution.payload
            text = body.decode("utf-8", "replace") if isinstance(value, bytes) else json_text(value)
            self.editor.load(text, said=views.hidden_parts(text))
        elif look_at_it:
            self.editor.load(self.editor.text, said="the payload of that run was not recorded")
        if look_at_it:
            self._problem = self._left = None
            self._choose(execution, mine=False)

    @property
    def _pinned(self) -> bool:
        """Whether what is shown was run or picked here, so that others' runs do not take its place."""
        return self._begun is not None or (self._result is not None and self._mine is not None)

    def _choose(self, execution: Execution, *, mine: bool | None) -> None:
        self._result, self._mine = execution, mine
        self._position = None  # it is to be drawn, and kept
        self._code = code_of(self.lab, execution)

    def _refuse(self, message: str) -> None:
        self._begun, self._problem = None, message
        self._busy()

    # -- what is shown

    def look(self) -> None:
        """Ask the store once something has changed there; what is the same is not drawn again."""
        position = self.lab.store.position()
        if position == self._position:
            self._busy()
            return
        self._function, _ = self.lab.functions.prepared(self._name)
        self._trouble = None
        runs = self._lately()
        another = _stamps(runs) != _stamps(self._runs)
        if another:
            self._runs = runs
            if self._left is not None and self._left[1] in {run.request_id for run in runs}:
                self._left = None
            self._recorded = (
                self.lab.executions.payloads(self._name, since=runs[-1].started_at) if runs else ()
            )
            if not self._pinned and runs:
                self._choose(self.lab.executions.get(runs[0].id), mine=None)
        if self._made:
            self._draw()
        self._position = position
        if self._stage.seen:
            self.keep()

    def _lately(self) -> tuple[Execution, ...]:
        """The last runs: those that are known, and what may have come to them."""
        if not self._runs:
            return self.lab.executions.lately(self._name, limit=RUNS)
        # A run is recorded when it has ended, and may have begun that long before.
        since = self._runs[0].started_at - _LONGEST
        found = {run.id: run for run in self._runs}
        found |= {run.id: run for run in self.lab.executions.lately(self._name, limit=RUNS, since=since)}
        newest = sorted(found.values(), key=lambda run: (run.started_at, run.id), reverse=True)
        return tuple(newest[:RUNS])

    def trouble(self, error: FaaslabError) -> None:
        """In the place of the result, until a look succeeds; a run is waited for all the same."""
        self._trouble = str(error)
        self._busy()

    def _draw(self) -> None:
        assert self._function is not None
        _say(self.head, Html(sheet() + block(views.head(self._function, self.around.notes))))
        _say(self.sparks, block(sparklines(self._runs)))
        self._draw_runs()
        now = self.lab.clock.now()
        self.editor.offer([(views.recorded_label(each, now), each.execution_id) for each in self._recorded])
        self._offer_qualifiers()
        self._busy()

    def _busy(self) -> None:
        """The button and the place of the result, as they are now."""
        if not self._made:
            return
        begun = self._begun
        self._edited()
        self._label(begun)
        if begun is not None:
            elapsed_s = self.lab.clock.monotonic() - begun.at_s
            waits = views.waiting(self._name, elapsed_s, queued=begun.request_id, ending=begun.ending)
            _say(self.result, block(waits))
        elif (problem := self._problem or self._trouble) is not None:
            _say(self.result, block(views.refused(problem)))
        else:
            _say(self.result, block(self._result_block()))

    def _label(self, begun: Begun | None) -> None:
        """What the two buttons do now."""
        event = self.apart_from.value if begun is None else begun.event
        if begun is None:
            word, icon = ("Queue", "inbox") if event else ("Invoke", "play")
        elif begun.ending:
            word, icon = "Ending …", "hourglass"
        else:
            word, icon = "Queued …" if event else "Running …", "hourglass"
        if self.invoke.description != word:
            self.invoke.description, self.invoke.icon = word, icon
        if begun is None:
            self.cancel.add_class("away")
            return
        ends = ("Leave it", "eye-slash", _LEAVES) if event else ("Cancel", "stop", _ENDS)
        if self.cancel.description != ends[0]:
            self.cancel.description, self.cancel.icon, self.cancel.tooltip = ends
        self.cancel.disabled = begun.ending
        self.cancel.remove_class("away")

    def _result_block(self) -> Html:
        execution, left = self._result, self._left
        if execution is None:
            return views.nothing_yet(self._name) if left is None else views.left(left[0])
        code = self._code.get("code")
        shown = execution_block(
            execution,
            cost=self.around.cost(execution),
            code=code,
            filename=self._code.get("filename"),
            cell=None if code is None else self.around.cell(code),
        )
        before = Html("") if left is None else views.left(left[0])
        return Html(before + views.caption(execution, mine=self._mine) + shown)

    def _draw_runs(self) -> None:
        chosen = None if self._result is None else self._result.id
        beginnings = {
            execution_id: " ".join(each.beginning.split())
            for each in self._recorded
            for execution_id in each.execution_ids
        }
        for place, row in enumerate(self.rows):
            run = self._runs[place] if place < len(self._runs) else None
            if (row.layout.display == "none") is not (run is None):
                row.layout.display = "none" if run is None else None
            if run is None:
                continue
            line = views.run_line(run, beginnings.get(run.id, ""))
            if row.description != line:
                row.description = line
            classes = {"run", views.hue_of(run), *(["chosen"] if run.id == chosen else [])}
            for name in {*row._dom_classes} - classes:  # noqa: SLF001 -- the one way to ask which there are
                row.remove_class(name)
            for name in classes - {*row._dom_classes}:  # noqa: SLF001
                row.add_class(name)
        _say(self.recent_head, block(views.recent_head(len(self._runs))))

    def _offer_qualifiers(self) -> None:
        versions = self.lab.versions
        options = [
            (_LATEST, ""),
            *((f"{each.name} → version {each.version}", each.name) for each in versions.aliases(self._name)),
            *((f"version {each.version}", each.version) for each in reversed(versions.list(self._name))),
        ]
        if [*self.qualifier.options] != options:
            chosen = self.qualifier.value
            self.qualifier.options = options
            self.qualifier.value = chosen if chosen in {each for _, each in options} else ""

    def still(self) -> View:
        """The last result, the pictures and the runs."""
        if self._function is None:
            message = self._trouble or f"{self._name} was not looked at"
            return View(f"{sheet()}{block(views.refused(message))}", message, self._name)
        whole = views.kept(
            views.head(self._function, self.around.notes),
            self._result_block(),
            None if self._result is None else self._result.payload,
            self._runs,
            self._problem or self._trouble,
        )
        said = f"panel of the function {self._name}"
        if self._result is not None:
            said = f"{said}\n{plain_text(ExecutionAnswer(execution=self._result, looked_at=True))}"
        return View(f"{sheet()}{whole}", said, self._name)


def _say(place: Any, shown: str) -> None:
    """Show something else, where it is something else."""
    if place.value != shown:
        place.value = shown


def _classed(widget: Any, *names: str) -> Any:
    for name in names:
        widget.add_class(name)
    return widget


def _stamps(runs: Sequence[Execution]) -> list[tuple[str, str]]:
    return [(run.id, str(run.status)) for run in runs]
