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
    made = Panel(lab, Surroundings(), PanelAnswer(name=name, kind="workflow", **options))
    made.widget()
    made.look()
    return made, made._controls


def ended(made):
    pause = threading.Event()
    while made.restless:
        made.look()
        pause.wait(0.02)


def detail(controls):
    return hostile.read(f"<style></style>{controls.detail.value}").text


def start(lab, given, name="rate", **options):
    made, controls = panel(lab, name, **options)
    controls.editor.load(json.dumps(given))
    controls.start.click()
    ended(made)
    return made, controls


def test_a_panel_opens_with_what_it_was_given(lab):
    answer = PanelAnswer(name="rate", kind="workflow", payload='{"ns": [7]}')
    made = opened.live_of(answer, lab, Surroundings())
    assert isinstance(made, WorkflowPanel)
    made.widget()
    assert json.loads(made._controls.editor.text) == {"ns": [7]}
    assert made.beats is False, "where nothing runs nothing is asked"
    with pytest.raises(NotFound):
        WorkflowPanel(lab, Surroundings(), PanelAnswer(name="nothing", kind="workflow"))


def test_one_that_never_ran_shows_its_graph_and_can_be_started(lab):
    lab.workflows.create("fresh", (Pass("one") >> Succeed("two")).definition())
    made, controls = panel(lab, "fresh")
    assert "not run yet" in controls.standing.value
    assert controls.stop.disabled
    assert controls.redrive.disabled
    assert "nothing ran" in controls.redrive.tooltip
    assert "not run yet" not in made.still().html
    assert "one" in made.still().html
    controls.graph.button("two").click()
    assert '"Type": "Succeed"' in detail(controls)
    controls.name.value = "  the-first "
    controls.start.click()
    ended(made)
    assert controls.name.value == ""
    assert lab.workflows.execution("the-first").status == "SUCCEEDED"
    assert "the-first" in controls.standing.value
    assert "succeeded" in made.still().text.lower()


def test_what_is_no_json_cannot_be_started(lab):
    made, controls = panel(lab)
    before = lab.workflows.executions("rate")
    controls.editor.area.value = '{"ns": ['
    assert controls.start.disabled
    made.start("", "")
    assert "JSON" in controls.said.value
    assert lab.workflows.executions("rate") == before


def test_a_failure_is_looked_into_and_redriven(lab):
    made, controls = start(lab, {"ns": [1, -2]})
    assert "failed" in controls.standing.value
    assert not controls.redrive.disabled
    controls.graph.button("Score").click()
    text = detail(controls)
    for word in ("Score", "attempt 2 of 2", "ValueError: negative", "scoring -2", "in Score all [1]"):
        assert word in text, word
    labels = {value: label for label, value in controls.visits.options}
    assert len(labels) == 2
    (good,) = (value for value, label in labels.items() if label.startswith("✓"))
    controls.visits.choose(good)
    assert "scoring 1" in detail(controls)
    controls.states.choose("Score all")
    assert "2: 1 succeeded, 1 failed" in detail(controls)
    controls.insides.choose(1)
    assert "iteration 1" in detail(controls)
    kept = made.still()
    assert "Score all" in kept.html
    assert "MapIterationFailed" in kept.html
    before = made._watched.execution
    controls.redrive.click()
    ended(made)
    after = made._watched.execution
    assert (after.id, after.redrive_count) == (before.id, 1)
    controls.graph.button("Score").click()
    assert "attempt 4 of 4" in detail(controls)
    controls.states.choose(None)
    assert "the execution" in detail(controls)


def test_what_runs_is_stopped(lab):
    lab.workflows.create("slow", Wait("long", seconds=3_600).definition())
    made, controls = panel(lab, "slow")
    controls.start.click()
    assert made.restless
    assert not controls.stop.disabled
    assert "Execution is RUNNING" in controls.redrive.tooltip
    controls.stop.click()
    ended(made)
    assert "aborted" in controls.standing.value
    assert controls.stop.disabled


def test_the_last_executions_and_their_inputs_can_be_chosen(lab):
    lab.workflows.create("two", Pass("one").definition())
    made, controls = start(lab, {"first": 1}, "two")
    controls.editor.load('{"second": 2}')
    controls.start.click()
    ended(made)
    newer, older = lab.workflows.executions("two")
    assert made._watched.execution.id == newer.id
    assert "chosen" in controls.rows[0]._dom_classes
    controls.rows[1].click()
    assert made._watched.execution.id == older.id
    assert '"first": 1' in detail(controls)
    assert "chosen" in controls.rows[1]._dom_classes
    (_, (_, second), (_, first)) = controls.editor.recorded.options
    controls.editor.recorded.value = first
    assert json.loads(controls.editor.text) == {"first": 1}
    again, controls = panel(lab, "two")
    assert again._watched.execution.id == newer.id, "the latest one is shown first"
    assert json.loads(controls.editor.text) == {"second": 2}
    assert second == newer.id


def test_a_version_is_started_that_was_chosen(lab):
    lab.workflows.create("versioned", Pass("one").definition())
    lab.workflows.versions.publish("versioned")
    made, controls = panel(lab, "versioned", qualifier="1")
    assert controls.target.value == "1"
    controls.start.click()
    ended(made)
    assert made._watched.execution.qualifier == "1"


def test_what_another_cell_starts_is_there_after_the_cell(lab):
    lab.workflows.create("other", Pass("one").definition())
    made, controls = panel(lab, "other")
    assert controls.rows[0].layout.display == "none"
    lab.workflows.start("other", name="elsewhere").wait(30)
    made.settle = WorkflowPanel.settle.__get__(made)
    made.look_now()
    assert "elsewhere" in controls.rows[0].description


def test_what_was_clicked_stands_below_a_graph_that_is_broad(lab):
    branches = [Pass(f"a rather long name of a branch {place}") for place in range(9)]
    lab.workflows.create("broad", Parallel("Many", *branches).definition())
    _, controls = panel(lab, "broad")
    assert "broad" in controls.below._dom_classes
    _, controls = panel(lab, "rate")
    assert "broad" not in controls.below._dom_classes


def test_while_another_one_of_the_list_runs_the_list_is_kept_up(lab):
    lab.workflows.create("both-run", Wait("long", seconds=3_600).definition())
    other = lab.workflows.start("both-run", name="other")
    made, controls = panel(lab, "both-run")
    made.choose_run(lab.workflows.start("both-run", name="mine").id)
    controls.stop.click()
    assert made.restless
    assert controls.stop.disabled
    other.stop()
    made._listed_at_s = -1e9
    ended(made)
    assert "aborted" in controls.rows[1].description
    assert not made.beats


def test_one_that_is_seen_again_looks_for_what_happened(lab):
    made, _ = panel(lab)
    made._stale = False
    made._seen_changed(seen=True)
    assert made._stale
    assert made.beats


def test_a_refusal_is_said_and_goes_with_the_next_deed(lab):
    lab.workflows.create("named", Pass("one").definition())
    made, controls = panel(lab, "named")
    for given in ('{"a": 1}', '{"a": 2}'):
        controls.editor.load(given)
        controls.name.value = "same"
        controls.start.click()
        ended(made)
    assert "has run already" in controls.said.value
    controls.start.click()
    ended(made)
    assert controls.said.value == ""


def test_timeline_and_events_are_folded_until_somebody_opens_them(lab):
    made, controls = start(lab, {"ns": [3]})
    assert controls.timeline.value == ""
    controls.timeline_open.value = True
    controls.events_open.value = True
    assert "<svg" in controls.timeline.value
    assert "MapIterationStarted" in controls.events.value
    controls.timeline_open.value = False
    assert controls.timeline.value == ""
    assert made.still().html.count("<svg") == 2


def test_long_data_is_clipped_and_shown_whole_when_asked_for(lab):
    lab.workflows.create("long", Pass("one").definition())
    made, controls = start(lab, {"text": "y" * 5_000}, "long")
    controls.graph.button("one").click()
    assert "y" * 5_000 not in controls.detail.value
    assert controls.whole.layout.display is None
    controls.whole.value = True
    assert "y" * 5_000 in controls.detail.value
    controls.whole.value = False
    assert "y" * 5_000 not in controls.detail.value


def test_nothing_is_touched_that_is_as_it_was(lab):
    made, controls = start(lab, {"ns": [3]})
    controls.graph.button("Score").click()
    seen = []
    for each in (controls.standing, controls.detail, controls.said, controls.graph._picture):
        each.observe(seen.append, "value")
    for each in (controls.target, controls.states, controls.visits, controls.insides):
        each.widget.observe(seen.append, ["options", "index"])
    for each in controls.rows:
        each.observe(seen.append)
    controls.editor.recorded.observe(seen.append)
    made.look_now()
    made.look()
    assert seen == []


def test_a_parallel_and_what_it_caught_and_a_choice(lab):
    bad = Task("Bad", "score", arguments={"n": -1})
    both = Parallel("Both", bad, Pass("Good"), catch=[catch("States.ALL", then=Succeed("Saved"))])
    lab.workflows.create("both", (both >> Choice("Which?", when("true", Succeed("Done")))).definition())
    made, controls = start(lab, {}, "both")
    controls.graph.button("Both").click()
    text = detail(controls)
    assert "caught error" in text
    assert "the branches" in text
    assert "Bad" in text
    controls.states.choose("Which?")
    assert "was not entered" in detail(controls)
    assert '"Choices"' in detail(controls)


def test_the_iterations_of_a_distributed_map_are_looked_into(lab):
    score = Task("Each", "score", arguments={"n": "{% $states.input %}"})
    flow = Map("Spread", score, distributed=True, items="{% $states.input %}").definition()
    lab.workflows.create("spread", flow)
    made, controls = start(lab, [4, 5], "spread")
    controls.graph.button("Each").click()
    assert "scoring" in detail(controls)
    assert len(controls.visits.options) == 2
    controls.states.choose("Spread")
    choose, *children = controls.insides.options
    assert choose[1] is None
    assert len(children) == 2
    controls.insides.choose(children[0][1])
    assert "Each" in detail(controls)


def test_where_nobody_can_click_there_is_the_end_alone(lab):
    lab.workflows.create("alone", Pass("one").definition())
    made = WorkflowPanel(lab, Surroundings(), PanelAnswer(name="alone", kind="workflow"))
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
    controls.states.choose(text)
    for widget in (controls.standing, controls.detail, controls.said):
        hostile.read(f"<style></style>{widget.value}")
    assert text not in controls.graph._picture.value
    lab.workflows.delete("hostile")
