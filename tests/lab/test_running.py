"""What runs in this process and in others: seen, counted, ended; and what a dead process leaves behind."""

import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from faaslab import app
from faaslab.errors import BackendError, Conflict, InvalidValue, NotFound, StoreFull
from faaslab.lab.log_tail import LogTail
from faaslab.lab.running import KEPT, TTL_S, is_old, state_of
from faaslab.store import Beat, Ongoing
from faaslab.store.running import Came, Kept

SOURCE = """
import os, time
from pathlib import Path
def handler(event, context):
    print("begin", event["n"], flush=True)
    print("token", os.environ["TOKEN"], flush=True)
    gate, number = Path(event["gate"]), 0
    while not gate.exists():
        time.sleep(0.02)
        said = Path(event["gate"] + f".say{number}")
        if said.exists():
            print("line", number, flush=True)
            number += 1
    print("end", flush=True)
    return event["n"]
"""
NOW = datetime(2026, 3, 1)


def eventually(question, seconds=60.0):
    until = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return answer


@pytest.fixture
def gate(tmp_path):
    return tmp_path / "gate"


@pytest.fixture
def lab(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        lab.functions.create("long", SOURCE, timeout_s=300, secrets=("TOKEN",))
        yield lab


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("TOKEN", "s3cret")


@pytest.fixture
def elsewhere(tmp_path, cache, gate):
    """Begins `long` in another process; that process."""
    started = []

    def elsewhere(n=1):
        started.append(
            subprocess.Popen(
                [
                    *(sys.executable, str(Path(__file__).parent / "runner.py"), str(tmp_path / "s.duckdb")),
                    *(str(cache), "long", json.dumps({"n": n, "gate": str(gate)})),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        assert int(started[-1].stdout.readline()) == started[-1].pid
        return started[-1]

    yield elsewhere
    gate.touch()
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def running(lab):
    return eventually(lab.running.list)


# -- pure


def row(**fields):
    values = {
        "id": "e1",
        "request_id": "r1",
        "function": "f",
        "version": "1",
        "definition": 1,
        "environment_id": "env",
        "started_at": NOW,
        "owner": "me",
        "until": NOW + timedelta(seconds=TTL_S),
        "asked": False,
        "lines": 0,
    }
    return Ongoing(**values | fields)


@pytest.mark.parametrize(
    ("fields", "dead", "later_s", "state"),
    [
        ({}, False, 0, "running"),
        ({"asked": True}, False, 0, "ending"),
        ({}, False, TTL_S - 1, "running"),
        ({}, False, TTL_S, "gone"),
        ({"asked": True}, True, 0, "gone"),
    ],
)
def test_what_is_said_of_a_row(fields, dead, later_s, state):
    assert state_of(row(**fields), dead=dead, now=NOW + timedelta(seconds=later_s)) == state


def test_what_is_gone_is_shown_for_a_minute_after_it_was_heard_of():
    assert not is_old(row(), now=NOW + KEPT - timedelta(seconds=1))
    assert is_old(row(), now=NOW + KEPT)


# -- in this process


def test_it_is_listed_until_it_ends_and_its_thread_with_it(lab, gate):
    future = lab.functions.submit("long", {"n": 7, "gate": str(gate)})
    (found,) = running(lab)
    assert (found.function, found.version, found.definition) == ("long", "$LATEST", 1)
    assert (found.state, found.here, found.process) == ("running", True, os.getpid())
    assert found.ms >= 1000
    assert found.lines >= 3
    assert lab.monitoring.in_flight() == {"long": 1}
    assert "begin 7" in lab.executions.logs("long")["message"].tolist()
    assert lab.executions.logs(found.id, limit=1)["message"].tolist() == ["token ****"]
    assert lab.executions.logs("long", since="now").empty
    df = lab.executions.running("long")
    assert df["id"].tolist() == [found.id]
    assert df["process"].tolist() == [os.getpid()]
    assert any(thread.name == "faaslab-running" for thread in threading.enumerate())
    gate.touch()
    execution = future.result(60)
    assert (execution.id, execution.result) == (found.id, 7)
    assert lab.running.list() == ()
    assert lab.executions.running().empty
    eventually(lambda: all(thread.name != "faaslab-running" for thread in threading.enumerate()))
    with pytest.raises(NotFound):
        lab.executions.running("nothing")


def test_it_is_ended_by_the_beginning_of_its_id(lab, gate):
    future = lab.functions.submit("long", {"n": 7, "gate": str(gate)})
    (found,) = running(lab)
    ended = lab.executions.cancel(found.id[:8])
    assert ended.error.type == "Invocation.Cancelled"
    assert ended.id == found.id == future.result(60).id
    assert lab.running.list() == ()
    with pytest.raises(Conflict, match=f"{found.id} of long has ended at .* UTC: failed"):
        lab.executions.cancel(found.id)
    with pytest.raises(NotFound, match="no execution is named 'abcdef'.*history --status running"):
        lab.executions.cancel("abcdef")


def test_a_beginning_that_several_have(lab):
    beats = [
        Beat(
            id=f"abcdef0{n}",
            request_id="r",
            function="f",
            version="1",
            definition=1,
            environment_id="e",
            started_at=lab.clock.now(),
            lines=lambda first, most: Came([], more=False),
        )
        for n in range(2)
    ]
    lab.store.running.keep("elsewhere", beats, ttl_s=30)
    with pytest.raises(InvalidValue, match="several executions begin with 'abcdef'"):
        lab.executions.cancel("abcdef")


def test_a_store_that_takes_nothing_makes_it_invisible_and_no_more(lab, gate, monkeypatch):
    full = threading.Event()

    def keep(*_, **__):
        full.set()
        raise StoreFull("the disk is full")

    monkeypatch.setattr(lab.store.running, "keep", keep)
    future = lab.functions.submit("long", {"n": 7, "gate": str(gate)})
    assert full.wait(60)
    assert lab.running.list() == ()
    assert isinstance(lab.running.trouble, StoreFull)
    gate.touch()
    assert future.result(60).ok


def test_what_runs_when_the_lab_closes_leaves_nothing(tmp_path, cache, gate):
    with app.open(store=tmp_path / "s.duckdb", cache=cache, sandbox="off") as lab:
        lab.functions.create("long", SOURCE, timeout_s=300, secrets=("TOKEN",))
        lab.functions.submit("long", {"n": 7, "gate": str(gate)})
        running(lab)
    assert all(thread.name != "faaslab-running" for thread in threading.enumerate())
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        assert lab.running.list() == ()


def test_who_drives_an_invocation_waits_for_no_disk(lab, gate, monkeypatch):
    writing, may_go_on = threading.Event(), threading.Event()
    keep = lab.store.running.keep

    def slowly(*args, **fields):
        writing.set()
        assert may_go_on.wait(60)
        return keep(*args, **fields)

    monkeypatch.setattr(lab.store.running, "keep", slowly)
    first = lab.functions.submit("long", {"n": 1, "gate": str(gate)})
    assert writing.wait(60)
    second = lab.functions.submit("long", {"n": 2, "gate": str(gate)})
    eventually(lambda: len(lab.running._mine) == 2)
    may_go_on.set()
    gate.touch()
    assert [first.result(60).result, second.result(60).result] == [1, 2]


class Pauses:
    """The clock, and how often somebody waited in this thread."""

    def __init__(self, clock):
        self._clock, self._here, self.count = clock, threading.get_ident(), 0

    def __getattr__(self, name):
        return getattr(self._clock, name)

    def wait(self, event, seconds):
        self.count += threading.get_ident() == self._here
        return self._clock.wait(event, seconds)


def test_a_flood_leaves_the_store_to_others_between_its_parts(lab, gate, monkeypatch):
    future = lab.functions.submit("long", {"n": 7, "gate": str(gate)})
    running(lab)
    here, parts = threading.get_ident(), [True, True, True, False]

    def keep(*_, **__):
        return Kept(frozenset(), parts.pop(0) if threading.get_ident() == here else False)

    pauses = Pauses(lab.clock)
    monkeypatch.setattr(lab.store.running, "keep", keep)
    monkeypatch.setattr(lab, "clock", pauses)
    lab.running.flush()
    assert (parts, pauses.count) == ([], 3)
    monkeypatch.undo()
    gate.touch()
    assert future.result(60).ok


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_nothing_of_it(lab, gate):
    future = lab.functions.submit("long", {"n": 1, "gate": str(gate)})
    (found,) = running(lab)
    child = os.fork()
    if child == 0:
        os._exit(0 if not lab.running.any_here else 1)
    assert os.waitpid(child, 0)[1] == 0
    lab.running.flush()
    assert [each.id for each in lab.running.list()] == [found.id]
    gate.touch()
    assert future.result(60).id == found.id
    assert lab.running.list() == ()


def test_the_doctor_says_why_nobody_sees_what_runs(lab):
    assert "what runs" not in lab.doctor()["what"].tolist()
    lab.running.trouble = StoreFull("the disk is full")
    (row,) = lab.doctor().query("what == 'what runs'").itertuples()
    assert (row.state, row.detail) == ("bad", "other processes do not see it: the disk is full")


def test_an_event_of_the_queue_that_is_ended_is_not_run_again(lab, gate):
    queued = lab.functions.submit("long", {"n": 7, "gate": str(gate)}, invocation_type="Event")
    (found,) = running(lab)
    assert found.request_id == queued.request_id
    lab.executions.cancel(queued.request_id)
    assert queued.result(60).error.type == "Invocation.Cancelled"
    assert lab.asynchronous.depth() == 0


def test_a_workflow_is_stopped_by_the_same_word(lab):
    lab.workflows.create(
        "waits", {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 300, "End": True}}}
    )
    run = lab.workflows.start("waits", name="one")
    assert lab.executions.cancel("one").status == "ABORTED"
    assert run.wait(60).status == "ABORTED"
    with pytest.raises(Conflict, match="one has ended at .*: ABORTED"):
        lab.executions.cancel("one")


# -- in others


def test_another_process_sees_it_and_can_end_it(lab, elsewhere):
    process = elsewhere()
    (found,) = running(lab)
    assert (found.here, found.process, found.state) == (False, process.pid, "running")
    assert dict(lab.running.elsewhere()) == lab.monitoring.in_flight() == {"long": 1}
    assert lab.monitoring.dashboard().running == {"long": 1}
    ended = lab.executions.cancel(found.id)
    assert (ended.id, ended.error.type) == (found.id, "Invocation.Cancelled")
    assert json.loads(process.stdout.readline())[:2] == [found.id, "failed"]
    assert lab.running.list() == ()
    assert dict(lab.running.elsewhere()) == {}


def test_what_a_killed_process_ran_is_gone_and_cleaned_up(lab, elsewhere, monkeypatch):
    process = elsewhere()
    (found,) = running(lab)
    process.kill()
    process.wait()
    (gone,) = lab.running.list()
    assert (gone.id, gone.state) == (found.id, "gone")
    assert dict(lab.running.elsewhere()) == {}
    with pytest.raises(BackendError, match=f"{found.id} cannot be ended: process {process.pid}, .* has died"):
        lab.executions.cancel(found.id)
    now = lab.clock.now()
    monkeypatch.setattr(lab.clock, "now", lambda: now + 2 * KEPT)
    assert lab.running.list() == ()
    monkeypatch.undo()
    assert lab.store.running.present() == ()


# -- followed


def say(gate, number):
    Path(f"{gate}.say{number}").touch()


class Follower:
    """`lab.executions.follow` in a thread; the lines that it gave."""

    def __init__(self, lab, what):
        self.lines, self._stop = [], threading.Event()
        self._thread = threading.Thread(target=self._follow, args=(lab, what))
        self._thread.start()

    def _follow(self, lab, what):
        for line in lab.executions.follow(what, stop=self._stop):
            self.lines.append(line)

    def end(self):
        self._stop.set()
        self._thread.join()


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_lines_are_followed_while_it_runs_each_once(lab, elsewhere, gate, where):
    follower = Follower(lab, "long")
    try:
        if where == "here":
            future = lab.functions.submit("long", {"n": 7, "gate": str(gate)})
        else:
            process = elsewhere(7)
        eventually(lambda: "begin 7" in follower.lines)
        for number in range(3):
            say(gate, number)
            eventually(lambda number=number: f"line {number}" in follower.lines)
        assert "end" not in follower.lines
        gate.touch()
        identity = future.result(60).id if where == "here" else json.loads(process.stdout.readline())[0]
        eventually(lambda: follower.lines[-1].startswith("REPORT"))
    finally:
        follower.end()
    assert follower.lines == lab.executions.logs(identity)["message"].tolist()
    assert "token ****" in follower.lines


@pytest.mark.parametrize("by_name", [True, False])
def test_one_begins_with_what_it_has_written_already(lab, gate, by_name):
    future = lab.functions.submit("long", {"n": 7, "gate": str(gate)})
    (found,) = running(lab)
    follower = Follower(lab, "long" if by_name else found.id)
    try:
        eventually(lambda: "begin 7" in follower.lines)
        gate.touch()
        future.result(60)
        eventually(lambda: "end" in follower.lines)
    finally:
        follower.end()
    assert follower.lines.count("begin 7") == 1


def test_what_a_killed_process_wrote_was_told_and_nothing_more_comes(lab, elsewhere):
    follower = Follower(lab, "long")
    try:
        process = elsewhere(7)
        eventually(lambda: "begin 7" in follower.lines)
        process.kill()
        process.wait()
        again = LogTail(lab, "long")
        assert "begin 7" in [line.message for line in again.look().lines]
        assert again.look() == ([], 0)
    finally:
        follower.end()
    assert follower.lines.count("begin 7") == 1
