"""Step Functions by programs that know nothing of faaslab: the AWS CLI, and boto3 as it comes.

SDKs put `sync-` before the host of StartSyncExecution. No resolver knows `sync-127.0.0.1`, so a client says
that it does not want that: AWS_DISABLE_HOST_PREFIX_INJECTION=true, or `Config(inject_host_prefix=False)`.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import faaslab

pytestmark = pytest.mark.timeout(120)
ROLE = "arn:aws:iam::000000000000:role/any"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb") as lab:
        yield lab


@pytest.fixture
def variables(lab):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {
        "AWS_ENDPOINT_URL": lab.cloud.address,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_PAGER": "",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed (apt install awscli)")
def test_the_command_line(variables, tmp_path):
    def aws(*words, fails=False):
        command = ["aws", "--endpoint-url", variables["AWS_ENDPOINT_URL"], "stepfunctions", *words]
        done = subprocess.run(
            command, env=variables, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode != 0) == fails, done.stderr
        return done.stderr if fails else json.loads(done.stdout or "{}")

    (tmp_path / "machine.json").write_text(json.dumps(PASS))
    made = ["create-state-machine", "--definition", "file://machine.json", "--role-arn", ROLE]
    arn = aws(*made, "--name", "from-cli")["stateMachineArn"]
    execution = aws("start-execution", "--state-machine-arn", arn, "--name", "one")["executionArn"]
    described = aws("describe-execution", "--execution-arn", execution)
    assert (described["status"], described["output"]) == ("SUCCEEDED", '{"a":1}')
    events = aws("get-execution-history", "--execution-arn", execution, "--reverse-order")["events"]
    assert events[0]["type"] == "ExecutionSucceeded"
    express = aws(*made, "--name", "express", "--type", "EXPRESS")["stateMachineArn"]
    assert aws("start-sync-execution", "--state-machine-arn", express)["output"] == '{"a":1}'
    state = json.dumps(PASS["States"]["P"])
    assert aws("test-state", "--definition", state)["output"] == '{"a":1}'
    refused = aws("describe-execution", "--execution-arn", f"{execution}x", fails=True)
    assert "(ExecutionDoesNotExist)" in refused
    assert f"Execution Does Not Exist: '{execution}x'" in refused


PROGRAM = """
import json, sys
import boto3
states = boto3.client("stepfunctions")
definition, role = sys.argv[1:]
made = states.create_state_machine(name="m", definition=definition, roleArn=role, type="EXPRESS")
print(states.start_sync_execution(stateMachineArn=made["stateMachineArn"])["output"])
"""


def test_a_program_with_boto3_as_it_comes(variables):
    command = [sys.executable, "-c", PROGRAM, json.dumps(PASS), ROLE]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert done.stdout == '{"a":1}\n', done.stderr


FUNCTION = """
import boto3

def handler(event, context):
    states = boto3.client("stepfunctions")
    return states.start_sync_execution(stateMachineArn=event)["output"]
"""


def test_a_function_runs_a_state_machine_and_waits_for_it(lab):
    lab.workflows.create("express", PASS, type="EXPRESS")
    lab.functions.create("caller", FUNCTION, timeout_s=30)
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:express"
    assert lab.functions.invoke("caller", arn).result == '{"a":1}'


@pytest.mark.skipif(shutil.which("npm") is None, reason="node and npm are not installed")
def test_a_node_program(variables, tmp_path):
    shutil.copy(Path(__file__).parent / "states.mjs", tmp_path)
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(tmp_path)]
    installed = subprocess.run([*install, "@aws-sdk/client-sfn"], capture_output=True, text=True, timeout=100)
    if installed.returncode:
        pytest.skip(f"AWS's SDK cannot be installed: {installed.stderr.strip()[-200:]}")
    done = subprocess.run(
        ["node", "states.mjs"],
        env=variables | {"AWS_REGION": "us-east-1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "output": '{"a":1}',
        "status": "SUCCEEDED",
        "result": "42",
        "error": "ExecutionDoesNotExist",
    }
