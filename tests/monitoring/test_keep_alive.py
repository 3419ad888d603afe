"""Why each cold start happened, and what keeping environments longer would have changed."""

from datetime import datetime, timedelta

import pytest

from faaslab.monitoring.keep_alive import (
    BROKEN,
    BUSY,
    ENDED,
    FIRST,
    IDLE,
    ColdStart,
    Environment,
    avoided,
    counts,
    explain,
    explain_gaps,
)  # fmt: skip

START = datetime(2026, 11, 16)


def env(started, ended, **fields):
    at = {"started": START + timedelta(seconds=started), "ended": START + timedelta(seconds=ended)}
    return Environment(**{"function": "f", "version": "1", **at, **fields})


@pytest.mark.parametrize(
    ("environments", "expected"),
    [
        ([], []),
        ([env(0, 10)], [(FIRST, None)]),
        ([env(0, 10), env(100, 110)], [(FIRST, None), (IDLE, 90)]),
        ([env(0, 10), env(5, 15)], [(FIRST, None), (BUSY, None)]),
        ([env(0, 10, broken=True), env(100, 110)], [(FIRST, None), (BROKEN, None)]),
        # One that had idled can serve one of two, the other needs a second environment in any case.
        ([env(0, 10), env(100, 110), env(101, 111)], [(FIRST, None), (IDLE, 90), (BUSY, None)]),
        # Two had idled: the latest serves first.
        (
            [env(0, 10), env(5, 30), env(100, 110), env(101, 111)],
            [(FIRST, None), (BUSY, None), (IDLE, 70), (IDLE, 91)],
        ),
        # An end at the very instant of a start serves it; an execution without length is no riddle.
        ([env(0, 10), env(10, 20)], [(FIRST, None), (IDLE, 0)]),
        ([env(0, 0), env(10, 10)], [(FIRST, None), (IDLE, 10)]),
        # It was there before the window: no cold start of its own, but it counts.
        ([env(0, 10, born_cold=False), env(5, 20)], [(BUSY, None)]),
        # It would have been kept for longer than that: something else had ended it.
        ([env(0, 10, kept_s=300), env(100, 110)], [(FIRST, None), (ENDED, None)]),
        ([env(0, 10, kept_s=90), env(100, 110)], [(FIRST, None), (IDLE, 90)]),
        ([env(0, 10, kept_s=300, broken=True), env(100, 110)], [(FIRST, None), (BROKEN, None)]),
        # Another version's environments serve nobody here.
        ([env(0, 10), env(100, 110, version="2")], [(FIRST, None), (FIRST, None)]),
    ],
)
def test_reasons(environments, expected):
    assert [(cold.reason, cold.idle_s) for cold in explain(environments)] == expected


def test_gaps_where_environments_are_not_told():
    colds = explain_gaps([("f", float("nan")), ("f", -0.5), ("g", 300.0)])
    assert colds == [
        ColdStart(function="f", reason=FIRST),
        ColdStart(function="f", reason=BUSY),
        ColdStart(function="g", reason=IDLE, idle_s=300.0),
    ]
    assert counts(colds)["f"] == {IDLE: 0, ENDED: 0, BUSY: 1, BROKEN: 0, FIRST: 1}


def test_what_a_keep_alive_avoids_grows_with_it():
    colds = explain_gaps([("f", gap) for gap in (400.0, 600.0, 900.0, -1.0)])
    assert avoided(colds, [300, 600, 3600]) == [0, 2, 3]
