"""What executions of workflows cost on AWS Step Functions, in Decimal. Pure: the prices are handed in.

A Standard execution is billed by its state transitions, an Express one by the request and by its duration in
steps of 100 ms at its memory in steps of 64 MB (https://aws.amazon.com/step-functions/pricing/). What the
functions and services cost that a workflow calls is not in it: that is on their own bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from faaslab.errors import InvalidValue
from faaslab.monitoring.cost import Tier, exact, tiered

_ZERO = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class WorkflowPrices:
    """The prices of Step Functions, with the month they were read in and where."""

    name: str
    currency: str
    as_of: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    fallback_region: str
    free_transitions: Decimal
    transition: Mapping[str, Decimal]
    """Region -> the price of one state transition."""
    express_request: Decimal
    express_tiers: tuple[Tier, ...]
    """Of GB-seconds a month, the first tier first."""


@dataclass(frozen=True, kw_only=True)
class WorkflowUsage:
    """What some executions used: the Standard ones their transitions, the Express ones their GB-seconds."""

    transitions: int = 0
    express_requests: int = 0
    express_gb_seconds: Decimal = _ZERO
    region: str | None = None


def usage_of(row: Mapping[str, Any]) -> WorkflowUsage:
    """A row of `store.questions.workflows.usage`."""
    return WorkflowUsage(
        transitions=int(row["transitions"]),
        express_requests=int(row["express_requests"]),
        express_gb_seconds=exact(row["express_gb_seconds"]),
        region=row["region"],
    )


@dataclass(frozen=True, kw_only=True)
class WorkflowCost:
    """Money, split; `total` is the sum."""

    transitions: Decimal = _ZERO
    requests: Decimal = _ZERO
    duration: Decimal = _ZERO

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.transitions + self.requests + self.duration

    def __add__(self, other: WorkflowCost) -> WorkflowCost:
        return WorkflowCost(
            transitions=self.transitions + other.transitions,
            requests=self.requests + other.requests,
            duration=self.duration + other.duration,
        )


def bill(
    usages: list[WorkflowUsage], prices: WorkflowPrices, *, free_tier: bool = False
) -> list[WorkflowCost]:
    """The cost of each group of one account's use in a month, in the order given.

    Tiers and the free transitions count over all groups; what a group saves by them is its share of the use.
    """
    all_transitions = sum(usage.transitions for usage in usages)
    free = min(prices.free_transitions, Decimal(all_transitions)) if free_tier else _ZERO
    charged = 1 - free / all_transitions if all_transitions else Decimal(1)
    used = sum((usage.express_gb_seconds for usage in usages), _ZERO)
    rate = tiered(used, prices.express_tiers) / used if used else _ZERO
    return [
        WorkflowCost(
            transitions=usage.transitions * charged * _transition(usage.region, prices),
            requests=usage.express_requests * prices.express_request,
            duration=usage.express_gb_seconds * rate,
        )
        for usage in usages
    ]


def table(body: Any, *, place: str) -> WorkflowPrices:
    """The prices that a JSON document holds. Raises InvalidValue, naming `place`, for one of another form."""
    try:
        tiers = tuple(
            Tier(
                up_to=None if each["up_to_gb_hours"] is None else Decimal(each["up_to_gb_hours"]) * 3600,
                gb_second=Decimal(each["gb_hour"]) / 3600,
            )
            for each in body["express_gb_hour"]
        )
        return WorkflowPrices(
            name=str(body["name"]),
            currency=str(body["currency"]),
            as_of=str(body["as_of"]),
            sources=tuple(map(str, body["sources"])),
            notes=tuple(map(str, body["notes"])),
            fallback_region=str(body["fallback_region"]),
            free_transitions=Decimal(body["free_transitions_month"]),
            transition={str(region): Decimal(price) for region, price in body["transition"].items()},
            express_request=Decimal(body["express_request"]),
            express_tiers=tiers,
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise InvalidValue(f"it is no table of Step Functions' prices: {error!r}", place=place) from None


def _transition(region: str | None, prices: WorkflowPrices) -> Decimal:
    return (
        prices.transition.get(region or prices.fallback_region) or prices.transition[prices.fallback_region]
    )
