"""Step Functions by programs that know nothing of faaslab: the AWS CLI, and boto3 as it comes.

SDKs put `sync-` before the host of StartSyncExecution. No resolver knows `sync-127.0.0.1`, so a client says
that it does not want that: AWS_DISABLE_HOST_PREFIX_INJECTION=true, or `Config(inject_host_prefix=False)`.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(120)
HERE = Path(__file__).parent
ROLE = "arn:aws:iam::000000000000:role/any"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": {"a": 1}, "End": True}}}


def test_the_command_line(aws, tmp_path):
    (tmp_path / "machine.json").write_text(json.dumps(PASS))
    made = ["create-state-machine", "--definition", "file://machine.json", "--role-arn", ROLE]
    # Most of it is the CLI getting ready, once a command: what does not need each other goes side by side.
    with ThreadPoolExecutor(3) as pool:
        standard = pool.submit(runs, aws, made)
        express = pool.submit(runs_at_once, aws, made)
        tried = pool.submit(asked, aws, "test-state", "--definition", json.dumps(PASS["States"]["P"]))
    standard.result()
    assert express.result() == tried.result()["output"] == '{"a":1}'


def asked(aws, *words):
    return aws("stepfunctions", *words)


def runs(aws, made):
    arn = asked(aws, *made, "--name", "from-cli")["stateMachineArn"]
    execution = asked(aws, "start-execution", "--state-machine-arn", arn, "--name", "one")["executionArn"]
    described = asked(aws, "describe-execution", "--execution-arn", execution)
    assert (described["status"], described["output"]) == ("SUCCEEDED", '{"a":1}')
    events = asked(aws, "get-execution-history", "--execution-arn", execution, "--reverse-order")["events"]
    assert events[0]["type"] == "ExecutionSucceeded"
    with pytest.raises(AssertionError, match=r"\(ExecutionDoesNotExist\)") as refused:
        asked(aws, "describe-execution", "--execution-arn", f"{execution}x")
    assert f"Execution Does Not Exist: '{execution}x'" in str(refused.value)


def runs_at_once(aws, made):
    arn = asked(aws, *made, "--name", "express", "--type", "EXPRESS")["stateMachineArn"]
    return asked(aws, "start-sync-execution", "--state-machine-arn", arn)["output"]


PROGRAM = """
import json, sys
import boto3
states = boto3.client("stepfunctions")
definition, role = sys.argv[1:]
made = states.create_state_machine(name="m", definition=definition, roleArn=role, type="EXPRESS")
print(states.start_sync_execution(stateMachineArn=made["stateMachineArn"])["output"])
"""


def test_a_program_with_boto3_as_it_comes(ran):
    assert ran(sys.executable, "-c", PROGRAM, json.dumps(PASS), ROLE) == '{"a":1}\n'


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


def test_a_node_program(node):
    assert node(HERE / "states.mjs") == {
        "output": '{"a":1}',
        "status": "SUCCEEDED",
        "result": "42",
        "error": "ExecutionDoesNotExist",
    }
