"""The journey: every word of the toolkit once, in one notebook that runs from top to bottom.

Whoever adds a word adds its row here and there. `LATER` are the rows whose words do not exist yet.
"""

import re
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

from faaslab import verbs
from faaslab.reports.page import render
from tests.browser import jupyter
from tests.browser.offline import check_offline
from tests.notebooks.test_start_here import ROOT, gone_through, text_of

JOURNEY = ROOT / "notebooks" / "journey.ipynb"
ROWS = {
    "define": [("%%faas score", ["score", "created", "256 MB"]), ("import faaslab", ["144"])],
    "what a cell sees": [("%faas invoke price", ["121.0", "****"])],
    "other code": [
        ("%faas create greet", ["summed", "provided.al2023"]),
        ("%faas invoke greet", ["hello you"]),
        ("%faas invoke summed", ['"sum": 6']),
    ],
    "invoke": [
        ("%faas invoke score -p '{\"x\": 4}' --tail", ['"y": 8', "asked for 4", "REPORT", "cold"]),
        ("event = ", ["'y': 42", "completed"]),
        ('pathlib.Path("event.json")', ['"y": 2']),
        ("%faas invoke score -p '{}'", ["KeyError: 'x'", "InvocationFailed"]),
        ("later = ", ["'y': 10"]),
    ],
    "map": [("import pandas", ["1 failed", "completed", "failed"]), ("%faas retry", ["failed", "TypeError"])],
    "look": [
        ("%faas ls", ["score", "price", "summed"]),
        ("%faas show score", ["STAGE=dev"]),
        ("%faas logs score", ["asked for"]),
        ("%faas logs {r}", ["asked for 21"]),
        ("%faas history", ["score", "failed"]),
        ("%faas replay", ['"y": 42']),
        ("%faas timeline score", ["environment", "cold"]),
    ],
    "workflow": [
        ("%%faas workflow etl", ["etl", "created"]),
        ("run = ", ["SUCCEEDED", "Score"]),
        ("(await run)", ["SUCCEEDED"]),
        ("run.timeline", ["Score", "ms"]),
        ("run.history", ["ExecutionSucceeded"]),
        ("run.graph", ["Big?"]),
    ],
    "stats": [("%faas stats", ["invocations", "p95_ms"]), ("%%faas sql", ["cold", "score"])],
    "watch": [
        ("%faas panel score", ["score"]),
        ("%faas panel etl", ["etl"]),
        ("%faas dashboard", ["score", "invocations"]),
        ("%faas logs score --follow", ["asked for"]),
    ],
    "import": [('pathlib.Path("exported.log")', ["1 execution and 3 log lines"]), ("%faas sql", ["341.77"])],
    "report": [
        ("%faas report run", [".html", ".ipynb"]),
        ("%faas report schedule", ["weekly", "Europe/Madrid"]),
        ("%faas report tick", ["nothing"]),
        ("%faas report ls", ["cold_starts", "completed"]),
    ],
    "upkeep": [("%faas doctor", ["'ok'"]), ("%faas config", ["faaslab.duckdb"])],
}
LATER = {"durable": "durable", "events": "trigger", "deploy": "deploy", "alarms": "alarm", "what if": "tune"}


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    return gone_through(JOURNEY, tmp_path_factory.mktemp("journey"))


def rows(node):
    """Heading -> the code cells below it."""
    found, heading = {}, ""
    for cell in node.cells:
        title = re.match(r"## (.+)", cell.source)
        if cell.cell_type == "markdown" and title:
            heading = title[1]
            found[heading] = []
        elif cell.cell_type == "code" and heading:
            found[heading].append(cell)
    return found


def test_it_has_every_row_that_exists_by_now():
    assert list(rows(nbformat.read(JOURNEY, as_version=4))) == list(ROWS)
    for row, verb in LATER.items():
        exists = any(name.split()[0] == verb for name in verbs.VERBS)
        assert not exists, f"`{verb}` exists now: the journey gets a row {row!r}, and a place in ROWS"


def test_only_the_failure_that_is_meant_fails(walked):
    failed = [
        cell.source
        for cell in walked.cells
        if any(each.output_type == "error" for each in cell.get("outputs", ()))
    ]
    assert failed == ["%faas invoke score -p '{}'"]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_shows_what_it_promises(walked, row):
    cells = rows(walked)[row]
    for begins, promised in ROWS[row]:
        cell = next(each for each in cells if each.source.startswith(begins))
        text = "\n".join(text_of(output) for output in cell.outputs)
        for word in promised:
            assert word in text, begins


def test_no_secret_is_in_it(walked):
    assert "not to be seen" not in str([cell.get("outputs") for cell in walked.cells])


@pytest.mark.browser
def test_its_page_is_whole_offline(walked, tmp_path):
    reason = jupyter.missing()
    if reason is not None:
        pytest.skip(reason)
    path = tmp_path / "journey.ipynb"
    nbformat.write(walked, path)
    page = tmp_path / "journey.html"
    page.write_text(render(path, title="The journey", subtitle="as it ended"), "utf-8")

    def look():
        with jupyter.chromium() as browser:
            check_offline(browser, page, outputs=30)

    # In a thread of its own: what ran the notebook has left an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(look).result()


def test_git_has_no_outputs_of_it():
    for cell in nbformat.read(JOURNEY, as_version=4).cells:
        assert cell.get("outputs", []) == []
