"""A report's page in a real browser: nothing leaves it, whatever a notebook put into it, and all of it fits."""

from pathlib import Path

import nbformat
import pytest

from faaslab import app
from faaslab.clock import SYSTEM
from faaslab.reports.run import Look, run
from tests.monitoring import weeks
from tests.notebooks.test_notebooks import TEMPLATES, small

pytestmark = pytest.mark.browser

HOSTILE = """
<meta http-equiv="refresh" content="0;url=https://example.com/refresh">
<link rel="preconnect" href="https://example.com"><link rel="stylesheet" href="https://example.com/a.css">
<img src="https://example.com/b.png" alt="a picture elsewhere"><iframe src="https://example.com"></iframe>
<script>document.title = 'taken'</script><img src=x onerror="document.title = 'taken'">
<svg><style></p><meta http-equiv="refresh" content="0;url=https://example.com/svg"></style></svg>
<p id="shown" style="background:url(https://example.com/c.png)">honest</p></div></main></body>
"""
WIDE = "import pandas as pd\npd.DataFrame([{f'column number {n}': 'word ' * 9 for n in range(40)}])"
WIDGETS = "import ipywidgets\nipywidgets.IntSlider(description='how many')"
PICTURE = "from matplotlib.figure import Figure\nfigure = Figure(figsize=(30, 2))\nfigure.subplots().plot([1, 2])\nfigure"


def looked_at(browser, page, width=1280):
    """(the tab, what it asked for beside the page itself, what it complained of)."""
    tab = browser.new_page(viewport={"width": width, "height": 900})
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.goto(Path(page).as_uri())
    tab.wait_for_load_state("networkidle")
    return tab, [url for url in asked if not url.startswith(("data:", Path(page).as_uri()))], complaints


UPRIGHT_PX, LANDSCAPE_PX = 680, 1009  # what its margins leave of A4


def overflow_on_paper(tab):
    """How much wider than the paper that it is printed on the widest thing is, in pixels."""
    tab.emulate_media(media="print")
    over = 0
    for width, which in ((UPRIGHT_PX, ":not(.landscape)"), (LANDSCAPE_PX, ".landscape")):
        tab.set_viewport_size({"width": width, "height": 900})
        over = max(
            over,
            tab.evaluate(
                "which => Math.max(0, ...[...document.querySelectorAll('table, img, svg, pre')]"
                ".filter(each => each.matches(which))"
                ".map(each => each.getBoundingClientRect().right - innerWidth))",
                which,
            ),
        )
    return over


def overflow(tab):
    return tab.evaluate("document.documentElement.scrollWidth - innerWidth")


def test_nothing_leaves_the_page_nothing_is_blank_and_all_fits(browser, tmp_path):
    show = f"from IPython.display import HTML\nHTML({HOSTILE!r})"
    path = tmp_path / "weekly.ipynb"
    cells = [show, WIDE, WIDGETS, PICTURE, "print('line ' * 500)", "raise ValueError('the <b>end</b>')"]
    markdown = nbformat.v4.new_markdown_cell("# Weekly\n\n<img src='https://example.com/m.png'> text")
    nodes = [markdown, *(nbformat.v4.new_code_cell(cell) for cell in cells)]
    nbformat.write(nbformat.v4.new_notebook(cells=nodes), path)
    (page,) = run(path, parameters={}, out_dir=tmp_path, look=Look(title="Weekly <i>")).outputs
    tab, asked, complaints = looked_at(browser, page)
    assert tab.title() == "Weekly <i>"
    assert (asked, complaints) == ([], [])
    assert tab.locator("#shown").inner_text() == "honest"
    assert tab.locator(".unloaded").count() == 3
    assert "IntSlider" in tab.locator("main").inner_text()
    assert overflow(tab) <= 0
    failed = tab.locator("main > .failed, .failed").first
    assert "its code cell 6 failed with ValueError: the <b>end</b>" in failed.inner_text()
    failed.locator("a").click()
    assert tab.locator("#failed").is_visible()
    assert tab.locator("footer").inner_text().startswith("Weekly <i> · ")
    assert overflow_on_paper(tab) <= 0
    tab.close()
    for width in (390, 600):
        tab, asked, _ = looked_at(browser, page, width)
        assert overflow(tab) <= 0
        tab.close()


def test_a_shipped_report_in_each_theme(browser, tmp_path):
    with app.open(store=small(tmp_path / "s.duckdb"), cache=tmp_path / "cache") as lab:
        (page,) = lab.reports.run("cold_starts", theme="auto").outputs
    tab, asked, complaints = looked_at(browser, page)
    assert (asked, complaints) == ([], [])
    grounds = {}
    for theme in ("light", "dark", "auto"):
        tab.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            grounds[theme, scheme] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert overflow(tab) <= 0
    light, dark = grounds["light", "light"], grounds["dark", "dark"]
    assert light != dark
    assert grounds["light", "dark"] == light == grounds["auto", "light"]
    assert grounds["dark", "light"] == dark == grounds["auto", "dark"]
    assert overflow_on_paper(tab) <= 0
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    tab.emulate_media(media="screen")
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.locator("nav.contents summary").click()
    link = tab.locator("nav.contents a").first
    link.click()
    assert tab.url.endswith(link.get_attribute("href"))
    tab.close()


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Three weeks of functions and workflows up to now."""
    folder = tmp_path_factory.mktemp("known")
    with app.open(
        store=weeks.fill(folder / "s.duckdb", SYSTEM.now(), weeks=2), cache=folder / "cache"
    ) as lab:
        yield lab


CLIPPED = """() => [...document.querySelectorAll("main *")].filter(
    each => each.scrollWidth > each.clientWidth + 1 && ["auto", "scroll", "hidden"].includes(getComputedStyle(each).overflowX)
        && each.clientWidth > 0 && !each.closest("details:not([open])")
).map(each => each.textContent.slice(0, 80))"""


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_whole_offline_and_fits(known, browser, name):
    run = known.reports.run(name)
    assert run.status == "completed", run.error_message
    (page,) = run.outputs
    tab, asked, complaints = looked_at(browser, page)
    assert (asked, complaints) == ([], [])
    assert overflow(tab) <= 0
    assert tab.evaluate(CLIPPED) == []
    pictures = tab.locator("img.faas-figure")
    assert pictures.count() >= 2
    assert pictures.evaluate_all("all => all.every(each => each.naturalWidth > 0 && each.alt.length > 20)")
    blank = tab.evaluate(
        """() => [...document.querySelectorAll(".output_html")].filter(each => each.innerText.trim().length < 20).length"""
    )
    assert blank == 0
    assert tab.locator("details.behind table").count() >= 1
    assert tab.locator("h2").count() >= 4
    tab.close()
    tab, _, _ = looked_at(browser, page, 420)
    assert overflow(tab) <= 0
    tab.close()
