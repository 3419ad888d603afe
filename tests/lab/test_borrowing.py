"""A shell's invocation in the home's warm environments: nothing is run twice, and nothing is taken on trust."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from faaslab import app
from faaslab.backends import borrowing
from faaslab.errors import BackendError, InvalidValue
from faaslab.model.invocation import Invocation

SOURCE = """
import os
count = 0
def handler(event, context):
    global count
    count += 1
    if event.get("raise"):
        raise ValueError(event["raise"])
    if event.get("die"):
        os.kill(event["die"], 9)
    return {"count": count, "event": event, "client": context.client_context and context.client_context.custom}
"""


@pytest.fixture
def both(tmp_path, cache):
    """The home, and a lab that borrows from it, with stores of their own as in two processes."""
    labs = []

    def both(home=None, **more):
        how = {"store": tmp_path / "s.duckdb", "cache": cache, "sandbox": "off"}
        for each in ({**how, **(home or {})}, {**how, "borrows": True, "run_queue": False, **more}):
            labs.append(app.open(**each))
        return labs

    yield both
    for lab in labs:
        lab.close()


def warmed(home):
    home.functions.create("f", SOURCE)
    assert home.functions.invoke("f").result["count"] == 1
    home.home.ensure()


def test_it_runs_where_it_is_warm_and_is_recorded_once(both):
    home, shell = both()
    warmed(home)
    done = shell.functions.invoke("f", {"x": 1}, client_context={"custom": {"a": 1}})
    assert done.result == {"count": 2, "event": {"x": 1}, "client": {"a": 1}}
    assert not done.cold_start
    assert done.payload == {"x": 1}
    assert [line for line in done.logs if line.message.startswith("REPORT")]
    assert shell.sql("SELECT count(*) AS n FROM executions")["n"][0] == 2
    assert shell._backend.environments() == ()


def test_a_failure_is_the_executions_as_it_is_here(both):
    home, shell = both()
    warmed(home)
    done = shell.functions.invoke("f", {"raise": "no"})
    assert (done.ok, done.error.type, done.error.message) == (False, "ValueError", "no")
    home.functions.reserve("f", 0)
    assert shell.functions.invoke("f").status == "throttled"


def test_what_the_history_keeps_of_it_does_not_shorten_the_answer(both):
    home, shell = both(home={"payloads": "sizes"}, payloads="sizes")
    warmed(home)
    assert shell.functions.invoke("f", {"x": 1}).result["count"] == 2


@pytest.mark.parametrize(
    ("home", "shell", "asked"),
    [
        ({}, {}, True),
        ({}, {"network": False}, False),
        ({}, {"payloads": "none"}, False),
        ({"concurrency": 7}, {}, False),
        ({"concurrency": 7}, {"concurrency": 7}, True),
    ],
)
def test_a_home_that_runs_functions_in_another_way_is_not_asked(both, home, shell, asked):
    at_home, shells = both(home=home, **shell)
    address = at_home.home.ensure()
    assert shells._borrowed() == (address if asked else None)


@pytest.mark.parametrize(
    "fields",
    [{"trigger": "s3"}, {"batch_id": "b"}, {"replay_of": "r"}, {"request_id": "i"}, {"attempt": 2},
     {"invocation_type": "Event"}, {"cognito_identity": "{}"}],
)  # fmt: skip
def test_what_invoke_cannot_say_is_run_here(both, fields):
    home, _ = both()
    function = home.functions.create("f", SOURCE)
    assert borrowing.can_be_handed_over(function, Invocation(qualifier="1", tenant_id="t", trace_id="Root=1"))
    assert not borrowing.can_be_handed_over(function, Invocation(**fields))
    secret = home.functions.create("g", SOURCE, secrets={"KEY": "env:KEY"})
    assert not borrowing.can_be_handed_over(secret, Invocation())


def test_bad_payloads_are_refused_as_they_are_here(both):
    home, shell = both()
    warmed(home)
    with pytest.raises(InvalidValue):
        shell.functions.invoke("f", b"{no json")


class Ending:
    """A home that takes a connection, and ends before it answers; or was never there."""

    def __init__(self, *, listens):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.taken = 0
        if listens:
            self.thread = threading.Thread(target=self.take)
            self.thread.start()
        else:
            self.server.close()

    def take(self):
        connection, _ = self.server.accept()
        with connection, self.server:
            connection.recv(65536)
            self.taken += 1


def test_one_that_is_not_there_any_more_has_run_nothing(both):
    home, _ = both()
    function = home.functions.create("f", SOURCE)
    assert borrowing.invoked_at(Ending(listens=False).address, function, b"{}", Invocation()) is None


def test_one_that_ends_meanwhile_is_told_and_nothing_runs_here(both, monkeypatch):
    home, shell = both()
    home.functions.create("f", SOURCE)
    ending = Ending(listens=True)
    monkeypatch.setattr(shell, "_borrowed", lambda: ending.address)
    with pytest.raises(BackendError, match="ended before it answered"):
        shell.functions.invoke("f")
    ending.thread.join()
    assert ending.taken == 1
    assert shell.sql("SELECT count(*) AS n FROM executions")["n"][0] == 0


def test_a_home_that_has_run_nothing_yet_runs_the_first_event_of_all(both):
    home, shell = both()
    shell.functions.create("f", SOURCE)
    home.home.ensure()
    assert shell.functions.submit("f", {}, invocation_type="Event").result(60).result["count"] == 1
    assert len(home._backend.environments()) == 1


def test_the_command_of_a_shell(tmp_path, cache):
    """`faaslab invoke` twice beside a home: both warm."""
    program = Path(__file__).with_name("homing.py")
    task = {"store": str(tmp_path / "s.duckdb"), "cache": str(cache)}
    environment = os.environ | {"FAASLAB_CACHE": str(cache), "FAASLAB_SANDBOX": "off"}
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.functions.create("f", SOURCE)
        lab.functions.create("g", SOURCE, secrets={"KEY": "env:KEY"})

    def command(*words):
        return subprocess.run(
            [sys.executable, "-m", "faaslab", "invoke", *words, "-p", "{}", "--json", "--store", task["store"]],
            capture_output=True, text=True, timeout=120, env=environment | {"KEY": "abcdefgh1"},
        )  # fmt: skip

    def invoked():
        done = command("f")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    assert [invoked()["cold_start"] for _ in range(2)] == [True, True]
    assert command("g").stderr == command("g", "--async").stderr == ""
    with subprocess.Popen(
        [sys.executable, str(program), json.dumps(task)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as home:  # fmt: skip
        home.stdout.readline()
        home.stdin.write('{"do": "ensure"}\n')
        home.stdin.flush()
        assert "http" in home.stdout.readline()
        assert [invoked()["cold_start"] for _ in range(3)] == [True, False, False]
        secret, event = command("g"), command("f", "--async")
        assert json.loads(secret.stdout)["cold_start"]
        assert (
            "note: g has secrets, whose values are this shell's own: it ran here and started cold"
            in secret.stderr
        )
        assert json.loads(event.stdout)["invocation_type"] == "Event"
        assert "is in the queue, and the store's home runs it; this waits for its first run" in event.stderr
        home.stdin.close()
