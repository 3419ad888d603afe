"""What the dashboard is made of: it agrees with `stats`, and its window moves on with the time."""

import json
import time
from datetime import datetime, timedelta

import pytest

from faaslab.clock import SystemClock
from faaslab.errors import InvalidValue, NotFound
from faaslab.lab.dashboard import ALL, BUCKETS, edge, floor, width_of
from faaslab.model.alarm import Alarm, AlarmCondition, AlarmState, ComparisonOperator
from faaslab.model.execution import Execution, ExecutionStatus
from faaslab.store.questions import cold_starts, costs, durations, overview
from faaslab.store.questions.window import Window
from faaslab.verbs.dashboard_text import dashboard_document

NOW = datetime(2026, 11, 16, 12, 0, 30)


def ran(number, before_s, function="score", *, ms=100.0, status="completed", init=None, **more):
    begun = NOW - timedelta(seconds=before_s)
    return Execution(
        id=f"e{number}", function=function, request_id=f"r{number}", status=ExecutionStatus(status),
        started_at=begun, ended_at=begun + timedelta(milliseconds=(ms or 0) + (init or 0)), duration_ms=ms,
        billed_ms=None if ms is None else round(ms + (init or 0)), init_ms=init, cold_start=None if ms is None else init is not None,
        memory_mb=1024, architecture="x86_64", **more,
    )  # fmt: skip


@pytest.fixture
def lab(opened, clock):
    clock.advance((NOW - clock.now()).total_seconds())
    return opened()


@pytest.fixture
def filled(lab):
    lab.store.record(
        *(ran(n, 20 * n, ms=50.0 + n, init=200.0 if n % 7 == 0 else None) for n in range(1, 120)),
        *(ran(n, 31 * n, "other", status="failed", ms=400.0) for n in range(200, 212)),
        ran(300, 5, status="throttled", ms=None),
        ran(301, 5400, ms=900.0),
    )
    return lab


@pytest.mark.parametrize("since", ["15m", "1h", "24h", "2026-11-16T11:47:13", ALL])
@pytest.mark.parametrize("names", [(), ("score",), ("other", "score")])
def test_it_says_what_stats_says(filled, since, names):
    found = filled.monitoring.dashboard(names, since=since)
    from_then = None if since == ALL else found.since
    stats = filled.monitoring.stats(since=from_then)
    stats = stats[stats["function"].isin(names or ["score", "other"])]
    mine = found.df.set_index("function").sort_index()
    shared = ["invocations", "errors", "error_rate", "throttles", "cold_starts", "cold_rate"]
    shared += ["p50_ms", "p95_ms", "p99_ms"]
    assert mine[shared].to_dict() == stats.set_index("function").sort_index()[shared].to_dict()
    assert found.total.invocations == stats["invocations"].sum()
    assert found.total.cost_usd == pytest.approx(stats["cost_usd"].sum(), rel=1e-6)
    if not names:
        (all_of,) = filled.monitoring.stats(since=from_then, by=()).to_dict("records")
        assert (found.total.p50_ms, found.total.p99_ms) == (all_of["p50_ms"], all_of["p99_ms"])
    assert sum(each.invocations for each in found.buckets) == found.total.invocations
    assert sum(each.cost_usd for each in found.buckets) == pytest.approx(found.total.cost_usd)
    json.dumps(dashboard_document(found), allow_nan=False)


@pytest.mark.parametrize("since", ["15m", "24h", ALL])
def test_it_says_what_the_reports_say(filled, since):
    found = filled.monitoring.dashboard(since=since)
    window = Window(since=None if since == ALL else found.since)
    run, total = filled.store.sql, found.total
    (all_of,) = overview.overview(run, window).to_dict("records")
    assert total.invocations == all_of["invocations"]
    assert total.throttles == all_of["throttled"]
    assert total.errors == all_of["failed"] + all_of["timeouts"]
    assert (total.cold_starts, total.cold_known) == (all_of["cold_starts"], all_of["cold_known"])
    assert total.billed == all_of["with_bill"]
    of = durations.percentiles(run, window).set_index("function")
    rates = cold_starts.rates(run, window).set_index("function")
    paid = costs.usage(run, window).groupby("function")["gb_seconds"].sum()
    for each in found.by_function:
        taken = [of.loc[each.function, name] for name in ("p50_ms", "p95_ms", "p99_ms")]
        assert [each.p50_ms, each.p95_ms, each.p99_ms] == pytest.approx(taken, abs=0.001)
        assert each.cold_rate == rates.loc[each.function, "rate"]
        assert each.cost_usd == pytest.approx(
            paid[each.function] * 0.0000166667 + each.billed * 0.0000002, rel=1e-9
        )


def test_what_runs_at_this_moment_is_known_while_it_runs(opened, tmp_path):
    gate = tmp_path / "gate"
    source = f"""import os, time
def handler(event, context):
    while not os.path.exists({str(gate)!r}):
        time.sleep(0.01)
"""
    lab = opened(clock=SystemClock())
    lab.functions.create("slow", source, timeout_s=30)
    assert lab.monitoring.in_flight() == {}
    running = [lab.functions.submit("slow", {}) for _ in range(2)]
    deadline = time.monotonic() + 30
    while lab.monitoring.in_flight() != {"slow": 2} and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lab.monitoring.dashboard().running == {"slow": 2}
    gate.touch()
    for each in running:
        each.result()
    assert lab.monitoring.in_flight() == {}
    assert lab.monitoring.dashboard().peak == 2


def test_the_time_before_is_as_long_and_has_no_execution_twice(filled):
    found = filled.monitoring.dashboard(since="1h")
    length = found.until - found.since
    before = filled.monitoring.stats(since=found.since - length, until=found.since, by=())
    assert found.before.invocations == before["invocations"].sum() > 0
    assert found.peak_before == 1
    assert filled.monitoring.dashboard(since=ALL).before is None


def test_all_of_a_moment_is_shown_as_a_moment(lab):
    lab.store.record(ran(1, 60))
    found = lab.monitoring.dashboard(since=ALL)
    assert found.width == timedelta(seconds=1)
    assert [each.invocations for each in found.buckets] == [0] * 11 + [1]
    assert found.since == found.until


@pytest.mark.parametrize(
    ("since", "length"),
    [
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("24h", timedelta(hours=24)),
        (timedelta(days=7), timedelta(days=7)),
    ],
)
def test_a_span_is_no_longer_than_it_was_asked_for(lab, since, length):
    lab.store.record(
        ran(1, length.total_seconds() + 1, ms=0.0),
        ran(2, length.total_seconds() - 1, ms=0.0),
        ran(3, length.total_seconds() * 2 - 1, ms=0.0),
    )
    found = lab.monitoring.dashboard(since=since)
    assert found.until - found.since == length
    assert found.total.invocations == lab.monitoring.stats(since=since, by=())["invocations"].sum() == 1
    assert sum(each.invocations for each in found.buckets) == 1
    assert found.before.invocations == 2
    assert found.buckets[0].begin <= found.since < found.buckets[0].begin + found.width


def test_buckets_have_no_gap_and_begin_at_round_times(filled):
    found = filled.monitoring.dashboard(since="1h")
    assert found.width == timedelta(minutes=1)
    assert found.since == NOW - timedelta(hours=1)
    assert found.buckets[0].begin == datetime(2026, 11, 16, 11, 0)
    assert len(found.buckets) == 61
    assert found.buckets[-1].begin == datetime(2026, 11, 16, 12, 0)
    assert found.buckets[-1].invocations == 1
    assert found.buckets[-1].throttles == 1


def test_a_store_without_an_execution_says_so_in_every_window(lab):
    for since in ("5m", ALL, "2026-11-01"):
        found = lab.monitoring.dashboard(since=since)
        assert (found.empty, found.last, found.total.invocations, found.peak) == (True, None, 0, 0)
    lab.store.record(ran(1, 7200))
    found = lab.monitoring.dashboard(since="5m")
    assert (found.empty, found.last) == (True, NOW - timedelta(hours=2))


def test_names_and_times_that_are_wrong_are_told(filled):
    with pytest.raises(NotFound, match="did you mean 'score'"):
        filled.monitoring.dashboard(["scor"])
    with pytest.raises(InvalidValue, match="--since"):
        filled.monitoring.dashboard(since="yesterday")


def test_a_time_to_come_is_an_empty_one(filled):
    assert filled.monitoring.dashboard(since="2027-01-01").total.invocations == 0


def test_alarms_are_there_once_there_are_any_and_those_that_alarm_come_first(lab):
    assert lab.monitoring.dashboard().alarms == ()
    condition = AlarmCondition(operator=ComparisonOperator.GREATER_THAN, threshold=5)
    for name, state in (("a", AlarmState.OK), ("b", AlarmState.ALARM)):
        alarm = Alarm(
            id=name, name=name, metric="Errors", condition=condition, state=state, created_at=NOW,
            updated_at=NOW,
        )  # fmt: skip
        lab.store.definitions.put(alarm)
    assert [each.name for each in lab.monitoring.dashboard().alarms] == ["b", "a"]


def test_workflows_are_there_where_no_function_is_named(lab):
    lab.workflows.create("etl", {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}})
    lab.workflows.start("etl").wait()
    (etl,) = lab.monitoring.dashboard().workflows
    assert (etl.workflow, etl.executions, etl.succeeded, etl.running) == ("etl", 1, 1, 0)


@pytest.mark.parametrize("seconds", [1, 60, 300, 301, 900, 3600, 21_600, 86_400, 604_800, 10**8, 3 * 10**9])
def test_a_window_has_at_most_so_many_buckets(seconds):
    length = timedelta(seconds=seconds)
    width = width_of(length)
    assert 1 <= length / width <= BUCKETS
    assert floor(NOW, width) <= NOW < floor(NOW, width) + width


def test_a_window_moves_on_by_buckets_and_all_does_not():
    later = NOW + timedelta(seconds=25), NOW + timedelta(seconds=35)
    assert edge("1h", NOW) == edge("1h", later[0]) != edge("1h", later[1])
    assert edge(ALL, NOW) == edge(ALL, later[1])
