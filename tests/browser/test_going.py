"""A verb that takes its time in a real JupyterLab: how far it is, and a button that works while its cell runs."""

import pytest

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "slow": """%%faas slow --timeout 100
import time

def handler(event, context):
    time.sleep(event)
    return event
""",
    "quick": "%faas invoke slow -p 0",
    "map": "%faas map slow [0,0,6,6,60,60] -n 2 -o done",
    "rows": "done[['status']] if 'done' in globals() else 'unbound'",
    "invoke": "%faas invoke slow -p 60",
    "after": "%faas invoke slow -p 0.1",
}
PLACES = {name: place for place, name in enumerate(CELLS)}
BUTTON = "button:has-text('Cancel')"


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("going.ipynb", list(CELLS.values()), height=2000)
    for name in ("load", "slow"):
        run(shown, name)
    return shown


def run(notebook, name):
    begin(notebook, name)
    notebook.wait()


def begin(notebook, name):
    notebook.select(PLACES[name])
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); return null }")


def output(notebook, name):
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(PLACES[name]).locator(".jp-OutputArea")


def test_what_is_quick_shows_no_button(notebook):
    run(notebook, "quick")
    assert notebook.page.locator(BUTTON).count() == 0
    assert notebook.outputs(PLACES["quick"]).count() == 1


def test_cancel_ends_a_map_while_its_cell_runs(notebook):
    begin(notebook, "map")
    shown = output(notebook, "map")
    shown.locator(BUTTON).wait_for()
    shown.get_by_text("2 of 6").wait_for()
    shown.locator(BUTTON).focus()
    notebook.page.keyboard.press("Enter")
    shown.get_by_text("that still run").wait_for()
    assert shown.locator("button").inner_text() == "Stop now"
    notebook.wait()
    assert "stopped at 4 of 6" in shown.inner_text()
    assert shown.locator("button").count() == 0
    run(notebook, "rows")
    assert output(notebook, "rows").inner_text().count("completed") == 4


def test_cancel_ends_an_invocation_and_the_kernel_goes_on(notebook):
    begin(notebook, "invoke")
    shown = output(notebook, "invoke")
    shown.locator(BUTTON).click()
    notebook.wait()
    assert "stopped; what had ended is recorded" in shown.inner_text()
    assert shown.locator("button").count() == 0
    gone = shown.locator(".jp-OutputArea-child:has(.faas-nothing)")
    assert gone.count() == 1
    assert gone.evaluate("each => each.getClientRects().length") == 0, (
        "what gave way to nothing takes no room"
    )
    assert notebook.outputs(PLACES["invoke"]).filter(visible=False).count() == 0
    run(notebook, "after")
    assert "0.1" in output(notebook, "after").inner_text()


def test_it_says_nothing_to_the_console_and_asks_nobody_elsewhere(notebook):
    assert notebook.complaints == []
    assert notebook.elsewhere == []
