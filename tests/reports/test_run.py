"""A report: real kernels, real pages; a failing cell is a result with a half-done page."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from faaslab.errors import InvalidValue, NotFound
from faaslab.model.report import ReportStatus
from faaslab.reports.parameters import declared
from faaslab.reports.run import run


def notebook(folder: Path, *cells: str, name: str = "weekly") -> Path:
    node = nbformat.v4.new_notebook()
    node.cells = [nbformat.v4.new_markdown_cell("# Weekly\nWhat happened.")]
    parameters = nbformat.v4.new_code_cell("since = '-7d'\nlimit: int = 3\nprint('unseen')")
    parameters.metadata["tags"] = ["parameters"]
    node.cells += [parameters, *(nbformat.v4.new_code_cell(source) for source in cells)]
    path = folder / f"{name}.ipynb"
    nbformat.write(node, path)
    return path


@pytest.fixture(autouse=True)
def mark(monkeypatch, tmp_path):
    """Kernels inherit it: those of this test are told from all others on the machine."""
    monkeypatch.setenv("FAASLAB_TEST_MARK", str(tmp_path))
    return str(tmp_path)


@pytest.fixture
def kernels(mark):
    def running():
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if any("ipykernel_launcher" in word for word in process.info["cmdline"] or ()):
                with contextlib.suppress(psutil.Error):
                    if process.environ().get("FAASLAB_TEST_MARK") == mark:
                        found.append(process.pid)
        return found

    return running


def test_a_report_runs_in_this_interpreter_with_its_parameters(tmp_path, kernels):
    seen = []
    done = run(
        notebook(tmp_path, "import sys; print(sys.executable, since, limit)"),
        parameters={"since": "-1d"},
        out_dir=tmp_path / "out",
        formats=("html", "ipynb"),
        on_progress=lambda cells, of: seen.append((cells, of)),
    )
    assert done.status is ReportStatus.COMPLETED
    assert done.error_type is None
    html, ipynb = map(Path, done.outputs)
    assert f"{sys.executable} -1d 3" in html.read_text()
    assert nbformat.read(ipynb, 4).cells[-1].outputs[0].text == f"{sys.executable} -1d 3\n"
    assert seen[-1][0] == seen[-1][1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["weekly.html", "weekly.ipynb"]
    assert kernels() == []


def test_the_page_asks_the_network_for_nothing_whatever_a_notebook_shows(tmp_path):
    hostile = (
        "from IPython.display import HTML, Javascript, display\n"
        'display(HTML(\'<script src="https://example.com/a.js"></script><img src="https://example.com/b.png">\'))\n'
        "display(Javascript('alert(1)'))"
    )
    (page,) = run(notebook(tmp_path, hostile), parameters={}, out_dir=tmp_path).outputs
    text = Path(page).read_text()
    head = text.partition("</head>")[0]
    assert re.search(r"default-src 'none'; img-src data:; style-src 'unsafe-inline'", head)
    # What faaslab itself puts into the page names no address at all.
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", head)
    assert not re.search(r"<script[^>]*>[^<]*alert", text)


def test_a_failing_cell_is_a_result_with_a_half_done_page(tmp_path, kernels):
    done = run(
        notebook(tmp_path, "print('first')", "raise ValueError('no <b>data</b>')", "print('never')"),
        parameters={"since": "-1d"},
        out_dir=tmp_path / "out",
    )
    assert (done.status, done.failed_cell) == (ReportStatus.FAILED, 3)
    assert (done.error_type, done.error_message) == ("ValueError", "no <b>data</b>")
    page = Path(done.outputs[0]).read_text()
    assert "its code cell 3 failed" in page
    assert "no &lt;b&gt;data&lt;/b&gt;" in page
    assert "<b>data</b>" not in page
    assert "first" in page
    assert kernels() == []


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"sinc": 1}, "-p: weekly.ipynb has no parameter 'sinc' (did you mean 'since'?)"),
        ({"zzz": 1}, "-p: weekly.ipynb has no parameter 'zzz' (it has: since, limit)"),
    ],
)
def test_an_unknown_parameter_is_named_before_anything_runs(tmp_path, parameters, says):
    with pytest.raises(InvalidValue) as caught:
        run(notebook(tmp_path), parameters=parameters, out_dir=tmp_path / "out")
    assert str(caught.value) == says
    assert not (tmp_path / "out").exists()


def test_an_unknown_format_is_named(tmp_path):
    with pytest.raises(InvalidValue, match="did you mean 'html'"):
        run(notebook(tmp_path), parameters={}, out_dir=tmp_path, formats=("htm",))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', '{"nbformat": 4}'])
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(InvalidValue, match="no Jupyter notebook"):
        declared(path)


def test_a_parameters_cell_that_is_no_python_is_refused(tmp_path):
    path = tmp_path / "x.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": ["a = 1\n", "b ="]}
    path.write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(InvalidValue, match="line 2"):
        declared(path)


def test_a_notebook_without_parameters_declares_none(tmp_path):
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "metadata": {}, "source": "a = 1"}]}))
    assert declared(path) == ()


def test_no_notebook_no_report(tmp_path):
    with pytest.raises(NotFound):
        run(tmp_path / "none.ipynb", parameters={}, out_dir=tmp_path)


def test_two_reports_run_at_once_and_each_page_is_whole(tmp_path):
    paths = [notebook(tmp_path, f"print('{name}')", name=name) for name in ("one", "two")]
    done = {}

    def make(path):
        done[path.stem] = run(path, parameters={}, out_dir=tmp_path)

    threads = [threading.Thread(target=make, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("one", "two"):
        assert Path(done[name].outputs[0]).read_text().count(f"<pre>{name}") == 1


def test_an_interrupt_ends_the_kernel_and_leaves_no_page(tmp_path, kernels):
    path = notebook(tmp_path, "import time\nprint('here', flush=True)\ntime.sleep(600)")

    def interrupt(cells, of):
        if cells == 3:  # the parameters are done, the sleeping cell is next
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, parameters={"since": "now"}, out_dir=tmp_path / "out", on_progress=interrupt)
    assert list((tmp_path / "out").iterdir()) == []
    assert kernels() == []


@pytest.mark.parametrize("victim", ["caller", "worker"])
def test_a_kill_in_the_middle_of_a_cell_leaves_no_kernel_and_no_file(tmp_path, victim):
    """The kernel is found by its pid, which the notebook writes down before it sleeps."""
    temporary, here = tmp_path / "tmp", tmp_path / "kernel.pid"
    temporary.mkdir()
    path = notebook(
        tmp_path,
        f"import os, pathlib, time\npathlib.Path({str(here)!r}).write_text(str(os.getpid()))\ntime.sleep(600)",
    )
    code = (
        "from pathlib import Path; from faaslab.reports.run import run\n"
        f"run(Path({str(path)!r}), parameters={{}}, out_dir=Path({str(tmp_path / 'out')!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(temporary)},
        stderr=subprocess.PIPE,
    ) as caller:
        until(lambda: here.exists() and here.read_text())
        kernel = psutil.Process(int(here.read_text()))
        worker = kernel.parent()
        (caller if victim == "caller" else worker).kill()
        _, told = caller.communicate(timeout=60)
    until(lambda: not kernel.is_running() and not worker.is_running())
    until(lambda: not list(temporary.iterdir()))
    assert list((tmp_path / "out").iterdir()) == []
    if victim == "worker":
        assert b"WorkerFailed" in told


def until(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def test_the_caller_may_be_killed_between_two_cells(tmp_path, kernels):
    path = notebook(tmp_path, "print(1)", "print(2)")
    code = (
        "import os, signal, sys; from pathlib import Path; from faaslab.reports.run import run\n"
        f"run(Path({str(path)!r}), parameters={{}}, out_dir=Path({str(tmp_path / 'out')!r}),"
        " on_progress=lambda a, b: os.kill(os.getpid(), signal.SIGKILL))"
    )
    killed = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True)
    assert killed.returncode == -9
    until(lambda: kernels() == [])
    assert list((tmp_path / "out").iterdir()) == []
