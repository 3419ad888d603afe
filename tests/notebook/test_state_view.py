"""A state that was chosen, as a block: its data, its attempts and what they said; hostile text is text."""

import json
from datetime import timedelta

import pytest

from faaslab.errors import InvalidValue
from faaslab.model.execution import ExecutionStatus
from faaslab.model.workflow import HistoryEvent, WorkflowExecutionStatistics
from faaslab.notebook import panel_view, state_view
from faaslab.notebook.markup import page
from faaslab.workflow.graph.stays import Attempt, Inside, Stay
from tests.notebook import hostile
from tests.notebook.samples import NOW, execution
from tests.notebook.test_run_view import run, workflow

LATER = NOW + timedelta(milliseconds=250)


def stay(text="Score", **changes):
    fields = {
        "number": 0,
        "state": text,
        "kind": "Task",
        "around": ((text, 2),),
        "entered": NOW,
        "left": LATER,
        "standing": "failed",
        "retries": 1,
        "error": text,
        "cause": json.dumps({"errorType": text, "errorMessage": text, "stackTrace": [text]}),
        "input": json.dumps({"n": text}),
        "output": json.dumps(text),
        "assigned": {text: json.dumps(text)},
        "attempts": [
            Attempt(3, NOW, f"arn:aws:lambda:us-east-1:000000000000:function:{text}", True,
                    json.dumps(text), "failed", LATER, None, text, text),
            Attempt(7, LATER, text, worker=text),
        ],
        "insides": (Inside(0, "succeeded", NOW, LATER, None), Inside(1, "failed", NOW, LATER, text)),
    }  # fmt: skip
    return Stay(**(fields | changes))


def read(*blocks):
    return hostile.read(page(*blocks))


def test_all_that_a_state_did_is_told():
    ran = {3: (execution(),), 7: (execution(status=ExecutionStatus.FAILED, id="f" * 32, cold_start=False),)}
    text = read(state_view.state_block(stay(), ran)).text
    for word in (
        "in Score [2]", "250 ms", "retries1", "attempt 1 of 2", "attempt 2 of 2", "in progress", "called with",
        "score completed · 12.3 ms · billed 61 ms · init 48.3 ms · cold start · 38 of 128 MB", "hello",
        "variables that it set", "input", "output", "worker Score",
    ):  # fmt: skip
        assert word in text, word


def test_an_error_that_an_attempt_tells_is_not_told_twice():
    one = stay(attempts=[Attempt(3, NOW, "x", True, None, "failed", LATER, None, "E", "broken")], error="E")
    assert read(state_view.state_block(one, {})).text.count("broken") == 1
    no_attempt = stay(attempts=[], kind="Fail", error="E", cause="broken")
    assert read(state_view.state_block(no_attempt, {})).text.count("broken") == 1


def test_what_failed_stands_first_among_the_iterations():
    text = read(state_view.state_block(stay(kind="Map", attempts=[]), {})).text
    assert "2: 1 succeeded, 1 failed" in text
    table = text[text.index("stands") :]
    assert table.index("failed") < table.index("succeeded")


def test_many_iterations_attempts_and_events_are_cut_and_counted():
    many = tuple(Inside(index, "succeeded", NOW, LATER, None) for index in range(500))
    tries = [Attempt(index, NOW, "x") for index in range(50)]
    text = read(state_view.state_block(stay(kind="Map", insides=many, attempts=tries), {})).text
    assert "488 more iterations" in text
    assert "30 earlier attempts" in text
    events = [
        HistoryEvent(execution_id="x", id=index, previous_id=0, type="PassStateEntered", at=NOW)
        for index in range(1, 1_001)
    ]
    assert "800 earlier ones" in read(state_view.events_block(events)).text
    assert "nothing has happened" in state_view.events_block(())


def test_what_is_long_is_clipped_and_can_be_shown_whole():
    long = stay(input=json.dumps({"n": "x" * 9_000}))
    assert state_view.is_clipped(state_view.texts_of(long))
    assert not state_view.is_clipped(state_view.texts_of(stay()))
    assert "more characters" in state_view.state_block(long, {})
    whole = state_view.state_block(long, {}, most=state_view.WHOLE)
    assert "more characters" not in whole
    assert "x" * 9_000 in whole


@pytest.mark.parametrize("text", hostile.STRINGS)
def test_names_data_and_causes_are_text_and_nothing_else(text):
    told = HistoryEvent(
        execution_id=text, id=1, previous_id=0, type=text, at=NOW, state=text,
        details={"error": text, "cause": text, "input": text},
    )  # fmt: skip
    failed = run(text, error=None, output=json.dumps(text))
    for block in (
        state_view.state_block(stay(text), {3: (execution(function=text, id=text),)}),
        state_view.state_block(stay(text, kind="Map"), {}),
        state_view.inside_block(text, [stay(text)]),
        state_view.untouched_block(text, {text: text}),
        state_view.events_block([told]),
        panel_view.head(workflow(text), [text]),
        panel_view.standing(failed, NOW),
        panel_view.whole_block(failed, most=2_000),
        panel_view.trouble_block(InvalidValue(text, hint=text)),
        panel_view.kept_block(failed, "<div></div>", "<div></div>", [told], None),
    ):
        read(block)
    for label in (
        panel_view.run_label(failed),
        panel_view.run_line(failed),
        panel_view.input_label(failed),
        panel_view.stay_label(stay(text), 1),
        panel_view.inside_label(Inside(1, "failed", NOW, LATER, text)),
    ):
        assert label.isprintable()
        assert len(label) < 250


def test_retries_have_one_word_and_one_count():
    twice = run("x", statistics=WorkflowExecutionStatistics(total_states=3, retried_states=1))
    assert "retries2" in read(panel_view.standing(twice, NOW, retries=2)).text
    kept = read(panel_view.kept_block(twice, "<div></div>", "<div></div>", [], None, retries=2)).text
    assert "retries2" in kept
    assert "retried" not in kept
    assert "retries2" in read(state_view.state_block(stay(retries=2), {})).text
    assert "retries" not in read(panel_view.standing(twice, NOW)).text


def test_labels_tell_what_one_chooses_by():
    assert panel_view.stay_label(stay(error="E"), 1) == "✗ Score [2] · 250 ms · ↻ 1 · E"
    assert panel_view.stay_label(
        stay(around=(), left=None, standing="running", error=None, retries=0), 3
    ) == ("… visit 3 · goes on")
    assert panel_view.inside_label(Inside(4, "succeeded", NOW, LATER, None)) == "✓ iteration 4 · succeeded"
    assert panel_view.run_label(run("first")) == "… first · 11-23 21:00:00 · running"
