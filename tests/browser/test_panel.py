"""The panel of a function in a real JupyterLab: typed into, clicked through, cleared, saved and opened again."""

import re

import nbformat
import pytest

from tests.browser.test_notebook import CONTRAST, OUTSIDE

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "define": """%%faas score --memory 256 --timeout 10
def handler(event, context):
    print("scoring <b>bold</b> $a$ and $b$")
    if event.get("x") == 0:
        raise ValueError("<script>document.title='owned'</script><img src=x onerror=alert(1)>")
    return {"score": event.get("x", 1) * 2, "who": event.get("who")}
""",
    "map": "events = [{'x': i, 'who': {'name': '<img src=x onerror=alert(1)>'}} for i in reversed(range(12))]\n"
    "%faas map score events -n 2 -o scored",
    "panel": "%faas panel score -p '{\"x\": 4}'",
    "other": "%faas panel score -p '{\"x\": 21}'",
    "threads": "import threading\nprint(*[t.name for t in threading.enumerate() if 'pulse' in t.name] or ['none'])",
    "busy": "import pathlib, time\nwhile not pathlib.Path('go on').exists():\n    time.sleep(0.05)\nprint('over')",
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("panel.ipynb", list(CELLS.values()), height=6000)
    for name in ("load", "define", "map", "panel"):
        one(shown, name)
    panel(shown).get_by_role("button", name="Invoke").wait_for()
    return shown


def one(notebook, name):
    notebook.select(PLACES[name])
    notebook.command("notebook:run-cell")
    notebook.wait()


def panel(notebook, name="panel"):
    cell = notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(PLACES[name])
    return cell.locator(".faas.panel").first


def area(notebook):
    return panel(notebook).locator(".editor > .widget-textarea textarea")


def invoke(notebook):
    return panel(notebook).get_by_role("button", name="Invoke")


def cannot_be_run(notebook):
    panel(notebook).locator("button[disabled]", has_text="Invoke").wait_for()


def test_it_opens_with_the_payload_the_last_run_and_the_pictures(notebook):
    shown = panel(notebook)
    for each in (shown.locator("svg.spark").nth(1), shown.locator(".recent button").nth(7)):
        each.wait_for()
    assert area(notebook).input_value() == '{"x": 4}'
    assert "python3." in shown.inner_text()
    assert shown.locator("svg.spark").count() == 2
    assert shown.locator("svg.spark").first.locator("g").count() == 12
    assert shown.locator("svg.spark").first.locator("g.cold").count() >= 1
    assert shown.locator("svg.spark").first.locator("g.bad").count() == 1
    assert shown.locator(".recent button:visible").count() == 8


def test_a_sample_stands_in_the_editor(notebook):
    panel(notebook).get_by_label("sample").select_option(label="S3, an object was created")
    notebook.page.wait_for_function(
        "() => document.querySelector('.editor textarea').value.includes('aws:s3')"
    )


def test_what_is_wrong_is_said_while_one_types_and_cannot_be_run(notebook):
    area(notebook).fill('{"x": 4,\n "y": }')
    said = panel(notebook).locator(".verdict")
    said.get_by_text("not JSON at line 2 column 7").wait_for()
    cannot_be_run(notebook)
    # What was typed stands, and can be put right.
    area(notebook).press("End")
    area(notebook).press("ArrowLeft")
    area(notebook).press_sequentially("5")
    said.get_by_text("JSON · 17 B").wait_for()
    assert area(notebook).input_value() == '{"x": 4,\n "y": 5}'


def test_it_runs_and_shows_what_came_back(notebook):
    area(notebook).fill('{"x": 8}')
    invoke(notebook).click()
    shown = panel(notebook)
    shown.get_by_text("what came back").wait_for()
    shown.get_by_text('"score"').wait_for()
    text = shown.inner_text()
    assert "completed" in text
    assert re.search(r"\d+ of 256 MB", text)
    line = shown.get_by_text("scoring <b>bold</b>")
    assert not line.is_visible()
    shown.locator("summary", has_text="log").click()
    line.wait_for()
    assert shown.locator("svg.spark").first.locator("g").count() == 13


def test_the_form_and_the_json_are_the_same(notebook):
    area(notebook).fill('{"x": 8, "who": {"name": "Ada"}}')
    panel(notebook).get_by_role("radio", name="form").or_(
        panel(notebook).locator("button.widget-toggle-button", has_text="form")
    ).first.click()
    panel(notebook).get_by_label("name").fill("Grace")
    panel(notebook).get_by_label("x", exact=True).fill("eight")
    panel(notebook).get_by_text("x: 'eight' is not a number").wait_for()
    cannot_be_run(notebook)
    panel(notebook).get_by_label("x", exact=True).fill("9")
    panel(notebook).locator("button.widget-toggle-button", has_text="JSON").click()
    area(notebook).wait_for()
    assert area(notebook).input_value() == '{"x": 9, "who": {"name": "Grace"}}'
    assert not panel(notebook).get_by_label("name").is_visible()


def test_a_run_is_opened_again_at_a_click(notebook):
    panel(notebook).locator(".recent button", has_text="failed: ValueError").click()
    panel(notebook).get_by_text("as it was recorded").wait_for()
    panel(notebook).locator(".said", has_text="ValueError: <script>").wait_for()
    assert '"x": 0' in area(notebook).input_value()
    assert notebook.page.title() != "owned"


def test_the_keyboard_reaches_it_all(notebook):
    area(notebook).focus()
    reached = []
    for _ in range(14):
        notebook.page.keyboard.press("Tab")
        reached.append(
            notebook.page.evaluate("() => document.activeElement.textContent || document.activeElement.type")
        )
        if "Invoke" in reached[-1]:
            break
    assert "Invoke" in reached[-1], reached
    notebook.page.keyboard.press("Enter")
    panel(notebook).get_by_text("what came back").wait_for()


def test_a_click_is_answered_while_a_cell_runs(notebook):
    area(notebook).fill('{"x": 50}')
    notebook.select(PLACES["busy"])
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); }")
    notebook.page.locator(".jp-Notebook .jp-InputPrompt", has_text="*").wait_for()
    invoke(notebook).click()
    panel(notebook).locator("pre", has_text='"score": 100').wait_for()
    assert notebook.outputs(PLACES["busy"]).count() == 0
    (notebook.path.parent / "go on").touch()
    notebook.wait()
    assert notebook.outputs(PLACES["busy"]).first.inner_text().strip() == "over"


@pytest.mark.parametrize("width", [1100, 420])
def test_nothing_is_cut_off_at_the_side(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 6000})
    assert notebook.page.evaluate(OUTSIDE) == []
    sides = panel(notebook).evaluate(
        "each => [...each.querySelectorAll('*')].filter(one => one.getBoundingClientRect().width &&"
        " !one.closest('.recent, svg, pre, select, .wide') &&"
        " one.getBoundingClientRect().right > each.getBoundingClientRect().right + 1)"
        ".map(one => one.className || one.tagName)"
    )
    assert sides == []
    notebook.page.set_viewport_size({"width": 1100, "height": 6000})


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_every_text_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    assert notebook.page.evaluate(CONTRAST) == []


def test_it_looks_no_more_once_its_output_is_cleared(notebook):
    one(notebook, "other")
    panel(notebook, "other").get_by_role("button", name="Invoke").wait_for()
    for name in ("other", "panel"):
        one(notebook, "threads")
        assert "faaslab-pulse" in notebook.outputs(PLACES["threads"]).first.inner_text()
        notebook.select(PLACES[name])
        notebook.command("notebook:clear-cell-output")
        assert notebook.outputs(PLACES[name]).count() == 0
    notebook.run_until(PLACES["threads"], "none")


def test_nothing_came_from_elsewhere_and_nothing_complained(notebook):
    assert notebook.page.locator(".jp-OutputArea img, .jp-OutputArea script").count() == 0
    assert notebook.complaints == []
    assert notebook.elsewhere == []


def test_the_saved_notebook_shows_the_end_without_a_kernel(notebook):
    one(notebook, "panel")
    invoke(notebook).click()
    panel(notebook).get_by_text("what came back").wait_for()
    panel(notebook).locator("svg.spark").first.locator("g").nth(15).wait_for(state="attached")
    notebook.command("docmanager:save")
    saved = nbformat.read(notebook.path, as_version=4)
    kinds = {kind for output in saved.cells[PLACES["panel"]].outputs for kind in output.data}
    assert "text/html" in kinds
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown().then(() => null)"
    )
    notebook.page.reload()
    shown = panel(notebook)
    shown.get_by_text("completed").first.wait_for()
    assert shown.locator("svg.spark").count() == 2
    assert shown.locator("svg.spark").first.locator("g").count() == 16
    assert shown.locator("textarea, button, select").count() == 0
    assert '"score": 8' in shown.inner_text()
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()
    # What JupyterLab says of a kernel that was ended under it is its own affair.
    assert notebook.elsewhere == []
