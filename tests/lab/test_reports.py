"""A run of a report is a row, however it ends: a cell that fails, a time that is over, a kill, a Ctrl-C."""

import base64
import contextlib
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import nbformat
import psutil
import pytest

from faaslab import app
from faaslab.clock import SteppedClock
from faaslab.errors import InvalidValue, Unsupported
from faaslab.lab.report_signs import log_written
from faaslab.model.report import ReportRun

DUE = datetime(2026, 11, 23, 7)


def notebook(
    folder, *sources, name="weekly", parameters="since = ''\nuntil = ''\ntoken = ''", language="python"
):
    node = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "x", "display_name": "x", "language": language}}
    )
    node.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if parameters is not None:
        node.cells.insert(0, nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    path = folder / f"{name}.ipynb"
    nbformat.write(node, path)
    return str(path)


@pytest.fixture
def lab(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", reports=tmp_path / "own") as lab:
        yield lab


def rows(lab):
    return lab.sql("SELECT id, status, error_type, error_message, failed_cell FROM reports").to_dict(
        "records"
    )


def until(holds):
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)


def test_times_count_from_when_it_was_due_and_stand_in_the_row(lab, tmp_path):
    path = notebook(tmp_path, "print(since, until)")
    run = lab.reports.run(
        path,
        parameters={"since": "-7d", "until": "{{ scheduled_for / day }}"},
        scheduled_for=DUE,
        schedule="mondays",
        attempt=2,
        title="Week of {{ scheduled_for - 7d:%d %B }}",
        stem="week-{{ scheduled_for:%G-%V }}",
        out_dir=tmp_path / "pages",
    )
    assert run.parameters == {"since": "2026-11-16T07:00:00", "until": "2026-11-23T00:00:00"}
    assert (run.scheduled_for, run.schedule, run.attempt) == (DUE, "mondays", 2)
    page = Path(run.outputs[0])
    assert page == tmp_path / "pages" / "week-2026-48.html"
    assert "<title>Week of 16 November</title>" in page.read_text()
    assert "2026-11-16T07:00:00 2026-11-23T00:00:00" in page.read_text()
    assert lab.reports.get() == run
    assert lab.reports.get("weekly") == run
    assert not lab.store.report_runs.going()


def test_the_log_has_each_cell_and_its_lines_with_times_and_no_secret(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("SERVICE_TOKEN", "from-the-environment")
    monkeypatch.setenv("DATABASE", "of-a-function")
    lab.functions.create("f", "def handler(e, c): ...", secrets=("DB=env:DATABASE",))
    path = notebook(
        tmp_path,
        "import os, sys\nprint('one\\ntwo ' + token)\nprint(os.environ['SERVICE_TOKEN'], file=sys.stderr)\n"
        "import base64\nprint(base64.b64encode(('u:' + os.environ['DATABASE']).encode()).decode())",
        "# how it goes on\nprint('\\x1b[31mred\\x1b[0m')\nraise ValueError('no ' + token)",
    )
    run = lab.reports.run(path, parameters={"token": "hush-hush"}, formats=("html", "ipynb"))
    assert (run.status, run.failed_cell, run.error_type) == ("failed", 3, "ValueError")
    assert run.error_message == "no ••••"
    log = Path(run.log)
    assert log.parent == Path(run.outputs[0]).parent
    assert log.stat().st_mode & 0o777 == 0o600
    told = [line.split(" ", 2)[2] for line in log.read_text().splitlines()]
    for line in (
        'parameters {"token": "••••"}', "cell 2 of 3: import os, sys", "| one", "| two ••••", "! ••••", "| red",
        "ValueError: no ••••",
    ):  # fmt: skip
        assert line in told
    assert any(line.startswith("cell 3 failed after") for line in told)
    for kept in (log, *map(Path, run.outputs)):
        assert "hush" not in kept.read_text()
        assert "from-the-environment" not in kept.read_text()
        assert base64.b64encode(b"u:of-a-function").decode()[4:-4] not in kept.read_text()
    injected = nbformat.read(run.outputs[1], 4)
    assert "hush" not in injected.cells[1].source
    assert injected.metadata.papermill.parameters == {"token": "••••"}
    assert run.parameters == {"token": "••••"}


def test_what_is_secret_within_a_mapping_is_hidden_everywhere(lab, tmp_path):
    path = notebook(tmp_path, "print(db['password'])\ndb", parameters="db = {}")
    given = {"db": {"password": "one-level-down", "hosts": [{"apiKey": "two-levels"}], "user": "ada"}}
    run = lab.reports.run(path, parameters=given, formats=("html", "ipynb"))
    assert run.parameters == {"db": {"password": "••••", "hosts": [{"apiKey": "••••"}], "user": "ada"}}
    assert lab.reports.get(run.id).parameters == run.parameters
    for kept in map(Path, (run.log, *run.outputs)):
        text = kept.read_text()
        assert "ada" in text
        assert "level" not in text


def test_a_wrong_secret_is_not_shown(lab, tmp_path):
    path = notebook(tmp_path, parameters="token = 1.5")
    with pytest.raises(InvalidValue, match='token takes a number, not "••••"') as caught:
        lab.reports.run(path, parameters={"token": "very-secret"})
    assert "very" not in str(caught.value)


def test_a_folder_that_takes_no_file_is_told_before_anything_runs(lab, tmp_path):
    mark = tmp_path / "begun"
    with pytest.raises(InvalidValue, match="cannot be written to") as caught:
        lab.reports.run(notebook(tmp_path, f"open({str(mark)!r}, 'w')"), out_dir="/proc", stem="x")
    assert "--dir /proc" in str(caught.value)
    assert not mark.exists()
    with pytest.raises(InvalidValue, match="no report has run yet"):
        lab.reports.get()


def test_a_log_that_is_not_there_is_not_named(lab, tmp_path):
    (tmp_path / "pages" / "x.html").mkdir(parents=True)
    (tmp_path / "pages" / "x.log").mkdir()
    run = lab.reports.run(notebook(tmp_path, "1"), out_dir=tmp_path / "pages", stem="x")
    assert (run.status, run.log) == ("failed", None)


def test_a_page_without_room_is_a_failure_of_no_cell(lab, tmp_path):
    with pytest.raises(InvalidValue, match="no report has run yet"):
        lab.reports.get()
    (tmp_path / "pages" / "x.html").mkdir(parents=True)
    run = lab.reports.run(notebook(tmp_path, "1"), out_dir=tmp_path / "pages", stem="x")
    assert (run.status, run.error_type, run.failed_cell) == ("failed", "NotPlaced", None)
    assert "the page cannot be written to" in run.error_message


def test_runs_that_begin_in_the_same_second_have_a_page_each(tmp_path):
    path = notebook(tmp_path, "print(since)", name="it [1]" + "ü" * 100)
    clock = SteppedClock(DUE)
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", clock=clock) as lab:
        with ThreadPoolExecutor() as pool:
            runs = list(pool.map(lambda n: lab.reports.run(path, parameters={"since": f"<{n}>"}), range(3)))
        pages = [Path(run.outputs[0]) for run in runs]
        assert len(set(pages)) == len({run.log for run in runs}) == 3
        for number, page in enumerate(pages):
            assert f"&lt;{number}&gt;" in page.read_text()


def test_a_relative_folder_is_recorded_as_it_is_found_from_anywhere(lab, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = lab.reports.run(notebook(tmp_path), out_dir="pages")
    assert Path(run.outputs[0]).parent == tmp_path / "pages"
    monkeypatch.chdir("/")
    assert lab.reports.latest_page()[0] == run
    (tmp_path / "a file").touch()
    with pytest.raises(InvalidValue, match="cannot be written to"):
        lab.reports.run(notebook(tmp_path), out_dir=tmp_path / "a file")


def test_a_time_that_is_over_leaves_a_page_and_so_does_a_kernel_that_dies(lab, tmp_path):
    late = lab.reports.run(
        notebook(tmp_path, "print('first')", "import time\ntime.sleep(600)", "print('never')", name="late"),
        timeout_s=4,
    )
    assert (late.status, late.failed_cell, late.error_type) == ("failed", 3, "TimedOut")
    assert late.error_message == "the report was not done after 4 s (--timeout)"
    page = Path(late.outputs[0]).read_text()
    assert "its code cell 3 failed" in page
    assert "TimedOut: the report was not done" in page
    assert "first" in page
    died = lab.reports.run(notebook(tmp_path, "print('here')", "import os\nos._exit(1)", name="died"))
    assert (died.status, died.failed_cell, died.error_type) == ("failed", 3, "KernelDied")
    assert "KernelDied: the kernel died" in Path(died.outputs[0]).read_text()
    assert [row["status"] for row in rows(lab)] == ["failed", "failed"]


def test_a_cell_that_will_not_be_stopped_is_stopped(lab, tmp_path, monkeypatch):
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(600)\n    except KeyboardInterrupt:\n        pass"
    run = lab.reports.run(notebook(tmp_path, stubborn), timeout_s=3)
    assert (run.status, run.failed_cell, run.error_type) == ("failed", 2, "TimedOut")
    assert run.outputs


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"parameters": {"sinc": 1}}, InvalidValue, "has no parameter 'sinc'"),
        ({"formats": ()}, InvalidValue, "--to: no format is given"),
        ({"theme": "pink"}, InvalidValue, "--theme: 'pink' is none of light, dark, auto"),
        ({"timeout_s": 0}, InvalidValue, "--timeout"),
        ({"name": "costs", "parameters": {"since": "yesterday"}}, InvalidValue, "'yesterday' is no instant"),
        ({"stem": "../x"}, InvalidValue, "--stem"),
        ({"stem": "ü" * 150}, InvalidValue, "--stem: is longer than 200 bytes"),
        ({"parameters": {"since": 1 << 40_000}}, InvalidValue, "-p since: is a whole number of more than"),
        ({"title": "{{ x }}"}, InvalidValue, "--title, character 1"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_recorded(lab, tmp_path, arguments, error, says):
    with pytest.raises(error) as caught:
        lab.reports.run(**{"name": notebook(tmp_path), **arguments})
    assert says in str(caught.value)
    assert rows(lab) == []
    assert not (tmp_path / "reports").exists()


def test_a_notebook_of_another_language_or_without_parameters_is_told_so(lab, tmp_path):
    with pytest.raises(Unsupported, match=r"r\.ipynb is a notebook in r \(reports run in this Python\)"):
        lab.reports.run(notebook(tmp_path, "1", name="r", language="R"))
    plain = notebook(
        tmp_path,
        "import asyncio\nasync def one(): return 1\nprint(await one())",
        name="plain",
        parameters=None,
    )
    with pytest.raises(InvalidValue, match="give the cell that sets them the tag `parameters`"):
        lab.reports.run(plain, parameters={"n": 1})
    assert lab.reports.run(plain).status == "completed"


def test_a_path_with_braces_and_much_output_are_no_matter(lab, tmp_path):
    folder = tmp_path / "a {b} 'c'"
    folder.mkdir()
    run = lab.reports.run(notebook(folder, "print('line ' * 60_000)"), out_dir=folder)
    assert run.status == "completed", run.error_message
    assert "characters are left out here" in Path(run.outputs[0]).read_text()
    assert Path(run.outputs[0]).stat().st_size < 200_000


_SCRIPT = """
import sys
from faaslab import app
with app.open(store=sys.argv[1], cache=sys.argv[2]) as lab:
    lab.reports.run(sys.argv[3], formats=("html",))
"""


@contextlib.contextmanager
def elsewhere(lab, tmp_path):
    """A process that runs a report whose cell sleeps, and the kernel of that."""
    here = tmp_path / "kernel.pid"
    path = notebook(
        tmp_path,
        "print('begun', flush=True)",
        f"import os, pathlib, time\npathlib.Path({str(here)!r}).write_text(str(os.getpid()))\ntime.sleep(600)",
    )
    words = [sys.executable, "-c", _SCRIPT, str(lab.store.path), str(tmp_path / "cache"), path]
    with subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True) as process:
        until(lambda: here.exists() and here.read_text())
        yield process, psutil.Process(int(here.read_text()))


def test_a_run_that_goes_is_listed_and_one_that_was_killed_has_failed(lab, tmp_path):
    with elsewhere(lab, tmp_path) as (process, kernel):
        listed = lab.reports.list()
        assert listed[["name", "status"]].to_numpy().tolist() == [["weekly", "running"]]
        assert rows(lab) == []
        assert lab.reports.get("weekly").status == "running"
        worker = kernel.parent()
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    (row,) = lab.reports.list().to_dict("records")
    assert (row["status"], row["error_type"]) == ("failed", "ProcessEnded")
    assert "was killed" in row["error_message"]
    assert "| begun" in Path(row["log"]).read_text()
    assert row["id"] == listed["id"][0]
    # Long before anybody looks it was last written to its log, and that is its end.
    written = log_written(row["log"])
    assert row["started_at"] < row["ended_at"] <= written
    until(lambda: not kernel.is_running() and not worker.is_running())
    again = lab.reports.run(notebook(tmp_path, "print(1)", name="next"))
    assert again.status == "completed"
    assert lab.reports.list()["status"].tolist() == ["completed", "failed"]
    assert len(rows(lab)) == 2


def test_ctrl_c_leaves_nothing_running_and_says_where_it_was(lab, tmp_path):
    with elsewhere(lab, tmp_path) as (process, kernel):
        worker = kernel.parent()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert b"KeyboardInterrupt" in told
    until(lambda: not kernel.is_running() and not worker.is_running())
    (row,) = lab.reports.list().to_dict("records")
    assert (row["status"], row["error_type"]) == ("failed", "Interrupted")
    # That the third has begun may not have been heard yet.
    assert row["error_message"] in ("stopped in cell 2 of 3", "stopped in cell 3 of 3")
    assert [path.suffix for path in (tmp_path / "reports").iterdir()] == [".log"]


def test_a_worker_that_is_killed_is_a_failed_run(lab, tmp_path):
    path = notebook(
        tmp_path, "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nimport time\ntime.sleep(600)"
    )
    run = lab.reports.run(path)
    assert (run.status, run.error_type) == ("failed", "WorkerFailed")
    assert "ended with status -9" in run.error_message
    assert rows(lab)[0]["id"] == run.id


def test_who_cannot_be_seen_is_given_time(tmp_path):
    clock = SteppedClock(DUE)
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", clock=clock) as lab:
        run = ReportRun(id="1", name="far", notebook="far.ipynb", status="running", started_at=DUE)
        lab.store.report_runs.begin(run, "another-machine/1/t1/aa", ttl_s=180)
        assert lab.reports.settle() == 0
        clock.advance(100)
        assert lab.store.report_runs.keep("1", ttl_s=180)
        clock.advance(100)
        assert lab.reports.settle() == 0
        assert lab.reports.list()["status"].tolist() == ["running"]
        clock.advance(100)
        assert lab.reports.settle() == 1
        assert lab.reports.settle() == 0
        assert rows(lab)[0]["error_type"] == "ProcessEnded"
        # It was heard of after 100 s, and is not said to have gone for the 200 s that nobody looked.
        assert lab.reports.list()["duration_s"].tolist() == [100]
        assert not lab.store.report_runs.end(run)  # it is a row already
        assert len(rows(lab)) == 1
