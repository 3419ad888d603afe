"""The questions of the dashboard over rows that are written out; and how the store says that it has changed."""

from datetime import timedelta

import pytest

from faaslab.model.event import Event
from faaslab.store import Store
from faaslab.store.questions import dashboard
from faaslab.store.questions.window import Window
from faaslab.store.questions.workflows import WorkflowWindow
from tests.store_questions.history import START, History, bare

MINUTE = timedelta(minutes=1)


@pytest.fixture
def history():
    return History()


def peaks(history, window=None, *, width=MINUTE, count=3):
    window = window or Window(since=START)
    df = dashboard.concurrency(history.run, window, START, width, count)
    assert df["bucket"].tolist() == list(range(count))
    return df["peak"].tolist()


def test_figures_come_in_all_by_bucket_and_by_function(history):
    history.row(1, ms=100, init=50)
    history.row(2, ms=300)
    history.row(65, ms=200, function="other", status="failed", memory_mb=512, architecture="arm64")
    history.row(66, ms=None, status="throttled", cold_start=None)
    history.row(70, ms=900, start_method="in-process")
    df = dashboard.figures(history.run, Window(since=START), START, MINUTE)
    rows = {(row["kind"], row.get(row["kind"])): row for row in df.to_dict("records")}
    assert set(rows) == {
        ("total", None),
        ("bucket", 0),
        ("bucket", 1),
        ("function", "score"),
        ("function", "other"),
    }
    total = rows["total", None]
    counts = ("invocations", "errors", "throttles", "cold_starts", "cold_known", "billed")
    assert [total[name] for name in counts] == [3, 1, 1, 1, 3, 3]
    assert (total["p50_ms"], total["p95_ms"]) == (200, 290)
    score, other = rows["function", "score"], rows["function", "other"]
    assert score["cost_usd"] == pytest.approx(0.45 * 0.0000166667 + 2 * 0.0000002)
    assert other["cost_usd"] == pytest.approx(0.1 * 0.0000133334 + 0.0000002)
    assert rows["bucket", 1]["throttles"] == 1


def test_what_was_before_is_a_row_of_its_own(history):
    for second in (-120, -60, -1, 0, 60, 120):
        history.row(second, ms=2000)
    window = Window(since=START, until=START + 2 * MINUTE)
    df = dashboard.figures(history.run, window, START, MINUTE, before=START - MINUTE).set_index("kind")
    assert df.loc["total", "invocations"] == df.loc["before", "invocations"] == 2
    peaks = dashboard.concurrency(history.run, window, START, MINUTE, 2, before=START - MINUTE)
    assert peaks.to_dict("records") == [
        {"bucket": -1, "peak": 1},
        {"bucket": 0, "peak": 2},
        {"bucket": 1, "peak": 1},
    ]


def test_a_window_that_begins_within_its_first_bucket_has_nothing_of_before_in_it(history):
    history.row(-30, ms=20_000)
    history.row(-25, ms=1000)
    history.row(-20, ms=15_000)
    since = START - timedelta(seconds=12)
    df = dashboard.concurrency(
        history.run, Window(since=since), START - MINUTE, MINUTE, 2, before=START - 2 * MINUTE
    )
    assert df["peak"].tolist() == [2, 2, 0]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], [0, 0, 0]),
        ([(0, 1000)], [1, 0, 0]),
        ([(0, 1000), (1, 1000)], [1, 0, 0]),
        ([(0, 1001), (1, 1000)], [2, 0, 0]),
        ([(10, 90_000), (20, 60_000)], [2, 2, 0]),
        ([(59, 1000)], [1, 0, 0]),
        ([(59, 1001)], [1, 1, 0]),
        ([(-30, 60_000), (10, 1000)], [2, 0, 0]),
        ([(-3600, 7_200_000)], [0, 0, 0]),
        ([(170, 100_000)], [0, 0, 1]),
        ([(5, 0)], [0, 0, 0]),
    ],
    ids=[
        "nothing", "one", "end meets begin", "by a millisecond", "into the next bucket", "ends with its bucket",
        "just over the edge", "began before the window", "began too long before", "ends after the window",
        "took no time",
    ],
)  # fmt: skip
def test_the_peak_is_what_ran_at_one_moment(history, rows, expected):
    for at_s, ms in rows:
        history.row(at_s, ms=ms)
    assert peaks(history) == expected


def test_an_init_counts_and_an_end_that_is_not_told_is_reckoned(history):
    history.row(0, ms=1000, init=60_000, ended_at=None)
    history.row(60.5, ms=1000)
    history.row(61.2, **bare())
    assert peaks(history) == [1, 2, 0]


def test_workflows_count_what_began_in_the_window_and_what_runs_since_before(history):
    def row(name, status, at_s, ms=None, **more):
        started = START + timedelta(seconds=at_s)
        ended = None if status == "RUNNING" else started + timedelta(milliseconds=ms or 0)
        history.insert(
            "workflow_executions", id=f"{name}{at_s}", workflow=name, status=status, started_at=started,
            ended_at=ended, duration_ms=ms, **more,
        )  # fmt: skip

    row("etl", "SUCCEEDED", 5, 100)
    row("etl", "FAILED", 6, 300)
    row("etl", "RUNNING", -500)
    row("etl", "SUCCEEDED", -400, 50)
    row("old", "SUCCEEDED", -400, 50)
    row("etl", "RUNNING", 7, map_run="arn")
    df = dashboard.workflows(history.run, WorkflowWindow(since=START))
    (etl,) = df.to_dict("records")
    assert [etl[name] for name in ("workflow", "executions", "running", "succeeded", "failed", "p50_ms")] == [
        "etl", 2, 1, 1, 1, 200,
    ]  # fmt: skip


def test_names_and_extent(history):
    history.row(5, function="b")
    history.row(9, function="b")
    history.row(7, function="a")
    assert dashboard.names(history.run)["function"].tolist() == ["b", "a"]
    (row,) = dashboard.extent(history.run, Window(functions=("b",))).to_dict("records")
    assert (row["first"] - START, row["last"] - START) == (timedelta(seconds=5), timedelta(seconds=9))


def test_a_position_stands_still_until_something_is_kept_by_whomever(tmp_path):
    path = tmp_path / "s.duckdb"

    def event(number):
        return Event(id=str(number), type="t", source="s", payload={}, timestamp=START)

    with Store(path) as store, Store(path) as other:
        assert store.position() == (0, 0)
        assert list(tmp_path.iterdir()) == []
        store.sql("SELECT 1")
        seen = [store.position()]
        for deed in (
            lambda: store.record(event(1)),
            lambda: other.record(event(2)),
            other.merge,
            lambda: store.record(event(3)),
            store.merge,
            lambda: other.prune(timedelta(days=1)),
        ):
            deed()
            seen.append(store.position())
            assert store.position() == seen[-1]
            store.sql("SELECT count(*) FROM events")
            assert store.position() == seen[-1]
        assert len(set(seen)) == len(seen)
