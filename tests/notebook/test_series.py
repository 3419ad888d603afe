"""Charts over time: every number has its place, what is not known is a gap, and names are text."""

import re
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from faaslab.notebook import units
from faaslab.notebook.series import Series, Times, bars, charts, heard, lines, period, steps, time_ticks
from tests.notebook.hostile import STRINGS

BEGIN = datetime(2026, 11, 16, 14, 0)
TIMES = Times(begin=BEGIN, width=timedelta(minutes=1), count=6)
ODD = [
    [],
    [None] * 6,
    [0] * 6,
    [None, None, 5, None, None, None],
    [1, 2, None, 4, 5, None],
    [1e300, 5e-324, 0.0, -1.0, 1e-9, 2.0],
    [float("nan"), float("inf"), -float("inf"), 1.0, 0.1, None],
    [1] * 60,
]


def drawn(html):
    """The picture as a tree."""
    return ET.fromstring(re.search(r"<svg.*</svg>", html, re.DOTALL)[0])


def named(tree, word):
    return [each for each in tree.iter() if word in (each.get("class") or "").split()]


def kinds(values):
    one = Series(name="n", values=values)
    yield bars("t", "u", TIMES, [one])
    yield bars("t", "u", TIMES, [one, Series(name="m", values=values, hue="bad")])
    yield lines("t", "u", TIMES, [one], log=True, say=units.brief_ms)
    yield lines("t", "u", TIMES, [one, one], say=units.percent)
    yield steps("t", "u", TIMES, one, say=units.dollars)


@pytest.mark.parametrize("values", ODD, ids=str)
def test_whatever_the_values_all_stands_within_the_picture(values):
    for html in kinds(values):
        tree = drawn(html)
        assert not re.search(r"\b(nan|inf)\b", html.lower())
        _, _, width, height = map(float, tree.get("viewBox").split())
        for each in tree.iter():
            for word, most in (("x", width), ("cx", width), ("y", height), ("cy", height)):
                assert -1 <= float(each.get(word, 0)) <= most + 1
            for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", each.get("d", "")):
                assert 0 <= float(x) <= width
                assert 0 <= float(y) <= height


def test_what_is_not_known_is_a_gap_and_one_alone_is_a_dot():
    tree = drawn(lines("t", "", TIMES, [Series(name="n", values=[1, 2, None, 3, None, None])]))
    (path,) = named(tree, "line")
    assert path.get("d").count("L") == 1
    assert len([each for each in tree.iter() if each.tag == "circle"]) == 1


def test_a_bar_stands_on_the_one_below_it_and_the_smallest_can_be_seen():
    stack = [Series(name="ok", values=[90, 0]), Series(name="bad", values=[10, 0.001], hue="bad")]
    times = Times(begin=BEGIN, width=timedelta(minutes=1), count=2)
    tree = drawn(bars("t", "", times, stack))
    (ok,), bad = named(tree, "info"), named(tree, "bad")
    assert float(bad[0].get("y")) + float(bad[0].get("height")) == pytest.approx(float(ok.get("y")), abs=0.2)
    assert float(bad[1].get("height")) >= 1


def test_steps_hold_for_their_whole_bucket():
    tree = drawn(steps("t", "", TIMES, Series(name="n", values=[1, None, 2, 2, None, None])))
    assert len(named(tree, "area")) == len(named(tree, "line")) == 2


def labels(html):
    return [each.text for each in drawn(html).iter() if each.tag == "text"]


def test_an_axis_has_round_labels_with_units():
    def of(values, **more):
        return labels(lines("t", "", TIMES, [Series(name="n", values=values)], **more))[:-2]

    assert of([3, 90, 250], say=units.brief_ms)[:4] == ["0 ms", "100 ms", "200 ms", "300 ms"]
    assert of([3, 90, 2500], say=units.brief_ms, log=True)[:5] == ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]
    assert of([0.02], say=units.percent)[:4] == ["0 %", "1 %", "2 %", "14:00"]
    assert labels(bars("t", "", TIMES, [Series(name="n", values=[2])]))[:3] == ["0", "1", "2"]


def test_a_logarithmic_axis_is_named_and_only_there_where_it_helps():
    near, far = Series(name="n", values=[10, 20]), Series(name="n", values=[1, 2000])
    assert "log axis" not in lines("t", "", TIMES, [near], log=True)
    assert "log axis" in lines("t", "", TIMES, [far], log=True)
    assert "log axis" not in lines("t", "", TIMES, [far])


@pytest.mark.parametrize(
    ("begin", "width", "count", "expected"),
    [
        ("2026-11-16T14:00", 5, 60, ["14:00", "14:01", "14:02", "14:03", "14:04"]),
        ("2026-11-16T14:00", 1, 12, ["14:00:00", "14:00:05", "14:00:10"]),
        ("2026-11-16T14:00", 60, 60, ["14:00", "14:15", "14:30", "14:45"]),
        ("2026-11-16T18:30", 1800, 48, ["00:00", "06:00", "12:00", "18:00"]),
        ("2026-11-10T00:00", 10_800, 56, ["10 Nov", "12 Nov", "14 Nov", "16 Nov"]),
        ("2020-01-01T00:00", 86_400 * 40, 60, None),
        ("1990-01-01T00:00", 86_400 * 400, 72, None),
    ],
)
def test_times_stand_at_round_instants(begin, width, count, expected):
    times = Times(begin=datetime.fromisoformat(begin), width=timedelta(seconds=width), count=count)
    ticks = time_ticks(times)
    assert 2 <= len(ticks) <= 5
    assert all(times.begin <= at < times.end for at, _ in ticks)
    if expected:
        days = [word.replace("17 Nov", "00:00") for _, word in ticks]
        assert days == expected


def test_a_picture_can_be_heard_and_each_bucket_read():
    series = [Series(name="p50", values=[1, 3]), Series(name="p99", values=[None])]
    assert heard("Duration", "ms", TIMES, series) == (
        "Duration (ms), 2026-11-16 14:00 to 14:06 UTC: p50 1 to 3; p99 not known"
    )
    tree = drawn(lines("Duration", "", TIMES, series))
    titles = [each.text for each in tree.iter() if each.tag == "title"]
    assert titles == ["14:00 UTC: p50 1", "14:01 UTC: p50 3"]
    assert tree.get("role") == "img"


def test_a_period_over_midnight_names_both_days():
    assert period(BEGIN, BEGIN + timedelta(seconds=7)) == "2026-11-16 14:00:00 to 14:00:07 UTC"
    assert period(BEGIN, BEGIN + timedelta(days=1)) == "2026-11-16 14:00 to 2026-11-17 14:00 UTC"


@pytest.mark.parametrize("text", STRINGS)
def test_names_are_text_and_nothing_else(text):
    html = charts(bars(text, text, TIMES, [Series(name=text, values=[1]), Series(name=text, values=[1])]))
    tree = ET.fromstring(html)
    assert {each.tag for each in tree.iter()} <= {
        "div", "figure", "figcaption", "span", "i", "svg", "path", "rect", "text", "title",
    }  # fmt: skip
    assert {name for each in tree.iter() for name in each.keys()} <= {
        "class", "viewBox", "role", "aria-label", "d", "x", "y", "width", "height", "text-anchor",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("say", "value", "expected"),
    [
        (units.compact, 0, "0"),
        (units.compact, 999, "999"),
        (units.compact, 999.7, "1k"),
        (units.compact, 12_345, "12.3k"),
        (units.compact, 5e9, "5G"),
        (units.compact, 1e300, "1e+285P"),
        (units.brief_ms, 0.5, "0.5 ms"),
        (units.brief_ms, 999.6, "1 s"),
        (units.brief_ms, 1500, "1.5 s"),
        (units.brief_ms, 100_000, "100 s"),
        (units.brief_ms, 6_000_000, "100 min"),
        (units.percent, 0.0, "0 %"),
        (units.percent, 0.05, "5 %"),
        (units.percent, 0.0123, "1.2 %"),
        (units.percent, 1.0, "100 %"),
        (units.dollars, 0, "$0"),
        (units.dollars, 0.0000042, "4.2 µ$"),
        (units.dollars, 1.5, "$1.5"),
        (units.dollars, 12_345, "$12.3k"),
        (units.lasting, timedelta(minutes=90), "1.5 h"),
        (units.lasting, timedelta(seconds=5), "5 s"),
        (units.lasting, timedelta(days=7), "7 d"),
    ],
)
def test_units(say, value, expected):
    assert say(value) == expected
