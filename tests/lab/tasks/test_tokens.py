"""Task tokens: answered once, from any process, also after a restart; anything else is told apart."""

import base64
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from faaslab import app
from faaslab.errors import InvalidValue, NotFound
from tests.lab.workflow_cases import task

SIGN = task("activity:sign")
ANSWER = """
import sys
from faaslab import app
with app.open(store=sys.argv[1], run_queue=False) as lab:
    lab.workflows.send_task_success(sys.argv[2], {"from": "another process"})
"""


@pytest.fixture
def lab(tmp_path, cache):
    with app.open(store=tmp_path / "s.duckdb", cache=cache) as lab:
        lab.workflows.activities.create("sign")
        lab.workflows.create("sign", SIGN)
        yield lab


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def asked(lab):
    task = lab.workflows.activities.get_task("sign", timeout_s=30)
    assert task is not None
    return task.token


def test_a_token_is_answered_once(lab):
    run = lab.workflows.start("sign")
    token = asked(lab)
    lab.workflows.send_task_success(token, b'{"a": 1}')
    assert run.result(30) == {"a": 1}
    with pytest.raises(NotFound) as refused:
        lab.workflows.send_task_success(token, 1)
    assert refused.value.code == "TaskTimedOut"


def test_what_is_no_token_or_no_json_is_refused(lab):
    run = lab.workflows.start("sign")
    token = asked(lab)
    for wrong in ("", "not a token", 7, None, "a" * 3000):
        with pytest.raises(InvalidValue) as refused:
            lab.workflows.send_task_heartbeat(wrong)
        assert refused.value.code == "InvalidToken"
    for error, cause in ((5, "x"), ("E", {}), (["a"], None), ("e" * 257, None), (None, "c" * 32_769)):
        with pytest.raises(InvalidValue) as refused:
            lab.workflows.send_task_failure(token, error, cause)
        assert refused.value.code == "ValidationException"
    for wrong in (b"{", b"NaN", b"\xff", "a" * 262_145, float("nan")):
        with pytest.raises(InvalidValue):
            lab.workflows.send_task_success(token, wrong)
    with pytest.raises(NotFound):
        lab.workflows.send_task_failure(base64.b64encode(b"somebody else's").decode(), "E")
    run.stop()
    with pytest.raises(NotFound):
        lab.workflows.send_task_heartbeat(token)


def test_an_answer_comes_from_another_process(lab):
    run = lab.workflows.start("sign")
    token = asked(lab)
    subprocess.run([sys.executable, "-c", ANSWER, str(lab.store.path), token], check=True, timeout=60)
    assert run.result(30) == {"from": "another process"}


RACE = """
import sys
from faaslab import app
from faaslab.errors import NotFound
with app.open(store=sys.argv[1], run_queue=False) as lab:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        lab.workflows.send_task_success(sys.argv[2], sys.argv[3])
        print("accepted", flush=True)
    except NotFound as error:
        print(error.code, flush=True)
"""


def test_of_several_processes_one_answers(lab):
    run = lab.workflows.start("sign")
    token = asked(lab)
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(lab.store.path), token, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b", "c")
    ]
    for process in racing:
        assert process.stdout.readline() == "ready\n"
    for process in racing:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60)[0].strip() for process in racing]
    assert sorted(said) == ["TaskTimedOut", "TaskTimedOut", "accepted"]
    assert run.result(30) == "abc"[said.index("accepted")]


def test_answers_at_once_in_one_process_are_one(lab):
    run = lab.workflows.start("sign")
    token = asked(lab)

    def answer(number):
        try:
            lab.workflows.send_task_success(token, number)
        except NotFound as error:
            return error.code
        return number

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(answer, range(8)))
    (accepted,) = [number for number in said if number != "TaskTimedOut"]
    assert run.result(30) == accepted


def test_a_token_outlives_the_lab_that_gave_it(tmp_path, cache):
    path = tmp_path / "other.duckdb"
    with app.open(store=path, cache=cache) as lab:
        lab.workflows.activities.create("sign")
        lab.workflows.create("sign", SIGN)
        arn = lab.workflows.start("sign").arn
        token = asked(lab)
    with app.open(store=path, cache=cache) as lab:
        lab.workflows.send_task_success(token, "still here")
        assert lab.workflows.run(arn).result(30) == "still here"


def test_a_heartbeat_keeps_a_task_alive_and_its_absence_ends_it(lab):
    lab.workflows.create("beating", task("activity:sign", HeartbeatSeconds=1, TimeoutSeconds=60))
    run = lab.workflows.start("beating")
    token = asked(lab)
    lab.workflows.send_task_heartbeat(token)
    assert run.wait(30).error.error == "States.Timeout"
    with pytest.raises(NotFound) as refused:
        lab.workflows.send_task_heartbeat(token)
    assert refused.value.code == "TaskTimedOut"
