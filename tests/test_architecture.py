"""The rules of the house, as far as a machine can hold them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src" / "faaslab").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
# Rooms of pure decisions: what they know is handed to them.
PURE = [
    "model",
    "backends/asynchronous.py",
    "backends/json_stream.py",
    "backends/log_errors.py",
    "backends/log_invocation.py",
    "backends/log_shapes.py",
    "backends/report_line.py",
    "backends/system_records.py",
    "backends/trace_header.py",
    "backends/local/api/bandwidth.py",
    "backends/local/concurrency.py",
    "backends/local/scaling.py",
    "backends/local/api/extension_states.py",
    "backends/local/runtimes/preloading.py",
    "backends/local/api/runtime_replies.py",
    "backends/local/api/telemetry_batches.py",
    "backends/local/starting/sandbox.py",
    "endpoint/cloudwatch/embedded.py",
    "endpoint/cloudwatch/expressions.py",
    "endpoint/cloudwatch/periods.py",
    "endpoint/cloudwatch/searching.py",
    "endpoint/faults.py",
    "endpoint/lambda_/names.py",
    "endpoint/plain.py",
    "endpoint/lambda_/paging.py",
    "endpoint/lambda_/settings.py",
    "endpoint/lambda_/shapes.py",
    "endpoint/lambda_/statements.py",
    "endpoint/logs/field_patterns.py",
    "endpoint/logs/insights.py",
    "endpoint/logs/json_patterns.py",
    "endpoint/logs/patterns.py",
    "endpoint/logs/scanning.py",
    "events",
    "endpoint/messages.py",
    "endpoint/states/names.py",
    "endpoint/states/paging.py",
    "endpoint/states/shapes.py",
    "endpoint/wire",
    "cloud/child/changes.py",
    "cloud/child/delivered.py",
    "cloud/child/redaction.py",
    "lab/asking.py",
    "lab/concurrency.py",
    "lab/routing.py",
    "lab/standing.py",
    "backends/local/runtimes/programs.py",
    "lab/runtimes.py",
    "monitoring/cost.py",
    "monitoring/timeline",
    "notebook/charts.py",
    "notebook/completion.py",
    "notebook/display.py",
    "notebook/execution_view.py",
    "notebook/log_book.py",
    "notebook/log_page.py",
    "notebook/log_view.py",
    "notebook/markup.py",
    "notebook/style.py",
    "notebook/tables.py",
    "notebook/units.py",
    "notebook/widgets/form.py",
    "notebook/widgets/function_view.py",
    "notebook/widgets/panel_style.py",
    "notebook/widgets/schema.py",
    "notebook/widgets/spark.py",
    "reports/delivery/headline.py",
    "reports/delivery/hook.py",
    "reports/delivery/index.py",
    "reports/delivery/letter.py",
    "reports/delivery/mail_server.py",
    "reports/delivery/naming.py",
    "reports/delivery/story.py",
    "reports/delivery/targets.py",
    "reports/printing.py",
    "verbs/changes.py",
    "verbs/reasons.py",
    "workflow",
    "workflow/graph",
    "workflow/interpret",
    "workflow/items",
    "workflow/query",
    "workflow/testing",
    "workflow/validate",
]
OUTSIDE_WORLD = {
    "duckdb", "os", "random", "shutil", "socket", "sqlite3", "subprocess", "tempfile", "threading", "time",
    "multiprocessing", "selectors", "urllib", "http",
}  # fmt: skip
ONLY_WORDS = {"urllib.parse"}  # of a room of the outside world that which only reads and writes texts


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_imports_go_down_only():
    """The contracts stand in pyproject.toml; import-linter holds them."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=relative)
def test_files_stay_small(path):
    assert len(path.read_text("utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_classes_stay_small_and_rooms_are_named_for_what_is_in_them(path):
    assert not {"utils", "helpers", "common", "core", "base", "manager"} & {path.stem, path.parent.name}
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "a module's docstring says what the room is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = [n.name for n in node.body if isinstance(n, ast.FunctionDef) and n.name[0] != "_"]
            assert len(methods) <= 25, f"{node.name} has {len(methods)} public methods"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_async_stays_in_the_faces(path):
    if {"notebook", "endpoint"} & set(path.parts):
        return
    found = [n for n in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(n, ast.AsyncFunctionDef)]
    assert not found


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_only_the_clock_reads_the_time_of_day(path):
    if path.name == "clock.py":
        return
    tree = ast.parse(path.read_text("utf-8"))
    calls = {
        f"{node.func.value.id}.{node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
    }
    assert not calls & {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}


def pure_files() -> list[Path]:
    package = ROOT / "src" / "faaslab"
    return [
        file
        for room in PURE
        for file in ([package / room] if room.endswith(".py") else sorted((package / room).glob("*.py")))
    ]


@pytest.mark.parametrize("path", pure_files(), ids=relative)
def test_pure_rooms_touch_nothing(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module not in ONLY_WORDS:
            imported.add(node.module.split(".")[0])
    assert not imported & OUTSIDE_WORLD
