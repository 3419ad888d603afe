"""An exported page as somebody sees it who has no network and no kernel."""

from pathlib import Path

EMPTY = """() => [...document.querySelectorAll(".output_area")].filter(
    each => !each.innerText.trim() && getComputedStyle(each).display !== "none" && !each.querySelector("img, svg, hr, .faas-nothing") && !each.closest("details:not([open])")
).map(each => each.outerHTML.slice(0, 200))"""


def check_offline(browser, page, *, outputs, width=1280):
    """It asks for nothing, complains of nothing, has at least so many outputs, none blank, and fits."""
    tab = browser.new_page(viewport={"width": width, "height": 900})
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(Path(page).as_uri())
    tab.wait_for_load_state("networkidle")
    own = ("data:", Path(page).as_uri())
    assert [url for url in asked if not url.startswith(own)] == []
    assert complaints == []
    assert tab.locator(".output_area").count() >= outputs
    assert tab.evaluate(EMPTY) == []
    assert tab.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    tab.close()
