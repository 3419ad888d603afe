"""`faaslab serve` is ended, or killed: what it had accepted is answered, what it had recorded is not lost."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from faaslab import app
from tests.backends.local.defining import eventually
from tests.endpoint.clients import client

pytestmark = pytest.mark.timeout(150)
COUNT = (
    "import time\ndef handler(event, context):\n    time.sleep(event.get('s', 0))\n    return event['n']\n"
)


@pytest.fixture
def home(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", sandbox="off") as lab:
        lab.functions.create("count", COUNT, timeout_s=20)
    return tmp_path


@contextmanager
def served(home):
    command = [sys.executable, "-m", "faaslab", "serve", "--port", "0", "--store", str(home / "s.duckdb")]
    environment = os.environ | {"FAASLAB_CACHE": str(home / "cache"), "FAASLAB_SANDBOX": "off"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        line = process.stdout.readline().split()
        assert line[0] == "READY"
        yield process, line[1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def opened(home, **settings):
    return app.open(store=home / "s.duckdb", cache=home / "cache", sandbox="off", **settings)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_answered_under_load_is_recorded_and_what_was_accepted_is_answered(home, number):
    answered, unanswered, strange = [], [], []

    def load(made, number):
        for turn in range(10_000):
            n = number * 100_000 + turn
            try:
                answer = made.invoke(FunctionName="count", Payload=json.dumps({"n": n, "s": 0.01}).encode())
                body = json.loads(answer["Payload"].read())
            except BotoCoreError:
                # Nobody was there any more, or the connection closed before the request was read.
                unanswered.append(n)
                return
            except ClientError as error:
                strange.append(error)
                return
            answered.append((answer["ResponseMetadata"]["RequestId"], body))
            if body != n:
                strange.append((n, body))

    with served(home) as (process, address):
        threads = [threading.Thread(target=load, args=(client(address), number)) for number in range(16)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(answered) > 300, seconds=60)
        process.send_signal(number)
        for thread in threads:
            thread.join()
        assert process.wait(60) == (0 if number == signal.SIGTERM else -signal.SIGKILL)
    assert strange == []
    with opened(home) as lab:
        ran = lab.sql("SELECT request_id, status FROM executions WHERE function = 'count'")
        assert set(ran.status) == {"completed"}
        if number == signal.SIGTERM:
            assert sorted(ran.request_id) == sorted(request for request, _ in answered)
        else:
            assert {request for request, _ in answered} <= set(ran.request_id)


@pytest.mark.slow
@pytest.mark.parametrize("watching", [True, False])
def test_no_recorded_event_is_lost_when_the_server_is_killed(home, watching):
    """`watching`: another process works with the store meanwhile, and becomes its home by itself."""
    taken, guard = [], threading.Lock()

    def hand_over(made, numbers):
        for n in numbers:
            answer = made.invoke(
                FunctionName="count", InvocationType="Event", Payload=json.dumps({"n": n, "s": 0.05}).encode()
            )
            with guard:
                taken.append((answer["ResponseMetadata"]["RequestId"], n))

    with ExitStack() as stack:
        process, address = stack.enter_context(served(home))
        watcher = stack.enter_context(opened(home)) if watching else None
        if watcher is not None:
            assert watcher.functions.invoke("count", {"n": 1}).result == 1
        threads = [
            threading.Thread(target=hand_over, args=(client(address), range(first, 500, 5)))
            for first in range(5)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        process.kill()
        process.wait()
        if watcher is not None:
            eventually(lambda: watcher.home.here, seconds=60)
            eventually(lambda: watcher.asynchronous.depth() == 0, seconds=60)
    assert len(taken) == 500
    with opened(home, run_queue=False) as lab:
        assert watching or lab.asynchronous.depth() > 100
        assert lab.asynchronous.drain().events == 0
        ran = lab.sql(
            "SELECT request_id, any_value(status) AS status FROM executions WHERE invocation_type = 'Event' GROUP BY 1"
        )
        assert set(ran.status) == {"completed"}
        assert set(ran.request_id) == {request for request, _ in taken}


def test_a_program_that_just_ends_is_not_held_up_by_its_connections(tmp_path):
    root = Path(__file__).parent.parent.parent
    command = [
        sys.executable,
        str(Path(__file__).parent / "leaving.py"),
        str(tmp_path / "s.duckdb"),
        str(tmp_path / "cache"),
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout.readline() == "1\n"
        process.wait(100)
        assert (process.returncode, process.stderr.read()) == (0, "")
