"""Money is right to the last digit: tiers, free tier, regions, init apart, the month."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.errors import InvalidValue, NotFound
from faaslab.monitoring import prices
from faaslab.monitoring.cost import (
    CostBreakdown,
    Usage,
    bill,
    monthly,
    price,
    provisioned,
    table,
    tiered,
    total,
)

PRICES = prices.read()
X86 = PRICES.of("us-east-1").tiers["x86_64"]
ARM = PRICES.of("us-east-1").tiers["arm64"]
GB = 10**9


@pytest.mark.parametrize(
    ("tiers", "gb_seconds", "expected"),
    [
        (X86, 0, "0"),
        (X86, 1, "0.0000166667"),
        (X86, 6 * GB, "100000.2"),
        (X86, 6 * GB + 1, "100000.200015"),
        (X86, 15 * GB, "235000.2"),
        (X86, 15 * GB + 1, "235000.2000133334"),
        (ARM, 7.5 * GB, "100000.5"),
        (ARM, 7.5 * GB + 1, "100000.5000120001"),
        (ARM, 18.75 * GB, "235001.625"),
        (ARM, 18.75 * GB + 1, "235001.6250106667"),
    ],
)
def test_each_part_is_charged_at_its_tier(tiers, gb_seconds, expected):
    assert tiered(D(str(gb_seconds)), tiers) == D(expected)


# Examples of the kind on AWS's pricing page: requests x seconds x GB, a month, one region.
@pytest.mark.parametrize(
    ("gb_seconds", "requests", "architecture", "region", "free", "duration", "request_cost"),
    [
        # 3 million requests of 120 ms at 1,536 MB: 540,000 GB-s.
        (540_000, 3_000_000, "x86_64", "us-east-1", False, "9.000018", "0.6"),
        (540_000, 3_000_000, "x86_64", "us-east-1", True, "2.333338", "0.4"),
        (540_000, 3_000_000, "arm64", "us-east-1", False, "7.200036", "0.6"),
        (540_000, 3_000_000, None, None, False, "9.000018", "0.6"),
        (400_000, 1_000_000, "x86_64", "eu-west-1", True, "0", "0"),
        (1_000_000, 1_000_000, "x86_64", "ap-east-1", False, "22.92", "0.28"),
        (1_000_000, 1_000_000, "arm64", "me-south-1", False, "16.5334", "0.2"),
        (0, 0, "x86_64", "us-east-1", True, "0", "0"),
    ],
)
def test_known_totals(gb_seconds, requests, architecture, region, free, duration, request_cost):
    cost = price(gb_seconds, requests, architecture, region, PRICES, free_tier=free)
    assert round(cost.duration, 12) == D(duration)
    assert round(cost.requests, 12) == D(request_cost)
    assert cost.total == cost.duration + cost.requests
    assert cost.notes == ()


def test_the_init_is_shown_apart_and_changes_no_total():
    whole = price(1000, 10, "x86_64", "us-east-1", PRICES)
    split = price(1000, 10, "x86_64", "us-east-1", PRICES, init_gb_seconds=250)
    assert split.init == D(250) * D("0.0000166667")
    assert split.total == whole.total


def test_storage_in_tmp_above_512_mb_is_charged():
    # 10,240 MB of /tmp for 1,000 s: 9.5 GB above what is free.
    cost = price(0, 0, "x86_64", "us-east-1", PRICES, ephemeral_gb_seconds=9500)
    assert cost == CostBreakdown(storage=D("0.00029355"))


def test_a_region_that_is_not_listed_is_priced_as_us_east_1_and_says_so():
    cost = price(100, 1, "x86_64", "mx-central-1", PRICES)
    assert cost == price(100, 1, "x86_64", "us-east-1", PRICES)
    assert cost.notes == ("no prices are listed for mx-central-1: those of us-east-1 stand in",)


def test_a_dearer_region_has_the_same_reductions():
    first, second, third = (tier.gb_second for tier in PRICES.of("af-south-1").tiers["x86_64"])
    assert first == D("0.0000221")
    assert round(second / first, 4) == D("0.9")
    assert round(third / first, 4) == D("0.8")


def test_tiers_count_an_architecture_of_a_region_over_all_its_functions():
    half = Usage(gb_seconds=D(6 * GB), requests=0, architecture="x86_64", region="us-east-1")
    together = total(bill([half, half], PRICES))
    assert round(together.total, 6) == D("190000.2")
    elsewhere = Usage(gb_seconds=D(6 * GB), requests=0, architecture="x86_64", region="us-east-2")
    assert round(total(bill([half, elsewhere], PRICES)).total, 6) == D("200000.4")


def test_the_free_tier_is_one_for_the_account_and_shared_by_use():
    small = Usage(gb_seconds=D(200_000), requests=500_000)
    large = Usage(gb_seconds=D(600_000), requests=1_500_000)
    first, second = bill([small, large], PRICES, free_tier=True)
    assert first.duration == D(100_000) * D("0.0000166667")
    assert second.duration == D(300_000) * D("0.0000166667")
    assert first.requests + second.requests == D("0.2")


def test_a_month_is_the_window_stretched_before_the_free_tier():
    day = Usage(gb_seconds=D(24_000), requests=24_000)
    (month,) = monthly([day], 24, PRICES)
    assert month.requests == D(730_000) * D("0.0000002")
    assert month.duration == D(730_000) * D("0.0000166667")
    (free,) = monthly([day], 24, PRICES, free_tier=True)
    assert free.requests == 0
    assert round(free.duration, 12) == D(330_000) * D("0.0000166667")


@pytest.mark.parametrize("hours", [0, -1])
def test_no_window_cannot_be_projected(hours):
    with pytest.raises(InvalidValue, match="cannot be projected"):
        monthly([], hours, PRICES)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"architecture": "mips"}, "architecture"),
        ({"requests": -1}, "requests"),
        ({"gb_seconds": -0.1}, "gb_seconds"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(change, place):
    given = {"gb_seconds": 1, "requests": 1, "architecture": "x86_64", "region": None, **change}
    with pytest.raises(InvalidValue) as caught:
        price(**given, prices=PRICES)
    assert caught.value.place == place


@pytest.mark.parametrize(
    ("environments", "memory_mb", "hours", "gb_seconds", "architecture", "region", "kept", "run"),
    [
        # 1 GB kept for a month of 730 hours.
        (1, 1024, 730, 0, "x86_64", "us-east-1", "10.9500876", "0"),
        (1, 1024, 730, 0, "arm64", "us-east-1", "8.7601752", "0"),
        (10, 2048, 1, 36_000, "x86_64", "us-east-1", "0.3000024", "0.3499992"),
        (1, 1024, "0.001", 0, None, None, "0.00125001", "0"),  # five minutes at least
        (0, 1024, 730, 0, None, None, "0", "0"),
        (1, 1024, 1, 0, "x86_64", "mx-central-1", "0.01500012", "0"),
    ],
)
def test_provisioned_concurrency(environments, memory_mb, hours, gb_seconds, architecture, region, kept, run):
    cost = provisioned(
        environments,
        memory_mb,
        D(hours),
        PRICES,
        gb_seconds=gb_seconds,
        architecture=architecture,
        region=region,
    )
    assert (cost.kept, cost.run) == (D(kept), D(run))


def test_provisioned_concurrency_pays_when_it_is_busy():
    # The break-even of AWS's prices: busy for three fifths of the time.
    hour = 3600
    idle = provisioned(1, 1024, 1, PRICES, gb_seconds=D("0.59") * hour)
    busy = provisioned(1, 1024, 1, PRICES, gb_seconds=D("0.61") * hour)
    assert idle.more > 0 > busy.more


def test_provisioned_concurrency_is_as_much_dearer_as_its_region():
    here, there = (provisioned(1, 1024, 730, PRICES, region=each) for each in ("us-east-1", "af-south-1"))
    assert round(there.kept / here.kept, 4) == round(D("2.21") / D("1.66667"), 4)


@pytest.mark.parametrize("name", ["environments", "memory_mb", "hours"])
def test_less_than_nothing_cannot_be_kept(name):
    given = {"environments": 1, "memory_mb": 128, "hours": 1, name: -1}
    with pytest.raises(InvalidValue) as caught:
        provisioned(**given, prices=PRICES)
    assert caught.value.place == name


amounts = st.decimals(min_value=0, max_value=10**11, places=3)


@given(amounts, amounts, st.sampled_from(["x86_64", "arm64"]))
def test_more_use_never_costs_less_and_splitting_changes_nothing(one, other, architecture):
    tiers = PRICES.of(None).tiers[architecture]
    assert tiered(one, tiers) <= tiered(one + other, tiers)
    usages = [Usage(gb_seconds=each, requests=1, architecture=architecture) for each in (one, other)]
    whole = price(one + other, 2, architecture, None, PRICES)
    assert abs(total(bill(usages, PRICES)).total - whole.total) < D("0.000001")


def test_the_table_says_where_it_comes_from():
    assert PRICES.as_of == "2026-09"
    assert any("Price List API" in source for source in PRICES.sources)


def test_an_unknown_table_and_a_broken_one_are_named(tmp_path):
    with pytest.raises(NotFound, match="did you mean 'aws-lambda'"):
        prices.read("aws-lamda")
    broken = tmp_path / "mine.json"
    broken.write_text('{"tiers": {}}')
    with pytest.raises(InvalidValue, match="lacks 'x86_64'") as caught:
        prices.read(str(broken))
    assert caught.value.place == str(broken)
    with pytest.raises(InvalidValue, match="cannot be read"):
        prices.read(str(tmp_path / "none.json"))
    with pytest.raises(InvalidValue, match="no price table"):
        table([], place="x")
