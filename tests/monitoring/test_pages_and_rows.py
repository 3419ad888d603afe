"""What a page says is true of the rows: its totals are over all of them, and it claims nothing that they do not show."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from matplotlib.patches import Rectangle

from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, Source
from faaslab.model.function import Function, FunctionConfiguration, InlineCode
from faaslab.monitoring.pages import cold_starts, costs, durations, figures
from faaslab.store import Store

START = datetime(2026, 11, 16, 8)
numbers = count()


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "faaslab.duckdb") as store:
        yield store


def ran(at_s=0.0, *, ms=100.0, failed=None, **fields):
    started = START + timedelta(seconds=at_s)
    number = next(numbers)
    values = {
        "function": "score",
        "definition": 1,
        "source": Source.LOCAL,
        "memory_mb": 1024,
        "max_memory_mb": 100,
        "billed_ms": round(ms),
        "cold_start": False,
        "architecture": "x86_64",
        "region": "us-east-1",
        **fields,
    }
    return Execution(
        id=f"e{number}",
        request_id=f"r{number}",
        status=ExecutionStatus.FAILED if failed else ExecutionStatus.COMPLETED,
        started_at=started,
        ended_at=started + timedelta(milliseconds=ms),
        duration_ms=ms,
        error=ExecutionError(type=failed, message="") if failed else None,
        **values,
    )


def text(page):
    return "\n\n".join(str(each) for each in (page, *page.sections.values()))


def test_failures_are_counted_over_all_functions_and_kinds(store):
    names = [f"f{number:02}" for number in range(40)]
    store.record(*(ran(function=name, failed=kind) for name in names for kind in ("KeyError", "ValueError")))
    store.record(*(ran(failed=f"Rare{number}") for number in range(5)))
    said = text(durations.page(store))
    assert "Of 85 calls: KeyError 40, ValueError 40, Rare0 1, Rare1 1 and 3 of other kinds." in said


def test_no_size_is_said_to_hold_what_ran_out_of_memory(store):
    store.record(*(ran(second, memory_mb=192, max_memory_mb=150) for second in range(30)))
    store.record(
        *(
            ran(90 + second, memory_mb=192, max_memory_mb=192, failed="Runtime.OutOfMemory")
            for second in (1, 2)
        )
    )
    said = text(durations.page(store))
    assert "used 192 MB of 192 MB, and 2 executions died of it" in said
    assert "would hold." not in said


def test_a_size_is_said_to_hold_what_never_ran_out(store):
    store.record(*(ran(second, memory_mb=192, max_memory_mb=180) for second in range(30)))
    assert "used 180 MB of 192 MB: 256 MB would hold." in text(durations.page(store))


@pytest.mark.parametrize("ms", [[100.0], [0.0], [100.0, 103.0], [0.0, 100.0], [0.02, 900_000.0]])
def test_few_and_equal_figures_are_drawn_without_complaint(store, ms):
    """Warnings are errors here: in a notebook they would stand in the report."""
    store.record(
        *(
            ran(hour * 3600 + second, ms=each, cold_start=hour == 0, init_ms=90.0 if hour == 0 else None)
            for hour in (0, 1, 40)
            for second in range(3)
            for each in ms
        )
    )
    for page in (cold_starts.page, durations.page, costs.page):
        for section in page(store).sections.values():
            assert section._repr_mimebundle_()["text/html"]


def test_the_days_of_the_cost_page_come_to_its_total(store):
    store.definitions.put(
        Function(
            id="f1",
            name="score",
            code=InlineCode(source="def handler(event, context): ..."),
            runtime="python3.13",
            handler="f.handler",
            definition=1,
            configuration=FunctionConfiguration(memory_mb=1024, ephemeral_storage_mb=10_240),
            created_at=START,
            updated_at=START,
        ),
        action="created",
    )
    store.record(*(ran(86_400 * day, ms=60_000.0) for day in range(3) for _ in range(50)))
    page = costs.page(store)
    (axes,) = page.section("over_time").figures[0].axes
    drawn = sum(bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle))
    table, _ = page.section("functions").tables
    assert table["storage_usd"].sum() > 0
    assert drawn == pytest.approx(table["total_usd"].sum())
    assert "is storage in /tmp" in str(page)


def test_a_history_that_always_starts_cold_is_said_to(store):
    store.record(*(ran(hour * 3600, cold_start=True, init_ms=90.0) for hour in range(48)))
    said = text(cold_starts.page(store))
    assert "All 48 invocations started cold" in said
    assert "The rate was the same throughout" in said
    assert "Over the day" not in said


def test_forks_of_a_template_are_said_to_be_such(store):
    store.record(*(ran(hour, cold_start=True, init_ms=90.0, start_method="spawn") for hour in range(3)))
    assert "fork" not in text(cold_starts.page(store))
    store.record(ran(4, cold_start=True, init_ms=5.0, start_method="fork"))
    store.record(ran(5, cold_start=True, start_method="fork suppressed"))
    assert "2 cold starts began as the fork of a local template" in text(cold_starts.page(store))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("score", "score"),
        ("a" * 34, "a" * 34),
        ("lambda-" + "x" * 40 + "-arm64", "lambda-xxxxxxxxx…xxxxxxxxxx-arm64"),
    ],
)
def test_long_names_leave_room_for_the_drawing(name, shown):
    assert figures.short(name) == shown


def test_what_somebody_cancelled_is_no_failure_to_be_repaired(store):
    store.record(*(ran(second) for second in range(3)), ran(5, ms=60_000.0, failed="Invocation.Cancelled"))
    assert "failure" not in text(costs.page(store))
    said = text(durations.page(store))
    assert "25 % failed (1), 1 of them because somebody cancelled." in said
    assert "Invocation.Cancelled is what somebody ended: there is nothing to repair." in said
    assert "most frequent failure" not in said
    store.record(ran(6, ms=200.0, failed="KeyError"), ran(7, failed="Invocation.Cancelled"))
    assert "Failures. score without its 1 failure or timeout: " in text(costs.page(store))
    assert "The most frequent failure is KeyError in score: 1 time" in text(durations.page(store))


def started(second, number, **fields):
    return ran(
        second,
        cold_start=True,
        init_ms=90.0,
        environment_id=f"{fields.get('source', 'local')}{number}",
        **fields,
    )


def test_an_environment_that_ended_with_its_process_had_not_idled_too_long(store):
    store.record(*(started(4 * number, number) for number in range(8)))
    said = text(cold_starts.page(store, keep_alive_s=300.0))
    assert "the last one had ended with its process: 7 (88 %)" in said
    assert "Processes that stay. 7 cold starts came sooner than keep_alive ends an environment" in said
    assert not any(word in said for word in ("idled", "Keep environments longer", "Rarely called"))
    assert "the last one had idled too long: 7 (88 %)" in text(cold_starts.page(store, keep_alive_s=2.0))


def test_of_what_ran_elsewhere_the_local_setting_says_nothing(store):
    store.record(*(started(4 * number, number, source=Source.AWS) for number in range(8)))
    said = text(cold_starts.page(store, keep_alive_s=300.0))
    assert "the last one had idled too long: 7 (88 %)" in said


def test_what_was_cancelled_ended_with_its_environment(store):
    store.record(started(0, 1, failed="Invocation.Cancelled"), started(900, 2))
    assert "the last one had ended with its process: 1" in text(cold_starts.page(store, keep_alive_s=300.0))
