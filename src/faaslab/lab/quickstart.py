"""The main job in one go: functions, a few thousand real invocations, a workflow, and reports on all of it.

Nothing here is made up: every invocation runs in a real execution environment and is recorded. The traffic is
drawn from a seeded generator, so that two runs ask for the same; what they measure is the machine's own.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.lab import quickstart_orders
from faaslab.lab.quickstart_page import page_html
from faaslab.model.report import ReportRun

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import datetime

    from faaslab.lab import Lab

    class Bar(Protocol):
        """A progress bar of the face that asked."""

        def advance(self, count: int = 1, note: str | None = None) -> None:
            """`count` more are done."""


Payload = Callable[[random.Random, int], dict[str, Any]]
ROUNDS = 4
REPORTS = ("cold_starts", "durations", "costs", "workflows")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One sample function and the traffic it gets: `share` of all invocations, `burst` at a time."""

    name: str
    memory_mb: int
    timeout_s: int
    share: float
    burst: int
    payload: Payload


def _score(draw: random.Random, index: int) -> dict[str, Any]:
    return {
        "customer": f"c-{index:05}",
        "features": [round(draw.random(), 3) for _ in range(8)],
        "steps": int(draw.lognormvariate(7.6, 0.6)),
    }


def _orders(draw: random.Random, _: int) -> dict[str, Any]:
    lines = [
        f"sku-{draw.randrange(12)},{draw.uniform(1, 90):.2f},{draw.randrange(1, 5)}"
        for _ in range(draw.randrange(20, 200))
    ]
    return {"csv": "\n".join(["sku,price,quantity", *lines])}


def _thumbnail(draw: random.Random, index: int) -> dict[str, Any]:
    # One picture in 120 is larger than the function's memory: a real out-of-memory.
    side = 7_000 if index % 120 == 60 else int(draw.lognormvariate(7, 0.4))
    return {"width": side, "height": side}


def _fetch(draw: random.Random, index: int) -> dict[str, Any]:
    # One answer in 150 never comes in time: a real timeout.
    return {
        "page": index,
        "upstream_ms": 1_500 if index % 150 == 75 else min(draw.lognormvariate(2.7, 0.7), 400),
    }


def _checkout(draw: random.Random, index: int) -> dict[str, Any]:
    items = [{"price": round(draw.uniform(2, 60), 2), "quantity": 1} for _ in range(draw.randrange(1, 6))]
    broken = {0: [], 1: [{"price": 9.5}]}.get(draw.randrange(40))
    return {"order": index, "basket": items if broken is None else broken}


SHAPES = (
    Shape(name="hello", memory_mb=128, timeout_s=3, share=0.35, burst=2,
          payload=lambda _, index: {"name": f"visitor {index}"}),
    Shape(name="score", memory_mb=512, timeout_s=10, share=0.20, burst=4, payload=_score),
    Shape(name="orders", memory_mb=256, timeout_s=10, share=0.15, burst=6, payload=_orders),
    Shape(name="thumbnail", memory_mb=192, timeout_s=10, share=0.08, burst=3, payload=_thumbnail),
    Shape(name="fetch", memory_mb=1024, timeout_s=1, share=0.10, burst=8, payload=_fetch),
    Shape(name="checkout", memory_mb=128, timeout_s=3, share=0.12, burst=3, payload=_checkout),
)  # fmt: skip


STOCK = "stock"
"""A function that only the workflow calls."""


def source(name: str) -> str:
    """The text of a sample function."""
    return (resources.files("faaslab.lab.samples") / f"{name}.py").read_text("utf-8")


def define(lab: Lab, shape: Shape, **changes: Any) -> None:
    """Create the shape's function, or its next definition where `changes` differ from what there is."""
    settings: dict[str, Any] = {"memory_mb": shape.memory_mb, "timeout_s": shape.timeout_s, **changes}
    lab.functions.create(shape.name, source(shape.name), exist_ok=True, **settings)


def rounds(invocations: int, seed: int = 7) -> list[list[tuple[Shape, list[dict[str, Any]]]]]:
    """The traffic: in each round a burst for every shape, in another order each time."""
    draw = random.Random(seed)  # noqa: S311 - traffic, not secrets
    planned = []
    for number in range(ROUNDS):
        order = list(SHAPES)
        draw.shuffle(order)
        planned.append(
            [
                (shape, _payloads(shape, draw, number, round(invocations * shape.share / ROUNDS)))
                for shape in order
            ]
        )
    return planned


def _payloads(shape: Shape, draw: random.Random, number: int, count: int) -> list[dict[str, Any]]:
    return [shape.payload(draw, number * count + index) for index in range(count)]


@dataclass(frozen=True, kw_only=True)
class Quickstart:
    """What it left: the page to open, its reports, how much ran and how much of it failed."""

    page: Path
    reports: tuple[ReportRun, ...]
    invocations: int
    failed: int
    runs: int
    runs_failed: int


def run(
    lab: Lab,
    progress: Callable[[int | None, str], AbstractContextManager[Bar]],
    *,
    invocations: int = 3_000,
    orders: int = quickstart_orders.ORDERS,
    out_dir: Path | None = None,
) -> Quickstart:
    """Define the samples, run the traffic and the workflow, write the reports.

    `orders` are the executions of the workflow. `progress(total, label)` makes a bar. Raises what the store
    and the backend raise; a function that fails is part of the picture.
    """
    for shape in SHAPES:
        define(lab, shape)
    lab.functions.create(STOCK, source(STOCK), exist_ok=True)
    begun = lab.clock.now()
    planned = rounds(invocations)
    total = sum(len(payloads) for bursts in planned for _, payloads in bursts)
    failed = 0
    with progress(total, "invocations") as bar:
        for number, bursts in enumerate(planned):
            if number == ROUNDS // 2:
                # A new version in the middle: more memory for the function that runs out of it.
                define(lab, next(shape for shape in SHAPES if shape.name == "thumbnail"), memory_mb=256)
            for shape, payloads in bursts:
                answer = lab.functions.map(shape.name, payloads, n=min(shape.burst, 2 + number * 2))
                failed += sum(not execution.ok for execution in answer.executions)
                bar.advance(len(answer.executions), f"{failed} failed")
    with progress(orders, "orders through the workflow") as bar:
        fulfilled = quickstart_orders.run(lab, bar.advance, orders)
    counts = _counted(lab, begun)
    folder = out_dir or lab.store.path.parent / "reports" / "quickstart"
    with progress(len(REPORTS), "reports") as bar:
        reports = write_reports(lab, folder, bar)
    page = folder / "index.html"
    names = [*(shape.name for shape in SHAPES), STOCK]
    _replace(page, page_html(lab.store, names, reports, counts, fulfilled))
    ran, failed = counts
    return Quickstart(
        page=page,
        reports=reports,
        invocations=ran,
        failed=failed,
        runs=fulfilled.runs,
        runs_failed=fulfilled.failed,
    )


def _counted(lab: Lab, begun: datetime) -> tuple[int, int]:
    """(invocations since then, those that failed), those of the workflow among them."""
    found = lab.sql(
        "SELECT count(*) AS ran, count(*) FILTER (WHERE status <> 'completed') AS failed "
        "FROM executions WHERE started_at >= $begun AND list_contains($names, function)",
        {"begun": begun, "names": [*(shape.name for shape in SHAPES), STOCK]},
    )
    return int(found.ran[0]), int(found.failed[0])


def write_reports(lab: Lab, folder: Path, bar: Bar) -> tuple[ReportRun, ...]:
    """The reports, at once: each runs in a kernel of its own."""

    def write(name: str) -> ReportRun:
        report = lab.reports.run(name, out_dir=folder, stem=name, theme="auto")
        bar.advance(1, name)
        return report

    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(len(REPORTS), thread_name_prefix="faaslab-quickstart") as pool:
        return tuple(pool.map(write, REPORTS))


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
