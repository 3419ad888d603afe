"""The first command of the README, small: real invocations, a workflow, reports, a page that leads to them."""

import re
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

import faaslab
from faaslab.lab import quickstart, quickstart_orders
from faaslab.model.function import Function


class Bar:
    def __init__(self) -> None:
        self.count = 0

    def advance(self, count: int = 1, note: str | None = None) -> None:
        self.count += count


@pytest.fixture
def bars():
    return {}


@pytest.fixture
def progress(bars):
    @contextmanager
    def made(total, label):
        bars[label] = (bar := Bar(), total)
        yield bar

    return made


def test_the_traffic_is_the_same_each_time_and_as_much_as_was_asked_for():
    assert quickstart.rounds(400) == quickstart.rounds(400)
    planned = [len(payloads) for bursts in quickstart.rounds(3_000) for _, payloads in bursts]
    assert 2_900 <= sum(planned) <= 3_100


def test_everything_that_ran_is_in_the_store_and_the_page_leads_to_the_reports(tmp_path, progress, bars):
    with faaslab.open(tmp_path / "faaslab.duckdb") as lab:
        done = quickstart.run(lab, progress, invocations=120, orders=12)
        stored = lab.sql(
            "SELECT function, count(*) AS n, bool_or(cold_start) AS cold FROM executions GROUP BY 1"
        )
        definitions = lab.store.definitions.every(Function, "thumbnail")
        kept = lab.sql("SELECT name, status FROM reports")
    bar, total = bars["invocations"]
    assert total == bar.count == sum(len(p) for bursts in quickstart.rounds(120) for _, p in bursts)
    assert done.invocations == stored.n.sum() > total
    assert set(stored.function) == {shape.name for shape in quickstart.SHAPES} | {quickstart.STOCK}
    assert stored.cold.all()
    assert len(definitions) == 2
    assert sorted(kept.name) == sorted(quickstart.REPORTS)
    assert set(kept.status) == {"completed"}
    assert done.runs == bars["orders through the workflow"][0].count == 12
    page = done.page.read_text("utf-8")
    assert f"{done.invocations:,} invocations ran on this machine" in page
    assert "12 orders went through a workflow" in page
    assert page.count("<svg") == 1
    for link in re.findall(r'href="([^"]+)"', page):
        assert (done.page.parent / link).is_file()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert not list(Path(done.page.parent).glob(".*"))


def test_the_orders_are_the_same_each_time_and_some_are_as_real_ones_are():
    made = quickstart_orders.orders(32)
    assert made == quickstart_orders.orders(32)
    assert any(not order["basket"] for order in made)
    assert any("quantity" not in line for order in made for line in order["basket"])
    assert any(line.get("quantity", 0) > 4 for order in made for line in order["basket"])


def test_orders_go_through_the_workflow_and_end_as_their_input_has_it(tmp_path):
    with faaslab.open(tmp_path / "faaslab.duckdb") as lab:
        for shape in quickstart.SHAPES:
            quickstart.define(lab, shape)
        lab.functions.create(quickstart.STOCK, quickstart.source(quickstart.STOCK))
        bar = Bar()
        done = quickstart_orders.run(lab, bar.advance, 12)
        ended = lab.workflows.executions(quickstart_orders.NAME)
    assert done.runs == bar.count == len(ended) == 12
    ends = Counter(each.error.error if each.error else "succeeded" for each in ended)
    # The stock may stay away three times in a row; then the order fails for that.
    assert ends["Order.Empty"] == 1
    assert ends["Order.OutOfStock"] + ends["ConnectionError"] >= 1
    assert done.failed == 12 - ends["succeeded"]
    assert done.picture.startswith("<svg")
    assert "Put aside" in done.picture
    assert done.pictured in {each.name for each in ended}
