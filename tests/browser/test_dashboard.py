"""The dashboard in a real JupyterLab: it goes up by itself, can be picked from, and stops when it is cleared."""

import re

import pytest

from tests.browser.test_notebook import CONTRAST, OUTSIDE

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "score": "%%faas score --timeout 10\ndef handler(event, context):\n    return 1 / event['x']\n",
    "other": "%%faas other\ndef handler(event, context):\n    return '<b>'\n",
    "dashboard": "%faas dashboard",
    "hostile": """from datetime import timedelta
import faaslab
from faaslab.model.execution import Execution, ExecutionStatus, Source

lab = faaslab.open()
lab.store.record(Execution(
    id="h", function="<img src=x onerror=document.title='owned'>$a$", request_id="h", source=Source.IMPORTED,
    status=ExecutionStatus.COMPLETED, started_at=lab.clock.now() - timedelta(hours=3), duration_ms=5.0,
))""",
    "run": "events = [{'x': n % 4} for n in range(12)]\n%faas map score events -o r\n%faas invoke other;",
    "more": "%faas map score events -o r",
    "beats": "import threading\nprint([t.name for t in threading.enumerate() if t.name == 'faaslab-pulse'])",
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("dashboard.ipynb", list(CELLS.values()), height=2400)
    for name in ("load", "score", "other", "dashboard"):
        one(shown, name)
    return shown


def one(notebook, name):
    notebook.run_one(PLACES[name])


def board(notebook):
    return notebook.outputs(PLACES["dashboard"]).locator(".faas-dashboard")


def until(notebook, label, figure):
    """Until the tile with that label has that figure."""
    tile = board(notebook).locator(".tile", has=notebook.page.get_by_text(label, exact=True))
    tile.locator(".figure", has_text=re.compile(f"^{re.escape(figure)}$")).wait_for()


def pick(notebook, name):
    board(notebook).get_by_role("button", name=name, exact=True).click()


def test_an_empty_one_says_what_to_do(notebook):
    board(notebook).get_by_text("Nothing ran yet. Run a function").wait_for()
    assert board(notebook).locator(".tile, svg").count() == 0


def test_the_figures_go_up_by_themselves(notebook):
    one(notebook, "run")
    until(notebook, "invocations", "13")
    until(notebook, "errors", "3")
    count = notebook.page.locator(".jp-InputPrompt").nth(PLACES["dashboard"]).inner_text()
    one(notebook, "more")
    until(notebook, "invocations", "25")
    assert notebook.page.locator(".jp-InputPrompt").nth(PLACES["dashboard"]).inner_text() == count
    assert board(notebook).locator("svg[role=img]").count() == 6
    rows = board(notebook).locator("tbody tr")
    assert [rows.nth(place).inner_text().split()[0] for place in range(2)] == ["score", "other"]


def test_functions_and_times_are_picked_by_a_click_and_by_the_keyboard(notebook):
    pick(notebook, "other")
    until(notebook, "invocations", "1")
    assert board(notebook).locator(".name").first.inner_text() == "other"
    pick(notebook, "score")
    until(notebook, "invocations", "25")
    pick(notebook, "other")
    until(notebook, "invocations", "24")
    notebook.page.keyboard.press("Space")
    until(notebook, "invocations", "25")
    ring = "() => getComputedStyle(document.activeElement).outlineStyle"
    assert notebook.page.evaluate(ring) == "solid"
    pick(notebook, "score")
    pick(notebook, "other")
    for name, words in (("5 min", "by 5 s"), ("7 d", "by 3 h"), ("all", "by 1 s")):
        pick(notebook, name)
        board(notebook).get_by_text(words).first.wait_for()
        until(notebook, "invocations", "25")
    pick(notebook, "1 h")
    board(notebook).get_by_role("combobox").select_option("cost")
    until(notebook, "invocations", "25")


def test_a_name_is_text_wherever_it_stands(notebook):
    one(notebook, "hostile")
    pick(notebook, "6 h")
    until(notebook, "invocations", "26")
    name = "<img src=x onerror=document.title='owned'>$a$"
    pick(notebook, name)
    until(notebook, "invocations", "1")
    assert board(notebook).locator(".name").first.inner_text() == name
    assert notebook.page.title() != "owned"
    assert board(notebook).locator("img, script, mjx-container").count() == 0
    pick(notebook, name)
    until(notebook, "invocations", "26")
    pick(notebook, "1 h")
    until(notebook, "invocations", "25")


def test_every_control_has_a_name(notebook):
    named = (
        board(notebook)
        .locator("button, select")
        .evaluate_all(
            "each => each.map(one => one.textContent.trim() || one.getAttribute('aria-label') || one.title"
            " || (one.labels && one.labels.length ? one.labels[0].textContent : ''))"
        )
    )
    assert len(named) == 11
    assert all(named)


@pytest.mark.parametrize("width", [1100, 420])
def test_nothing_is_cut_off_at_the_side(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 2400})
    assert notebook.page.evaluate(OUTSIDE) == []
    edges = board(notebook).evaluate(
        "each => [...each.querySelectorAll('button, select, .tile .figure')]"
        ".filter(one => one.getBoundingClientRect().right > each.getBoundingClientRect().right + 1).length"
    )
    assert edges == 0
    notebook.page.set_viewport_size({"width": 1100, "height": 2400})


TILES = """tiles => tiles.map(each => each.getBoundingClientRect()).map(each => Math.round(each.top))"""


@pytest.mark.parametrize("width", [1100, 800, 420])
def test_the_figures_stand_in_full_rows_and_the_tables_reach_the_edge(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 2400})
    board(notebook).locator(".tile").first.wait_for()
    tops = board(notebook).locator(".tile").evaluate_all(TILES)
    rows = {top: tops.count(top) for top in tops}
    assert len(tops) == 9
    assert len(set(rows.values())) == 1, rows
    cut = "each => each.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
    assert board(notebook).locator(".tile").evaluate_all(cut) == []
    short = "each => each.filter(one => one.clientWidth + 1 < one.parentElement.clientWidth).length"
    assert board(notebook).locator("table").evaluate_all(short) == 0
    notebook.page.set_viewport_size({"width": 1100, "height": 2400})


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_every_text_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    assert notebook.page.evaluate(CONTRAST) == []


def test_the_saved_notebook_has_the_figures_and_no_script(notebook):
    kept_below = notebook.outputs(PLACES["dashboard"]).last.locator(".figure", has_text=re.compile("^25$"))
    kept_below.wait_for(state="attached")
    outputs = notebook.saved_outputs(PLACES["dashboard"])
    kept = [each.data["text/html"] for each in outputs if "text/html" in each.data]
    assert len(kept) == 1
    assert "<svg" in kept[0]
    assert ">25<" in kept[0]
    assert "<script" not in kept[0]
    assert "http" not in kept[0]


def test_it_stops_when_its_output_is_cleared(notebook):
    one(notebook, "beats")
    assert "faaslab-pulse" in notebook.outputs(PLACES["beats"]).first.inner_text()
    notebook.select(PLACES["dashboard"])
    notebook.command("notebook:clear-cell-output")
    board(notebook).wait_for(state="detached")
    notebook.run_until(PLACES["beats"], "[]")


def test_there_was_no_complaint_and_no_request_elsewhere(notebook):
    assert notebook.page.locator(".jp-OutputArea b").filter(has_text="<b>").count() == 0
    assert notebook.complaints == []
    assert notebook.elsewhere == []


def test_without_its_kernel_the_figures_stand_there_and_nothing_to_click(notebook):
    one(notebook, "dashboard")
    until(notebook, "invocations", "25")
    kept = notebook.outputs(PLACES["dashboard"]).last
    assert not kept.is_visible()
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
    )
    board(notebook).wait_for(state="hidden")
    kept.locator(".tile .figure", has_text=re.compile("^25$")).wait_for()
    assert (
        notebook.outputs(PLACES["dashboard"]).get_by_text("live", exact=True).filter(visible=True).count()
        == 0
    )
