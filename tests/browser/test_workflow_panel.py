"""The panel of a workflow in a real JupyterLab: started, looked into with mouse and keyboard, redriven, kept."""

import re

import nbformat
import pytest

from tests.browser.test_notebook import CONTRAST, OUTSIDE
from tests.browser.workflow_cells import HOSTILE, RATE, SCORE

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "score": SCORE,
    "define": RATE,
    "answers": """import threading
import faaslab

lab = faaslab.open()
go_on = threading.Event()
worker = lab.workflows.activity("approve", lambda task: (go_on.wait(), {"approved": True})[1])
""",
    "panel": "%faas panel rate -p '{\"ns\": [1, 2]}'",
    "go on": "go_on.set()",
    "held": """go_on.clear()
held = lab.workflows.start("rate", {"ns": []}, name="held")
""",
    "threads": """print([thread.name for thread in threading.enumerate() if thread.name == "faaslab-pulse"], held.status)""",
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("workflow_panel.ipynb", list(CELLS.values()), height=5000)
    for name in ("load", "score", "define", "answers", "panel"):
        one(shown, name)
    return shown


def one(notebook, name):
    notebook.run_one(PLACES[name])


@pytest.fixture
def panel(notebook):
    return notebook.outputs(PLACES["panel"]).first


def state(panel, name):
    return panel.locator(f'.faas-state[title="{name}"]')


def button(panel, word):
    return panel.locator("button.jupyter-button").get_by_text(word, exact=True)


def press(panel, word):
    button(panel, word).click()


def field(panel):
    return panel.locator(".editor textarea").first


def detail(panel, *words):
    """The block of what was chosen, once it says these."""
    shown = panel.locator(".beside .widget-html")
    for word in words:
        shown.get_by_text(word).last.wait_for()
    return shown


def stands(panel, word):
    panel.locator(".whose .pill").get_by_text(word, exact=True).wait_for()


def test_the_input_is_checked_as_one_types(panel):
    start = panel.locator("button.mod-primary")
    field(panel).fill('{"ns": [1, 2}')
    panel.get_by_text("line 1 column 13").wait_for()
    assert start.is_disabled()
    field(panel).fill('{"ns": [1, 2]}')
    panel.get_by_text("JSON · 14 B").wait_for()
    assert start.is_enabled()


def test_it_is_started_and_watched_while_it_goes_on(notebook, panel):
    panel.get_by_placeholder("name of the execution").fill("watched")
    press(panel, "Start")
    stands(panel, "running")
    panel.locator("svg g.node.running", has_text="Hold").wait_for()
    assert button(panel, "Redrive").is_disabled()
    assert button(panel, "Stop").is_enabled()
    one(notebook, "go on")
    stands(panel, "succeeded")
    panel.locator("svg g.node.succeeded", has_text="Hold").wait_for()
    row = panel.locator(".recent button.chosen")
    row.get_by_text(re.compile(r"succeeded\s+watched")).wait_for()


@pytest.mark.parametrize("room", ["200px", ""])
def test_a_button_lies_over_each_state_of_the_graph(panel, room):
    """Also of one that is higher than its place, and scrolls."""
    panel.locator(".faas-scroll").evaluate("(each, room) => { each.style.maxHeight = room }", room)
    for name in ("Score all", "Score", "Hold", "Done"):
        button = state(panel, name).bounding_box()
        node = panel.locator("svg g.node", has=panel.page.locator(f'text.name:text-is("{name}")'))
        card = node.locator("rect.card").bounding_box()
        for side in ("x", "y", "width", "height"):
            assert abs(button[side] - card[side]) < 2.5, (name, side)


def test_a_state_that_is_clicked_shows_its_data_its_attempts_and_its_log(panel):
    state(panel, "Score").click()
    block = detail(panel, "in Score all [1]", "scoring 2")
    for word in ("succeeded", "attempt", "score completed", "input", "output", '{"score": 4}'):
        assert word in block.inner_text(), word
    assert "faas-chosen" in state(panel, "Score").get_attribute("class")


def test_a_state_is_reached_and_chosen_with_the_keyboard(notebook, panel):
    state(panel, "Score").focus()
    notebook.page.keyboard.press("Tab")
    focused = "() => document.activeElement.title"
    assert notebook.page.evaluate(focused) == "Hold"
    ring = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert notebook.page.evaluate(ring) == "solid"
    notebook.page.keyboard.press("Enter")
    assert '{"approved": true}' in detail(panel, "activity approve").inner_text()
    assert notebook.page.evaluate(focused) == "Hold", "the focus is not lost when the panel is renewed"


def test_one_that_fails_is_looked_into_and_redriven(panel):
    field(panel).fill('{"ns": [5, -1]}')
    panel.get_by_placeholder("name of the execution").fill("broken")
    press(panel, "Start")
    stands(panel, "failed")
    state(panel, "Score").click()
    block = detail(panel, "attempt 2 of 2", "scoring -1")
    assert f"ValueError: <b>no score</b> for $a$ and $b$: {HOSTILE}" in block.inner_text()
    state(panel, "Score all").click(position={"x": 60, "y": 20})
    detail(panel, "2: 1 succeeded, 1 failed")
    panel.locator(".beside .picked", has_text="choose an iteration").locator("select").select_option(index=2)
    detail(panel, "iteration 1")
    press(panel, "Redrive")
    panel.get_by_text("1 time", exact=True).wait_for()
    stands(panel, "failed")
    state(panel, "Score").click()
    detail(panel, "attempt 4 of 4")


def test_timeline_and_history_are_unfolded(panel):
    press(panel, "Timeline")
    panel.locator("svg").get_by_text("[1] Score", exact=True).wait_for()
    press(panel, "Event history")
    panel.get_by_text("ExecutionRedriven").wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_every_text_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    assert notebook.page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("width", [560, 1100])
def test_nothing_is_cut_off_at_the_side(notebook, panel, width):
    notebook.page.set_viewport_size({"width": width, "height": 5000})
    assert notebook.page.evaluate(OUTSIDE) == []
    test_a_button_lies_over_each_state_of_the_graph(panel, "")


def test_nothing_of_a_users_text_was_obeyed_and_nothing_was_asked_elsewhere(notebook):
    assert notebook.page.title() != "owned"
    assert notebook.page.locator(".jp-OutputArea img, .jp-OutputArea script").count() == 0
    assert notebook.complaints == []
    assert notebook.elsewhere == []


def test_a_panel_whose_output_is_cleared_asks_nothing_more(notebook, panel):
    one(notebook, "held")
    panel.locator(".recent button", has_text="held").wait_for()
    one(notebook, "threads")
    threads = notebook.outputs(PLACES["threads"]).first
    assert threads.inner_text().strip() == "['faaslab-pulse'] RUNNING"
    notebook.select(PLACES["panel"])
    notebook.command("notebook:clear-cell-output")
    notebook.page.wait_for_function("() => !document.querySelector('.jp-OutputArea .faas-graph')")
    notebook.run_until(PLACES["threads"], "[] RUNNING")


def test_it_comes_back_with_what_one_chooses(notebook, panel):
    one(notebook, "go on")
    one(notebook, "panel")
    panel.locator(".recent button", has_text="broken").click()
    stands(panel, "failed")
    state(panel, "Score").click()
    detail(panel, "attempt 4 of 4")
    assert notebook.complaints == []


def test_the_saved_notebook_shows_the_end_without_a_kernel(notebook):
    notebook.command("docmanager:save")
    saved = nbformat.read(notebook.path, as_version=4)
    html = [each.data.get("text/html", "") for each in saved.cells[PLACES["panel"]].outputs]
    assert any("broken" in each and "ExecutionRedriven" in each for each in html)
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown().then(() => null)"
    )
    notebook.page.reload()
    outputs = notebook.outputs(PLACES["panel"])
    kept = outputs.last
    kept.get_by_text("failed", exact=True).first.wait_for()
    for word in ("broken", "Score all", "attempt 4 of 4", "timeline", "event history"):
        assert word in kept.inner_text(), word
    assert notebook.page.locator(".jp-Notebook button.faas-state").count() == 0
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()
