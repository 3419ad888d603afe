"""Executions as boto3 sees them. Facts: answers that were recorded from AWS."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.endpoint.states.conftest import PASS, ROLE

pytestmark = pytest.mark.timeout(120)
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Oh", "Cause": "no"}}}
EACH = {
    "StartAt": "M",
    "States": {
        "M": {
            "Type": "Map",
            "Label": "Each",
            "MaxConcurrency": 1,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "P",
                "States": {"P": {"Type": "Pass", "End": True}},
            },
            "End": True,
        }
    },
}


def told(answer):
    del answer["ResponseMetadata"]
    return answer


@pytest.fixture
def ended(states):
    """Waits for the end of an execution: as it is described then."""

    def ended(arn):
        until = time.monotonic() + 60
        while (answer := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < until
            time.sleep(0.02)
        return told(answer)

    return ended


def test_an_execution_is_started_described_and_listed(states, create, ended, name):
    arn = create()
    started = states.start_execution(stateMachineArn=arn, name="one", input='{"b": 2}')
    execution = f"arn:aws:states:us-east-1:000000000000:execution:{name}:one"
    assert started["executionArn"] == execution
    described = ended(execution)
    assert described.pop("startDate") == started["startDate"]
    stopped = described.pop("stopDate")
    assert described == {
        "executionArn": execution,
        "stateMachineArn": arn,
        "name": "one",
        "status": "SUCCEEDED",
        "input": '{"b": 2}',
        "inputDetails": {"included": True},
        "output": '{"a":1}',
        "outputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }
    (listed,) = states.list_executions(stateMachineArn=arn)["executions"]
    assert listed == {
        "executionArn": execution,
        "stateMachineArn": arn,
        "name": "one",
        "status": "SUCCEEDED",
        "startDate": started["startDate"],
        "stopDate": stopped,
        "redriveCount": 0,
    }
    assert states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"] == []
    hidden = states.describe_execution(executionArn=execution, includedData="METADATA_ONLY")
    assert "input" not in hidden
    assert hidden["outputDetails"] == {"included": False}


def test_a_name_is_one_execution(states, create, refusal, ended):
    arn = create(WAIT)
    asked = {"stateMachineArn": arn, "name": "one"}
    first = states.start_execution(**asked, input="{}")
    assert states.start_execution(**asked, input="{}")["startDate"] == first["startDate"]
    taken = ("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'")
    assert refusal("start_execution", **asked, input="[]") == taken
    states.stop_execution(executionArn=first["executionArn"])
    assert refusal("start_execution", **asked, input="{}") == taken


def test_an_execution_is_stopped(states, create, ended, refusal):
    execution = states.start_execution(stateMachineArn=create(WAIT))["executionArn"]
    assert states.describe_execution(executionArn=execution)["redriveStatusReason"] == (
        "Execution is RUNNING and cannot be redriven"
    )
    assert states.stop_execution(executionArn=execution, error="E", cause="C")["stopDate"]
    described = ended(execution)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "E", "C")
    assert described["redriveStatus"] == "REDRIVABLE"
    events = states.get_execution_history(executionArn=execution)["events"]
    assert [event["type"] for event in events][-1] == "ExecutionAborted"
    assert events[-1]["executionAbortedEventDetails"] == {"error": "E", "cause": "C"}


def test_what_failed_is_redriven(states, create, ended, refusal):
    arn = create(FAIL)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    assert ended(execution)["error"] == "Oh"
    assert states.redrive_execution(executionArn=execution)["redriveDate"]
    again = ended(execution)
    assert (again["status"], again["redriveCount"]) == ("FAILED", 1)
    listed = states.list_executions(stateMachineArn=arn, redriveFilter="REDRIVEN")["executions"]
    assert [each["redriveCount"] for each in listed] == [1]
    assert states.list_executions(stateMachineArn=arn, redriveFilter="NOT_REDRIVEN")["executions"] == []
    first = states.redrive_execution(executionArn=execution, clientToken="once")["redriveDate"]
    assert ended(execution)["redriveCount"] == 2
    assert states.redrive_execution(executionArn=execution, clientToken="once")["redriveDate"] == first
    assert ended(execution)["redriveCount"] == 2
    done = states.start_execution(stateMachineArn=create(PASS, f"{execution[-8:]}"))["executionArn"]
    ended(done)
    assert refusal("redrive_execution", executionArn=done) == (
        "ExecutionNotRedrivable",
        "Execution is SUCCEEDED and cannot be redriven",
    )


def test_an_execution_keeps_the_definition_that_it_ran_when_the_name_is_given_to_another(
    states, create, ended
):
    arn = create(FAIL)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    ended(execution)
    before = told(states.describe_state_machine_for_execution(executionArn=execution))
    assert json.loads(before["definition"]) == FAIL
    states.delete_state_machine(stateMachineArn=arn)
    assert told(states.describe_state_machine_for_execution(executionArn=execution)) == before
    create(PASS)
    assert told(states.describe_state_machine_for_execution(executionArn=execution)) == before
    later = states.start_execution(stateMachineArn=arn)["executionArn"]
    after = states.describe_state_machine_for_execution(executionArn=later)
    assert json.loads(after["definition"]) == PASS


def test_children_keep_the_processor_that_they_ran_when_the_name_is_given_to_another(states, create, ended):
    arn = create(EACH)
    execution = states.start_execution(stateMachineArn=arn, input="[1]")["executionArn"]
    ended(execution)
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    (child,) = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    before = told(states.describe_state_machine_for_execution(executionArn=child["executionArn"]))
    assert json.loads(before["definition"]) == EACH["States"]["M"]["ItemProcessor"]
    states.delete_state_machine(stateMachineArn=arn)
    create(PASS)
    assert told(states.describe_state_machine_for_execution(executionArn=child["executionArn"])) == before


def test_many_that_redrive_under_one_token_at_once_get_the_one_date(states, create, ended):
    """As a client that repeats the request whose answer it did not get in time."""
    execution = states.start_execution(stateMachineArn=create(WAIT))["executionArn"]
    states.stop_execution(executionArn=execution)
    barrier = threading.Barrier(12)

    def redrive(_):
        barrier.wait(30)
        return states.redrive_execution(executionArn=execution, clientToken="t")["redriveDate"]

    with ThreadPoolExecutor(12) as pool:
        dates = set(pool.map(redrive, range(12)))
    assert len(dates) == 1
    described = states.describe_execution(executionArn=execution)
    assert (described["redriveCount"], {described["redriveDate"]}) == (1, dates)
    states.stop_execution(executionArn=execution)


def test_history_goes_forwards_and_backwards_in_pages(states, create, ended):
    execution = states.start_execution(stateMachineArn=create())["executionArn"]
    ended(execution)
    whole = states.get_execution_history(executionArn=execution)["events"]
    assert [(event["id"], event["previousEventId"], event["type"]) for event in whole] == [
        (1, 0, "ExecutionStarted"), (2, 0, "PassStateEntered"), (3, 2, "PassStateExited"),
        (4, 3, "ExecutionSucceeded"),
    ]  # fmt: skip
    assert whole[1]["stateEnteredEventDetails"] == {
        "name": "P",
        "input": "{}",
        "inputDetails": {"truncated": False},
    }
    paginator = states.get_paginator("get_execution_history")
    for backwards in (False, True):
        pages = paginator.paginate(
            executionArn=execution, reverseOrder=backwards, PaginationConfig={"PageSize": 3}
        )
        paged = [event for page in pages for event in page["events"]]
        assert paged == (whole[::-1] if backwards else whole)
    bare = states.get_execution_history(executionArn=execution, includeExecutionData=False)["events"]
    assert "input" not in bare[1]["stateEnteredEventDetails"]


def test_executions_are_listed_the_latest_first_in_pages(states, create, ended):
    arn = create()
    names = []
    for at in range(5):
        ended(states.start_execution(stateMachineArn=arn, name=f"run-{at}")["executionArn"])
        names.append(f"run-{at}")
    pages = list(
        states.get_paginator("list_executions").paginate(
            stateMachineArn=arn, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["executions"]) for page in pages] == [2, 2, 1]
    assert [each["name"] for page in pages for each in page["executions"]] == names[::-1]
    with pytest.raises(states.exceptions.InvalidToken):
        states.list_executions(stateMachineArn=arn, statusFilter="FAILED", nextToken=pages[0]["nextToken"])


def test_versions_and_aliases_are_started_and_told(states, create, ended, refusal):
    arn = create()
    states.publish_state_machine_version(stateMachineArn=arn)
    route = {"stateMachineVersionArn": f"{arn}:1", "weight": 100}
    states.create_state_machine_alias(name="prod", routingConfiguration=[route])
    plain = ended(states.start_execution(stateMachineArn=arn)["executionArn"])
    assert not {"stateMachineVersionArn", "stateMachineAliasArn"} & plain.keys()
    by_version = ended(states.start_execution(stateMachineArn=f"{arn}:1")["executionArn"])
    assert by_version["stateMachineVersionArn"] == f"{arn}:1"
    by_alias = ended(states.start_execution(stateMachineArn=f"{arn}:prod")["executionArn"])
    assert (by_alias["stateMachineArn"], by_alias["stateMachineVersionArn"]) == (arn, f"{arn}:1")
    assert by_alias["stateMachineAliasArn"] == f"{arn}:prod"
    listed = states.list_executions(stateMachineArn=f"{arn}:prod")["executions"]
    assert [each["executionArn"] for each in listed] == [by_alias["executionArn"]]
    assert len(states.list_executions(stateMachineArn=f"{arn}:1")["executions"]) == 2
    assert refusal("start_execution", stateMachineArn=f"{arn}:9")[0] == "StateMachineDoesNotExist"


def test_the_state_machine_of_an_execution_is_the_one_that_it_runs(states, create):
    arn = create(WAIT)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(PASS))
    described = told(states.describe_state_machine_for_execution(executionArn=execution))
    assert described.pop("updateDate")
    assert described["definition"] == json.dumps(WAIT)
    assert described["stateMachineArn"] == arn
    assert "revisionId" not in described
    states.stop_execution(executionArn=execution)


def test_inputs_are_checked_in_aws_s_words(refusal, create, states):
    arn = create()

    def said(text):
        code, message = refusal("start_execution", stateMachineArn=arn, input=text)
        assert code == "InvalidExecutionInput"
        return message.removeprefix("Invalid State Machine Execution Input: ")

    assert said("not some json") == (
        "'Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' "
        "or 'false')'"
    )
    assert said("{'not': 'json'}") == (
        "'Unexpected character (''' (code 39)): was expecting double-quote to start field name'"
    )
    assert said("") == "'Invalid execution input.'"
    for good in ("2", '"text"', "null"):
        assert states.start_execution(stateMachineArn=arn, input=good)["executionArn"]


def test_what_is_not_there_is_told_by_its_arn(refusal):
    base = "arn:aws:states:us-east-1:000000000000:"
    machine, execution = f"{base}stateMachine:nobody", f"{base}execution:nobody:none"
    no_machine = ("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{machine}'")
    assert refusal("start_execution", stateMachineArn=machine) == no_machine
    assert refusal("start_sync_execution", stateMachineArn=machine) == no_machine
    assert refusal("list_executions", stateMachineArn=machine) == no_machine
    no_execution = ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{execution}'")
    for operation in (
        "describe_execution",
        "describe_state_machine_for_execution",
        "get_execution_history",
        "stop_execution",
        "redrive_execution",
        "list_map_runs",
    ):
        assert refusal(operation, executionArn=execution) == no_execution
        assert refusal(operation, executionArn="nonsense") == (
            "InvalidArn",
            "Invalid Arn: 'Invalid ARN prefix: nonsense'",
        )
    run = f"{base}mapRun:nobody/Each:1"
    assert refusal("describe_map_run", mapRunArn=run)[0] == "ResourceNotFound"
    assert refusal("update_map_run", mapRunArn=run, maxConcurrency=1)[0] == "ResourceNotFound"
    assert refusal("list_executions", mapRunArn=run)[0] == "ResourceNotFound"


# -- express


def test_an_express_execution_answers_at_once_and_is_not_listed(states, create, refusal, name):
    arn = create(type="EXPRESS")
    answer = told(states.start_sync_execution(stateMachineArn=arn, name="one"))
    assert answer["executionArn"].startswith(f"arn:aws:states:us-east-1:000000000000:express:{name}:one:")
    assert (answer["status"], answer["output"], answer["name"]) == ("SUCCEEDED", '{"a":1}', "one")
    billed = answer["billingDetails"]
    assert (billed["billedMemoryUsedInMB"], billed["billedDurationInMilliseconds"] % 100) == (64, 0)
    express = states.start_execution(stateMachineArn=arn, name="one")["executionArn"]
    other = ("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")
    for operation in ("describe_execution", "stop_execution", "get_execution_history"):
        assert refusal(operation, executionArn=express) == other
    unsupported = (
        "StateMachineTypeNotSupported",
        "This operation is not supported by this type of state machine",
    )
    assert refusal("list_executions", stateMachineArn=arn) == unsupported
    standard = create(called=f"{name}-standard")
    assert refusal("start_sync_execution", stateMachineArn=standard) == unsupported


def test_what_fails_at_once_tells_why(states, create):
    answer = states.start_sync_execution(stateMachineArn=create(FAIL, type="EXPRESS"))
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Oh", "no")
    assert "output" not in answer


# -- distributed maps


def test_a_map_run_is_described_with_its_children(states, create, ended, refusal):
    arn = create(EACH)
    execution = states.start_execution(stateMachineArn=arn, input="[1, 2]")["executionArn"]
    assert ended(execution)["output"] == "[1,2]"
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    assert set(run) == {"executionArn", "mapRunArn", "stateMachineArn", "startDate", "stopDate"}
    assert (run["executionArn"], run["stateMachineArn"]) == (execution, f"{arn}/Each")
    described = told(states.describe_map_run(mapRunArn=run["mapRunArn"]))
    counts = dict.fromkeys(("aborted", "failed", "pending", "running", "timedOut"), 0)
    counts |= dict.fromkeys(("resultsWritten", "succeeded", "total"), 2)
    assert described["executionCounts"].items() >= counts.items()
    assert described["itemCounts"].items() >= counts.items()
    assert (described["status"], described["maxConcurrency"]) == ("SUCCEEDED", 1)
    assert (described["toleratedFailureCount"], described["toleratedFailurePercentage"]) == (0, 0.0)
    children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert [each["status"] for each in children] == ["SUCCEEDED"] * 2
    assert {each["stateMachineArn"] for each in children} == {f"{arn}/Each"}
    child = ended(children[0]["executionArn"])
    assert child["mapRunArn"] == run["mapRunArn"]
    of_child = states.describe_state_machine_for_execution(executionArn=child["executionArn"])
    assert json.loads(of_child["definition"]) == EACH["States"]["M"]["ItemProcessor"]
    assert (of_child["label"], of_child["mapRunArn"]) == ("Each", run["mapRunArn"])
    assert of_child["stateMachineArn"] == f"{arn}/Each"
    code, _ = refusal("update_map_run", mapRunArn=run["mapRunArn"], maxConcurrency=2)
    assert code == "ValidationException"


@pytest.mark.parametrize("batch", [{}, {"ItemBatcher": {"MaxItemsPerBatch": 2}}])
def test_a_map_run_that_is_given_up_counts_its_children_as_they_are_listed(states, create, ended, batch):
    """Those that end in the moment in which it is given up keep their own end."""
    fail = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    each = {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **fail}, "End": True, **batch}
    arn = create({"StartAt": "M", "States": {"M": each}})
    execution = states.start_execution(stateMachineArn=arn, input="[1, 2, 3, 4, 5, 6, 7]")["executionArn"]
    ended(execution)
    (run,) = states.list_map_runs(executionArn=execution)["mapRuns"]
    children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    stood = [ended(child["executionArn"]) for child in children]
    counted = states.describe_map_run(mapRunArn=run["mapRunArn"])
    failed = [child for child in stood if child["status"] == "FAILED"]
    sizes = [len(json.loads(child["input"])["Items"]) if batch else 1 for child in failed]
    whole = counted["executionCounts"], counted["itemCounts"]
    assert [each["failed"] for each in whole] == [len(failed), sum(sizes)]
    assert [each["aborted"] for each in whole] == [
        (4 if batch else 7) - len(failed),
        7 - sum(sizes),
    ]


# -- started by others


def test_an_event_starts_an_execution(lab, states, create, ended, name):
    arn = create({"StartAt": "S", "States": {"S": {"Type": "Succeed"}}})
    events = lab.cloud.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn, "InputPath": "$.detail", "RoleArn": ROLE}])
    entry = {"Source": name, "DetailType": "Order", "Detail": '{"total": 3}'}
    identity = events.put_events(Entries=[entry])["Entries"][0]["EventId"]
    until = time.monotonic() + 60
    while not (listed := states.list_executions(stateMachineArn=arn)["executions"]):
        assert time.monotonic() < until
        time.sleep(0.05)
    (execution,) = listed
    assert execution["name"].startswith(f"{identity}_")
    assert json.loads(ended(execution["executionArn"])["output"]) == {"total": 3}
