"""A report's page in a real browser: nothing leaves it, whatever a notebook put into it."""

import nbformat
import pytest

from faaslab.reports.run import run

pytestmark = pytest.mark.browser


def test_nothing_leaves_the_page(browser, tmp_path):
    show = "from IPython.display import HTML\nHTML('<img src=\"https://example.com/b.png\">')"
    path = tmp_path / "weekly.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(show)]), path)
    (page,) = run(path, parameters={}, out_dir=tmp_path).outputs
    tab = browser.new_page()
    blocked, answered = [], []
    tab.on("requestfailed", lambda request: blocked.append(request.failure))
    tab.on("requestfinished", lambda request: answered.append(request.url))
    tab.goto(f"file://{page}")
    assert tab.title() == "Weekly"
    assert blocked == ["csp"]
    assert [url for url in answered if not url.startswith(("file:", "data:"))] == []
    tab.close()
