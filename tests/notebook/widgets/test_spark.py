"""The pictures of the last runs: a bar a run, marks for cold and failed ones, words for who does not see."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from faaslab.model.execution import ExecutionStatus
from faaslab.notebook.widgets.spark import durations, memory, sparklines
from tests.notebook.hostile import STRINGS
from tests.notebook.samples import NOW, execution, failure


def runs(count=5, **changes):
    return [
        execution(
            id=f"{n:032x}",
            started_at=NOW + timedelta(seconds=n),
            cold_start=n == 0,
            duration_ms=10.0 * (n + 1),
            **changes,
        )
        for n in range(count)
    ]


class Svg(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.open = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def bars(self):
        return [each for tag, each in self.found if tag == "rect" and each.get("class") != "touch"]

    def groups(self):
        return [each["class"] for tag, each in self.found if tag == "g"]


def test_each_run_is_a_bar_as_long_as_it_took_and_the_newest_is_last():
    picture = Svg(durations(runs()))
    heights = [float(bar["height"]) for bar in picture.bars()]
    assert heights == [12.8, 25.6, 38.4, 51.2, 64.0]
    places = [float(bar["x"]) for bar in picture.bars()]
    assert places == sorted(places)
    assert places[-1] > 320
    assert picture.groups() == ["cold", "warm", "warm", "warm", "warm last"]


def test_one_that_failed_in_a_cold_start_has_both_marks():
    both = [execution(cold_start=True, status=ExecutionStatus.FAILED, duration_ms=5.0)]
    picture = Svg(durations(both))
    assert picture.groups() == ["bad last"]
    marks = [tag for tag, each in picture.found if tag in ("circle", "path")]
    assert sorted(marks) == ["circle", "path"]
    (dot,) = [each for tag, each in picture.found if tag == "circle"]
    assert 0 < float(dot["cy"]) - float(dot["r"]), "it stands inside the picture"


def test_what_it_shows_is_said_in_words_with_units():
    said = dict(next(each for tag, each in Svg(durations(runs())).found if tag == "svg"))["aria-label"]
    assert said == "duration of 5 runs: last 50.0 ms · median 30.0 ms · longest 50.0 ms, 1 cold start"
    said = dict(next(each for tag, each in Svg(memory(runs())).found if tag == "svg"))["aria-label"]
    assert said == "memory of 5 runs: last 38 MB · most 38 MB · memory size 128 MB"


def test_a_failed_one_has_a_cross_and_a_cold_one_a_dot():
    html = durations([*runs(2), failure(cold_start=False), failure(cold_start=True)])
    assert html.count("<circle") == 2
    assert Svg(html).groups() == ["cold", "warm", "bad", "bad last"]
    assert html.count("<path") == 2
    assert "✕ failed" in html
    assert "2 failed" in html


def test_what_was_not_measured_has_a_bar_of_no_height_and_no_figure():
    throttled = execution(
        status=ExecutionStatus.THROTTLED,
        duration_ms=None,
        max_memory_mb=None,
        memory_mb=None,
        cold_start=None,
        init_ms=None,
    )
    for html in (durations([throttled]), memory([throttled])):
        assert [float(bar["height"]) for bar in Svg(html).bars()] == [1.0]
        assert "None" not in html
        assert "nan" not in html


def test_the_memory_size_is_a_line_that_follows_its_changes():
    line = re.search(r'd="([^"]*)" class="size"', memory([*runs(2, memory_mb=128), *runs(2, memory_mb=256)]))
    assert line[1].count("V") == 1
    assert line[1].startswith("M0 48")


def test_one_that_took_far_longer_leaves_the_others_to_be_seen():
    picture = durations([*runs(5), execution(duration_ms=9_000.0)])
    heights = [float(bar["height"]) for bar in Svg(picture).bars()]
    assert heights == sorted(heights)
    assert heights[-1] == 64
    assert heights[0] > 5
    assert "logarithmic" in picture
    assert "logarithmic" not in durations(runs())


@pytest.mark.parametrize("count", [1, 2, 24, 50, 200])
def test_every_bar_lies_inside(count):
    for html in (durations(runs(count)), memory(runs(count))):
        for bar in Svg(html).bars():
            assert 0 <= float(bar["x"])
            assert float(bar["x"]) + float(bar["width"]) <= 340.01
            assert 0 <= float(bar["y"]) <= float(bar["y"]) + float(bar["height"]) <= 80.01


def test_without_runs_it_says_what_will_stand_there():
    assert "no runs yet" in sparklines([])
    assert "<svg" in sparklines(runs(1))


@pytest.mark.parametrize("text", STRINGS)
def test_hostile_names_and_errors_are_no_markup(text):
    html = sparklines([failure(text, function=text, id=text, version=text)])
    Svg(html)
    assert "<script" not in html
    assert "onerror" not in html
