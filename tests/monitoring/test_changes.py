"""What is called a change, and what is not."""

import random

import pytest

from faaslab.monitoring import changes
from faaslab.monitoring.changes import Change, Sample, Verdict, moved
from faaslab.monitoring.pages import week_words, words
from faaslab.store.questions.weeks import POINTS


@pytest.mark.parametrize(
    ("now", "before", "comparable", "verdict"),
    [
        (3_410, 3_045, True, Verdict.MORE),
        (2_700, 3_045, True, Verdict.LESS),
        (3_300, 3_045, True, Verdict.SAME),  # beyond chance, but under a tenth
        (25, 20, True, Verdict.SAME),  # a quarter more, but of so few that is chance
        (15, 9, True, Verdict.FEW),
        (0, 4, True, Verdict.FEW),
        (0, 5, True, Verdict.GONE),
        (3, 0, True, Verdict.NEW),
        (3_410, 100, False, Verdict.APART),
    ],
)
def test_counts(now, before, comparable, verdict):
    assert changes.of_count(now, before, comparable=comparable).verdict is verdict


@pytest.mark.parametrize(
    ("now", "now_of", "before", "before_of", "verdict"),
    [
        (120, 1_000, 40, 1_000, Verdict.MORE),
        (40, 1_000, 120, 1_000, Verdict.LESS),
        (48, 1_000, 40, 1_000, Verdict.SAME),  # chance
        (10_400, 100_000, 10_000, 100_000, Verdict.SAME),  # no chance, and nothing that matters
        (5, 10, 0, 1_000, Verdict.FEW),
        (0, 0, 3, 100, Verdict.FEW),
        (0, 100, 0, 100, Verdict.SAME),
        (100, 100, 100, 100, Verdict.SAME),
        (100, 100, 0, 100, Verdict.MORE),
    ],
)
def test_rates(now, now_of, before, before_of, verdict):
    assert changes.of_rate(now, now_of, before, before_of).verdict is verdict


def drawn(count, median, seed):
    chance = random.Random(seed)
    values = sorted(median * chance.lognormvariate(0, 0.4) for _ in range(count))
    return Sample(count=count, quantiles=POINTS, values=[values[round(q * (count - 1))] for q in POINTS])


@pytest.mark.parametrize(
    ("count", "factor", "verdict"),
    [
        (1_000, 2.0, Verdict.MORE),
        (1_000, 0.5, Verdict.LESS),
        (1_000, 1.05, Verdict.SAME),
        (90, 2.0, Verdict.FEW),
        (120, 1.15, Verdict.SAME),
    ],
)
def test_the_95th_percentile(count, factor, verdict):
    assert changes.of_quantile(drawn(count, 100 * factor, 1), drawn(count, 100, 2)).verdict is verdict


def test_weeks_that_are_alike_are_seldom_called_different():
    called = sum(
        changes.of_quantile(drawn(400, 100, 2 * seed), drawn(400, 100, 2 * seed + 1)).real
        for seed in range(300)
    )
    assert called <= 3


def test_a_range_holds_what_it_is_the_range_of():
    held = 0
    for seed in range(300):
        low, high = drawn(500, 100, seed).range(0.95)
        held += low <= 100 * 1.9307 <= high  # e^(0.4 * 1.6449)
    assert held >= 290


def test_without_durations_nothing_is_said():
    change = changes.of_quantile(None, drawn(500, 100, 1))
    assert (change.now, change.verdict) == (None, Verdict.FEW)


@pytest.mark.parametrize(
    ("now", "before", "calls", "verdict"),
    [
        (0.12, 0.10, (50, 50), Verdict.MORE),
        (0.105, 0.10, (50, 50), Verdict.SAME),
        (0.2, 0.1, (9, 5), Verdict.FEW),
        (0.2, None, (50, 0), Verdict.FEW),
        (0.2, 0.0, (50, 0), Verdict.NEW),
        (0.0, 0.1, (0, 50), Verdict.GONE),
        (0.0, 0.0, (50, 50), Verdict.SAME),
    ],
)
def test_money(now, before, calls, verdict):
    assert changes.of_money(now, before, calls=calls).verdict is verdict


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (250.0, 120.0, "doubled from 120 ms to 250 ms"),
        (60.0, 120.0, "halved from 120 ms to 60 ms"),
        (480.0, 120.0, "rose 4 times, from 120 ms to 480 ms"),
        (134.0, 120.0, "went up 12 % to 134 ms"),
        (90.0, 120.0, "went down 25 % to 90 ms"),
    ],
)
def test_changes_in_words(now, before, said):
    verdict = Verdict.MORE if now > before else Verdict.LESS
    assert moved(Change(now=now, before=before, verdict=verdict), words.ms) == said


@pytest.mark.parametrize(
    ("now", "before", "unit", "said"),
    [
        (3_410.0, 3_045.0, "count", "+365 (+12 %)"),
        (0.12, 0.039, "share", "+8.1 points"),
        (120.0, 250.0, "ms", "−130 ms (−52 %)"),
        (0.02, 0.0, "usd", "+$0.020"),
        (5.0, 5.0, "count", "±0"),
        (None, 5.0, "count", "–"),
    ],
)
def test_differences_have_their_units(now, before, unit, said):
    assert week_words.difference(Change(now=now, before=before, verdict=Verdict.SAME), unit) == said
