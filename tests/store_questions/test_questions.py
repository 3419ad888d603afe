"""Each named question gives the figures that a few written-out rows have."""

from datetime import timedelta

import pytest

from faaslab.store import Store
from faaslab.store.questions import cold_starts, costs, durations, overview
from faaslab.store.questions.window import Window
from tests.store_questions.history import START, History, bare

ALL = Window()
QUESTIONS = [
    overview.overview,
    overview.sources,
    overview.errors,
    cold_starts.rates,
    lambda run, window: cold_starts.rate_over_time(run, window, "1 hour"),
    cold_starts.init_split,
    lambda run, window: cold_starts.init_curve(run, window, (0.5, 0.9)),
    cold_starts.environments,
    cold_starts.gaps_without_environments,
    cold_starts.reinits,
    durations.percentiles,
    lambda run, window: durations.curve(run, window, (0.5, 0.9)),
    lambda run, window: durations.over_time(run, window, "1 hour"),
    durations.tail_causes,
    durations.memory,
    costs.usage,
    lambda run, window: costs.usage_over_time(run, window, "1 day"),
    costs.memory_sizes,
]


@pytest.fixture
def history():
    return History()


def only(df):
    (row,) = df.to_dict("records")
    return row


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_answers_an_empty_history(question, history):
    df = question(history.run, ALL)
    assert len(df) == (1 if question is overview.overview else 0)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_answers_rows_of_which_nothing_is_known(question, history):
    for second in range(3):
        history.row(second, **bare())
    question(history.run, ALL)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_takes_a_window_with_everything_set(question, history):
    history.row(0)
    window = Window(
        since=START, until=START + timedelta(days=1), functions=("other",), regions=("r",), sources=("aws",)
    )
    df = question(history.run, window)
    assert len(df) == (1 if question is overview.overview else 0)


def test_the_questions_hold_in_a_real_store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb") as store:
        for question in QUESTIONS:
            question(store.sql, ALL)


def test_a_window_holds_since_and_not_until(history):
    for second in (0, 60, 120):
        history.row(second)
    window = Window(since=START + timedelta(seconds=60), until=START + timedelta(seconds=120))
    assert only(overview.overview(history.run, window))["invocations"] == 1


def test_running_executions_have_no_figures_yet_and_throttled_ones_never_ran(history):
    history.row(0, init=50)
    history.row(1, status="running")
    history.row(2, ms=None, status="throttled", cold=None, cold_start=None)
    row = only(overview.overview(history.run, ALL))
    assert (row["invocations"], row["throttled"], row["cold_starts"], row["cold_known"]) == (1, 1, 1, 1)
    assert only(costs.usage(history.run, ALL))["requests"] == 1


def test_sources_are_told_apart(history):
    history.row(0, source="aws")
    history.row(1)
    history.row(2)
    assert only(overview.overview(history.run, ALL))["sources"] == "local 2; aws 1"
    assert only(overview.overview(history.run, Window(sources=("aws",))))["invocations"] == 1


def test_a_rate_counts_only_executions_of_which_it_is_known(history):
    history.row(0, init=50)
    history.row(1)
    history.row(2, **bare())
    row = only(cold_starts.rates(history.run, ALL, ("function",)))
    assert (row["invocations"], row["cold_starts"], row["rate"]) == (2, 1, 0.5)


def test_rates_by_hour_come_in_the_order_of_the_clock(history):
    history.row(3600)
    history.row(0, init=50)
    df = cold_starts.rates(history.run, ALL, ("hour_of_day",))
    assert df.hour_of_day.tolist() == [8, 9]
    assert df.rate.tolist() == [1.0, 0.0]


def test_an_init_is_billed_where_the_bill_shows_it(history):
    # 1 GB: a second billed is a GB-second. The second row is an older report, whose bill leaves the init out.
    history.row(0, ms=600.0, init=400.0, billed_ms=1000)
    history.row(1, ms=600.0, init=400.0, billed_ms=600)
    history.row(2, ms=100.0, billed_ms=400, cold=True, restore_ms=500.0, billed_restore_ms=300)
    row = only(cold_starts.init_split(history.run, ALL))
    assert row["init_gb_seconds"] == pytest.approx(0.7)
    assert row["gb_seconds"] == pytest.approx(2.0)
    assert row["init_hours"] == pytest.approx(1.3 / 3600)


def test_environments_are_born_and_end(history):
    history.row(0, init=50, environment_id="a")
    history.row(10, environment_id="a", status="timeout")
    history.row(700, init=50, environment_id="b", error_type="KeyError", status="failed")
    first, second = cold_starts.environments(history.run, ALL).to_dict("records")
    assert (first["executions"], first["broken"], first["born_cold"]) == (2, True, True)
    assert first["ended"] == START + timedelta(seconds=10.1)
    assert (second["executions"], second["broken"]) == (1, False)
    assert (second["cancelled"], second["local"]) == (False, True)


@pytest.mark.parametrize("cold_first", [True, False])
def test_of_two_executions_at_one_instant_the_cold_one_came_first(history, cold_first):
    # Imported logs tell milliseconds, in which a short function runs twice.
    for cold in (True, False) if cold_first else (False, True):
        history.row(0, ms=0.3, init=50.0 if cold else None, environment_id="a")
    assert only(cold_starts.environments(history.run, ALL))["born_cold"]
    assert cold_starts.reinits(history.run, ALL).empty
    history.row(1, ms=0.3, init=50.0, environment_id="a")
    assert only(cold_starts.reinits(history.run, ALL))["cold_starts"] == 1


def test_gaps_where_no_environment_is_told(history):
    history.row(0, init=100.0)  # the first: nothing before it
    history.row(0.05, init=100.0)  # the first still ran
    history.row(600.25, init=100.0)  # both had ended 0.25 s after the start
    gaps = cold_starts.gaps_without_environments(history.run, ALL).gap_s.tolist()
    assert gaps[0] != gaps[0]
    assert gaps[1] == pytest.approx(-0.15)
    assert gaps[2] == pytest.approx(600.0)


def test_a_cold_start_in_a_living_environment_is_a_reinit(history):
    history.row(0, init=50, environment_id="a")
    history.row(1, status="timeout", environment_id="a")
    history.row(2, init=50, environment_id="a")
    assert only(cold_starts.reinits(history.run, ALL)) == {"function": "score", "cold_starts": 1}


def test_percentiles_are_exact_and_leave_inits_out(history):
    for ms in range(1, 102):
        history.row(ms, ms=float(ms), init=1000.0)
    row = only(durations.percentiles(history.run, ALL))
    assert [row[name] for name in ("p50_ms", "p90_ms", "p99_ms", "max_ms")] == [51, 91, 100, 101]
    df = durations.curve(history.run, ALL, (0.0, 0.5, 1.0))
    assert df.duration_ms.tolist() == [1, 51, 101]


def test_the_tail_shows_what_it_has_that_the_rest_has_not(history):
    for second in range(198):
        history.row(second, ms=10.0, payload_bytes=100)
    history.row(300, ms=10.0, init=900.0, payload_bytes=100)
    history.row(301, ms=2000.0, payload_bytes=9_000)
    history.row(302, ms=10.0, status="failed", payload_bytes=100)
    df = durations.tail_causes(history.run, ALL).set_index("cause")
    assert df.slow.to_dict() == {"cold": 1, "payload": 1}
    assert df.slow_share["cold"] == 0.5
    assert df.rest_share["payload"] == 0


def test_memory_is_compared_with_what_was_used(history):
    history.row(0, max_memory_mb=200)
    history.row(1, max_memory_mb=256)
    row = only(durations.memory(history.run, ALL))
    assert (row["used_max_mb"], row["head_room"]) == (256, 0.75)


def test_usage_by_day_and_architecture(history):
    history.row(0, ms=1000.0)
    history.row(1, ms=1000.0, architecture="arm64", memory_mb=512, status="failed")
    history.row(86400, ms=3000.0, init=1000.0)
    df = costs.usage(history.run, ALL, ("day",)).sort_values(["day", "architecture"])
    assert df.gb_seconds.tolist() == [0.5, 1.0, 4.0]
    assert df.init_gb_seconds.tolist() == [0, 0, 1.0]
    assert df.failed_gb_seconds.tolist() == [0.5, 0, 0]


def test_what_is_not_billed_for_certain_is_counted_apart(history):
    history.row(0, **bare(architecture="arm64"))
    row = only(costs.usage(history.run, ALL))
    assert (row["requests"], row["billed"], row["gb_seconds"]) == (1, 0, 0)


def test_storage_above_512_mb_comes_from_the_definition(history):
    body = '{"configuration": {"ephemeral_storage_mb": 1536}}'
    history.insert("definitions", kind="function", name="score", version="1", action="created", body=body)
    history.insert("definitions", kind="function", name="score", version="1", action="updated", body=body)
    history.row(0, ms=2000.0, definition=1)
    history.row(1, ms=2000.0, definition=2)
    row = only(costs.usage(history.run, ALL))
    assert row["ephemeral_gb_seconds"] == pytest.approx(2.0)
    assert row["requests"] == 2


def test_memory_sizes_need_twenty_successes(history):
    for second in range(20):
        history.row(second, ms=100.0, init=100.0)
        history.row(second, ms=100.0, memory_mb=512, status="failed")
    row = only(costs.memory_sizes(history.run, ALL))
    assert (row["memory_mb"], row["invocations"]) == (1024, 20)
    assert row["gb_seconds_each"] == pytest.approx(0.1)


def test_errors_are_counted_by_type_with_the_latest_words(history):
    for second in range(8):
        history.row(second)
    history.row(9, status="failed", error_type="KeyError", error_message="'a'")
    history.row(10, status="failed", error_type="KeyError", error_message="'b'")
    history.row(11, status="timeout")
    first, second = overview.errors(history.run, ALL).to_dict("records")
    assert (first["error_type"], first["count"], first["message"]) == ("KeyError", 2, "'b'")
    assert first["share"] == pytest.approx(2 / 11)
    assert (second["error_type"], second["count"]) == ("Timeout", 1)
