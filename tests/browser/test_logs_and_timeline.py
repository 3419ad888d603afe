"""Logs as they come and a function's timeline in a real JupyterLab: filter, pause, an execution, both themes."""

import nbformat
import pytest

from tests.browser.test_notebook import CONTRAST, OUTSIDE

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"
CELLS = {
    "load": "%load_ext faaslab",
    "define": """%%faas talk --timeout 10
import json

def handler(event, context):
    print("hello", event["n"])
    print(json.dumps({"level": "ERROR", "message": "broke", "detail": {"code": 7}}))
    print("HOSTILE")
    if event["n"] == 3:
        raise ValueError("three")
    return event["n"]
""".replace("HOSTILE", HOSTILE.replace('"', "'")),
    "first": "%faas invoke talk -p '{\"n\": 1}' -o first",
    "follow": "%faas logs talk --follow",
    "more": "%faas invoke talk -p '{\"n\": 2}' -o second",
    "again": "events = [{'n': 10 + n} for n in range(30)]\n%faas map talk events -n 3 -o mapped",
    "fails": "try:\n    get_ipython().run_line_magic('faas', 'invoke talk -p \\'{\"n\": 3}\\' -o third')\nexcept Exception as error:\n    print(type(error).__name__)",
    "timeline": "%faas timeline talk",
    "threads": "import threading\n[each.name for each in threading.enumerate() if each.name == 'faaslab-pulse']",
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("logs.ipynb", list(CELLS.values()), height=4000)
    for name in ("load", "define", "first", "follow"):
        one(shown, name)
    return shown


def one(notebook, name):
    notebook.run_one(PLACES[name])


@pytest.fixture
def view(notebook):
    """The live view: its widget's output."""
    found = notebook.outputs(PLACES["follow"]).filter(has=notebook.page.locator(".faas-log"))
    found.locator(".faas-log").wait_for()
    return found


def lines(view, text):
    return view.locator(".line", has_text=text)


def test_the_cell_ends_at_once_and_shows_what_there_is(notebook, view):
    lines(view, "hello 1").wait_for()
    assert "REPORT RequestId" in view.inner_text()


def test_lines_come_while_other_cells_run(notebook, view):
    one(notebook, "more")
    lines(view, "hello 2").wait_for()
    edge = view.locator(".faas-log").evaluate("each => each.scrollTop")
    assert abs(edge) < 2  # at the newest line


def test_json_is_folded_with_its_level_in_words(view):
    row = lines(view, "broke").first
    assert "detail={…}" in row.inner_text()
    assert "ERROR" in row.inner_text()
    assert not row.locator("pre").is_visible()
    row.locator("summary").click()
    row.locator("pre").wait_for()


def test_a_filter_is_text_or_a_pattern(notebook, view):
    box = view.get_by_placeholder("filter: text or pattern")
    box.fill("hello [2-9]")
    view.get_by_text("1 of ").wait_for()
    assert view.locator(".line").count() == 1
    box.fill("(")
    view.get_by_text("looked for as it stands").wait_for()
    box.fill("")
    lines(view, "REPORT RequestId").first.wait_for()
    view.get_by_title("only lines of this level or above").select_option("ERROR and above")
    lines(view, "hello 2").wait_for(state="detached")
    assert view.locator(".line").count() == 2
    view.get_by_title("only lines of this level or above").select_option("any level")
    lines(view, "REPORT").first.wait_for()
    view.get_by_title("only lines that the function").select_option("function only")
    view.get_by_text("6 of ").wait_for()
    assert lines(view, "REPORT").count() == 0
    assert lines(view, "hello 2").count() == 1


def test_a_pause_and_the_way_to_the_newest(notebook, view):
    view.get_by_role("button", name="Pause").click()
    view.get_by_text("paused").wait_for()
    one(notebook, "again")
    view.get_by_text("paused, 90 new").wait_for()
    assert lines(view, "hello 39").count() == 0
    view.get_by_role("button", name="Newest").click()
    lines(view, "hello 39").wait_for()
    view.get_by_text("96 of").wait_for()


def test_the_execution_behind_a_line(notebook, view):
    chosen = view.get_by_title("show one of the executions")
    assert chosen.locator("option").count() == 33
    short = lines(view, "hello 2 ").or_(lines(view, "hello 2").first).first.locator(".who").inner_text()
    label = next(each for each in chosen.locator("option").all_inner_texts() if each.endswith(short))
    chosen.select_option(label)
    view.get_by_text("cold start", exact=True).or_(view.get_by_text("warm", exact=True)).first.wait_for()
    assert "256 MB" in view.inner_text() or "128 MB" in view.inner_text()


def test_the_timeline_shows_the_cold_start_and_the_failure(notebook):
    one(notebook, "fails")
    one(notebook, "timeline")
    picture = notebook.outputs(PLACES["timeline"]).locator("svg.faas-flow")
    assert picture.locator("g.completed line.init").first.bounding_box()["width"] > 2
    # One that failed, and one that explains the sign.
    assert picture.locator("g.failed path.sign").filter(visible=True).count() == 2
    said = picture.text_content()
    for word in ("init of a cold start", "handler", "failed", "how long so many ran at once", "UTC"):
        assert word in said


def test_names_and_messages_are_text_and_nothing_else(notebook):
    assert notebook.page.title() != "owned"
    assert notebook.page.locator(".jp-OutputArea img, .jp-OutputArea script").count() == 0
    assert notebook.complaints == []
    assert notebook.elsewhere == []


@pytest.mark.parametrize("width", [1100, 420])
def test_nothing_is_cut_off_at_the_side(notebook, view, width):
    notebook.page.set_viewport_size({"width": width, "height": 4000})
    assert notebook.page.evaluate(OUTSIDE) == []
    edges = notebook.page.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea-output.jupyter-widgets')].flatMap(view => {
            const edge = view.getBoundingClientRect().right + 1;
            return [...view.querySelectorAll('.widget-text, .widget-dropdown, button')]
                .filter(each => each.getBoundingClientRect().right > edge).map(each => each.className);
        })"""
    )
    assert edges == []
    notebook.page.set_viewport_size({"width": 1100, "height": 4000})


def test_what_goes_on_at_the_side_fades_out_there(notebook):
    rows = notebook.outputs(PLACES["timeline"]).locator(".wide")
    notebook.outputs(PLACES["timeline"]).locator("summary").click()
    rows.wait_for()
    look = "each => [getComputedStyle(each).maskImage !== 'none', each.scrollWidth > each.clientWidth]"
    notebook.page.set_viewport_size({"width": 420, "height": 4000})
    fades = "each => getComputedStyle(each).maskImage !== 'none'"
    notebook.page.wait_for_function(fades, arg=rows.element_handle())
    assert rows.evaluate(look) == [True, True]
    rows.evaluate("each => { each.scrollLeft = each.scrollWidth }")
    notebook.page.wait_for_function(fades.replace("!==", "==="), arg=rows.element_handle())
    notebook.page.set_viewport_size({"width": 1100, "height": 4000})


@pytest.mark.parametrize("width", [1100, 420])
def test_it_stands_in_a_frame_with_room_around_its_lines(notebook, view, width):
    notebook.page.set_viewport_size({"width": width, "height": 4000})
    frame = view.locator(".faas-follow")
    assert frame.evaluate("each => getComputedStyle(each).borderLeftWidth") == "1px"
    left = frame.bounding_box()["x"]
    for inside in (".name", ".line", "input"):
        assert frame.locator(inside).first.bounding_box()["x"] - left >= 10
    notebook.page.set_viewport_size({"width": 1100, "height": 4000})


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_text_can_be_read_in_both_themes(notebook, theme):
    notebook.theme(theme)
    assert notebook.page.evaluate(CONTRAST) == []


def test_a_saved_notebook_has_the_lines_and_a_cleared_view_costs_nothing(notebook, view):
    notebook.command("docmanager:save")
    saved = nbformat.read(notebook.path, as_version=4)
    kept = saved.cells[PLACES["follow"]].outputs[-1].data
    assert "hello 39" in kept["text/html"]
    assert "hello 39" in kept["text/plain"]
    notebook.select(PLACES["follow"])
    notebook.command("notebook:clear-cell-output")
    view.locator(".faas-log").wait_for(state="detached")
    notebook.run_until(PLACES["threads"], "[]")
