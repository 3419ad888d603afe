"""Events outlive the process that queued them: kill -9 at any moment, and two processes on one queue.

Real processes, a real function, in the open as it counts in files of this machine. What was acknowledged is
run at least once; nothing is recorded twice.
"""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from faaslab import app

PROGRAM = Path(__file__).with_name("queueing.py")
# Waits for its gate, then a line a run, written in one piece.
SOURCE = """
import os, time
def handler(event, context):
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)
    file = os.open(os.environ["RAN"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(file, f"{event['number']}\\n".encode())
    os.close(file)
    return event["number"]
"""
LIMIT_S = 60.0


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def start(tmp_path, cache):
    started = []

    def start(role, **more):
        task = {
            "role": role,
            "store": str(tmp_path / "s.duckdb"),
            "cache": str(cache),
            "acknowledged": str(tmp_path / "acknowledged"),
            **more,
        }
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(task)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def counting(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        variables = {"RAN": str(tmp_path / "ran"), "GATE": str(tmp_path / "gate")}
        lab.functions.create("count", SOURCE, environment=variables, timeout_s=30)


def kill(process):
    """With -9; whatever it had started goes with it."""
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    _, alive = psutil.wait_procs(below, timeout=30)
    assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_500_events_survive_kill_9_of_two_owners_one_after_the_other(start, counting, tmp_path, cache):
    ran, acknowledged = tmp_path / "ran", tmp_path / "acknowledged"
    owner = start("hand_over", first=0, count=500)
    until(lambda: len(lines(acknowledged)) == 500)
    kill(owner)  # some are running, the others wait
    assert lines(ran) == []
    (tmp_path / "gate").touch()
    heir = start("run")
    until(lambda: len(lines(ran)) >= 20)
    kill(heir)
    before = len(lines(ran))
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:  # opening it is enough
        until(lambda: lab.asynchronous.depth() == 0)
        assert lab.asynchronous.wait(LIMIT_S)
        times = Counter(map(int, lines(ran)))
        assert set(times) == set(range(500))
        # Again only what ran when its owner was killed.
        assert sum(times.values()) - 500 <= 40
        with lab.store.connect() as connection:
            recorded = connection.execute(
                "SELECT count(*), count(DISTINCT request_id), count(DISTINCT id) FROM executions "
                "WHERE invocation_type = 'Event' AND status = 'completed'"
            ).fetchone()
        assert recorded == (500, 500, 500)
    print(f"{before} ran before the second death, {sum(times.values())} in all")


def test_who_dies_while_it_hands_over_loses_nothing_that_was_acknowledged(start, counting, tmp_path, cache):
    acknowledged = tmp_path / "acknowledged"
    (tmp_path / "gate").touch()
    owner = start("hand_over", first=0, count=100_000)
    until(lambda: len(lines(acknowledged)) >= 100)
    kill(owner)
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        until(lambda: lab.asynchronous.depth() == 0)
        assert lab.asynchronous.wait(LIMIT_S)
    assert set(lines(acknowledged)) <= set(lines(tmp_path / "ran"))


def test_two_processes_share_a_queue_and_run_each_event_once(start, counting, tmp_path, cache):
    (tmp_path / "gate").touch()
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off", run_queue=False) as lab:
        both = [start("hand_over", first=first, count=100) for first in (0, 100)]
        for process in both:
            assert process.stdout.readline() == "ready\n"
        until(lambda: lab.asynchronous.depth() == 0)
        for process in both:
            process.communicate("\n", timeout=60)
            assert process.returncode == 0
        with lab.store.connect() as connection:
            rows = connection.execute("SELECT environment_id FROM executions").fetchall()
    assert Counter(map(int, lines(tmp_path / "ran"))) == Counter(range(200))
    assert len(rows) == 200


def test_a_program_that_just_ends_gives_back_what_it_was_working_on(counting, tmp_path, cache):
    program = (
        "import sys, faaslab\n"
        "lab = faaslab.open(store=sys.argv[1], cache=sys.argv[2], sandbox='off')\n"
        "queued = lab.functions.submit('count', {'number': 1}, invocation_type='Event')\n"
        "while not lab.asynchronous.table()['state'].eq('running').any(): pass\n"
    )
    store = tmp_path / "s.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", program, store, cache], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    with app.open(store=store, cache=cache, sandbox="off", run_queue=False) as lab:
        assert lab.asynchronous.table()[["state", "attempt"]].to_numpy().tolist() == [["waiting", 1]]
