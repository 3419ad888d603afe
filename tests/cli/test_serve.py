"""`faaslab serve`: one line when it answers, one home a store, and an end that loses nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config

import faaslab

pytestmark = pytest.mark.timeout(120)
SESAME = "sesame-open-wide-now"


@contextmanager
def serving(store, *words, **variables):
    process = subprocess.Popen(
        [sys.executable, "-m", "faaslab", "serve", "--store", str(store), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | variables,
    )  # fmt: skip
    try:
        yield process, process.stdout.readline().strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def client(address, service="lambda", key="local"):
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=Config(retries={"total_max_attempts": 1}),
    )


def define(store, name, code, **options):
    with faaslab.open(store) as lab:
        lab.functions.create(name, code, **options)


def test_it_says_where_it_answers_and_ends_when_told(tmp_path):
    store = tmp_path / "store.duckdb"
    define(store, "one", "def handler(event, context):\n    return 1")
    with serving(store) as (process, line):
        word, address = line.split()
        assert word == "READY"
        assert address.startswith("http://127.0.0.1:")
        assert client(address).invoke(FunctionName="one")["Payload"].read() == b"1"
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "")
        assert "AWS_ENDPOINT_URL=" + address in said


def test_json_is_one_document_a_line(tmp_path):
    with serving(tmp_path / "s.duckdb", "--json") as (process, line):
        ready = json.loads(line)["ready"]
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert [json.loads(each) for each in out.splitlines()] == [{"ended": ready}]
        assert process.returncode == 0


def test_an_invocation_that_was_accepted_is_answered_before_it_ends(tmp_path):
    store = tmp_path / "store.duckdb"
    code = "import time, pathlib\ndef handler(event, context):\n    pathlib.Path(event['began']).touch()\n    while not pathlib.Path(event['go_on']).exists():\n        time.sleep(0.01)\n    return 'done'"
    define(store, "slow", code, timeout_s=60)
    began, go_on = tmp_path / "began", tmp_path / "go_on"
    with serving(store, FAASLAB_SANDBOX="off") as (process, line):
        answers = []
        payload = json.dumps({"began": str(began), "go_on": str(go_on)})

        def ask():
            return answers.append(
                client(line.split()[1]).invoke(FunctionName="slow", Payload=payload)["Payload"].read()
            )

        asking = threading.Thread(target=ask)
        asking.start()
        while not began.exists():
            assert asking.is_alive()
        process.send_signal(signal.SIGTERM)
        assert process.stderr.readline()
        assert "finishing" in process.stderr.readline()
        go_on.touch()
        asking.join(60)
        process.communicate(timeout=60)
        assert answers == [b'"done"']
        assert process.returncode == 0
    with faaslab.open(store) as lab:
        assert len(lab.executions.list(function="slow")) == 1


def test_a_second_one_is_told_where_the_first_is(tmp_path):
    store = tmp_path / "store.duckdb"
    with serving(store) as (process, line), serving(store) as (second, nothing):
        _, said = second.communicate(timeout=60)
        assert nothing == ""
        assert second.returncode != 0
        assert line.split()[1] in said
        assert str(process.pid) in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "0.0.0.0"], "token"),
        (["--port", "70000"], "not a port"),
        (["--port", "x"], "not a port"),
        (["--host", "0.0.0.0", "--token", "fifteen-letters"], "secrets.token_urlsafe()"),
        (["--host", "no.such.host.invalid", "--token", SESAME], "name an address of this machine"),
    ],
)
def test_what_cannot_be_is_told(tmp_path, words, said):
    with serving(tmp_path / "s.duckdb", *words) as (process, line):
        _, text = process.communicate(timeout=60)
        assert line == ""
        assert said in text
        assert "Traceback" not in text
        assert process.returncode == 2


def test_a_token_is_asked_for_where_others_can_reach_it(tmp_path):
    store = tmp_path / "store.duckdb"
    define(store, "one", "def handler(event, context):\n    return 1")
    with serving(store, "--host", "0.0.0.0", FAASLAB_TOKEN=SESAME) as (process, line):
        address = line.split()[1]
        assert client(address, key=SESAME).invoke(FunctionName="one")["Payload"].read() == b"1"
        lambdas = client(address)
        with pytest.raises(lambdas.exceptions.ClientError, match="UnrecognizedClientException"):
            lambdas.invoke(FunctionName="one")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
        assert SESAME not in said
