"""A page as PDF, where there is a Chromium; and what is said where there is none."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from faaslab.errors import Unsupported
from faaslab.reports import pdf
from faaslab.reports import run as runner
from faaslab.reports.run import Look, run
from tests.reports.test_run import notebook

try:
    CHROMIUM = pdf.browser()
except Unsupported:
    CHROMIUM = None
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")


@needs_chromium
@pytest.mark.parametrize("paper", ["A4", "letter"])
def test_a_page_is_printed_with_its_title_and_on_its_paper(tmp_path, paper):
    cells = ["from IPython.display import HTML\nHTML('<h2>Much</h2>' + '<p>line</p>' * 120)"]
    done = run(
        notebook(tmp_path, *cells),
        parameters={},
        out_dir=tmp_path / "out",
        formats=("html", "pdf"),
        look=Look(title='Weekly "figures" \\ <b>', paper=paper, theme="dark"),
    )
    assert done.error_type is None, done.error_message
    html, printed = map(Path, done.outputs)
    body = printed.read_bytes()
    assert body.startswith(b"%PDF-")
    width, height = {"A4": (595, 842), "letter": (612, 792)}[paper]
    for box in re.findall(rb"/MediaBox ?\[([^\]]*)\]", body):
        assert [float(each) for each in box.split()] == pytest.approx([0, 0, width, height], abs=1)
    pages = len(re.findall(rb"/Type ?/Page\b", body))
    assert pages >= 3
    assert b"Weekly" in body  # the title among its properties
    assert list(tmp_path.glob("out/*")) == [html, printed] or sorted(tmp_path.glob("out/*")) == sorted(
        [html, printed]
    )
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", str(printed), "-"], capture_output=True, text=True).stdout
        assert 'Weekly "figures" \\ <b>' in text
        # Its versions differ in the blanks that they find in a line.
        assert f"1/{pages}" in text.replace(" ", "")


def program(folder, text):
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_browser_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>page")
    hangs = program(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child\nsleep 600")
    with pytest.raises(pdf.PrintingFailed, match="has not printed the page in 1 s"):
        pdf.print_page(page, tmp_path / "page.pdf", hangs, limit_s=1)
    child = int((tmp_path / "child").read_text())
    until(lambda: gone(child))
    assert not (tmp_path / "page.pdf").exists()


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whoever_is_stopped_while_it_is_printed_takes_the_browser_along(tmp_path, number):
    hangs = program(tmp_path, f"echo $$ > {tmp_path}/browser.pid\nexec sleep 600")
    code = (
        "from pathlib import Path; from faaslab.reports.run import Look, run\n"
        f"run(Path({str(notebook(tmp_path))!r}), parameters={{}}, out_dir=Path({str(tmp_path / 'out')!r}), "
        f"formats=('pdf',), look=Look(chromium={str(hangs)!r}))"
    )
    told = tmp_path / "browser.pid"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as caller:
        until(lambda: told.exists() and told.read_text().strip())
        caller.send_signal(number)
        caller.wait(60)
    until(lambda: gone(int(told.read_text())))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_worker_that_does_not_end_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_OVERTIME_S", 0.5)
    hangs = program(tmp_path, f"echo $$ > {tmp_path}/browser.pid\nexec sleep 600")
    with pytest.raises(runner.WorkerFailed, match="was not done after 8 s, and did not stop when asked to"):
        run(
            notebook(tmp_path),
            parameters={},
            out_dir=tmp_path / "out",
            formats=("pdf",),
            look=Look(chromium=str(hangs)),
            timeout_s=8,
        )
    if (tmp_path / "browser.pid").exists():  # a slow machine has not come so far
        until(lambda: gone(int((tmp_path / "browser.pid").read_text())))


def test_a_browser_that_makes_nothing_is_quoted(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>page")
    broken = program(tmp_path, "echo 'No usable sandbox!' >&2; exit 1")
    with pytest.raises(pdf.PrintingFailed, match=r"made no PDF: No usable sandbox! \(its sandbox needs user"):
        pdf.print_page(page, tmp_path / "page.pdf", broken)


def test_a_pdf_that_fails_leaves_the_other_pages(tmp_path):
    broken = program(tmp_path, "exit 3")
    done = run(
        notebook(tmp_path),
        parameters={},
        out_dir=tmp_path / "out",
        formats=("html", "pdf"),
        look=Look(chromium=str(broken)),
    )
    assert (done.status, done.error_type) == ("failed", "PrintingFailed")
    assert [Path(path).name for path in done.outputs] == ["weekly.html"]


def test_without_a_browser_it_says_what_to_do_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match="apt-get install chromium, or set FAASLAB_CHROMIUM"):
        run(notebook(tmp_path), parameters={}, out_dir=tmp_path / "out", formats=("pdf",))
    with pytest.raises(Unsupported, match="'nothing' is no program"):
        pdf.browser("nothing")
    assert not (tmp_path / "out").exists()
    named = program(tmp_path, "exit 0").rename(tmp_path / "google-chrome")
    assert pdf.browser() == named
    assert os.access(named, os.X_OK)
