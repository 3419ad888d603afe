"""The index of delivered reports in a real browser: it fits, asks for nothing, and its links open the pages."""

from datetime import timedelta

import pytest

from faaslab.reports.delivery import folder
from faaslab.reports.delivery.targets import Folder
from tests.reports.delivery.stories import HOSTILE, MONDAY, failed, pages, run, story

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("delivered")
    for number in range(1, 9):
        make = failed if number == 3 else run
        told = make(
            number,
            name=f"n{number % 2}",
            scheduled_for=MONDAY + timedelta(days=number),
            error_message="x" * 400,
        )
        title = ["Cold starts", f"Costs {HOSTILE}"][number % 2]
        made = pages(place.parent / "made", number, ("html", "pdf", "ipynb", "log"))
        folder.deliver(Folder(path=str(place)), story(told, title=title), made, origin="here", keep=None)
    return place


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 420])
def test_it_fits_and_asks_for_nothing(browser, place, scheme, width):
    tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked, said = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(f"file://{place}/index.html")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert [row.inner_text() for row in tab.query_selector_all("tbody .failed")] == ["failed"]
    assert asked == [f"file://{place}/index.html"]
    assert said == []
    ground, ink = tab.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (sum(map(int, ground[4:-1].split(","))) < 150) is (scheme == "dark")
    assert ink != ground
    tab.close()


def test_its_links_open_the_pages_and_the_newest_stand_above(browser, place):
    tab = browser.new_page()
    tab.goto(f"file://{place}/index.html")
    assert len(tab.query_selector_all("tbody tr")) == 8
    assert len(tab.query_selector_all(".latest li")) == 2
    tab.click("tbody tr:first-child td:first-child a")
    assert tab.inner_text("main") == "run 8"
    tab.go_back()
    tab.click(".latest li:nth-child(2) a")
    assert tab.inner_text("main") == "run 7"
    tab.close()
