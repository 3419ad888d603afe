"""A notebook that no page can be made of ends in bounded time and memory, and is kept without its secrets."""

from pathlib import Path

import nbformat
import pytest

from faaslab.model.report import ReportStatus
from faaslab.reports import rendering
from faaslab.reports.page import render
from faaslab.reports.rendering import LEAST_S, LIMIT_S, PageFailed, limit_s, make_page
from faaslab.reports.run import run

JOB = {
    "title": "T",
    "headline": None,
    "subtitle": "s",
    "theme": "light",
    "paper": "A4",
    "hide": ["hush-hush"],
    "shown": {},
}
WELL = {"failed_cell": None, "error_type": None, "error_message": None}
ENDLESS = "[" * 400_000
"""Markdown that is read in time that grows with the square of it."""


def executed(folder, *cells):
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), folder / "executed.ipynb")


def said(text):
    return nbformat.v4.new_code_cell(
        "pass", outputs=[nbformat.v4.new_output("stream", name="stdout", text=text)]
    )


def test_a_page_and_the_notebook_without_secrets(tmp_path):
    executed(tmp_path, nbformat.v4.new_markdown_cell("# A"), said("hush-hush, he said"))
    make_page(JOB, tmp_path, WELL, limit_s=120)
    for name in ("report.html", "report.ipynb"):
        text = (tmp_path / name).read_text()
        assert "he said" in text
        assert "hush" not in text
    assert not (tmp_path / "executed.ipynb").exists()


def test_what_takes_for_ever_is_ended_and_the_notebook_is_kept(tmp_path, monkeypatch):
    # The process is given its time from when the secrets are out of the notebook.
    monkeypatch.setattr(rendering.subprocess, "Popen", waits_for(tmp_path / "report.ipynb"))
    executed(tmp_path, nbformat.v4.new_markdown_cell(ENDLESS), said("hush-hush"))
    with pytest.raises(PageFailed, match=r"no page was made of the notebook in 1 s: .* notebook is kept"):
        make_page(JOB, tmp_path, WELL, limit_s=1)
    assert "hush" not in (tmp_path / "report.ipynb").read_text()
    assert not (tmp_path / "report.html").exists()


def waits_for(path):
    import threading

    real = rendering.subprocess.Popen

    class Popen(real):
        def communicate(self, text=None, timeout=None):
            self.stdin.write(text)
            self.stdin.close()
            self.stdin = None
            while not path.exists():
                assert self.poll() is None
                threading.Event().wait(0.02)
            return super().communicate(timeout=timeout)

    return Popen


def test_before_the_secrets_are_out_nothing_is_kept(tmp_path):
    executed(tmp_path, said("hush-hush"))
    with pytest.raises(PageFailed, match=r"Nothing is kept of it, because what is secret"):
        make_page(JOB, tmp_path, WELL, limit_s=0.001)
    assert not (tmp_path / "report.ipynb").exists()


def test_what_takes_too_much_memory_is_ended(tmp_path):
    executed(tmp_path, *(said(str(n) * 10_000_000) for n in range(8)))
    with pytest.raises(PageFailed, match=r"the page needs more than 0\.29 GB of memory: what its cells show"):
        make_page(JOB, tmp_path, WELL, limit_s=300, limit_bytes=300 * 1024**2)


@pytest.mark.parametrize(
    ("timeout_s", "gone_s", "limit"),
    [(None, 900, LIMIT_S), (600, 100, LIMIT_S), (100, 10, 90), (100, 99, LEAST_S), (10, 15, LEAST_S)],
)
def test_the_time_is_what_the_timeout_leaves(timeout_s, gone_s, limit):
    assert limit_s(timeout_s, gone_s) == limit


def test_a_run_without_a_page_has_failed_and_its_notebook_is_there(tmp_path):
    node = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("since = ''", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("print('came here')"),
            nbformat.v4.new_markdown_cell(ENDLESS),
        ]
    )
    nbformat.write(node, tmp_path / "a.ipynb")
    done = run(tmp_path / "a.ipynb", parameters={}, out_dir=tmp_path / "out", timeout_s=25)
    assert (done.status, done.error_type, done.failed_cell) == (ReportStatus.FAILED, "PageFailed", None)
    assert "The executed notebook is kept" in done.error_message
    assert [Path(each).name for each in done.outputs] == ["a.ipynb"]
    assert "came here" in Path(done.outputs[0]).read_text()


@pytest.mark.parametrize(
    ("first", "left"),
    [
        ("# Costs\n\nWhat it costs.", "What it costs."),
        ("Costs\n=====\nWhat it costs.", "What it costs."),
        ("# Costs", ""),
    ],
)
def test_a_given_headline_takes_the_place_of_the_notebooks_own(tmp_path, first, left):
    page = rendered(tmp_path, nbformat.v4.new_markdown_cell(first), headline="Costs of <November> *2026*")
    assert page.count("<h1") == 1
    assert "Costs of &lt;November&gt; *2026*</h1>" in page
    assert left in page
    assert "<h1" in rendered(tmp_path, nbformat.v4.new_markdown_cell(first))


@pytest.mark.parametrize(
    "first", [nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("Only text\n\n## Part")]
)
def test_a_notebook_without_a_headline_gets_the_given_one(tmp_path, first):
    page = rendered(tmp_path, first, headline="Costs of November")
    assert "<h1>Costs of November</h1>" in page.partition("<main>")[2]
    assert "Only text" in page or first.cell_type == "code"


def rendered(folder, *cells, **look):
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), folder / "n.ipynb")
    return render(folder / "n.ipynb", title="t", subtitle="s", **look)
