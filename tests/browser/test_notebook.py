"""The notebook face in a real JupyterLab: what a person sees, in light and dark, wide and narrow."""

import re

import nbformat
import pytest

pytestmark = pytest.mark.browser

CELLS = {
    "load": "%load_ext faaslab",
    "define": """%%faas score --memory 256 --timeout 10
import json

def level(x):
    return 100 / x

def handler(event, context):
    print("scoring <b>bold</b> $a$ and $b$")
    return {"score": level(event["x"]), "hostile": "<script>document.title='owned'</script><img src=x onerror=alert(1)>"}
""",
    "invoke": "%faas invoke score -p '{\"x\": 4}'",
    "fail": "%faas invoke score -p '{\"x\": 0}'",
    "map": "events = [{'x': i % 7} for i in range(40)]\n%faas map score events -n 4",
    "stats": "%faas stats --by function,version --plot",
    "wrong": "%faas invok score",
    "again": "%%faas score --memory 512\ndef handler(event, context):\n    return 1\n",
}
PLACES = {name: place for place, name in enumerate(CELLS)}


@pytest.fixture(scope="module")
def notebook(opened):
    shown = opened("face.ipynb", list(CELLS.values()), height=6000)
    shown.run_each()
    return shown


@pytest.fixture
def output(notebook):
    def text(name, place=0):
        found = notebook.outputs(PLACES[name]).nth(place)
        found.wait_for()
        return found.inner_text()

    return text


def test_loading_says_nothing(notebook):
    assert notebook.outputs(PLACES["load"]).count() == 0


def test_a_definition_is_a_card_with_units(output):
    card = output("define")
    for shown in ("score", "created", "definition 1", "local", "256 MB", "10 s", "python3."):
        assert shown in card


def test_an_invocation_shows_its_result_and_what_it_took(output):
    shown = output("invoke")
    assert "completed" in shown
    assert '"score": 25.0' in shown
    assert re.search(r"\d ms", shown)
    assert re.search(r"\d+ of 256 MB", shown)


def test_the_log_unfolds_at_a_click(notebook):
    view = notebook.outputs(PLACES["invoke"]).first
    line = view.get_by_text("scoring <b>bold</b>")
    assert not line.first.is_visible()
    view.locator("summary", has_text=re.compile("log", re.IGNORECASE)).first.click()
    line.first.wait_for()


def test_a_failure_shows_the_users_own_lines_and_is_an_error_output(notebook, output):
    view = output("fail")
    assert "ZeroDivisionError: division by zero" in view
    assert "return 100 / x" in view
    assert "faaslab/" not in view
    error = notebook.outputs(PLACES["fail"]).last
    assert error.get_attribute("data-mime-type") == "application/vnd.jupyter.stderr"
    lines = error.inner_text().strip().splitlines()
    assert lines[0].startswith("InvocationFailed: score failed")
    assert len(lines) <= 2


def test_a_wrong_word_is_one_line_with_the_nearest(output):
    assert output("wrong").strip() == "InvalidValue: no verb is named 'invok' (did you mean 'invoke'?)"


def test_a_map_leaves_its_bar_in_the_end_state_and_counts_what_it_hides(output):
    bar = output("map", 0)
    assert "40 of 40" in bar
    assert "6 failed" in bar
    rows = output("map", 1)
    assert "34 completed" in rows
    assert re.search(r"\d+ more .*rows", rows)


def test_a_changed_definition_is_the_next_version(output):
    card = output("again")
    assert "updated" in card
    assert "definition 2" in card
    assert "512 MB" in card
    assert "since definition 1: code; memory 256 → 512 MB; timeout 10 → 3 s" in card


def test_what_a_function_returns_is_text_and_nothing_else(notebook, output):
    assert "<script>" in output("invoke")
    page = notebook.page
    assert page.title() != "owned"
    assert page.locator(".jp-OutputArea img, .jp-OutputArea script").count() == 0
    assert page.locator(".jp-OutputArea mjx-container, .jp-OutputArea .MathJax").count() == 0
    assert notebook.complaints == []


def test_nothing_is_asked_of_the_network(notebook):
    assert notebook.elsewhere == []


FACTS = """() => [...document.querySelectorAll('.jp-OutputArea dl > div')].map(pair => {
    const [name, value] = [pair.querySelector('dt'), pair.querySelector('dd')].map(each => {
        const range = document.createRange(); range.selectNodeContents(each);
        return {text: each.textContent, box: each.getBoundingClientRect(), lines: range.getClientRects().length};
    });
    return {name: name.text, lines: name.lines, above: name.box.bottom <= value.box.top + 1};
})"""


@pytest.mark.parametrize("width", [1100, 560])
def test_names_of_facts_stand_whole_above_their_values(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 6000})
    facts = notebook.page.evaluate(FACTS)
    assert len(facts) > 10
    assert [fact["name"] for fact in facts if fact["lines"] != 1 or not fact["above"]] == []


OUTSIDE = """() => [...document.querySelectorAll('.jp-OutputArea-output .faas')].flatMap(view => {
    const edge = view.getBoundingClientRect().right + 1;
    const scrolls = each => {
        for (let up = each; up && up !== view; up = up.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(up).overflowX)) return true;
        return false;
    };
    return [...view.querySelectorAll('*')]
        .filter(each => each.getClientRects().length && each.getBoundingClientRect().right > edge && !scrolls(each))
        .map(each => each.tagName + ' ' + each.className + ': ' + each.textContent.slice(0, 60));
})"""


@pytest.mark.parametrize("width", [1100, 560])
def test_nothing_is_cut_off_at_the_side(notebook, width):
    notebook.page.set_viewport_size({"width": width, "height": 6000})
    assert notebook.page.evaluate(OUTSIDE) == []


# Contrast after WCAG 2: colours are drawn on a canvas, so that color-mix and transparency are counted in.
CONTRAST = """() => {
    const pen = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
        .getContext('2d', {willReadFrequently: true});
    const seen = colours => {
        pen.clearRect(0, 0, 1, 1);
        for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data];
    };
    const light = rgb => rgb.slice(0, 3).map(part => part / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
    const poor = [];
    for (const view of document.querySelectorAll('.jp-OutputArea-output .faas')) {
        const walker = document.createTreeWalker(view, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const element = node.parentElement;
            if (!node.textContent.trim() || element.closest('style') || !element.getClientRects().length) continue;
            const behind = [];
            for (let up = element; up; up = up.parentElement) behind.unshift(getComputedStyle(up).backgroundColor);
            const ground = ['white', ...behind];
            const [low, high] = [light(seen(ground)), light(seen([...ground, getComputedStyle(element).color]))]
                .sort((one, other) => one - other);
            const ratio = (high + 0.05) / (low + 0.05);
            if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${element.className}: ${node.textContent.trim().slice(0, 40)}`);
        }
    }
    return [...new Set(poor)];
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_every_text_can_be_read_in_both_themes(notebook, theme):
    notebook.page.set_viewport_size({"width": 1100, "height": 6000})
    notebook.theme(theme)
    assert notebook.page.evaluate(CONTRAST) == []


def test_a_saved_notebook_keeps_the_final_state(notebook, output):
    output("map")
    notebook.command("docmanager:save")
    saved = nbformat.read(notebook.path, as_version=4)
    kinds = [[each.output_type for each in cell.outputs] for cell in saved.cells]
    assert kinds[PLACES["fail"]][-1] == "error"
    assert "40 of 40" in saved.cells[PLACES["map"]].outputs[0].data["text/plain"]
    for cell in saved.cells:
        for each in cell.outputs:
            if "text/html" in each.get("data", {}):
                assert "http" not in each.data["text/html"]
                assert "<script" not in each.data["text/html"]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%faas inv", "invoke"),
        ("%faas invoke sc", "score"),
        ("%faas invoke score --qual", "--qualifier"),
        ("%faas invoke score -p {ev", "events"),
        ("%%faas other --mem", "--memory"),
    ],
)
def test_tab_completes(notebook, typed, offered):
    page = notebook.page
    notebook.command("notebook:insert-cell-below")
    notebook.command("notebook:enter-edit-mode")
    page.keyboard.insert_text(typed)
    try:
        notebook.command("completer:invoke-notebook")
        cell = page.locator(".jp-Notebook .jp-Cell.jp-mod-active .cm-content")
        # A single offer is put in at once; of several the box shows all.
        page.wait_for_function(
            "([word]) => document.querySelector('.jp-Cell.jp-mod-active .cm-content').textContent.endsWith(word)"
            " || [...document.querySelectorAll('.jp-Completer-item')].some(each => each.textContent.includes(word))",
            arg=[offered],
            timeout=15_000,
        )
        assert cell.count() == 1
    finally:
        page.keyboard.press("Escape")
        notebook.command("notebook:enter-command-mode")
        notebook.command("notebook:delete-cell")
