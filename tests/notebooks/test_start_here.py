"""The tour runs from top to bottom, in a kernel of its own, and shows what it promises."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent.parent
TOUR = ROOT / "notebooks" / "start_here.ipynb"


def gone_through(notebook, folder):
    """The notebook after all of it ran, in a kernel and over a store of its own in that folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT / "src"))
        patch.setenv("FAASLAB_STORE", str(folder / "faaslab.duckdb"))
        patch.setenv("FAASLAB_CACHE", str(folder / "cache"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        node = nbformat.read(notebook, as_version=4)
        NotebookClient(
            node, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return node


def text_of(output):
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.get("text") or output.data["text/plain"]


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    node = gone_through(TOUR, tmp_path_factory.mktemp("tour"))
    return [cell for cell in node.cells if cell.cell_type == "code"]


def shown(cells, begins):
    cell = next(cell for cell in cells if cell.source.startswith(begins))
    return "\n".join(text_of(output) for output in cell.outputs)


def test_git_has_no_outputs_of_it():
    for cell in nbformat.read(TOUR, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_only_the_failure_that_is_meant_fails(toured):
    failed = [cell.source for cell in toured if any(each.output_type == "error" for each in cell.outputs)]
    assert failed == ["%faas invoke score -p '{\"distance\": -1}'"]


@pytest.mark.parametrize(
    ("begins", "promised"),
    [
        ("%%faas score", ["score", "definition 1", "256 MB"]),
        ("%faas invoke score -p '{\"distance\": 11}'", ["completed", "0.4975", "cold"]),
        (
            "%faas invoke score -p '{\"distance\": -1}'",
            ["ValueError: a distance cannot be -1", "InvocationFailed"],
        ),
        ("shots = ", ["81", "1 failed"]),
        ("%faas history", ["score"]),
        ("%faas logs", ["44 m: 0.026"]),
        ("%faas stats", ["score", "invocations"]),
        ("%%faas sql", ["median_ms"]),
        ("%faas history score --status failed", ["a distance cannot be"]),
        ("%faas replay", ["completed", "odds"]),
        ("%faas publish score --definition 1", ["score:prod", "version 2 50%"]),
        ("%faas map score shots -n 4 --qualifier prod", ["prod", "qualifier"]),
        ("%faas invoke score --async", ["score", "handed over"]),
        ("%faas queue ls", ["score", "event"]),
        ("%faas invoke goals", ["near", "completed"]),
        ('[each["Key"]', ["final.json", "near.json"]),
        ("import boto3", ["0.4975"]),
        ("%%faas workflow match", ["match", "created", "Score all"]),
        ("game = ", ["match", "SUCCEEDED", "8/8"]),
        ("ended = await", ["SUCCEEDED", "expected"]),
        ("run.timeline", ["Score all", "Look again"]),
        ("run.history", ["ExecutionSucceeded", "Done"]),
        ("from faaslab.workflow.build", ["{'odds': 0}"]),
        ("%faas runs", ["match", "careful", "SUCCEEDED"]),
        ("lab.functions", ["{'odds': 0.4975}"]),
    ],
)
def test_it_shows_what_it_promises(toured, begins, promised):
    text = shown(toured, begins)
    for word in promised:
        assert word in text


def test_every_page_is_shown_in_both_forms(toured):
    for cell in toured:
        for output in cell.outputs:
            if "text/html" in output.get("data", {}):
                assert output.data["text/plain"].strip()
