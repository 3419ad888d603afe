"""The savings are found, sized right, and say what they rest on."""

from datetime import datetime
from decimal import Decimal as D

import pytest

from faaslab.monitoring import prices, savings

PRICES = prices.read()
X86 = D("0.0000166667")
DAY = datetime(2026, 11, 16)


def used(**fields):
    row = {
        "function": "score", "region": "us-east-1", "architecture": "x86_64", "requests": 1000,
        "gb_seconds": 1000.0, "init_gb_seconds": 0.0, "failed_gb_seconds": 0.0, "failed": 0,
    }  # fmt: skip
    return {**row, **fields}


def sized(**fields):
    row = {
        "function": "score", "region": "us-east-1", "architecture": "x86_64", "memory_mb": 1024, "last": DAY,
        "invocations": 1000, "used_max_mb": 100, "out_of_memory": 0, "gb_seconds": 1000.0, "mean_ms": 100.0,
        "gb_seconds_each": 1.0,
    }  # fmt: skip
    return {**row, **fields}


def find(usage=(), memory=(), sizes=(), factor=1):
    return savings.find(usage=usage, memory=memory, sizes=sizes, factor=D(factor), prices=PRICES)


@pytest.mark.parametrize(
    ("used_max", "expected"),
    [(0, 128), (50, 128), (102, 128), (103, 192), (512, 640), (771, 1024), (8000, 10048)],
)
def test_a_size_leaves_a_quarter_and_is_a_step_of_64(used_max, expected):
    assert savings.proposed_memory(used_max) == expected


def test_memory_is_bounded_by_the_share_that_is_left():
    (saving,) = find(memory=[sized()], factor=2)
    assert (saving.kind, saving.function, saving.rests_on) == ("memory", "score", "a bound")
    assert saving.usd == 2 * 1000 * X86 * (1 - D(128) / 1024)
    assert "1,024 → 128 MB" in saving.change


@pytest.mark.parametrize(
    "fields",
    [{"invocations": 19}, {"out_of_memory": 1}, {"used_max_mb": 800}, {"memory_mb": 128, "used_max_mb": 40}],
)
def test_memory_is_left_alone_where_too_little_is_known_or_it_is_needed(fields):
    assert find(memory=[sized(**fields)]) == []


def test_only_the_latest_size_can_still_be_changed():
    earlier = sized(memory_mb=3008, last=datetime(2026, 11, 1))
    (saving,) = find(memory=[earlier, sized(memory_mb=512)])
    assert saving.change.startswith("512 → 128 MB")


def test_two_sizes_that_ran_are_compared_by_what_they_were_billed():
    small = sized(memory_mb=512, gb_seconds_each=0.7, mean_ms=140.0, last=datetime(2026, 11, 1))
    (saving,) = find(memory=[sized()], sizes=[small, sized()])
    assert saving.rests_on == "measured"
    assert saving.change == "1,024 → 512 MB"
    assert saving.usd == 2000 * D("0.3") * X86
    assert "140 ms on average there, 100 ms now" in saving.caveat


def test_a_size_that_ran_is_not_proposed_when_it_would_be_full():
    small = sized(memory_mb=512, gb_seconds_each=0.7, used_max_mb=500, last=datetime(2026, 11, 1))
    assert find(sizes=[small, sized(used_max_mb=500)]) == []


def test_arm_saves_the_difference_of_the_prices():
    other = used(function="resize", architecture=None)
    done = used(function="mail", architecture="arm64")
    (saving,) = find(usage=[used(), other, done])
    assert (saving.kind, saving.function) == ("arm64", None)
    assert saving.usd == 2000 * (X86 - D("0.0000133334"))
    assert "2 functions" in saving.change


def test_inits_and_failures_are_bounds_and_the_largest_comes_first():
    row = used(architecture="arm64", init_gb_seconds=100.0, failed_gb_seconds=300.0, failed=10)
    first, second = find(usage=[row])
    assert (first.kind, second.kind) == ("failures", "cold starts")
    assert first.usd == 300 * D("0.0000133334") + 10 * D("0.0000002")
    assert second.usd == 100 * D("0.0000133334")
    assert first.at_most


@pytest.mark.parametrize(
    ("failed", "said"), [(1, "its 1 failure or timeout"), (12, "its 12 failures and timeouts")]
)
def test_what_failed_is_told_in_words_that_stand_after_a_name(failed, said):
    (saving,) = find(usage=[used(architecture="arm64", failed_gb_seconds=3.0, failed=failed)])
    assert saving.change == f"without {said}"
