"""A function over time: lanes, bars, folded idle times, how many ran at once, and the pictures of it."""

import random
import re
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from faaslab.monitoring.timeline.lanes import bars_of, lanes_of
from faaslab.monitoring.timeline.levels import grouped, levels
from faaslab.monitoring.timeline.picture import timeline_svg
from faaslab.monitoring.timeline.plain import timeline_text
from faaslab.monitoring.timeline.runs import runs_of
from faaslab.monitoring.timeline.scale import scale
from faaslab.workflow.graph.sheet import on_paper

BEGIN = datetime(2026, 11, 27, 6)


def at(ms):
    return BEGIN + timedelta(milliseconds=ms)


def row(environment, began, took, *, init=None, before=0.0, status="completed", **more):
    handler = began + before + (init or 0)
    return {
        "id": f"{environment}-{began}",
        "environment": environment,
        "status": status,
        "started_at": at(began),
        "init_at": None if init is None else at(began + before),
        "handler_at": at(handler),
        "ended_at": at(handler + took),
        "duration_ms": float(took),
        "init_ms": init,
        "billed_ms": int(took + (init or 0)),
        "cold_start": init is not None,
        "memory_mb": 256,
        "max_memory_mb": 40,
        "error_type": None,
        **more,
    }


def spans(*pairs):
    return [(at(begin), at(end)) for begin, end in pairs]


@pytest.mark.parametrize(
    ("given_spans", "us", "peak"),
    [
        ((), {}, 0),
        (((0, 10),), {1: 10}, 1),
        (((0, 10), (10, 20)), {1: 20}, 1),
        (((0, 10), (5, 15)), {1: 10, 2: 5}, 2),
        (((0, 10), (30, 40)), {0: 20, 1: 20}, 1),
        (((0, 10), (0, 10), (0, 10)), {3: 10}, 3),
        (((5, 5), (0, 1)), {1: 1}, 1),
    ],
)
def test_how_many_ran_at_once(given_spans, us, peak):
    found = levels(spans(*given_spans))
    assert {level: part / 1_000 for level, part in found.us.items() if part} == us
    assert found.peak == peak


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)).map(lambda pair: (min(pair), max(pair))),
        max_size=60,
    )
)
def test_the_time_at_each_level_adds_up_to_the_durations(pairs):
    found = levels(
        (BEGIN + timedelta(microseconds=begin), BEGIN + timedelta(microseconds=end)) for begin, end in pairs
    )
    lasting = [(begin, end) for begin, end in pairs if end > begin]
    assert found.busy_us == sum(end - begin for begin, end in pairs)
    whole = max(end for _, end in lasting) - min(begin for begin, _ in lasting) if lasting else 0
    assert found.total_us == whole
    assert sum(us for _, _, us in grouped(found, 4)) == whole
    assert len(grouped(found, 4)) <= 5


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(1, 300), st.integers(0, 9)), min_size=1, max_size=80
    ),
    st.integers(1, 6),
    st.integers(1, 30),
)
@example([(0, 1, 0), (0, 2, 0), (4, 1, 0)], 2, 1)
def test_every_invocation_is_in_one_bar_of_one_lane(drawn, most_lanes, most_bars):
    rows = [
        row(f"e{environment}" if environment else None, began, took) for began, took, environment in drawn
    ]
    runs = runs_of({**each, "id": str(place)} for place, each in enumerate(rows))
    lanes = lanes_of(runs, most_lanes).lanes
    assert len(lanes) <= most_lanes
    axis = scale([(run.began, run.ended) for run in runs], 700, 30)
    bars, shared = bars_of(lanes, axis.at, 700, most_bars)
    found = [run.id for lane in bars for bar in lane for run in bar.runs]
    assert sorted(found) == sorted(run.id for run in runs)
    assert shared == sum(len(bar.runs) for lane in bars for bar in lane if len(bar.runs) > 1)
    assert sum(map(len, bars)) <= max(most_bars, len(lanes))


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**4)), min_size=1, max_size=40))
def test_the_axis_keeps_the_order_of_instants_and_its_width(drawn):
    found = scale(spans(*((begin, begin + took) for begin, took in drawn)), 700, 30)
    instants = sorted({at(each) for begin, took in drawn for each in (begin, begin + took)})
    places = [found.at(each) for each in instants]
    assert places == sorted(places)
    assert all(0 <= place <= 700.001 for place in places)
    assert found.stretches[-1].right == pytest.approx(700)


@pytest.mark.parametrize(
    ("drawn", "folded"),
    [
        (((0, 10), (30_000, 30_010)), 1),
        (((0, 10), (30_000, 30_010), (90_000, 90_005)), 2),
        (((0, 10), (12, 20)), 0),
        (tuple((60_000 * minute, 60_000 * minute + 5) for minute in range(100)), 0),
        (((0, 0),), 0),
    ],
)
def test_idle_times_are_folded_where_they_would_take_the_room(drawn, folded):
    assert scale(spans(*drawn), 700, 30).folded == folded


def test_lanes_are_environments_in_the_order_of_their_first_invocation():
    rows = [
        row("bbbbbbbb1", 5, 10),
        row("aaaaaaaa1", 0, 10, init=4, before=1),
        row("bbbbbbbb1", 20, 10),
        row("2026/11/27/[1]cccccccc2", 40, 1),
        row(None, 7, 0, status="throttled"),
        row(None, 9, 20),
        row(None, 12, 20),
        row(None, 60, 1),
    ]
    found = lanes_of(runs_of(rows))
    assert [(lane.label, len(lane.runs)) for lane in found.lanes] == [
        ("throttled", 1),
        ("aaaaaaaa", 1),
        ("bbbbbbbb", 2),
        ("cccccccc", 1),
        ("not known 1", 2),
        ("not known 2", 1),
    ]
    assert found.notes == ("the environment of 3 was not recorded: they take as few lanes as they need",)


def test_environments_that_begin_alike_are_told_apart():
    rows = [row("abcdefgh-1", 0, 1), row("abcdefgh-2", 5, 1)]
    assert [lane.label for lane in lanes_of(runs_of(rows)).lanes] == ["abcdefgh-1", "abcdefgh-2"]


def test_more_environments_than_lanes_share_them_and_that_is_said():
    in_turn = runs_of([row(f"e{place}", 100 * place, 10) for place in range(90)])
    assert lanes_of(in_turn).notes == ("90 environments share 1 lanes, in turn",)
    at_once = runs_of([row(f"e{place}", place, 1_000) for place in range(150)])
    found = lanes_of(at_once)
    assert len(found.lanes) <= 60
    assert found.notes == ("150 environments share 50 lanes; bars of one lane may lie over each other",)
    assert sum(len(lane.runs) for lane in found.lanes) == 150


def many(count):
    chance = random.Random(1)
    return runs_of(
        row(f"e{chance.randrange(40)}", chance.randrange(10**6), chance.randrange(1, 400))
        for _ in range(count)
    )


def test_more_than_two_thousand_bars_are_joined_and_that_is_said():
    svg = timeline_svg(many(9_000), title="score")
    assert "invocations are drawn together with their neighbours" in svg
    assert len(re.findall(r'<rect class="(?:many|bar)"', svg)) < 2_100
    assert len(svg) < 1_000_000


HOSTILE = "</title><script>alert(1)</script>\x00\u202e\"'&"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_picture_is_xml_whatever_names_there_are(count):
    rows = [
        row(f"{HOSTILE}{place}", 10 * place, 5, status="failed", error_type=HOSTILE, id=HOSTILE)
        for place in range(count)
    ]
    svg = timeline_svg(runs_of(rows), title=HOSTILE, limit=3, notes=(HOSTILE,))
    for text in (svg, on_paper(svg)):
        root = ET.fromstring(text)
        assert not [each for each in root.iter() if each.tag.endswith("script")]
    text = timeline_text(runs_of(rows))
    assert text
    assert not {"\x00", "\u202e"} & set(text)


def test_what_happened_is_told_without_colour_and_in_words():
    rows = [
        row("aaaaaaaa", 0, 20, init=80, before=10),
        row("aaaaaaaa", 120, 20, status="failed", error_type="ValueError"),
        row("aaaaaaaa", 150, 50, status="timeout"),
        row(None, 160, 0, status="throttled"),
    ]
    svg = timeline_svg(runs_of(rows), title="score: timeline", limit=2, reserved=True)
    root = ET.fromstring(svg)
    titles = [each.text for each in root.iter() if each.tag.endswith("title")]
    assert (
        "aaaaaaaa-0 completed — 20 ms handler — cold start, init 80 ms — 10 ms before that, not billed — "
        "billed 100 ms — 40 of 256 MB — began 06:00:00.000 UTC"
    ) in titles
    assert any("failed: ValueError" in title for title in titles)
    kinds = [each.get("class") for each in root.iter()]
    # One in the broad and one in the slim form explain it.
    assert kinds.count("init") == 1 + 2
    assert kinds.count("sign") == 3 + 2 * 3
    about = next(each.text for each in root.iter() if each.tag.endswith("desc"))
    assert about == (
        "3 invocations in 1 environment, 1 cold start, 1 failure, 1 timeout, 1 throttled; 200 ms from "
        "2026-11-27 06:00:00 UTC; at most 1 at once; the reserved concurrency is 2."
    )
    shown = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert {"environment", "50 ms", "limit", "timed out", "throttled", "06:00:00.000 UTC"} <= set(shown)


def test_the_same_in_characters():
    rows = [
        row("aaaaaaaa", 0, 20, init=80, before=20),
        row("aaaaaaaa", 180, 20, status="failed"),
        row("bbbbbbbb", 0, 200, status="timeout"),
        row(None, 100, 0, status="throttled"),
    ]
    text = timeline_text(runs_of(rows), limit=100)
    first, axis, thrown, one, two, *_ = text.splitlines()
    assert first.startswith(
        "3 invocations in 2 environments, 1 cold start, 1 failure, 1 timeout, 1 throttled"
    )
    assert axis.endswith("200 ms")
    assert "◇" in thrown
    assert re.search(r"aaaaaaaa +░+▒+█+ +█+x  2 · 70 % busy", one)
    assert re.search(r"bbbbbbbb +█+T", two)
    assert "at most 2 at once; the account's concurrency is 100" in text
    assert timeline_text([]) == "no invocation in that time"


def test_missing_values_of_a_frame_are_no_times():
    import pandas as pd

    frame = pd.DataFrame([row("a", 0, 5), row("b", 9, 5, init=3.0), row(None, 20, 0, handler_at=None)])
    frame["ended_at"] = pd.to_datetime(frame["ended_at"])
    runs = runs_of(frame.to_dict("records"))
    assert [run.init_at is None for run in runs] == [True, False, True]
    assert runs[2].environment is None
    assert timeline_svg(runs, title="x").startswith("<svg")
