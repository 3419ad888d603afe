"""A workflow in a real JupyterLab: its card, a run that is watched while it goes on, and what stays of it."""

import pytest

from tests.browser.test_notebook import CONTRAST, OUTSIDE
from tests.browser.workflow_cells import HOSTILE, RATE, SCORE

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "score": SCORE,
    "define": RATE.replace("Next: Done\n", "Next: Done?\n")
    + """    Catch: [{ErrorEquals: [States.ALL], Next: Hold}]
  Done?:
    Type: Choice
    Choices: [{Condition: "{% $states.input.approved %}", Next: Done}]
    Default: Refused
  Refused: {Type: Fail, Error: Refused, Cause: "HOSTILE"}
""".replace("HOSTILE", HOSTILE),
    "answers": """import threading
import faaslab

lab = faaslab.open()
go_on, approved = threading.Event(), True

def approve(task):
    go_on.wait()
    return {"approved": approved}

worker = lab.workflows.activity("approve", approve)
""",
    "run": """run = %faas run rate -p '{"ns": [1, 2, -3]}'""",
    "live": "%faas run rate -p '{\"ns\": [1, 2, 3, 4]}' --name watched",
    "end": "go_on.set()\nawait lab.workflows.run('watched')",
    "timeline": "%faas timeline watched",
    "history": "%faas workflow history watched",
    "fail": "approved = False\n%faas run rate -p '{\"ns\": []}' --name refused --wait",
    "runs": "%faas runs rate",
    "graph": "%faas graph rate",
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("workflow.ipynb", list(CELLS.values()), height=6000)
    for name in ("load", "score", "define", "answers", "run", "live"):
        one(shown, name)
    return shown


def one(notebook, name):
    notebook.select(PLACES[name])
    notebook.command("notebook:run-cell")
    notebook.wait()


def stands(notebook, name, word):
    """The graph in the output of a cell, once one of its states has that look."""
    picture = notebook.outputs(PLACES[name]).first.locator("svg.faas-flow")
    picture.locator(f"g.node.{word}").first.wait_for()
    return picture


def test_a_definition_is_a_card_with_its_graph(notebook):
    card = notebook.outputs(PLACES["define"]).first
    for word in ("rate", "created", "definition 1", "Score all", "Lambda · score", "Refused"):
        assert word in card.inner_text()


def test_a_run_is_watched_while_it_goes_on(notebook):
    from playwright.sync_api import expect

    picture = stands(notebook, "live", "running")
    # The picture is drawn anew at each look: an element of it may be gone between two questions.
    hold = picture.locator("g.node.running", has_text="Hold").locator("rect.card")
    expect(hold).to_have_css("stroke", "rgb(59, 130, 230)", timeout=30_000)
    assert "running" in notebook.outputs(PLACES["live"]).first.inner_text()


@pytest.fixture(scope="module")
def ended(notebook):
    """The notebook after the run that it watches has ended, and the cells that look at it."""
    for name in ("end", "timeline", "history", "fail", "runs", "graph"):
        one(notebook, name)
    return notebook


def test_what_was_watched_shows_its_end(ended):
    stands(ended, "live", "succeeded")
    ended.outputs(PLACES["live"]).first.get_by_text("succeeded", exact=True).wait_for()
    assert "Score all" in ended.outputs(PLACES["timeline"]).first.inner_text()
    assert "MapIterationStarted" in ended.outputs(PLACES["history"]).first.inner_text()


def test_one_that_fails_and_is_waited_for_is_an_error_and_its_picture_stands(ended):
    outputs = ended.outputs(PLACES["fail"])
    assert outputs.last.inner_text().startswith("WorkflowFailed: refused of rate failed: Refused")
    outputs.locator("g.node.failed", has_text="Refused").wait_for()


def test_names_and_causes_are_text_and_nothing_else(ended):
    assert ended.page.title() != "owned"
    assert ended.page.locator(".jp-OutputArea img, .jp-OutputArea script").count() == 0
    assert ended.page.locator(".jp-OutputArea mjx-container").count() == 0
    assert ended.complaints == []
    assert ended.elsewhere == []


@pytest.mark.parametrize("width", [1100, 560])
def test_nothing_is_cut_off_at_the_side(ended, width):
    ended.page.set_viewport_size({"width": width, "height": 6000})
    assert ended.page.evaluate(OUTSIDE) == []
    ended.page.set_viewport_size({"width": 1100, "height": 6000})


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_text_can_be_read_in_both_themes(ended, theme):
    ended.theme(theme)
    assert ended.page.evaluate(CONTRAST) == []


def test_the_saved_notebook_shows_the_end_without_a_kernel(ended):
    stands(ended, "live", "succeeded")
    (output,) = ended.saved_outputs(PLACES["live"])
    assert set(output.data) == {"text/html", "text/plain"}
    assert "SUCCEEDED" in output.data["text/plain"]
    ended.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown().then(() => null)"
    )
    ended.page.reload()
    ended.outputs(PLACES["live"]).first.get_by_text("succeeded", exact=True).wait_for()
    assert stands(ended, "live", "succeeded").count() == 1
    assert "Error displaying widget" not in ended.page.locator(".jp-Notebook").inner_text()
