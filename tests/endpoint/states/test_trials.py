"""TestState beyond what was recorded: phases of a Map, variables, HTTP with its secrets, what is really called."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.endpoint.states.conftest import ROLE

pytestmark = pytest.mark.timeout(120)
INNER = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
DISTRIBUTED = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **INNER}
WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}}


@pytest.fixture
def tried(states):
    """What TestState answers, with the phases as JSON values."""

    def tried(state, given=None, *, level="TRACE", **asked):
        answer = states.test_state(
            definition=json.dumps(state), input=json.dumps(given), inspectionLevel=level, **asked
        )
        seen = answer.get("inspectionData", {})
        texts = {name: value for name, value in seen.items() if isinstance(value, str)}
        return answer, seen | {name: json.loads(value) for name, value in texts.items()}

    return tried


def mapped(**more):
    return {"Type": "Map", "ItemProcessor": INNER, "End": True, **more}


def test_the_items_of_a_map_are_seen_in_their_phases(tried):
    state = mapped(
        ItemsPath="$.items",
        ItemSelector={"n.$": "$$.Map.Item.Value", "at.$": "$$.Map.Item.Index"},
        MaxConcurrency=2,
    )
    answer, seen = tried(state, {"items": [7, 8]}, mock={"result": "[1, 2]"})
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "[1,2]")
    assert seen["afterItemsPath"] == [7, 8]
    assert seen["afterItemSelector"] == [{"n": 7, "at": 0}, {"n": 8, "at": 1}]
    assert seen["maxConcurrency"] == 2


def test_what_an_item_reader_is_to_have_read_goes_through_pointer_and_batcher(tried):
    state = mapped(
        ItemProcessor=DISTRIBUTED,
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/data"},
            "Parameters": {"Bucket": "b", "Key": "k"},
        },
        ItemBatcher={"MaxItemsPerBatch": 2},
        ToleratedFailurePercentage=10,
    )
    data = json.dumps({"data": [1, 2, 3]})
    answer, seen = tried(state, {}, mock={"result": "[1, 2]"}, stateConfiguration={"mapItemReaderData": data})
    assert answer["status"] == "SUCCEEDED"
    assert seen["afterItemsPointer"] == [1, 2, 3]
    assert seen["afterItemBatcher"] == [{"Items": [1, 2]}, {"Items": [3]}]
    assert seen["toleratedFailurePercentage"] == 10.0


def test_an_item_reader_is_evaluated_for_the_source_of_its_items(tried):
    state = mapped(
        ItemProcessor=DISTRIBUTED,
        ItemReader={
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "b", "Key.$": "$.key"},
        },
        ItemSelector={"of.$": "$$.Map.Item.Source", "key.$": "$$.Map.Item.Key"},
    )
    configuration = {"mapItemReaderData": '{"a": 1}'}
    _, seen = tried(state, {"key": "k.json"}, mock={"result": "[1]"}, stateConfiguration=configuration)
    assert seen["afterItemSelector"] == [{"of": "s3://b/k.json", "key": "a"}]


def test_data_that_no_reader_reads_is_refused(refusal):
    state = json.dumps(mapped())
    asked = {"mock": {"result": "[]"}, "stateConfiguration": {"mapItemReaderData": "[]"}}
    code, message = refusal("test_state", definition=state, **asked)
    assert (code, "ItemReader" in message) == ("ValidationException", True)


def test_variables_are_those_after_the_state(tried):
    state = {"Type": "Pass", "Assign": {"b.$": "$.x", "a": 2}, "End": True}
    _, seen = tried(state, {"x": 1}, variables='{"a": 0, "c": 3}')
    assert seen["variables"] == {"a": 2, "b": 1, "c": 3}


def test_a_wait_is_not_waited_for_but_its_five_minutes_are_counted(tried):
    answer, _ = tried({"Type": "Wait", "Seconds": 200, "Next": "Then"}, {"a": 1})
    assert (answer["status"], answer["nextState"], answer["output"]) == ("SUCCEEDED", "Then", '{"a":1}')
    answer, _ = tried({"Type": "Wait", "Seconds": 86400, "Next": "Then"}, {"a": 1})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Timeout")


def test_a_choice_tells_where_it_leads(tried):
    rule = {"Variable": "$.n", "NumericGreaterThan": 1, "Next": "Big"}
    state = {"Type": "Choice", "Choices": [rule], "Default": "Small"}
    assert [tried(state, {"n": n})[0]["nextState"] for n in (1, 2)] == ["Small", "Big"]


def test_a_retrier_that_is_used_up_leaves_it_to_the_catcher(tried):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": "q", "MessageBody": "m"},
        "Retry": [{"ErrorEquals": ["Boom"], "MaxAttempts": 2, "IntervalSeconds": 3}],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Saved"}],
        "End": True,
    }
    mock = {"errorOutput": {"error": "Boom", "cause": "why"}}
    once, seen = tried(state, {}, mock=mock, stateConfiguration={"retrierRetryCount": 1})
    assert (once["status"], seen["errorDetails"]) == (
        "RETRIABLE", {"retryIndex": 0, "retryBackoffIntervalSeconds": 6},
    )  # fmt: skip
    used_up, seen = tried(state, {}, mock=mock, stateConfiguration={"retrierRetryCount": 2})
    assert (used_up["status"], used_up["nextState"]) == ("CAUGHT_ERROR", "Saved")
    assert seen["errorDetails"] == {"catchIndex": 0}


def test_a_single_state_is_checked_at_its_own_places(refusal):
    code, message = refusal("test_state", definition='{"Type": "Pass", "ResultPath": 1, "End": true}')
    assert code == "InvalidDefinition"
    assert "/ResultPath'" in message
    assert "StateName" not in message


def test_what_needs_a_mock_is_refused_without_one(refusal):
    for resource, given in (
        ("arn:aws:states:::states:startExecution.sync:2", {"StateMachineArn": "m"}),
        (
            "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"},
        ),
        ("arn:aws:states:us-east-1:000000000000:activity:a", {}),
    ):
        state = json.dumps({"Type": "Task", "Resource": resource, "Parameters": given, "End": True})
        code, message = refusal("test_state", definition=state, roleArn=ROLE)
        assert (code, resource in message) == ("InvalidDefinition", True)
    pass_ = '{"Type": "Pass", "End": true}'
    assert refusal("test_state", definition=pass_, input="{")[0] == "InvalidExecutionInput"
    assert refusal("test_state", definition=pass_, variables="[]")[0] == "ValidationException"
    assert refusal("test_state", definition="[" * 100_000)[0] == "InvalidDefinition"


def test_a_task_that_is_not_mocked_is_really_carried_out(lab, tried, name):
    queue = lab.cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$.text"},
        "ResultSelector": {"id.$": "$.MessageId"},
        "End": True,
    }
    answer, _ = tried(state, {"text": "hello"}, roleArn=ROLE)
    (message,) = lab.cloud.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(answer["output"]) == {"id": message["MessageId"]}
    lab.functions.create(f"{name}-bad", "def handler(event, context):\n    raise ValueError('no')\n")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}-bad"
    answer, _ = tried({"Type": "Task", "Resource": arn, "End": True}, {}, roleArn=ROLE)
    assert (answer["status"], answer["error"]) == ("FAILED", "ValueError")


class Api(BaseHTTPRequestHandler):
    """An API that answers with what it was asked."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 418 if self.path.startswith("/tea") else 200
        told = json.dumps({"path": self.path, "body": json.loads(body)}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_):
        pass


@pytest.fixture
def api():
    server = HTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_http_task_shows_its_request_and_its_secrets_when_asked(lab, states, api, name):
    key = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "s3cr3t"}}
    connection = lab.cloud.client("events").create_connection(
        Name=name, AuthorizationType="API_KEY", AuthParameters=key
    )["ConnectionArn"]
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::http:invoke",
        "Parameters": {
            "ApiEndpoint": f"{api}/orders",
            "Method": "POST",
            "QueryParameters": {"a": "1"},
            "RequestBody": {"n": 1},
            "Authentication": {"ConnectionArn": connection},
        },
        "End": True,
    }
    asked = {"definition": json.dumps(state), "roleArn": ROLE, "inspectionLevel": "TRACE"}
    hidden = states.test_state(**asked)
    assert hidden["status"] == "SUCCEEDED"
    request, response = hidden["inspectionData"]["request"], hidden["inspectionData"]["response"]
    assert (request["method"], request["protocol"], request["url"]) == ("POST", "http", f"{api}/orders?a=1")
    assert request["body"] == '{"n":1}'
    assert (response["statusCode"], response["statusMessage"]) == ("200", "OK")
    assert json.loads(response["body"]) == {"path": "/orders?a=1", "body": {"n": 1}}
    assert "content-type: application/json" in response["headers"]
    assert "s3cr3t" not in json.dumps(hidden, default=str)
    shown = states.test_state(**asked, revealSecrets=True)
    assert "X-Key: s3cr3t" in shown["inspectionData"]["request"]["headers"]
    debug = states.test_state(**asked | {"inspectionLevel": "DEBUG"})
    assert "request" not in debug["inspectionData"]
    state["Parameters"]["ApiEndpoint"] = f"{api}/tea"
    failed = states.test_state(**asked | {"definition": json.dumps(state)})
    assert (failed["status"], failed["error"]) == ("FAILED", "States.Http.StatusCode.418")
    assert failed["inspectionData"]["response"]["statusCode"] == "418"
