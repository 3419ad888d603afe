"""Figures agree with the executions that they are made of."""

from datetime import datetime, timedelta

import pytest

from faaslab.errors import InvalidValue, NotFound
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, Source

BEGIN = datetime(2026, 11, 1)


@pytest.fixture(scope="module")
def seen(shared):
    """Two days, two functions, known figures."""
    made = []
    for index in range(100):
        status = ExecutionStatus.FAILED if index % 10 == 9 else ExecutionStatus.COMPLETED
        made.append(
            Execution(
                id=f"e{index}", function="a" if index < 60 else "b", request_id=f"r{index}", status=status,
                definition=1 if index < 30 else 2, started_at=BEGIN + timedelta(minutes=20 * index),
                duration_ms=float(index + 1), billed_ms=index + 1, cold_start=index % 20 == 0,
                init_ms=50.0 if index % 20 == 0 else None, memory_mb=1024, max_memory_mb=40 + index % 3,
                architecture="x86_64", source=Source.LOCAL,
                error=ExecutionError(type="E", message="m") if status == "failed" else None,
            )
        )  # fmt: skip
    throttled = Execution(
        id="t", function="a", request_id="t", status=ExecutionStatus.THROTTLED, started_at=BEGIN, definition=1
    )
    shared.store.record(*made, throttled)
    return shared


def test_by_function(seen):
    df = seen.monitoring.stats().set_index("function")
    a = df.loc["a"]
    assert (a.invocations, a.errors, a.throttles, a.cold_starts) == (60, 6, 1, 3)
    assert (a.error_rate, a.cold_rate) == (0.1, 0.05)
    assert (a.p50_ms, a.billed_ms, a.max_memory_mb) == (30.5, sum(range(1, 61)), 42)
    assert a.gb_seconds == pytest.approx(sum(range(1, 61)) / 1000)
    assert a.cost_usd == pytest.approx(a.gb_seconds * 0.0000166667 + 60 * 0.0000002, rel=1e-6)


def test_by_several_columns_in_a_window(seen):
    df = seen.monitoring.stats("a", by=("function", "version", "definition"))
    assert df[["version", "definition", "invocations"]].values.tolist() == [
        ["$LATEST", 1, 30],
        ["$LATEST", 2, 30],
    ]
    days = seen.monitoring.stats(by=("day",))
    assert days["invocations"].tolist() == [72, 28]
    first = seen.monitoring.stats(by=("day",), until=BEGIN + timedelta(days=1))
    assert first["invocations"].tolist() == [72]
    assert seen.monitoring.stats(by=("memory", "status"))["status"].tolist() == [
        "completed",
        "failed",
        "throttled",
    ]


def test_over_all(seen):
    assert seen.monitoring.stats(by=())["invocations"].tolist() == [100]
    metrics = seen.monitoring.system_metrics()
    assert (metrics.active, metrics.invocations, metrics.errors, metrics.throttles) == (2, 100, 10, 1)
    assert metrics.mean_duration_ms == 50.5
    assert metrics.cold_start_rate == 0.05


def test_one_function(seen):
    figures = seen.monitoring.function_metrics("b")
    assert (figures.invocations, figures.errors, figures.cold_starts, figures.max_memory_mb) == (40, 4, 2, 42)
    assert figures.last_invoked_at == BEGIN + timedelta(minutes=20 * 99)


def test_nothing_in_the_window_is_no_rows_and_no_rates(seen):
    since = datetime(2030, 1, 1)
    assert seen.monitoring.stats(since=since).empty
    assert seen.monitoring.stats(by=(), since=since).empty
    metrics = seen.monitoring.system_metrics(since=since)
    assert (metrics.invocations, metrics.mean_duration_ms, metrics.cold_start_rate) == (0, None, None)


def test_wrong_questions(seen):
    with pytest.raises(InvalidValue) as caught:
        seen.monitoring.stats(by=("colour",))
    assert caught.value.place == "by"
    with pytest.raises(NotFound, match="no function is named 'c'"):
        seen.monitoring.stats("c")
