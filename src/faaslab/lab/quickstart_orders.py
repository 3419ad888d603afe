"""The quickstart's workflow: orders on their way through the sample functions, some of which go wrong.

As with the functions nothing is made up: each order is an execution that calls, waits, tries again and fails.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from faaslab.model.workflow import WorkflowExecutionStatus
from faaslab.workflow import source as sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution

NAME = "fulfil"
ORDERS = 32
_AT_ONCE = 6


@dataclass(frozen=True, kw_only=True)
class Fulfilled:
    """How many orders ran and how many of them failed, and the picture of the one that saw most."""

    runs: int
    failed: int
    picture: str
    pictured: str


def orders(count: int, seed: int = 11) -> list[dict[str, Any]]:
    """The orders: most are fine; some are empty, lack a quantity or ask for more than there is."""
    draw = random.Random(seed)  # noqa: S311 - traffic, not secrets
    return [_order(draw, index) for index in range(count)]


def _order(draw: random.Random, index: int) -> dict[str, Any]:
    basket: list[dict[str, Any]] = [
        {
            "sku": f"sku-{draw.randrange(12)}",
            "price": round(draw.uniform(2, 60), 2),
            "quantity": draw.randrange(1, 4),
        }
        for _ in range(draw.randrange(1, 5))
    ]
    if index % 11 == 5:
        basket = []
    elif index % 11 == 8:
        del basket[-1]["quantity"]
    elif index % 11 == 3:
        basket[0]["quantity"] = 6
    return {
        "order": index,
        "customer": f"c-{index:05}",
        "features": [round(draw.random(), 3) for _ in range(8)],
        "basket": basket,
    }


def run(lab: Lab, advance: Callable[[int, str], object], count: int = ORDERS) -> Fulfilled:
    """Define the workflow and send the orders through it a few at a time; `advance(1, note)` is told of each.

    Its functions must be there. Raises what the store raises; an order that fails is part of the picture.
    """
    text = (resources.files("faaslab.lab.samples") / f"{NAME}.yaml").read_text("utf-8")
    lab.workflows.define(NAME, sources.read(text).definition)
    ended: list[WorkflowExecution] = []
    begun = f"{lab.clock.now():%Y-%m-%d-%H%M%S}"

    def through(order: dict[str, Any]) -> WorkflowExecution:
        return lab.workflows.start(NAME, order, name=f"{begun}-order-{order['order']:02}").wait()

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="faaslab-quickstart") as pool:
        for execution in pool.map(through, orders(count)):
            ended.append(execution)
            advance(1, f"{_failed(ended)} failed")
    # The picture is of the one in which most happened and all was well in the end.
    shown = max(
        ended,
        key=lambda each: (
            each.status is WorkflowExecutionStatus.SUCCEEDED,
            each.statistics.retried_states,
            each.statistics.total_states,
        ),
    )
    return Fulfilled(
        runs=len(ended),
        failed=_failed(ended),
        picture=lab.workflows.run(shown.id).graph().svg,
        pictured=shown.name,
    )


def _failed(executions: list[WorkflowExecution]) -> int:
    return sum(each.status is not WorkflowExecutionStatus.SUCCEEDED for each in executions)
