"""The first command of the README, small: real invocations, three reports, a page that leads to them."""

import re
from contextlib import contextmanager
from pathlib import Path

import pytest

import faaslab
from faaslab.lab import quickstart
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
        done = quickstart.run(lab, progress, invocations=120)
        stored = lab.sql(
            "SELECT function, count(*) AS n, bool_or(cold_start) AS cold FROM executions GROUP BY 1"
        )
        definitions = lab.store.definitions.every(Function, "thumbnail")
        kept = lab.sql("SELECT name, status FROM reports")
    bar, total = bars["invocations"]
    assert done.invocations == total == bar.count == stored.n.sum()
    assert set(stored.function) == {shape.name for shape in quickstart.SHAPES}
    assert stored.cold.all()
    assert len(definitions) == 2
    assert sorted(kept.name) == sorted(quickstart.REPORTS)
    assert set(kept.status) == {"completed"}
    page = done.page.read_text("utf-8")
    assert f"{done.invocations:,} invocations ran on this machine" in page
    for link in re.findall(r'href="([^"]+)"', page):
        assert (done.page.parent / link).is_file()
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert not list(Path(done.page.parent).glob(".*"))
