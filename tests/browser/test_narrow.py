"""Every view in a cell that is 420 pixels wide: all of it is there, and no text lies over another."""

import pytest

from tests.browser.workflow_cells import RATE, SCORE

pytestmark = pytest.mark.browser

CELL = 420
CELLS = {
    "load": "%load_ext faaslab",
    "score": SCORE,
    "workflow": RATE,
    "answers": """import faaslab
lab = faaslab.open()
worker = lab.workflows.activity("approve", lambda task: {"approved": True})
""",
    "map": "events = [{'n': n} for n in range(40)]\n%faas map score events -n 8 -o mapped",
    "run": "run = %faas run rate -p '{\"ns\": [1, 2, 3]}' --name watched\nawait run;",
    "timeline": "%faas timeline score",
    "waterfall": "%faas timeline {mapped.id[0]}",
    "execution": "%faas show {mapped.id[0]}",
    "course": "%faas timeline watched",
    "graph": "%faas graph watched",
    "panel": "%faas panel score -p '{\"n\": 1}'",
    "workflow panel": "%faas panel rate -p '{\"ns\": [1]}'",
    "dashboard": "%faas dashboard",
    "logs": "%faas logs score --follow",
}
VIEWS = [
    *("timeline", "waterfall", "execution", "course", "graph", "panel", "workflow panel", "dashboard"),
    *("logs", "run", "workflow"),
]
READY = {"panel": "svg.spark", "workflow panel": ".faas-state", "dashboard": ".tile", "logs": ".line"}
ASIDE = """view => [...view.querySelectorAll('*')].filter(each =>
    ['auto', 'scroll'].includes(getComputedStyle(each).overflowX)
    && !each.closest('details:not([open])')
    && each.clientWidth && each.scrollWidth > each.clientWidth + 1
).map(each => `${each.className}: ${each.scrollWidth} in ${each.clientWidth}`)"""
OVER = """view => {
    const shown = [...view.querySelectorAll('svg text')].filter(each => each.getClientRects().length)
        .map(each => [each.textContent, each.getBoundingClientRect()]).filter(([, box]) => box.width);
    const edge = view.getBoundingClientRect().right + 1;
    const out = shown.filter(([, box]) => box.right > edge).map(([text]) => `${text}: cut off`);
    const over = shown.flatMap(([text, a], at) => shown.slice(at + 1).filter(([, b]) =>
        Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4
    ).map(([other]) => `${text} over ${other}`));
    return [...out, ...over];
}"""


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("narrow.ipynb", list(CELLS.values()), height=9000)
    shown.run_each()
    for name, selector in READY.items():
        area(shown, name).locator(selector).first.wait_for()
    return shown


def area(notebook, name):
    place = list(CELLS).index(name)
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(place).locator(".jp-OutputArea").first


@pytest.fixture
def wide(notebook):
    """Makes every cell's output so many pixels wide."""

    def make(pixels):
        output = area(notebook, "timeline").locator(".jp-OutputArea-output").last
        for _ in range(4):  # JupyterLab has less beside its cells where it is narrow
            off = pixels - output.bounding_box()["width"]
            window = notebook.page.viewport_size["width"]
            notebook.page.set_viewport_size({"width": round(window + off), "height": 9000})
            notebook.page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        assert abs(output.bounding_box()["width"] - pixels) < 2

    return make


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_has_to_be_moved_sideways(notebook, wide, name):
    wide(CELL)
    assert area(notebook, name).evaluate(ASIDE) == []
    assert area(notebook, name).evaluate("each => each.scrollWidth <= each.clientWidth + 1")


@pytest.mark.parametrize("pixels", [300, CELL, 560, 700, 1000, 1200])
@pytest.mark.parametrize("name", ["timeline", "waterfall", "course"])
def test_no_text_of_a_picture_lies_over_another_or_is_cut_off(notebook, wide, name, pixels):
    wide(pixels)
    assert area(notebook, name).evaluate(OVER) == []


def test_a_picture_is_as_wide_as_its_cell_and_its_text_stays_as_large(notebook, wide):
    sizes = {}
    for pixels in (CELL, 1000):
        wide(pixels)
        picture = area(notebook, "timeline").locator("svg.faas-fluid")
        assert picture.bounding_box()["width"] > pixels - 60
        sizes[pixels] = picture.get_by_text("environment", exact=True).bounding_box()["height"]
    assert sizes[CELL] == sizes[1000]
