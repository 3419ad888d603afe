"""The panel of a workflow without a browser: what is clicked is done, and what is shown is what the store has."""

import json
import threading

import pytest

from faaslab import app
from faaslab.errors import NotFound
from faaslab.notebook.display import Surroundings
from faaslab.notebook.widgets import opened
from faaslab.notebook.widgets.workflow_panel import WorkflowPanel
from faaslab.verbs import PanelAnswer
from faaslab.workflow.build import Choice, Map, Parallel, Pass, Succeed, Task, Wait, catch, retry, when
from tests.notebook import hostile

SCORE = """def handler(event, context):
    print("scoring", event["n"])
    if event["n"] < 0:
        raise ValueError("negative")
    return {"score": event["n"] * 2}
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("panel")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache", keep_alive=60) as lab:
        lab.functions.create("score", SCORE)
        score = Task(
            "Score",
            "score",
            arguments={"n": "{% $states.input %}"},
            retry=[retry("ValueError", max_attempts=1, interval_seconds=1)],
        )
        flow = Map("Score all", score, items="{% $states.input.ns %}") >> Succeed("Done")
        lab.workflows.create("rate", flow.definition())
        yield lab


class Panel(WorkflowPanel):
    """Looks in the test's thread, and does what is clicked in it as well."""

    def apart(self, deed, *arguments):
        try:
            deed(*arguments)
        except Exception as error:
            self.trouble(error)
        self.look_now()

    def look_now(self):
        self._stale = True
        self.look()

    def look_again(self):
        self.look()


def panel(lab, name="rate", **options):
    made = Panel(lab, Surroundings(), name, **options)
    made.widget()
    made.look()
    return made, made._controls


def ended(made):
    pause = threading.Event()
    while made.restless:
        made.look()
        pause.wait(0.02)


def detail(controls):
    return hostile.read(f"<style></style>{controls._detail.value}").text


def start(lab, given, name="rate", **options):
    made, controls = panel(lab, name, **options)
    controls._editor.text = json.dumps(given)
    controls._start.click()
    ended(made)
    return made, controls


def test_a_panel_opens_with_what_it_was_given(lab):
    answer = PanelAnswer(name="rate", kind="workflow", payload='{"ns": [7]}')
    made = opened.live_of(answer, lab, Surroundings())
    assert isinstance(made, WorkflowPanel)
    made.widget()
    assert made._controls._editor.text == '{"ns": [7]}'
    assert made.beats is False, "where nothing runs nothing is asked"
    with pytest.raises(NotFound):
        WorkflowPanel(lab, Surroundings(), "nothing")


def test_one_that_never_ran_shows_its_graph_and_can_be_started(lab):
    lab.workflows.create("fresh", (Pass("one") >> Succeed("two")).definition())
    made, controls = panel(lab, "fresh")
    assert "not run yet" in controls._head.value
    assert controls._stop.disabled
    assert controls._redrive.disabled
    assert "nothing ran" in controls._redrive.tooltip
    assert "not run yet" not in made.still().html
    assert "one" in made.still().html
    controls._name.value = "  the-first "
    controls._start.click()
    ended(made)
    assert controls._name.value == ""
    assert lab.workflows.execution("the-first").status == "SUCCEEDED"
    assert "the-first" in controls._head.value
    assert "succeeded" in made.still().text.lower()


def test_what_is_no_json_cannot_be_started(lab):
    made, controls = panel(lab)
    before = lab.workflows.executions("rate")
    controls._editor.field.value = '{"ns": ['
    assert controls._start.disabled
    made.start(controls._editor.text, "")
    assert "no JSON" in controls._trouble.value
    assert lab.workflows.executions("rate") == before


def test_a_failure_is_looked_into_and_redriven(lab):
    made, controls = start(lab, {"ns": [1, -2]})
    assert "failed" in controls._head.value
    assert not controls._redrive.disabled
    controls._graph.button("Score").click()
    text = detail(controls)
    for word in ("Score", "attempt 2 of 2", "ValueError: negative", "scoring -2", "in Score all [1]"):
        assert word in text, word
    labels = {value: label for label, value in controls._visits.options}
    assert len(labels) == 2
    (good,) = (value for value, label in labels.items() if label.startswith("✓"))
    controls._visits.choose(good)
    assert "scoring 1" in detail(controls)
    controls._states.choose("Score all")
    assert "2: 1 succeeded, 1 failed" in detail(controls)
    controls._insides.choose(1)
    assert "iteration 1" in detail(controls)
    kept = made.still()
    assert "Score all" in kept.html
    assert "MapIterationFailed" in kept.html
    before = made._watched.execution
    controls._redrive.click()
    ended(made)
    after = made._watched.execution
    assert (after.id, after.redrive_count) == (before.id, 1)
    controls._graph.button("Score").click()
    assert "attempt 4 of 4" in detail(controls)
    controls._states.choose(None)
    assert "the execution" in detail(controls)


def test_what_runs_is_stopped(lab):
    lab.workflows.create("slow", Wait("long", seconds=3_600).definition())
    made, controls = panel(lab, "slow")
    controls._start.click()
    assert made.restless
    assert not controls._stop.disabled
    assert "Execution is RUNNING" in controls._redrive.tooltip
    controls._stop.click()
    ended(made)
    assert "aborted" in controls._head.value
    assert controls._stop.disabled


def test_the_last_executions_and_their_inputs_can_be_chosen(lab):
    lab.workflows.create("two", Pass("one").definition())
    made, controls = start(lab, {"first": 1}, "two")
    controls._editor.text = '{"second": 2}'
    controls._start.click()
    ended(made)
    (newer, older) = controls._runs.options
    assert made._watched.execution.id == newer[1]
    controls._runs.choose(older[1])
    assert '"first": 1' in detail(controls)
    assert [label for label, _ in controls._inputs.options][0].startswith("recorded")
    controls._inputs.choose('{"first": 1}')
    assert controls._editor.text == '{"first": 1}'
    assert controls._inputs.widget.index == 0, "so that the same one can be taken again"
    again, controls = panel(lab, "two")
    assert again._watched.execution.id == newer[1], "the latest one is shown first"
    assert controls._editor.text == '{"second": 2}'


def test_what_another_cell_starts_is_there_after_the_cell(lab):
    lab.workflows.create("other", Pass("one").definition())
    made, controls = panel(lab, "other")
    assert controls._runs.options == []
    lab.workflows.start("other", name="elsewhere").wait(30)
    made.settle = WorkflowPanel.settle.__get__(made)
    made.look_now()
    assert [label.split()[1] for label, _ in controls._runs.options] == ["elsewhere"]


def test_a_refusal_is_said_and_goes_with_the_next_deed(lab):
    lab.workflows.create("named", Pass("one").definition())
    made, controls = panel(lab, "named")
    for given in ('{"a": 1}', '{"a": 2}'):
        controls._editor.text = given
        controls._name.value = "same"
        controls._start.click()
        ended(made)
    assert "has run already" in controls._trouble.value
    controls._start.click()
    ended(made)
    assert controls._trouble.value == ""


def test_timeline_and_events_are_folded_until_somebody_opens_them(lab):
    made, controls = start(lab, {"ns": [3]})
    assert controls._timeline.value == ""
    controls._timeline_open.value = True
    controls._events_open.value = True
    assert "<svg" in controls._timeline.value
    assert "MapIterationStarted" in controls._events.value
    controls._timeline_open.value = False
    assert controls._timeline.value == ""
    assert made.still().html.count("<svg") == 2


def test_long_data_is_clipped_and_shown_whole_when_asked_for(lab):
    lab.workflows.create("long", Pass("one").definition())
    made, controls = start(lab, {"text": "y" * 5_000}, "long")
    controls._graph.button("one").click()
    assert "y" * 5_000 not in controls._detail.value
    assert controls._whole.layout.display is None
    controls._whole.value = True
    assert "y" * 5_000 in controls._detail.value
    controls._whole.value = False
    assert "y" * 5_000 not in controls._detail.value


def test_nothing_is_touched_that_is_as_it_was(lab):
    made, controls = start(lab, {"ns": [3]})
    controls._graph.button("Score").click()
    seen = []
    for each in (controls._head, controls._detail, controls._trouble, controls._graph._picture):
        each.observe(seen.append, "value")
    for each in (controls._runs, controls._states, controls._visits, controls._insides, controls._inputs):
        each.widget.observe(seen.append, ["options", "index"])
    made.look_now()
    made.look()
    assert seen == []


def test_a_parallel_and_what_it_caught_and_a_choice(lab):
    bad = Task("Bad", "score", arguments={"n": -1})
    both = Parallel("Both", bad, Pass("Good"), catch=[catch("States.ALL", then=Succeed("Saved"))])
    lab.workflows.create("both", (both >> Choice("Which?", when("true", Succeed("Done")))).definition())
    made, controls = start(lab, {}, "both")
    controls._graph.button("Both").click()
    text = detail(controls)
    assert "caught error" in text
    assert "the branches" in text
    assert "Bad" in text
    controls._states.choose("Which?")
    assert "was not entered" in detail(controls)


def test_the_iterations_of_a_distributed_map_are_looked_into(lab):
    score = Task("Each", "score", arguments={"n": "{% $states.input %}"})
    flow = Map("Spread", score, distributed=True, items="{% $states.input %}").definition()
    lab.workflows.create("spread", flow)
    made, controls = start(lab, [4, 5], "spread")
    controls._graph.button("Each").click()
    assert "scoring" in detail(controls)
    assert len(controls._visits.options) == 2
    controls._states.choose("Spread")
    choose, *children = controls._insides.options
    assert choose[1] is None
    assert len(children) == 2
    controls._insides.choose(children[0][1])
    assert "Each" in detail(controls)


def test_where_nobody_can_click_there_is_the_end_alone(lab):
    lab.workflows.create("alone", Pass("one").definition())
    made = WorkflowPanel(lab, Surroundings(), "alone")
    made.look()
    assert made._controls is None
    lab.workflows.start("alone").wait(30)
    made._stale = True
    made.look()
    assert "SUCCEEDED" in made.still().text


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '"><svg onload=alert(1)>', "</style><b>"])
def test_hostile_names_are_text(lab, text):
    lab.workflows.create(
        "hostile", {"StartAt": text, "States": {text: {"Type": "Fail", "Error": text, "Cause": text}}}
    )
    made, controls = start(lab, {text: text}, "hostile")
    controls._states.choose(text)
    for widget in (controls._head, controls._detail, controls._trouble):
        hostile.read(f"<style></style>{widget.value}")
    assert text not in controls._graph._picture.value
    lab.workflows.delete("hostile")
