"""boto3 invokes through the port: bytes, types, errors, streams, and many at once."""

import base64
import contextlib
import hashlib
import http.client
import json
import threading

import pytest
from botocore.exceptions import ClientError

from faaslab import app
from faaslab.errors import RuntimeNotFound, StoreBusy
from tests.backends.local.defining import eventually
from tests.endpoint.clients import client
from tests.endpoint.lambda_.test_invoke import ECHO, FAILS, RAW, STREAMS, TOLD

pytestmark = pytest.mark.timeout(120)
LIMIT = 6 * 1024 * 1024


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invoking")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache", sandbox="off") as lab:
        lab.functions.create("echo", ECHO, timeout_s=20)
        lab.functions.create("raw", RAW)
        lab.functions.create("told", TOLD)
        lab.functions.create("fails", FAILS, timeout_s=1)
        lab.functions.create("streams", STREAMS, runtime="provided.al2023", timeout_s=30)
        yield lab


@pytest.fixture(scope="module")
def address(lab):
    with lab.serve() as serving:
        yield serving.address


@pytest.fixture(scope="module")
def made(address):
    return client(address)


def invoke(made, name, payload=None, **params):
    if payload is not None:
        params["Payload"] = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    answer = made.invoke(FunctionName=name, **params)
    answer["Body"] = answer["Payload"].read()
    return answer


def test_the_bytes_are_the_function_s_own(made):
    for text in (
        b'{"a": 1.10, "a": 2}',
        b"123456789012345678901234567890",
        b'"\\ud800 \xc3\xa9"',
        b"\xff\x00",
        b"",
    ):
        answer = invoke(made, "raw", {"raw": base64.b64encode(text).decode()})
        assert answer["Body"] == text
        assert (answer["StatusCode"], answer["ExecutedVersion"], answer.get("FunctionError")) == (
            200,
            "$LATEST",
            None,
        )


def test_the_request_id_is_the_execution_s(made, lab):
    answer = invoke(made, "told", {})
    request = answer["ResponseMetadata"]["RequestId"]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == request
    assert json.loads(answer["Body"])[0] == request
    assert lab.executions.get(request).function == "told"


def test_the_log_the_context_and_the_arn_go_through(made):
    context = base64.b64encode(b'{"custom": {"a": [1]}}').decode()
    answer = invoke(
        made, "arn:aws:lambda:us-east-1:000000000000:function:told", {}, ClientContext=context, LogType="Tail"
    )
    assert json.loads(answer["Body"])[3] == {"a": [1]}
    assert b"REPORT RequestId: " in base64.b64decode(answer["LogResult"])


def test_six_megabytes_go_both_ways_and_one_byte_more_does_not(made):
    largest = b'"' + b"x" * (LIMIT - 2) + b'"'
    answer = invoke(made, "echo", largest)
    assert hashlib.sha256(answer["Body"]).digest() == hashlib.sha256(largest).digest()
    with pytest.raises(made.exceptions.RequestTooLargeException) as refused:
        invoke(made, "echo", largest + b" ")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert refused.value.response["Error"]["Message"] == (
        "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"
    )
    assert invoke(made, "echo", b"1")["Body"] == b"1"


def test_an_event_of_one_megabyte_is_taken_and_one_byte_more_is_not(made, lab):
    largest = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    answer = invoke(made, "echo", largest, InvocationType="Event")
    assert (answer["StatusCode"], answer["Body"]) == (202, b"")
    with pytest.raises(made.exceptions.RequestTooLargeException):
        invoke(made, "echo", largest + b" ", InvocationType="Event")
    assert lab.asynchronous.wait(60)
    assert lab.executions.get(answer["ResponseMetadata"]["RequestId"]).status == "completed"


def test_a_dry_run_has_no_answer(made):
    answer = invoke(made, "echo", {}, InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Body"]) == (204, b"")
    streamed = made.invoke_with_response_stream(FunctionName="echo", InvocationType="DryRun")
    assert (streamed["StatusCode"], list(streamed["EventStream"])) == (204, [])
    assert invoke(made, "echo", b"[2]")["Body"] == b"[2]"


def test_invoke_async_is_still_there(made, lab):
    assert made.invoke_async(FunctionName="echo", InvokeArgs=b'{"x": 1}')["Status"] == 202
    assert lab.asynchronous.wait(60)


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("raise", "Odd"), ("exit", "Runtime.ExitError"), ("quiet", "Runtime.ExitError"), ("sleep", "Sandbox.Timedout"),
        ("memory", "Runtime.OutOfMemory"), ("large", "Function.ResponseSizeTooLarge"),
    ],
)  # fmt: skip
def test_what_fails_is_answered_and_what_comes_next_works(made, lab, how, kind):
    answer = invoke(made, "fails", {"how": how})
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Body"])["errorType"] == kind
    assert lab.executions.get(answer["ResponseMetadata"]["RequestId"]).result_body == answer["Body"]
    assert invoke(made, "echo", b"3")["Body"] == b"3"


def test_errors_are_those_that_clients_catch(made, lab):
    with pytest.raises(made.exceptions.ResourceNotFoundException) as missing:
        invoke(made, "nobody", {})
    assert missing.value.response["Error"]["Message"].endswith(":function:nobody")
    assert missing.value.response["Type"] == "User"
    with pytest.raises(made.exceptions.InvalidRequestContentException):
        invoke(made, "echo", b"{'a'")
    with pytest.raises(ClientError) as unknown:
        made.invoke(FunctionName="echo", InvocationType="Sometimes")
    assert unknown.value.response["Error"]["Code"] == "ValidationException"
    assert unknown.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_reserved_concurrency_throttles(made, lab):
    lab.functions.create(
        "one", "import time\ndef handler(event, context):\n    time.sleep(event)\n", timeout_s=20
    )
    assert (
        made.put_function_concurrency(FunctionName="one", ReservedConcurrentExecutions=1)[
            "ReservedConcurrentExecutions"
        ]
        == 1
    )
    invoke(made, "one", b"0")
    runs = threading.Thread(target=invoke, args=(made, "one", b"1"))
    runs.start()
    eventually(
        lambda: any(each.state == "busy" and each.function == "one" for each in lab.backend.environments())
    )
    for call in (made.invoke, made.invoke_with_response_stream):
        with pytest.raises(made.exceptions.TooManyRequestsException) as throttled:
            call(FunctionName="one", Payload=b"0")
        told = throttled.value.response
        assert told["Error"]["Message"] == "Rate Exceeded."
        assert told["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        assert (told["Type"], told["ResponseMetadata"]["HTTPStatusCode"]) == ("User", 429)
        assert told["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    runs.join()
    made.delete_function_concurrency(FunctionName="one")
    assert "ReservedConcurrentExecutions" not in made.get_function_concurrency(FunctionName="one")


def test_settings_of_events_go_through(made):
    made.put_function_event_invoke_config(
        FunctionName="echo", MaximumRetryAttempts=1, MaximumEventAgeInSeconds=90
    )
    got = made.get_function_event_invoke_config(FunctionName="echo")
    assert (got["MaximumRetryAttempts"], got["MaximumEventAgeInSeconds"]) == (1, 90)
    assert got["LastModified"].tzinfo is not None
    assert (
        len(made.list_function_event_invoke_configs(FunctionName="echo")["FunctionEventInvokeConfigs"]) == 1
    )
    made.delete_function_event_invoke_config(FunctionName="echo")
    with pytest.raises(made.exceptions.ResourceNotFoundException):
        made.get_function_event_invoke_config(FunctionName="echo")


def test_provisioned_concurrency_goes_through(made, lab):
    number = lab.versions.publish("echo").version
    put = made.put_provisioned_concurrency_config(
        FunctionName="echo", Qualifier=number, ProvisionedConcurrentExecutions=1
    )
    assert (put["Status"], put["ResponseMetadata"]["HTTPStatusCode"]) == ("IN_PROGRESS", 202)
    ask = {"FunctionName": "echo", "Qualifier": number}
    eventually(lambda: made.get_provisioned_concurrency_config(**ask)["Status"] == "READY")
    assert invoke(made, "echo", b"1", Qualifier=number)["ExecutedVersion"] == number
    assert (
        len(made.list_provisioned_concurrency_configs(FunctionName="echo")["ProvisionedConcurrencyConfigs"])
        == 1
    )
    made.delete_provisioned_concurrency_config(**ask)
    with pytest.raises(made.exceptions.ProvisionedConcurrencyConfigNotFoundException):
        made.get_provisioned_concurrency_config(**ask)


# -- streams


def stream(made, payload):
    return made.invoke_with_response_stream(
        FunctionName="streams", Payload=json.dumps(payload).encode(), LogType="Tail"
    )


def test_pieces_arrive_while_the_function_still_runs(made, tmp_path):
    answer = stream(made, {"pieces": 3, "gate": str(tmp_path)})
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    events = iter(answer["EventStream"])
    for number in range(3):
        assert next(events) == {"PayloadChunk": {"Payload": b"piece %d\n" % number}}
        (tmp_path / str(number)).touch()
    (last,) = events
    assert "ErrorCode" not in last["InvokeComplete"]
    assert b"REPORT RequestId: " in base64.b64decode(last["InvokeComplete"]["LogResult"])


def test_a_response_that_breaks_off_ends_with_the_error(made):
    *pieces, last = stream(made, {"pieces": 1, "breaks": True})["EventStream"]
    assert pieces == [{"PayloadChunk": {"Payload": b"piece 0\n"}}]
    assert last["InvokeComplete"]["ErrorCode"] == "Unhandled"
    assert json.loads(last["InvokeComplete"]["ErrorDetails"]) == {
        "errorType": "Odd",
        "errorMessage": "no more",
    }


def test_a_client_that_goes_away_leaves_the_function_to_run_on(made, lab, tmp_path):
    answer = stream(made, {"pieces": 2, "gate": str(tmp_path)})
    request = answer["ResponseMetadata"]["RequestId"]
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    for number in range(2):
        (tmp_path / str(number)).touch()
    eventually(
        lambda: lab.sql("SELECT count(*) AS n FROM executions WHERE request_id = ?", [request]).n[0] == 1
    )
    assert lab.executions.get(request).status == "completed"


# -- many


def test_sixty_four_clients_at_once_get_their_own_answers(address, lab):
    wrong, made = [], [client(address) for _ in range(64)]

    def run(number):
        for turn in range(6):
            try:
                answer = invoke(made[number], "echo", {"number": number, "turn": turn})
                if json.loads(answer["Body"]) != {"number": number, "turn": turn}:
                    wrong.append(answer["Body"])
            except Exception as error:
                wrong.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_warm_connection_outlives_what_else_it_is_used_for(made):
    for _ in range(3):
        assert invoke(made, "echo", b"1")["Body"] == b"1"
        assert made.get_function_concurrency(FunctionName="echo")["ResponseMetadata"]["HTTPStatusCode"] == 200
        with pytest.raises(ClientError):
            made.invoke(FunctionName="nobody")


def test_what_is_accepted_is_answered_when_the_server_closes(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", sandbox="off") as lab:
        lab.functions.create(
            "slow",
            "import time\ndef handler(event, context):\n    time.sleep(0.5)\n    return event\n",
            timeout_s=20,
        )
        answers = []
        with lab.serve() as serving:
            made = client(serving.address)
            invoke(made, "slow", b"0")
            threads = [
                threading.Thread(
                    target=lambda n=n: answers.append(invoke(made, "slow", str(n).encode())["Body"])
                )
                for n in range(8)
            ]
            for thread in threads:
                thread.start()
            eventually(lambda: sum(each.state == "busy" for each in lab.backend.environments()) == 8)
        for thread in threads:
            thread.join()
    assert sorted(answers) == [str(n).encode() for n in range(8)]


def test_a_response_that_streams_is_finished_when_the_server_closes(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", sandbox="off") as lab:
        lab.functions.create("streams", STREAMS, runtime="provided.al2023", timeout_s=30)
        serving = lab.serve()
        events = iter(stream(client(serving.address), {"pieces": 3, "gate": str(tmp_path)})["EventStream"])
        pieces = [next(events)]
        closes = threading.Thread(target=serving.close)
        closes.start()
        for number in range(3):
            (tmp_path / str(number)).touch()
        *rest, last = events
        closes.join()
    assert (
        b"".join(each["PayloadChunk"]["Payload"] for each in pieces + rest) == b"piece 0\npiece 1\npiece 2\n"
    )
    assert "ErrorCode" not in last["InvokeComplete"]


def test_a_payload_is_there_for_who_asks_for_http_2_in_the_middle_of_a_connection(address):
    path = "/2015-03-31/functions/echo/invocations"
    more = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAI"}
    with contextlib.closing(http.client.HTTPConnection(address.removeprefix("http://"))) as connection:
        for number, headers in enumerate(({}, {}, more, {}, more, more)):
            connection.request("POST", path, str(number), headers)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (200, str(number).encode())


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (RuntimeNotFound("there is no nodejs22.x here", hint="install it"), "InvalidRuntimeException", 502),
        (StoreBusy("the store is busy"), "ServiceException", 500),
    ],
)
def test_what_was_foreseen_is_one_line_of_the_log(made, lab, monkeypatch, caplog, error, code, status):
    def refusing(*_, **__):
        raise error

    for ask, method in ((made.invoke, "invoke"), (made.invoke_with_response_stream, "stream")):
        caplog.clear()
        with monkeypatch.context() as patched:
            patched.setattr(lab.functions, method, refusing)
            with pytest.raises(made.exceptions.ClientError) as failed:
                ask(FunctionName="echo", Payload=b"{}")
        told = failed.value.response
        assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
        assert error.message in caplog.text
        assert "Traceback" not in caplog.text


def test_a_failure_that_nobody_foresaw_is_told_to_the_log_only(made, lab, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("the secret path")

    with monkeypatch.context() as patched:
        patched.setattr(lab.functions, "invoke", broken)
        with pytest.raises(made.exceptions.ServiceException) as failed:
            invoke(made, "echo", {})
    told = failed.value.response
    assert (told["ResponseMetadata"]["HTTPStatusCode"], told["Type"]) == (500, "Service")
    assert "secret" not in json.dumps(told, default=str)
    assert "RuntimeError: the secret path" in caplog.text
    assert invoke(made, "echo", b"5")["Body"] == b"5"
