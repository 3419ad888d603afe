"""What the SDKs in functions talk to: the door of their lab, and what else may be said."""

import pytest

from faaslab.backends.local import LocalSettings
from faaslab.backends.local.host.machine import machine
from faaslab.backends.local.starting.network import no_network
from faaslab.clock import SYSTEM
from faaslab.lab import Lab
from faaslab.store import Store
from tests.lab.endpoints import Endpoint

SOURCE = """
import json, os, urllib.request
def handler(event, context):
    address = os.environ.get("AWS_ENDPOINT_URL")
    if not event.get("ask"):
        return address
    with urllib.request.urlopen(address + "/asked", data=b"body", timeout=30) as answer:
        return json.load(answer)
"""


@pytest.fixture
def made(tmp_path, cache):
    labs = []

    def made(start=Endpoint, local=None, **more):
        store = Store(tmp_path / "s.duckdb", clock=SYSTEM)
        local = LocalSettings(**{"sandbox": "off", **(local or {})})
        labs.append(Lab(store, cache=cache, local=local, start_endpoint=start, **more))
        return labs[-1]

    yield made
    for lab in labs:
        lab.close()


@pytest.mark.parametrize("sandbox", ["off", "auto"])
def test_a_function_reaches_the_home_which_is_made_then(made, sandbox):
    lab = made(local={"sandbox": sandbox})
    lab.functions.create("f", SOURCE)
    assert lab.functions.invoke("f").result == lab.door.address
    assert lab.home.find() is None or lab.home.find().address == lab.door.address
    done = lab.functions.invoke("f", {"ask": True})
    assert done.result == {"lab": id(lab), "epoch": 1, "path": "/asked", "bytes": 4}
    assert lab.home.here


def test_no_operation_is_sent_to_a_host_of_another_name(made):
    lab = made()
    source = """
def handler(event, context):
    import boto3
    client = boto3.client("stepfunctions")
    def before(request, **_):
        raise LookupError(request.url)
    client.meta.events.register("before-send", before)
    try:
        client.start_sync_execution(stateMachineArn="arn:aws:states:us-east-1:000000000000:stateMachine:m")
    except LookupError as found:
        return str(found)
"""
    lab.functions.create("f", source)
    assert lab.functions.invoke("f").result == lab.door.address + "/"


def test_a_warm_environment_finds_the_next_home(made):
    lab, other = made(), made()
    lab.functions.create("f", SOURCE)
    assert lab.functions.invoke("f", {"ask": True}).result["lab"] == id(lab)
    with other.serve():
        again = lab.functions.invoke("f", {"ask": True})
    assert again.result["lab"] == id(other)
    assert not again.cold_start


def test_what_the_function_says_itself_is_what_it_gets(made):
    lab = made()
    lab.functions.create("f", SOURCE, environment={"AWS_ENDPOINT_URL": "http://localhost:4566"})
    assert lab.functions.invoke("f").result == "http://localhost:4566"


def test_a_function_that_is_debugged_gets_it_too(made):
    lab = made()
    lab.functions.create("f", SOURCE)
    assert lab.functions.debug("f", breakpoints=False).result == lab.door.address


@pytest.mark.parametrize("more", [{"aws_endpoint": False}, {"start": None}])
def test_it_is_left_out(made, more):
    lab = made(**more)
    lab.functions.create("f", SOURCE)
    assert lab.functions.invoke("f").result is None


def test_without_a_network_there_is_nothing_to_reach(made):
    lab = made(local={"network": False, "sandbox": "auto"})
    if fault := no_network(machine("auto")).fault:
        pytest.skip(fault)
    lab.functions.create("f", SOURCE)
    assert lab.functions.invoke("f").result is None
