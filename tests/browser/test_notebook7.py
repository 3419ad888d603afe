"""The same notebook in Notebook 7: what is shown, what is live, what can be clicked."""

import pytest

from tests.browser import jupyter

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "score": """%%faas score --timeout 100
import time

def handler(event, context):
    time.sleep(event["s"])
    return event
""",
    "invoke": "%faas invoke score -p '{\"s\": 0}'",
    "dashboard": "%faas dashboard",
    "panel": "%faas panel score -p '{\"s\": 0}'",
    "long": "%faas invoke score -p '{\"s\": 60}'",
}
OWN = "TypeError: Cannot read properties of undefined (reading 'schema')\n"
"""What Notebook 7.6 says of its own settings as it starts, now and then, whatever the notebook."""
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(browser, tmp_path_factory):
    pytest.importorskip("notebook", reason="notebook 7 is not installed")
    folder = tmp_path_factory.mktemp("notebook7")
    with jupyter.jupyterlab(folder, "notebook") as (address, token):
        shown = jupyter.Notebook(
            browser, address, token, folder, "seven.ipynb", list(CELLS.values()), at="notebooks", height=4000
        )
        for name in ("load", "score", "invoke", "dashboard", "panel"):
            shown.select(PLACES[name])
            shown.command("notebook:run-cell")
            shown.wait()
        yield shown
        shown.close()


def output(notebook, name):
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(PLACES[name]).locator(".jp-OutputArea")


def test_an_answer_is_shown(notebook):
    assert "completed" in output(notebook, "invoke").inner_text()


@pytest.mark.parametrize("name", ["dashboard", "panel"])
def test_what_is_live_hides_what_is_kept_of_it(notebook, name):
    shown = output(notebook, name)
    shown.locator("button, select, input").first.wait_for()
    kept = shown.locator("[class^='faas-kept-']")
    assert kept.count() == 1
    assert not kept.is_visible()


def test_the_panel_invokes(notebook):
    panel = output(notebook, "panel")
    panel.locator("textarea").fill('{"s": 0, "said": "by the panel"}')
    panel.locator("button:has-text('Invoke')").click()
    panel.get_by_text('"said": "by the panel"').first.wait_for()


def test_a_click_ends_what_runs(notebook):
    notebook.select(PLACES["long"])
    notebook.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); return null }")
    output(notebook, "long").get_by_role("button", name="Cancel").click()
    notebook.wait()
    assert "stopped; what had ended is recorded" in output(notebook, "long").inner_text()


def test_it_says_nothing_to_the_console_and_asks_nobody_elsewhere(notebook):
    assert [each for each in notebook.complaints if not each.startswith(OWN)] == []
    assert notebook.elsewhere == []
