"""The Gantt chart of a history."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.workflow.graph.plain_timeline import timeline_text
from faaslab.workflow.graph.progress import status_of
from faaslab.workflow.graph.timeline import timeline

from . import story

SVG = "{http://www.w3.org/2000/svg}"


def rows(svg):
    """label -> (class, kinds of bars)."""
    found = {}
    for group in ET.fromstring(svg).iter(SVG + "g"):
        label = group.find(SVG + "text[@class='row who']")
        if label is not None:
            bars = group.find(SVG + "g[@class='low']")
            kinds = [
                each.get("class") for each in bars if each.get("class") in ("bar", "pale", "hold", "back")
            ]
            found[label.text] = (group.get("class"), kinds)
    return found


def texts(svg):
    return [each.text for each in ET.fromstring(svg).iter(SVG + "text")]


def test_waiting_running_and_backing_off_are_told_apart():
    told = story.Story()
    last = told.work("A", 0, 1.0, ("E",), 2.0, queued=0.5)
    last = told.enter("Wait", "W", last)
    told.wait(3)
    last = told.leave("Wait", "W", last)
    last = told.enter("Task", "T", last)
    last = told.add("TaskScheduled", last)
    last = told.add("TaskStarted", last)
    told.wait(1)
    last = told.add("TaskSubmitted", last, resource="sendMessage.waitForTaskToken")
    told.wait(2)
    last = told.add("TaskFailed", last, error="Refused", cause="no")
    told.add("ExecutionFailed", last, error="Refused")
    found = rows(timeline(told.events))
    assert found["A"] == ("succeeded", ["pale", "bar", "back", "pale", "bar"])
    assert found["W"] == ("succeeded", ["hold"])
    assert found["T"] == ("failed", ["bar", "hold"])


def redriven():
    """A task that fails after 2 s, lies dead for 6 s, and goes well in 2 s once the execution is redriven."""
    told = story.Story()
    last = told.enter("Task", "T", 0)
    last = told.schedule(last, 2.0)
    last = told.add("LambdaFunctionFailed", last, error="E", cause="{}")
    last = told.add("ExecutionFailed", last, error="E")
    told.wait(6)
    last = told.add("ExecutionRedriven", last)
    last = told.schedule(last, 2.0)
    last = told.add("LambdaFunctionSucceeded", last)
    told.add("ExecutionSucceeded", told.leave("Task", "T", last))
    return told.events


def test_what_was_redriven_has_the_attempts_before_it_and_the_time_that_it_lay_failed():
    svg = timeline(redriven())
    parts = [
        (group.get("class"), [each.get("class") for each in group.iter() if each is not group])
        for bars in ET.fromstring(svg).iter(SVG + "g")
        if bars.get("class") == "low"
        for group in bars
        if group.tag == SVG + "g"
    ]
    assert parts == [("failed", ["bar"]), ("failed", ["dead"])]
    assert rows(svg)["T"] == ("succeeded", ["bar"])
    assert "2 s · redriven once" in texts(svg)
    assert {"Failed", "Succeeded"} <= set(texts(svg)), "the key has the hues of all pieces"
    assert "waiting to be redriven" in texts(svg)
    assert "waiting to be tried again" not in texts(svg), "nobody retried"
    hues = {group.get("class") for group in ET.fromstring(svg).iter(SVG + "g")}
    assert "running" not in hues, "nothing is in progress"
    (line,) = timeline_text(redriven()).splitlines()[1:]
    bar = line.removeprefix("✓ T  ")
    assert (bar.index("█"), bar.index("·"), bar.rindex("█")) == (0, 10, 47)
    assert set(bar[10:38]) == {"·"}


def test_a_row_says_its_figures():
    svg = timeline(story.order().events)
    hovers = [each.text for each in ET.fromstring(svg).iter(SVG + "title")]
    refund = next(each for each in hovers if each.startswith("Refund"))
    assert "Succeeded after 7.9 s" in refund
    assert "running 3.9 s, waiting to be tried again 4 s" in refund
    assert "2 retries" in refund
    assert "7.9 s ↻ 2" in texts(svg)


def test_iterations_are_rows_until_they_are_many():
    assert "[3] Reserve item" in rows(timeline(story.order(20).events))
    found = rows(timeline(story.order(60).events))
    assert "Reserve item ×59" in found
    assert found["Reserve item ×59"][0] == "failed"
    assert found["Label item ×57"][0] == "succeeded"
    assert not any(name.startswith("[") for name in found)
    assert "215 ms each · 57 ✓ 1 ✗ 1 ■" in texts(timeline(story.order(60).events))


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        (0.01, ["0", "2 ms", "4 ms", "10 ms"]),
        (0.7, ["0", "100 ms", "700 ms"]),
        (5, ["0", "1 s", "5 s"]),
        (90, ["0", "15 s", "1 min 15 s"]),
        (3_000, ["0", "10 min", "50 min"]),
        (86_400, ["0", "6 h", "1 d"]),
        (30 * 86_400, ["0", "5 d", "30 d"]),
        (400 * 86_400, ["0", "60 d", "360 d"]),
    ],
)
def test_the_axis_is_in_units_that_fit(seconds, marks):
    told = story.Story()
    last = told.enter("Task", "A")
    told.wait(seconds)
    told.leave("Task", "A", last)
    shown = texts(timeline(told.events))
    assert set(marks) <= set(shown)
    assert len(shown) < 16


def test_what_runs_goes_as_far_as_now():
    told = story.Story()
    told.enter("Task", "A")
    svg = timeline(told.events, told.at + timedelta(hours=5))
    assert "5 h" in texts(svg)
    assert rows(svg)["A"] == ("running", ["bar"])


def test_nothing_has_happened():
    assert "nothing has happened yet" in texts(timeline([]))
    told = story.Story()
    told.add("ExecutionStarted")
    assert "nothing has happened yet" in texts(timeline(told.events))


def test_names_are_text():
    told = story.Story()
    told.work("</text><script>\u202e")
    svg = timeline(told.events)
    ET.fromstring(svg)
    assert "<script" not in svg
    assert "\u202e" not in svg


def test_very_many_visits_are_cut_with_a_note():
    told = story.Story()
    last = 0
    for _ in range(1_000):
        last = told.work("A", last)
    svg = timeline(told.events)
    assert "600 more rows are not drawn" in texts(svg)
    assert svg == timeline(told.events)


EVENTS = story.order(4).events


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(EVENTS), max_size=60), st.booleans())
def test_no_history_breaks_the_pictures(events, redriven):
    if redriven:
        end = {**EVENTS[-1], "type": "ExecutionRedriven", "id": 999}
        events = [*events, end, *events]
    ET.fromstring(timeline(events))
    found = status_of(events)
    for status in found.values():
        assert 0 <= status.ended <= status.entered
        assert status.duration >= timedelta()
        if status.items:
            counts = (status.items.succeeded, status.items.failed, status.items.running, status.items.aborted)
            assert min(counts) >= 0
            assert sum(counts) <= status.items.total
