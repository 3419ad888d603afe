"""The tour in a real JupyterLab: run from top to bottom, then clicked through, in light and in dark.

What it looks like is kept in `build/screens` for whoever wants to see it: CI keeps that folder.
"""

import nbformat
import pytest

from faaslab.reports.page import render
from tests.browser import jupyter
from tests.browser.offline import check_offline

pytestmark = pytest.mark.browser

SCREENS = jupyter.ROOT / "build" / "screens"
SLOW = """%%faas slow --timeout 100
import time

def handler(event, context):
    time.sleep(event)
"""
LONG = "%faas map slow [0,60,60] -n 1 -o done"


@pytest.fixture(scope="module")
def tour(opened):
    node = nbformat.read(jupyter.ROOT / "notebooks" / "start_here.ipynb", as_version=4)
    cells = [*node.cells, nbformat.v4.new_code_cell(SLOW), nbformat.v4.new_code_cell(LONG)]
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    shown = opened("tour.ipynb", cells, height=1600, width=1280)
    shown.code = code
    place = code.index(SLOW)
    # All but what is to be cancelled.
    shown.select(place)
    shown.command("notebook:run-all-above")
    shown.page.wait_for_function(
        "count => [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')]"
        ".filter(prompt => /\\d/.test(prompt.textContent)).length === count",
        arg=place,
        timeout=120_000,
    )
    shown.wait()
    return shown


def output(tour, begins):
    place = next(place for place, source in enumerate(tour.code) if source.startswith(begins))
    return tour.page.locator(".jp-Notebook .jp-CodeCell").nth(place).locator(".jp-OutputArea")


def test_every_cell_ran_and_only_the_failure_that_is_meant_failed(tour):
    # JupyterLab gives errors the type of what was said to stderr.
    failed = tour.page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']")
    assert ["a distance cannot be -1" in text for text in failed.all_inner_texts()] == [True]


def test_the_panel_invokes(tour):
    panel = output(tour, "%faas panel score")
    panel.locator("textarea").first.fill('{"distance": 33}')
    panel.locator("button:has-text('Invoke')").click()
    panel.locator("button", has_text='{"distance":33}').first.wait_for()
    panel.get_by_text("0.0809").first.wait_for()


def test_a_state_is_clicked_on_the_graph(tour):
    panel = output(tour, "%faas panel match")
    panel.locator("button:has-text('Start')").first.click()
    panel.get_by_text("SUCCEEDED").first.wait_for(timeout=20_000)
    panel.locator("button[title*='Look again'], button[title*='Done']").first.click()
    panel.locator("summary", has_text="input").first.wait_for()


def test_the_dashboard_counts_what_happens_elsewhere_and_shows_another_window(tour):
    board = output(tour, "%faas dashboard")
    board.locator("button:has-text('15 min')").click()
    board.get_by_text("slow").first.wait_for(state="detached")
    tour.select(tour.code.index(SLOW))
    tour.command("notebook:run-cell")
    tour.wait()


def test_what_takes_long_is_cancelled(tour):
    tour.select(tour.code.index(LONG))
    tour.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-cell'); return null }")
    shown = output(tour, LONG)
    shown.locator("button:has-text('Cancel')").click()
    shown.locator("button:has-text('Stop now')").click()
    tour.wait()
    assert "stopped" in shown.inner_text()
    output(tour, "%faas dashboard").get_by_text("slow").first.wait_for()


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_stays_within_the_page_in_both_themes(tour, theme):
    tour.theme(theme)
    SCREENS.mkdir(parents=True, exist_ok=True)
    for name in ("%faas panel score", "%faas panel match", "%faas dashboard", "%faas timeline score"):
        shown = output(tour, name)
        shown.scroll_into_view_if_needed()
        shown.screenshot(
            path=SCREENS / f"{name.replace('%faas ', '').replace(' ', '-')}-{theme.split()[-1].lower()}.png"
        )
        assert shown.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), name


def test_what_is_saved_is_whole_without_a_kernel_and_offline(tour, tmp_path):
    tour.command("docmanager:save")
    page = tmp_path / "tour.html"
    page.write_text(render(tour.path, title="The tour", subtitle="as it was left"), "utf-8")
    check_offline(tour.page.context.browser, page, outputs=25)
    saved = page.read_text("utf-8")
    for kept in ("0.0809", "Look again", "invocations", "environment"):
        assert kept in saved


def test_it_says_nothing_to_the_console_and_asks_nobody_elsewhere(tour):
    assert tour.complaints == []
    assert tour.elsewhere == []
