"""The home over real processes: dead, stopped, racing, closing. What was queued is run, and recorded once."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from faaslab import app

PROGRAM = Path(__file__).with_name("homing.py")
SOURCE = """
import os, time
def handler(event, context):
    while not os.path.exists(os.environ["GATE"]):
        time.sleep(0.01)
    return event["number"]
"""
LIMIT_S = 90.0


class Process:
    """One that is told what to do."""

    def __init__(self, task):
        self.popen = subprocess.Popen(
            [sys.executable, str(PROGRAM), json.dumps(task)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        self.pid = None

    def ready(self):
        self.pid = self.heard()
        return self

    def tell(self, do, **more):
        self.popen.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self.popen.stdin.flush()

    def heard(self):
        return json.loads(self.popen.stdout.readline())

    def __call__(self, do, **more):
        self.tell(do, **more)
        return self.heard()

    def kill(self):
        """With -9; whatever it had started goes with it."""
        below = psutil.Process(self.popen.pid).children(recursive=True)
        self.popen.kill()
        assert self.popen.wait(30) == -signal.SIGKILL
        _, alive = psutil.wait_procs(below, timeout=30)
        assert [child for child in alive if child.status() != psutil.STATUS_ZOMBIE] == []


@pytest.fixture
def begin(tmp_path, cache):
    begun = []

    def begin(**more):
        begun.append(Process({"store": str(tmp_path / "s.duckdb"), "cache": str(cache), **more}))
        return begun[-1]

    yield begin
    for process in begun:
        if process.popen.poll() is None:
            process.popen.send_signal(signal.SIGCONT)
            process.popen.kill()
        process.popen.wait(30)
        process.popen.stdin.close()
        process.popen.stdout.close()


@pytest.fixture
def counting(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        lab.functions.create("count", SOURCE, environment={"GATE": str(tmp_path / "gate")}, timeout_s=60)


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def recorded(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, run_queue=False) as lab:
        assert lab.asynchronous.depth() == 0
        with lab.store.connect() as connection:
            return connection.execute(
                "SELECT count(*), count(DISTINCT request_id) FROM executions "
                "WHERE invocation_type = 'Event' AND status = 'completed'"
            ).fetchone()


def test_who_stands_by_takes_over_from_a_dead_home_and_500_events_are_run(begin, counting, tmp_path, cache):
    home, heir = begin().ready(), begin().ready()
    home("submit", first=0, count=1)
    until(lambda: home("here"))
    heir("stand")
    heir("submit", first=1, count=250)  # into the queue, no more: the home runs it
    home("submit", first=251, count=249)
    assert not heir("here")
    assert not heir("runs")
    home.kill()
    (tmp_path / "gate").touch()
    until(lambda: heir("here"))
    assert heir("find")[2] == 2
    assert heir("result", number=250) == 250
    until(lambda: heir("depth") == 0)
    heir("close")
    assert recorded(tmp_path, cache) == (500, 500)


def test_the_home_runs_what_others_hand_over_and_they_have_what_came_of_it(begin, counting, tmp_path):
    (tmp_path / "gate").touch()
    home, other = begin().ready(), begin().ready()
    home("stand")
    until(lambda: home("here"))
    other("submit", first=0, count=20)
    assert [other("result", number=number) for number in range(20)] == list(range(20))
    assert home("runs")
    assert not other("runs")
    assert not other("here")


def test_a_home_that_was_stopped_steps_down_when_it_goes_on(begin, counting, tmp_path, cache):
    (tmp_path / "gate").touch()
    home, heir = begin(ttl_s=1.5).ready(), begin(ttl_s=1.5).ready()
    home("stand")
    until(lambda: home("here"))
    heir("stand")
    os.kill(home.pid, signal.SIGSTOP)
    until(lambda: heir("here"))
    heir("submit", first=0, count=10)
    assert [heir("result", number=number) for number in range(10)] == list(range(10))
    os.kill(home.pid, signal.SIGCONT)
    assert home("here") is False
    assert home("find")[0] == str(heir.pid)
    home("submit", first=10, count=10)
    assert [home("result", number=number) for number in range(10, 20)] == list(range(10, 20))
    assert not home("runs")
    # And the other way round: each is the home again when the other ends.
    heir("close")
    until(lambda: home("here"))
    home("close")
    assert recorded(tmp_path, cache) == (20, 20)


def test_racing_processes_become_exactly_one_home(begin, tmp_path):
    racing = [begin() for _ in range(5)]
    for process in racing:
        process.ready()
    for process in racing:
        process.tell("ensure")
    for process in racing:
        assert process.heard().startswith("http://127.0.0.1:")
    (home,) = [process for process in racing if process("here")]
    assert {tuple(process("find"))[0] for process in racing} == {str(home.pid)}
    assert {process("ensure") for process in racing} == {home("ensure")}


def test_closing_hands_the_home_to_who_stands_by_and_serving_takes_it(begin, counting):
    first, second, third = begin().ready(), begin().ready(), begin().ready()
    first("stand")
    until(lambda: first("here"))
    second("stand")
    address = third("serve")
    assert third("here")
    assert [process("ensure") for process in (first, second)] == [address] * 2
    refused = first("serve")["error"]
    assert f"process {third.pid} at {address}" in refused
    assert "end that process" in refused
    third.kill()
    until(lambda: first("here") or second("here"))
    home, other = (first, second) if first("here") else (second, first)
    home("close")
    until(lambda: other("here"))


def test_the_shell_hands_its_event_to_the_home(begin, counting, tmp_path, cache):
    (tmp_path / "gate").touch()
    home = begin().ready()
    home("stand")
    until(lambda: home("here"))
    done = subprocess.run(
        [
            sys.executable, "-m", "faaslab", "invoke", "count", "--async", "--json", "-p", '{"number": 7}',
            "--store", str(tmp_path / "s.duckdb"),
        ],
        capture_output=True, text=True, timeout=120, env=os.environ | {"FAASLAB_CACHE": str(cache)},
    )  # fmt: skip
    assert done.returncode == 0
    assert re.fullmatch(
        r"event [0-9a-f-]{36} is in the queue, and the store's home runs it; .*\n", done.stderr
    )
    assert json.loads(done.stdout)["result"] == 7
    assert home("runs")
