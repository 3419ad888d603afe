"""Each notebook says something true on every store: empty, small, imported with gaps, far too narrow a window."""

from datetime import datetime, timedelta

import nbformat
import pytest

from faaslab.clock import SYSTEM, SteppedClock
from faaslab.lab.reports import shipped_reports
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, Source
from faaslab.reports.run import run as run_report
from faaslab.store import Store
from tests.monitoring import weeks
from tests.notebooks import cells

NAMES = ("cold_starts", "durations", "costs")
TEMPLATES = shipped_reports()
"""All that lie in the folder: whoever adds one has it tested here."""
START = datetime(2026, 11, 16, 8)


def execution(index, **fields):
    ms = fields.get("duration_ms", 100.0 + index)
    init = fields.get("init_ms")
    started = fields.pop("started_at", START + timedelta(minutes=index))
    values = {
        "id": f"e{index:05d}",
        "request_id": f"r{index:05d}",
        "function": "score" if index % 3 else "resize",
        "definition": 1,
        "status": ExecutionStatus.COMPLETED,
        "source": Source.LOCAL,
        "region": "us-east-1",
        "runtime": "python3.13",
        "architecture": "x86_64",
        "memory_mb": 1024,
        "timeout_s": 3.0,
        "started_at": started,
        "ended_at": started + timedelta(milliseconds=ms + (init or 0)),
        "duration_ms": ms,
        "billed_ms": round(ms + (init or 0)),
        "cold_start": init is not None,
        "environment_id": "a" if index % 3 else "b",
        "max_memory_mb": 90,
        **fields,
    }
    return Execution(**values)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "faaslab.duckdb"


def fill(path, executions):
    with Store(path, clock=SteppedClock(START + timedelta(days=1))) as store:
        store.record(*executions)
    return str(path)


def small(path):
    cold = [execution(index, init_ms=400.0, environment_id=f"c{index}") for index in range(4)]
    failed = execution(
        200, status=ExecutionStatus.FAILED, error=ExecutionError(type="KeyError", message="'customer'")
    )
    slow = execution(201, status=ExecutionStatus.TIMEOUT, duration_ms=3000.0)
    throttled = execution(
        202, status=ExecutionStatus.THROTTLED, duration_ms=1.0, cold_start=None, billed_ms=None
    )
    warm = [execution(index) for index in range(4, 200)]
    return fill(path, [*cold, *warm, failed, slow, throttled])


def test_the_templates_are_those_of_the_folder_that_take_parameters():
    assert {*NAMES, "workflows", "weekly"} <= set(TEMPLATES)
    assert "start_here" not in TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_store_without_rows_is_said_in_plain_words_and_nothing_else_is_shown(name, path):
    (head,) = cells.run(name, store=str(path))
    assert "There is nothing to show yet" in head["text/plain"]
    assert "<code>" in head["text/html"]  # what to type
    assert "<img" not in head["text/html"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_workflows_alone_are_enough_or_it_is_said_what_is_missing(name, path):
    now = SYSTEM.now()
    begun = now - timedelta(days=9)
    shown = cells.run(name, store=fill(path, weeks.workflow_executions(begun, now, week=begun)))
    assert "nan" not in cells.text(shown).split()
    if name in {"weekly", "workflows", "costs"}:
        assert "workflows" in shown[0]["text/plain"]
    if name in {"weekly", "workflows"}:
        assert "<table>" in "".join(bundle["text/html"] for bundle in shown)
    else:
        assert len(shown) == 1


def test_a_week_needs_no_more_than_one_execution(path):
    at = SYSTEM.now() - timedelta(days=15)
    store = fill(path, [execution(1, init_ms=250.0, started_at=at)])
    shown = cells.run("weekly", store=store, week_of=f"{at:%Y-%m-%d}")
    assert "1 invocation, at $0.0000061; there is no week before it" in shown[0]["text/plain"]
    missed = cells.run("weekly", store=store, week_of=f"{at - timedelta(days=30):%Y-%m-%d}")
    assert "No execution is in the window" in missed[0]["text/plain"]
    assert len(missed) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_window_without_rows_says_what_the_store_has(name, path):
    small(path)
    (head,) = cells.run(name, store=str(path), since="2031-01-01", functions=["score"])
    assert "No execution is in the window" in head["text/plain"]
    assert "203 local executions, from 16 Nov 2026, 08:00" in head["text/plain"]


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("cold_starts", "2.0 % of 202 invocations started cold"),
        ("durations", "Half of 202 invocations took 200 ms or less"),
        ("costs", "202 invocations would cost"),
    ],
)
def test_a_small_store_has_a_headline_figures_and_tables(name, headline, path):
    shown = cells.run(name, store=small(path))
    assert headline in shown[0]["text/plain"]
    assert "1 throttled call never ran" in shown[0]["text/plain"]
    whole = "".join(bundle["text/html"] for bundle in shown)
    assert whole.count("data:image/svg+xml;base64,") >= 2
    assert whole.count("<table>") >= 2
    assert "What you could change" in whole
    for nothing in ("nan", "NaT", "None"):
        assert nothing not in cells.text(shown).split()


@pytest.mark.parametrize("name", NAMES)
def test_one_execution_is_enough(name, path):
    shown = cells.run(name, store=fill(path, [execution(1, init_ms=250.0)]))
    assert "1 invocation" in shown[0]["text/plain"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "known", [(), ("duration_ms",), ("duration_ms", "billed_ms", "memory_mb", "cold_start")]
)
def test_imported_rows_may_lack_any_figure(name, known, path):
    rows = []
    for index in range(150):
        full = execution(index, source=Source.IMPORTED, init_ms=300.0 if index % 50 == 0 else None)
        told = {
            each: getattr(full, each)
            for each in ("id", "request_id", "function", "started_at", "source", *known)
        }
        rows.append(Execution(status=ExecutionStatus.COMPLETED, backend="aws", **told))
    shown = cells.run(name, store=fill(path, rows))
    assert "150 invocations" in shown[0]["text/plain"]
    for nothing in ("nan", "NaT", "None"):
        assert nothing not in cells.text(shown).split()


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_never_mixed_unsaid(name, path):
    rows = [
        execution(index, init_ms=9.0, source=Source.AWS if index % 2 else Source.LOCAL) for index in range(8)
    ]
    store = fill(path, rows)
    assert "Several sources are mixed here" in cells.run(name, store=store)[0]["text/plain"]
    alone = cells.run(name, store=store, sources=["aws"])[0]["text/plain"]
    assert "4 aws executions" in alone
    assert "mixed" not in alone


def test_the_free_tier_changes_the_month(path):
    store = small(path)
    month = cells.run("costs", store=store, since="2026-11-16", until="2026-11-18")[0]["text/plain"]
    free = cells.run("costs", store=store, since="2026-11-16", until="2026-11-18", free_tier=True)[0][
        "text/plain"
    ]
    assert "without the free tier" in month
    assert "A month like this is $0 with the free tier taken off" in free


@pytest.mark.parametrize("name", TEMPLATES)
def test_notebooks_are_stored_clean(name):
    node = nbformat.read(cells.NOTEBOOKS / f"{name}.ipynb", as_version=4)
    nbformat.validate(node)
    assert len({cell.id for cell in node.cells}) == len(node.cells)
    for cell in node.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    (parameters,) = [cell for cell in node.cells if "parameters" in cell.metadata.get("tags", ())]
    for parameter in (
        "store",
        "until",
        "sources",
        *(("since", "functions", "regions") if name in NAMES else ()),
    ):
        assert f"{parameter} = " in parameters.source


@pytest.mark.parametrize("name", NAMES)
def test_papermill_makes_a_page_of_it(name, path, tmp_path):
    done = run_report(
        cells.NOTEBOOKS / f"{name}.ipynb",
        parameters={"store": small(path), "functions": ["score"]},
        out_dir=tmp_path / "out",
    )
    assert done.status == "completed", done.error_message
    page = (tmp_path / "out" / f"{name}.html").read_text("utf-8")
    assert "Only functions score." in page
    assert "data:image/svg+xml;base64," in page
    assert "output_error" not in page.split("</style>", 1)[1]
