"""The cloud's process: when it starts, whom it answers, how it ends."""

import http.client
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import psutil
import pytest

from faaslab.cloud import CloudProcess, client
from faaslab.errors import BackendError, Closed, MissingExtra

NOWHERE = "http://127.0.0.1:9"
SIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request, Signature=0"


@pytest.fixture
def cloud(tmp_path):
    made = CloudProcess(tmp_path / "kept", NOWHERE)
    yield made
    made.close()


def gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until(said, limit_s=20):
    until = time.monotonic() + limit_s
    while not said():
        assert time.monotonic() < until, "it did not come to pass"
        threading.Event().wait(0.02)


def test_costs_nothing_until_it_is_used(tmp_path):
    cloud = CloudProcess(tmp_path / "kept", NOWHERE)
    assert not cloud.running
    assert cloud.pid is None
    assert not (tmp_path / "kept").exists()
    cloud.close()
    cloud.close()


def test_starts_once_for_many_threads_and_ends_with_close(cloud):
    found = []
    threads = [threading.Thread(target=lambda: found.append(cloud.address)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1
    pid = cloud.pid
    assert cloud.running
    cloud.close()
    cloud.close()
    assert not cloud.running
    assert gone(pid)
    with pytest.raises(Closed):
        _ = cloud.address


def test_starts_again_when_it_died(cloud):
    cloud.client("s3").create_bucket(Bucket="bucket")
    pid = cloud.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not cloud.running)
    status, _, _ = cloud.forward("GET", "/", [("Host", "localhost"), ("Authorization", SIGNED)])
    assert status == 200
    assert cloud.pid != pid


def test_dies_with_an_owner_that_is_killed(tmp_path):
    text = (
        "import sys, time; from pathlib import Path; from faaslab.cloud import CloudProcess\n"
        "cloud = CloudProcess(Path(sys.argv[1]), 'http://127.0.0.1:9'); cloud.address\n"
        "print(cloud.pid, flush=True); time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", text, str(tmp_path / "kept")], stdout=subprocess.PIPE, text=True
    )
    pid = int(owner.stdout.readline())
    assert not gone(pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    wait_until(lambda: gone(pid))
    # Whoever comes next has the folder, even while the old one is still on its way out.
    after = CloudProcess(tmp_path / "kept", NOWHERE)
    assert after.address
    after.close()


def test_a_fork_of_the_owner_leaves_it_alone(cloud):
    assert cloud.address
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads
        child = os.fork()
    if not child:
        try:
            cloud.address  # noqa: B018
        except Closed:
            os.write(writing, b"closed")
        finally:
            cloud.close()
            os._exit(0)
    os.close(writing)
    assert os.read(reading, 10) == b"closed"
    os.close(reading)
    os.waitpid(child, 0)
    assert cloud.running
    assert cloud.client("s3").list_buckets()["Buckets"] == []


@pytest.mark.parametrize("headers", [{}, {"x-faaslab-cloud": "guessed"}, {"x-faaslab-cloud": "é"}])
def test_answers_nobody_without_the_secret(cloud, headers):
    host, _, port = cloud.address.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("POST", "/bucket", body=b"x" * 100_000, headers=headers)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (403, b"")
    connection.close()


def test_the_secret_is_in_no_place_that_others_can_see(cloud, tmp_path):
    cloud.client("sqs").create_queue(QueueName="queue")
    secret = cloud._reach.secret
    process = psutil.Process(cloud.pid)
    assert secret not in json.dumps([process.cmdline(), process.environ()])
    for path in (tmp_path / "kept").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes()


def test_a_second_process_is_told_who_has_the_folder(cloud, tmp_path):
    assert cloud.address
    second = CloudProcess(tmp_path / "kept", NOWHERE)
    with pytest.raises(BackendError, match=f"pid {cloud.pid}"):
        _ = second.address
    second.close()


def test_says_what_to_install(cloud, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "moto" else found(name, *rest)
    )
    with pytest.raises(MissingExtra) as raised:
        _ = cloud.address
    assert str(raised.value).count("\n") == 0
    assert 'pip install "faaslab[cloud]"' in str(raised.value)


def test_reads_nothing_of_the_user(cloud, monkeypatch, tmp_path):
    (tmp_path / "config").write_text(
        "[profile work]\nregion = eu-north-1\ns3 =\n  addressing_style = virtual\n"
    )
    (tmp_path / "credentials").write_text("[work]\naws_access_key_id = REAL\naws_secret_access_key = REAL\n")
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "REAL")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    made = client("sts", "http://127.0.0.1:2")
    assert made.meta.endpoint_url == "http://127.0.0.1:2"
    assert made._request_signer._credentials.access_key == "local"
    assert cloud.client("sts").get_caller_identity()["Account"] == "000000000000"
    assert "REAL" not in json.dumps(psutil.Process(cloud.pid).environ())
