"""What executions cost on AWS Lambda, in Decimal. Pure: the price table is handed in as data.

Requests and GB-seconds are billed by region and architecture, in tiers that count a month
(https://aws.amazon.com/lambda/pricing/). Throttled calls are not billed. The GB-seconds of an init are part
of what is billed since 2025-08; they are shown apart. A local run is priced as if Lambda had run it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HOURS_A_MONTH = Decimal(730)
"""The month of AWS's own calculator: 365 days in twelve parts."""

FREE_STORAGE_MB = 512
_KEPT_STEP_S = 300
_ZERO = Decimal(0)
_ARCHITECTURES = ("x86_64", "arm64")


@dataclass(frozen=True, kw_only=True)
class Tier:
    """The price of a GB-second up to `up_to` GB-seconds a month (`None`: without end)."""

    up_to: Decimal | None
    gb_second: Decimal


@dataclass(frozen=True, kw_only=True)
class RegionPrices:
    """What one region asks, in the table's currency."""

    region: str
    request: Decimal
    tiers: Mapping[str, tuple[Tier, ...]]
    """Architecture -> tiers, the first one first."""
    ephemeral_gb_second: Decimal
    """Storage in /tmp above 512 MB."""
    kept_gb_second: Mapping[str, Decimal]
    """Architecture -> the price of memory that provisioned concurrency keeps ready, used or not."""
    provisioned_gb_second: Mapping[str, Decimal]
    """Architecture -> the price of running on it, instead of the tiers'."""

    def gb_second(self, architecture: str) -> Decimal:
        """The price of a GB-second in the first tier."""
        return self.tiers[architecture][0].gb_second


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """Prices by region, with the month they were read in and where."""

    name: str
    currency: str
    as_of: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    fallback_region: str
    free_requests: Decimal
    free_gb_seconds: Decimal
    regions: Mapping[str, RegionPrices]

    def of(self, region: str | None) -> RegionPrices:
        """The prices of `region`; those of the fallback region where it is not listed (see `note`)."""
        return self.regions.get(region or self.fallback_region) or self.regions[self.fallback_region]

    def note(self, region: str | None) -> str | None:
        """What must be said beside a price of `region`: that another region's prices stand in for it."""
        if region is None or region in self.regions:
            return None
        return f"no prices are listed for {region}: those of {self.fallback_region} stand in"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What one group of executions used. `gb_seconds` are all that were billed, those of inits included."""

    gb_seconds: Decimal
    requests: int | Decimal
    init_gb_seconds: Decimal = _ZERO
    ephemeral_gb_seconds: Decimal = _ZERO
    """Of /tmp above 512 MB."""
    architecture: str | None = None
    """`None` is priced as x86_64, Lambda's default."""
    region: str | None = None

    def times(self, factor: Decimal) -> Usage:
        """The same for `factor` times as long."""
        return Usage(
            gb_seconds=self.gb_seconds * factor,
            requests=Decimal(self.requests) * factor,
            init_gb_seconds=self.init_gb_seconds * factor,
            ephemeral_gb_seconds=self.ephemeral_gb_seconds * factor,
            architecture=self.architecture,
            region=self.region,
        )


@dataclass(frozen=True, kw_only=True)
class CostBreakdown:
    """Money, split. `duration` is without `init`; `total` is the sum of the others."""

    duration: Decimal = _ZERO
    requests: Decimal = _ZERO
    init: Decimal = _ZERO
    storage: Decimal = _ZERO
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was assumed (a region that is not listed, an architecture that is not known)."""

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.duration + self.requests + self.init + self.storage

    def __add__(self, other: CostBreakdown) -> CostBreakdown:
        return CostBreakdown(
            duration=self.duration + other.duration,
            requests=self.requests + other.requests,
            init=self.init + other.init,
            storage=self.storage + other.storage,
            notes=tuple(dict.fromkeys((*self.notes, *other.notes))),
        )


def price(
    gb_seconds: Decimal | float,
    requests: int,
    architecture: str | None,
    region: str | None,
    prices: PriceTable,
    *,
    free_tier: bool = False,
    init_gb_seconds: Decimal | float = _ZERO,
    ephemeral_gb_seconds: Decimal | float = _ZERO,
) -> CostBreakdown:
    """The cost of one group, taken as all that an account used in a month.

    `gb_seconds` include `init_gb_seconds`. With `free_tier` a month's free requests and GB-seconds are taken
    off first. Several groups of one account: `bill`.
    """
    usage = Usage(
        gb_seconds=exact(gb_seconds),
        requests=requests,
        init_gb_seconds=exact(init_gb_seconds),
        ephemeral_gb_seconds=exact(ephemeral_gb_seconds),
        architecture=architecture,
        region=region,
    )
    return bill([usage], prices, free_tier=free_tier)[0]


def bill(
    usages: Sequence[Usage], prices: PriceTable, *, free_tier: bool = False, months: Decimal = Decimal(1)
) -> list[CostBreakdown]:
    """The cost of each group of one account's use over `months`, in the order given.

    Tiers count per region and architecture over all groups, the free tier over everything; what a group
    saves by them is its share of the use. `months` widens both allowances, for a window that is longer or
    shorter than a month.
    """
    for usage in usages:
        _check(usage)
    free_gb = prices.free_gb_seconds * months if free_tier else _ZERO
    free_requests = prices.free_requests * months if free_tier else _ZERO
    charged = 1 - _share(free_gb, sum((usage.gb_seconds for usage in usages), _ZERO))
    charged_requests = 1 - _share(free_requests, sum((Decimal(usage.requests) for usage in usages), _ZERO))
    pools: dict[tuple[str, str], Decimal] = {}
    for usage in usages:
        pool = _pool(usage, prices)
        pools[pool] = pools.get(pool, _ZERO) + usage.gb_seconds * charged
    rates = {
        (region, architecture): tiered(used, prices.of(region).tiers[architecture], months=months) / used
        if used
        else prices.of(region).gb_second(architecture)
        for (region, architecture), used in pools.items()
    }
    answers = []
    for usage in usages:
        of_region = prices.of(usage.region)
        rate = rates[_pool(usage, prices)] * charged
        answers.append(
            CostBreakdown(
                duration=(usage.gb_seconds - usage.init_gb_seconds) * rate,
                init=usage.init_gb_seconds * rate,
                requests=Decimal(usage.requests) * charged_requests * of_region.request,
                storage=usage.ephemeral_gb_seconds * of_region.ephemeral_gb_second,
                notes=_notes(usage, prices),
            )
        )
    return answers


def monthly(
    usages: Sequence[Usage], hours: Decimal | float, prices: PriceTable, *, free_tier: bool = False
) -> list[CostBreakdown]:
    """What a month costs if it goes on as in a window of `hours`: the use is stretched, then billed."""
    length = exact(hours)
    if length <= 0:
        raise InvalidValue(f"a window of {hours} hours cannot be projected", place="hours")
    factor = HOURS_A_MONTH / length
    return bill([usage.times(factor) for usage in usages], prices, free_tier=free_tier)


def tiered(gb_seconds: Decimal, tiers: Iterable[Tier], *, months: Decimal = Decimal(1)) -> Decimal:
    """What `gb_seconds` cost through the tiers: each part at the price of the tier it falls in."""
    cost, below = _ZERO, _ZERO
    for tier in tiers:
        up_to = gb_seconds if tier.up_to is None else min(gb_seconds, tier.up_to * months)
        if up_to > below:
            cost += (up_to - below) * tier.gb_second
            below = up_to
    return cost


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """What provisioned concurrency costs, without requests: `kept` for being ready, `run` for running."""

    kept: Decimal
    run: Decimal
    on_demand: Decimal
    """What the same running costs without it, in the first tier."""

    @property
    def more(self) -> Decimal:
        """What it costs more than running on demand; less than nothing where it is busy enough to pay."""
        return self.kept + self.run - self.on_demand


def provisioned(
    environments: int,
    memory_mb: int,
    hours: Decimal | float,
    prices: PriceTable,
    *,
    gb_seconds: Decimal | float = _ZERO,
    architecture: str | None = None,
    region: str | None = None,
) -> Provisioned:
    """`environments` of `memory_mb` kept ready for `hours`, of which `gb_seconds` were spent running.

    AWS counts the time kept in steps of five minutes; so does this. Its free tier does not apply.
    """
    usage = Usage(gb_seconds=exact(gb_seconds), requests=0, architecture=architecture, region=region)
    _check(usage)
    for place, value in (("environments", environments), ("memory_mb", memory_mb), ("hours", hours)):
        if value < 0:
            raise InvalidValue(f"{value} is less than nothing", place=place)
    of_region, kind = prices.of(region), architecture or _ARCHITECTURES[0]
    seconds = (exact(hours) * 3600 / _KEPT_STEP_S).to_integral_value(ROUND_CEILING) * _KEPT_STEP_S
    kept = environments * Decimal(memory_mb) / 1024 * seconds
    return Provisioned(
        kept=kept * of_region.kept_gb_second[kind],
        run=usage.gb_seconds * of_region.provisioned_gb_second[kind],
        on_demand=usage.gb_seconds * of_region.gb_second(kind),
    )


def total(parts: Iterable[CostBreakdown]) -> CostBreakdown:
    """The sum of all."""
    whole = CostBreakdown()
    for part in parts:
        whole += part
    return whole


def exact(value: Decimal | float) -> Decimal:
    """A float as the decimal that it is written as; a Decimal as it is."""
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))


def table(body: Mapping[str, Any], *, place: str = "prices") -> PriceTable:
    """The price table that a JSON document describes (amounts are strings there, so that nothing is rounded).

    A region's further tiers take the same reduction against its first tier as the table's own `tiers`; its
    provisioned concurrency is as much dearer as its first tier is.
    Raises `InvalidValue` when something is missing.
    """
    try:
        tiers = {
            architecture: tuple(
                Tier(
                    up_to=None if each["up_to_gb_seconds"] is None else Decimal(each["up_to_gb_seconds"]),
                    gb_second=Decimal(each["gb_second"]),
                )
                for each in body["tiers"][architecture]
            )
            for architecture in _ARCHITECTURES
        }
        fallback = body["fallback_region"]
        ready = {each: Decimal(body["provisioned"][each]["kept_gb_second"]) for each in _ARCHITECTURES}
        running = {each: Decimal(body["provisioned"][each]["gb_second"]) for each in _ARCHITECTURES}
        requests = {region: Decimal(amount) for region, amount in body["request"].items()}
        regions = {
            region: RegionPrices(
                region=region,
                request=requests.get(region, requests[fallback]),
                tiers={each: _scaled(tiers[each], Decimal(first[each])) for each in _ARCHITECTURES},
                ephemeral_gb_second=Decimal(body["ephemeral_gb_second_over_512_mb"]),
                kept_gb_second=_as_dear(ready, tiers, first),
                provisioned_gb_second=_as_dear(running, tiers, first),
            )
            for region, first in body["regions"].items()
        }
        free = body["free_tier_month"]
        return PriceTable(
            name=body["name"],
            currency=body["currency"],
            as_of=body["as_of"],
            sources=tuple(body["sources"]),
            notes=tuple(body["notes"]),
            fallback_region=regions[fallback].region,
            free_requests=Decimal(free["requests"]),
            free_gb_seconds=Decimal(free["gb_seconds"]),
            regions=regions,
        )
    except KeyError as error:
        raise InvalidValue(f"the price table lacks {error.args[0]!r}", place=place) from None
    except (TypeError, AttributeError, ArithmeticError) as error:
        raise InvalidValue(f"this is no price table ({error})", place=place) from None


def _scaled(tiers: tuple[Tier, ...], first: Decimal) -> tuple[Tier, ...]:
    if first == tiers[0].gb_second:
        return tiers
    return tuple(
        Tier(up_to=tier.up_to, gb_second=first * tier.gb_second / tiers[0].gb_second) for tier in tiers
    )


def _as_dear(
    prices: Mapping[str, Decimal], tiers: Mapping[str, tuple[Tier, ...]], first: Mapping[str, str]
) -> dict[str, Decimal]:
    return {each: prices[each] * (Decimal(first[each]) / tiers[each][0].gb_second) for each in _ARCHITECTURES}


def _pool(usage: Usage, prices: PriceTable) -> tuple[str, str]:
    # A region that is not listed keeps tiers of its own, at the fallback's prices.
    return usage.region or prices.fallback_region, usage.architecture or _ARCHITECTURES[0]


def _share(free: Decimal, used: Decimal) -> Decimal:
    return min(Decimal(1), free / used) if used else _ZERO


def _check(usage: Usage) -> None:
    if usage.architecture is not None and usage.architecture not in _ARCHITECTURES:
        raise InvalidValue(
            f"{usage.architecture!r} is no architecture of Lambda",
            place="architecture",
            hint=f"one of {', '.join(_ARCHITECTURES)}",
        )
    for name in ("gb_seconds", "requests", "init_gb_seconds", "ephemeral_gb_seconds"):
        if getattr(usage, name) < 0:
            raise InvalidValue(f"{getattr(usage, name)} is less than nothing", place=name)


def _notes(usage: Usage, prices: PriceTable) -> tuple[str, ...]:
    return tuple(note for note in (prices.note(usage.region),) if note)
