"""Real daemons and ticks over one store, with real notebooks; one is killed in the middle of a run."""

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import nbformat
import psutil
import pytest

from faaslab import app
from faaslab.lab.report_turns import QUEUE
from faaslab.model.report import ReportSchedule
from faaslab.reports import due

FAASLAB = [sys.executable, "-m", "faaslab"]


def notebook(path, *cells):
    node = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
    )
    nbformat.write(node, path)
    return path


def make_due(lab, name):
    """As if its time had just come."""
    turns = lab.reports.schedules.turns
    turns.drop(name)
    turns.put(due.first(lab.store.definitions.get(ReportSchedule, name), lab.clock.now()))
    entry = lab.store.queue.find(f"report/{name}")
    lab.store.queue.exchange([entry.id])
    body = entry.body | {"instant": (lab.clock.now() - timedelta(seconds=1)).isoformat() + "Z"}
    lab.store.queue.put(QUEUE, body, id=entry.id)


def until(holds):
    deadline = time.monotonic() + 90
    while not (found := holds()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    return found


@pytest.fixture
def lab(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, run_queue=False) as lab:
        yield lab


@pytest.fixture
def processes(tmp_path):
    """Starts `faaslab WORDS` over the store; whoever is left at the end is ended."""
    begun = []

    def start(*words):
        path = tmp_path / f"told-{len(begun)}"
        with path.open("w") as told:
            process = subprocess.Popen(
                [*FAASLAB, *words, "--store", str(tmp_path / "s.duckdb")],
                stdout=told,
                stderr=subprocess.STDOUT,
                cwd=tmp_path,
            )
        process.told = path.read_text
        begun.append(process)
        return process

    yield start
    for process in begun:
        process.kill()
        process.wait()


def test_a_daemon_killed_in_the_middle_of_a_run(lab, processes, tmp_path):
    here, go = tmp_path / "kernel.pid", tmp_path / "go"
    path = notebook(
        tmp_path / "mine.ipynb",
        f"import os, pathlib, time\npathlib.Path({str(here)!r}).write_text(str(os.getpid()))",
        f"while not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.05)",
    )
    lab.reports.schedules.create("mine", "@yearly", report=str(path))
    daemons = [processes("report", "daemon") for _ in range(2)]
    until(lambda: all("READY" in daemon.told() for daemon in daemons))
    make_due(lab, "mine")
    kernel = psutil.Process(int(until(lambda: here.exists() and here.read_text())))
    assert lab.reports.schedules.table()["status"].tolist() == ["running"]
    (killed,) = [each for each in daemons if each.pid in [parent.pid for parent in kernel.parents()]]
    (other,) = [each for each in daemons if each is not killed]
    killed.kill()
    killed.wait()
    until(lambda: "ProcessEnded" in other.told())
    until(lambda: not kernel.is_running())
    df = lab.sql("SELECT status, attempt, error_type FROM reports")
    assert df.to_dict("records") == [{"status": "failed", "attempt": 1, "error_type": "ProcessEnded"}]

    go.touch()
    until(lambda: lab.reports.schedules.turns.due_of("mine").instant > lab.clock.now())
    make_due(lab, "mine")
    until(lambda: "completed in" in other.told())
    assert lab.reports.schedules.table()["status"].tolist() == ["completed"]
    other.send_signal(signal.SIGTERM)
    assert other.wait(60) == 0
    assert not [each for each in lab.store.queue.waiting(QUEUE) if each.owner is not None]


def test_a_daemon_that_is_ended_does_not_wait_for_ever(lab, processes, tmp_path):
    here, project = tmp_path / "kernel.pid", tmp_path / "project"
    project.mkdir()
    path = notebook(
        tmp_path / "mine.ipynb",
        f"import os, pathlib, time\npathlib.Path({str(here)!r}).write_text(f'{{os.getpid()}} {{os.getcwd()}}')",
        "while True:\n    time.sleep(0.05)",
    )
    lab.reports.schedules.create("mine", "@yearly", report=str(path), folder=project)
    daemon = processes("report", "daemon", "--grace", "1")
    until(lambda: "READY" in daemon.told())
    make_due(lab, "mine")
    pid, folder = until(lambda: here.exists() and here.read_text()).split()
    assert folder == str(project), "not where the daemon was started"
    kernel = psutil.Process(int(pid))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(90) == 0
    assert "finishing mine, for 1 s at most" in daemon.told()
    assert "mine for " in daemon.told()
    until(lambda: not kernel.is_running())
    df = lab.sql("SELECT status, error_type FROM reports")
    assert df.to_dict("records") == [{"status": "failed", "error_type": "Stopped"}]
    assert not [each for each in lab.store.queue.waiting(QUEUE) if each.owner is not None]


def test_many_ticks_at_once_run_it_once_and_a_failure_is_their_status(lab, processes, tmp_path):
    path = notebook(tmp_path / "mine.ipynb", "import time\ntime.sleep(1)", "raise ValueError('no such day')")
    lab.reports.schedules.create("mine", "@yearly", report=str(path))
    make_due(lab, "mine")
    ticks = [processes("report", "tick") for _ in range(3)]
    assert sorted(tick.wait(90) for tick in ticks) == [0, 0, 1]
    assert len(lab.sql("SELECT id FROM reports WHERE status = 'failed'")) == 1
    (failed,) = [tick for tick in ticks if tick.returncode]
    assert "failed in cell 2: ValueError: no such day" in failed.told()
    idle = processes("report", "tick")
    assert idle.wait(60) == 0
    assert "nothing is due" in idle.told()


def test_a_daemon_that_is_ended_finishes_what_it_runs(lab, processes, tmp_path):
    here, go = tmp_path / "begun", tmp_path / "go"
    path = notebook(
        tmp_path / "mine.ipynb",
        f"import pathlib, time\npathlib.Path({str(here)!r}).touch()",
        f"while not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.05)",
    )
    lab.reports.schedules.create("mine", "@yearly", report=str(path))
    daemon = processes("report", "daemon")
    until(lambda: "READY" in daemon.told())
    make_due(lab, "mine")
    until(here.exists)
    daemon.send_signal(signal.SIGTERM)
    until(lambda: "finishing mine" in daemon.told())
    go.touch()
    assert daemon.wait(60) == 0
    assert "completed in" in daemon.told()
    assert lab.reports.schedules.table()["status"].tolist() == ["completed"]
