"""Tasks that are functions, run for real: by their ARN and through lambda:invoke, in AWS's shapes."""

import json
import uuid

import pytest

from tests.lab.workflow_cases import machine, task, types

INVOKE = "arn:aws:states:::lambda:invoke"
CODE = """
import boto3, json, os
class CustomException(Exception): pass
def handler(event, context):
    if isinstance(event, dict):
        if event.get("raise"): raise Exception("Some exception was raised.")
        if event.get("custom"): raise CustomException()
        if event.get("exit"): os._exit(3)
        if event.get("context"): return context.client_context.custom
        if event.get("token"):
            boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='{"sent": true}')
    return event
"""


@pytest.fixture(scope="module")
def lab(cloud_lab):
    cloud_lab.functions.create("echo", CODE, publish=True)
    cloud_lab.versions.create_alias("echo", "live", "1")
    cloud_lab.functions.create("nan", "def handler(e, c):\n    return float('nan')")
    cloud_lab.functions.create("large", "def handler(e, c):\n    return 'a' * (257 * 1024)")
    cloud_lab.functions.create("busy", "def handler(e, c):\n    return 1", reserved_concurrency=0)
    return cloud_lab


def run(lab, definition, given=None):
    name = f"f-{uuid.uuid4()}"
    lab.workflows.create(name, definition)
    run = lab.workflows.start(name, given)
    run.wait(60)
    return run


@pytest.mark.parametrize("given", [{"a": 1}, [], None, "text", 0, {"ü": [None, 1.5]}])
def test_the_input_goes_in_and_the_answer_comes_out(lab, given):
    done = run(lab, task("echo"), given if given is not None else b"null")
    assert done.output == given
    assert types(done) == [
        "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded", "ExecutionSucceeded",
    ]  # fmt: skip


def test_a_function_is_found_by_an_arn_of_whatever_account_and_region_and_by_its_qualifier(lab):
    for resource in (
        "arn:aws:lambda:eu-west-1:123456789012:function:echo",
        "arn:aws:lambda:us-east-1:000000000000:function:echo:live",
        "echo:1",
    ):
        assert run(lab, task(resource), {"a": 1}).output == {"a": 1}


def test_the_execution_of_a_function_names_the_workflow_that_asked_for_it(lab):
    done = run(lab, task("echo"), {})
    executions = lab.sql("SELECT function FROM executions WHERE trigger = $arn", {"arn": done.arn})
    assert list(executions["function"]) == ["echo"]


def test_what_a_function_raises_is_the_error_and_its_payload_the_cause(lab):
    done = run(lab, task("echo"), {"raise": True})
    assert done.error.error == "Exception"
    cause = json.loads(done.error.cause)
    assert (cause["errorType"], cause["errorMessage"]) == ("Exception", "Some exception was raised.")
    assert set(cause) == {"errorType", "errorMessage", "requestId", "stackTrace"}
    assert types(done)[-2:] == ["LambdaFunctionFailed", "ExecutionFailed"]
    assert run(lab, task("echo"), {"custom": True}).error.error == "CustomException"


def test_a_catch_gets_the_error_of_a_function(lab):
    caught = {"ErrorEquals": ["CustomException"], "Next": "C", "ResultPath": "$.error"}
    flow = machine(
        T={"Type": "Task", "Resource": "echo", "Catch": [caught], "End": True},
        C={"Type": "Pass", "End": True},
    )
    assert run(lab, flow, {"custom": True}).output["error"]["Error"] == "CustomException"


def test_an_environment_that_dies_fails_the_task(lab):
    assert run(lab, task("echo"), {"exit": True}).error.error == "Runtime.ExitError"


@pytest.mark.parametrize("resource", ["nobody", "echo:9", "echo:gone"])
def test_a_function_that_is_not_there_is_a_resource_not_found(lab, resource):
    error = run(lab, task(resource), {}).error
    assert error.error == "Lambda.ResourceNotFoundException"
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{resource}"
    assert error.cause.startswith(
        f"Function not found: {arn} (Service: Lambda, Status Code: 404, Request ID: "
    )


def test_a_throttled_function_is_too_many_requests(lab):
    assert run(lab, task("busy"), {}).error.error == "Lambda.TooManyRequestsException"


def test_what_is_no_json_or_too_large_fails_the_task(lab):
    assert run(lab, task("nan"), {}).error.error == "States.Runtime"
    too_large = run(lab, task("large"), {}).error
    assert too_large.error == "States.DataLimitExceeded"
    assert too_large.cause.endswith(
        "function:large' returned a result with a size exceeding the maximum number of bytes service limit."
    )
    invoked = run(lab, task(INVOKE, Parameters={"FunctionName": "large"}), {}).error
    assert invoked.cause.startswith("The state/task 'lambda' returned")


def test_lambda_invoke_answers_in_the_shape_that_aws_answers_in(lab):
    parameters = {"FunctionName": "echo", "Payload": {"foo": "oof"}}
    done = run(lab, task(INVOKE, Parameters=parameters), {})
    assert types(done) == ["TaskScheduled", "TaskStarted", "TaskSucceeded", "ExecutionSucceeded"]
    output = done.output
    assert set(output) == {
        "ExecutedVersion", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode",
    }  # fmt: skip
    assert (output["ExecutedVersion"], output["Payload"]) == ("$LATEST", {"foo": "oof"})
    http = output["SdkHttpMetadata"]
    assert http["HttpStatusCode"] == output["StatusCode"] == 200
    assert http["HttpHeaders"]["Content-Length"] == str(len('{"foo": "oof"}'))
    assert set(http["AllHttpHeaders"]) == set(http["HttpHeaders"])
    assert http["HttpHeaders"]["x-amzn-RequestId"] == output["SdkResponseMetadata"]["RequestId"]


def test_lambda_invoke_takes_the_parameters_of_the_api(lab):
    qualified = task(INVOKE, Parameters={"FunctionName": "echo", "Qualifier": "live", "Payload": 1})
    assert run(lab, qualified).output["ExecutedVersion"] == "1"
    without = run(lab, task(INVOKE, Parameters={"FunctionName": "echo"})).output
    assert without["Payload"] == {}
    context = "eyJjdXN0b20iOiB7ImEiOiAiYiJ9fQ=="
    parameters = {"FunctionName": "echo", "ClientContext": context, "Payload": {"context": True}}
    assert run(lab, task(INVOKE, Parameters=parameters)).output["Payload"] == {"a": "b"}
    event = task(INVOKE, Parameters={"FunctionName": "echo", "InvocationType": "Event", "Payload": {}})
    assert run(lab, event).output["StatusCode"] == 202
    dry = task(INVOKE, Parameters={"FunctionName": "echo", "InvocationType": "DryRun", "Payload": {}})
    assert run(lab, dry).output["StatusCode"] == 204


def test_lambda_invoke_fails_as_the_function_does(lab):
    parameters = {"FunctionName": "echo", "Payload": {"raise": True}}
    done = run(lab, task(INVOKE, Parameters=parameters))
    assert (done.error.error, types(done)[-2]) == ("Exception", "TaskFailed")
    gone = run(lab, task(INVOKE, Parameters={"FunctionName": "nobody"}))
    assert gone.error.error == "Lambda.ResourceNotFoundException"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"Payload": 1}, '[The field "FunctionName" is required but was missing]'),
        (
            {"FunctionName": "echo", "Function": 1},
            '[The field "Function" is not supported by Step Functions]',
        ),
    ],
)
def test_parameters_that_lambda_does_not_take_are_refused_in_step_functions_words(lab, parameters, says):
    # Through a path, so that no validation can see it before.
    flow = task(INVOKE, QueryLanguage="JSONata", Arguments="{% $states.input %}")
    error = run(lab, flow, parameters).error
    assert error.error == "States.Runtime"
    assert "could not be used to start the Task: " + says in error.cause


def test_a_function_answers_its_own_task_by_the_token_that_it_was_given(lab):
    flow = task(
        f"{INVOKE}.waitForTaskToken",
        Parameters={"FunctionName": "echo", "Payload": {"token.$": "$$.Task.Token"}},
    )
    done = run(lab, flow)
    assert done.output == {"sent": True}
    assert {"TaskScheduled", "TaskStarted", "TaskSucceeded"} < set(types(done))
