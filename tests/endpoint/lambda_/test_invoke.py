"""Invoke: three types, the bytes as they are, the errors in Lambda's words."""

import base64
import json
import threading

import pytest

from faaslab import app
from faaslab.endpoint.faults import fault_of
from faaslab.endpoint.lambda_.invoke import OPERATIONS
from faaslab.errors import StoreFull
from tests.backends.local.defining import eventually
from tests.endpoint.calling import ask

ECHO = "def handler(event, context):\n    return event\n"
RAW = "import base64\ndef handler(event, context):\n    return base64.b64decode(event['raw'])\n"
TOLD = (
    "def handler(event, context):\n"
    "    client = context.client_context\n"
    "    return [context.aws_request_id, context.invoked_function_arn, context.function_version,\n"
    "            client and client.custom, context.tenant_id]\n"
)
FAILS = (
    "import os, sys, time\n"
    "class Odd(Exception): pass\n"
    "def handler(event, context):\n"
    "    print('said before')\n"
    "    match event['how']:\n"
    "        case 'raise': raise Odd('no luck')\n"
    "        case 'exit': sys.exit(3)\n"
    "        case 'quiet': os._exit(0)\n"
    "        case 'sleep': time.sleep(60)\n"
    "        case 'memory': return len(bytearray(1 << 30))\n"
    "        case 'large': return 'x' * (6 * 1024 * 1024 + 100)\n"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invoke")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache") as lab:
        lab.functions.create("echo", ECHO)
        lab.functions.create("raw", RAW)
        lab.functions.create("told", TOLD)
        lab.functions.create("fails", FAILS, timeout_s=1)
        lab.functions.create("broken", "import nothing_of_that_name\n")
        lab.functions.create("tenants", TOLD, tenancy="PER_TENANT")
        yield lab


def invoke(lab, name, payload=None, **params):
    if payload is not None:
        params["Payload"] = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return ask(OPERATIONS, lab, "Invoke", FunctionName=name, **params)


def refused(lab, operation="Invoke", **given):
    """The fault that the caller gets, whoever said so."""
    with pytest.raises(Exception) as raised:
        ask(OPERATIONS, lab, operation, **given)
    return fault_of(raised.value)


# -- answers


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": 1.10, "a": 2}',
        b"123456789012345678901234567890",
        b"1e400",
        b'"\\ud800 \xc3\xa9"',
        b"  [1,\n 2]  ",
        b"no json at all \xff\x00",
        b"",
    ],
)
def test_what_a_function_answered_goes_out_byte_for_byte(lab, text):
    answer = invoke(lab, "raw", {"raw": base64.b64encode(text).decode()})
    assert answer["Payload"] == text
    assert "FunctionError" not in answer


@pytest.mark.parametrize("payload", [b'{"a": 1.10}', b'"\\ud800"', b" {} ", b"null", b"[]", '"é"'.encode()])
def test_any_json_comes_in(lab, payload):
    assert json.loads(invoke(lab, "echo", payload)["Payload"]) == json.loads(payload)


@pytest.mark.parametrize("payload", [None, b""])
def test_no_payload_is_an_empty_object(lab, payload):
    assert invoke(lab, "echo", payload)["Payload"] == b"{}"


def test_nothing_returned_is_null(lab):
    lab.functions.create("nothing", "def handler(event, context): pass\n")
    assert invoke(lab, "nothing") == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b"null"}


def test_a_caller_gets_what_the_function_answered_and_the_store_nothing_secret(lab, monkeypatch):
    monkeypatch.setenv("MY_SECRET", "hunter2-and-more")
    code = "import os\ndef handler(event, context):\n    print(os.environ['MY_SECRET'])\n    return os.environ['MY_SECRET']"
    lab.functions.create("tells", code, secrets=["MY_SECRET"])
    answer = invoke(lab, "tells", LogType="Tail")
    assert answer["Payload"] == b'"hunter2-and-more"'
    assert b"hunter2" not in base64.b64decode(answer["LogResult"])
    [execution] = lab.executions.list(function="tells")["id"]
    assert lab.executions.get(execution).result == "****"
    assert "hunter2" not in repr(lab.sql("SELECT * FROM executions NATURAL JOIN payloads").to_dict())


def test_an_execution_has_the_id_of_the_request(lab):
    answer = ask(
        OPERATIONS, lab, "Invoke", FunctionName="told", request_id="8f1c0c2e-0000-4000-8000-0000000000aa"
    )
    assert json.loads(answer["Payload"])[0] == "8f1c0c2e-0000-4000-8000-0000000000aa"
    assert lab.executions.get("8f1c0c2e-0000-4000-8000-0000000000aa").function == "told"


def test_the_version_that_ran_is_told(lab):
    number = lab.versions.publish("told").version
    lab.versions.point("told", "prod", number)
    lab.versions.point("told", "newest", "$LATEST")
    for qualifier, seen in [
        (None, "$LATEST"),
        ("$LATEST", "$LATEST"),
        (number, number),
        ("prod", number),
        ("newest", "$LATEST"),
    ]:
        params = {} if qualifier is None else {"Qualifier": qualifier}
        answer = invoke(lab, "told", **params)
        asked = "" if qualifier is None else f":{qualifier}"
        assert answer["ExecutedVersion"] == seen
        _, arn, version, *_ = json.loads(answer["Payload"])
        assert (arn.removeprefix("arn:aws:lambda:us-east-1:000000000000:function:told"), version) == (
            asked,
            seen,
        )
    assert invoke(lab, "told:prod")["ExecutedVersion"] == number
    assert (
        invoke(lab, f"arn:aws:lambda:us-east-1:000000000000:function:told:{number}")["ExecutedVersion"]
        == number
    )


def test_the_tail_of_the_log_comes_when_asked_for(lab):
    answer = invoke(lab, "fails", {"how": "raise"}, LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "START RequestId: " in log
    assert "said before\n" in log
    assert "REPORT RequestId: " in log
    assert "LogResult" not in invoke(lab, "echo", LogType="None")


def test_the_tail_is_four_kilobytes(lab):
    lab.functions.create("talks", "def handler(event, context):\n    print('\\u00e9' * 9000)\n")
    assert len(base64.b64decode(invoke(lab, "talks", LogType="Tail")["LogResult"])) == 4096


def test_the_client_context_reaches_the_function(lab):
    for text in ('{"custom": {"a": 1}}', '{\n  "custom": {"a": 1}\n}', '{"custom":{"a":1},"x":"é"}'):
        context = base64.b64encode(text.encode()).decode()
        assert json.loads(invoke(lab, "told", ClientContext=context)["Payload"])[3] == {"a": 1}


def test_a_tenant_reaches_the_function(lab):
    assert json.loads(invoke(lab, "tenants", TenantId="blue")["Payload"])[4] == "blue"


def test_a_trace_goes_on_and_a_malformed_one_begins_anew(lab):
    lab.functions.create(
        "traced", "import os\ndef handler(event, context):\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    )
    root = "Root=1-67891233-abcdef012345678912345678"
    for header, kept in [
        (f"{root};Parent=53995c3f42cd8ad8;Sampled=1", True),
        (root, True),
        ("Root=1-xx", False),
        ("a\tb", False),
        (f"{root};{'x' * 2000}", False),
    ]:
        answer = ask(OPERATIONS, lab, "Invoke", FunctionName="traced", headers={"x-amzn-trace-id": header})
        assert json.loads(answer["Payload"]).startswith(root) == kept


# -- failures of the function are answers


@pytest.mark.parametrize(
    ("name", "how", "kind", "said"),
    [
        ("fails", "raise", "Odd", "no luck"),
        ("fails", "exit", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: exit status 3"),
        ("fails", "quiet", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited without providing a reason"),
        ("fails", "sleep", "Sandbox.Timedout", "RequestId: {id} Error: Task timed out after 1.00 seconds"),
        ("fails", "memory", "Runtime.OutOfMemory", "RequestId: {id} Error: Runtime exited with error: signal: killed"),
        ("fails", "large", "Function.ResponseSizeTooLarge",
         "Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
        ("broken", "", "Runtime.ImportModuleError", "Unable to import module 'lambda_function': No module named 'nothing_of_that_name'"),
    ],
)  # fmt: skip
def test_a_failure_is_the_payload_that_was_recorded(lab, name, how, kind, said):
    request = "8f1c0c2e-0000-4000-8000-" + f"{abs(hash(how)) % 10**12:012d}"
    answer = ask(
        OPERATIONS,
        lab,
        "Invoke",
        FunctionName=name,
        Payload=json.dumps({"how": how}).encode(),
        request_id=request,
    )
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    told = json.loads(answer["Payload"])
    assert told["errorType"] == kind
    assert told["errorMessage"] == said.format(id=request)
    assert lab.executions.get(request).result_body == answer["Payload"]


# -- what is refused


@pytest.mark.parametrize(
    ("params", "code", "status", "said"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException", 404,
         "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"),
        ({"FunctionName": "echo", "Qualifier": "nope"}, "ResourceNotFoundException", 404,
         "Function not found: arn:aws:lambda:us-east-1:000000000000:function:echo:nope"),
        ({"FunctionName": "echo:99"}, "ResourceNotFoundException", 404,
         "Function not found: arn:aws:lambda:us-east-1:000000000000:function:echo:99"),
        ({"FunctionName": "echo:1", "Qualifier": "2"}, "InvalidParameterValueException", 400, "does not match"),
        ({"FunctionName": "echo", "Payload": b"{'a': 1}"}, "InvalidRequestContentException", 400,
         "Could not parse request body into json: Could not parse payload into json: "),
        ({"FunctionName": "echo", "Payload": b"\xff"}, "InvalidRequestContentException", 400,
         "Could not parse request body into json: Could not parse payload into json: "),
        ({"FunctionName": "echo", "Payload": b"[" * 100_000}, "InvalidRequestContentException", 400,
         "Could not parse request body into json: "),
        ({"FunctionName": "echo", "Payload": b'"' + b"x" * 6 * 1024 * 1024}, "RequestTooLargeException", 413,
         "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"),
        ({"FunctionName": "echo", "ClientContext": "{}"}, "InvalidRequestContentException", 400,
         "Client context must be a valid Base64-encoded JSON object."),
        ({"FunctionName": "echo", "ClientContext": base64.b64encode(b"[1]").decode()},
         "InvalidRequestContentException", 400, "Client context must be a valid Base64-encoded JSON object."),
        ({"FunctionName": "echo", "ClientContext": "é"}, "InvalidRequestContentException", 400,
         "Client context must be a valid Base64-encoded JSON object."),
        ({"FunctionName": "echo", "ClientContext": base64.b64encode(b'{"a":"' + b"x" * 3000 + b'"}').decode()},
         "InvalidRequestContentException", 400, "3583"),
        ({"FunctionName": "echo", "TenantId": "blue"}, "InvalidParameterValueException", 400,
         "The invoked function is not enabled with tenancy configuration."),
        ({"FunctionName": "tenants"}, "InvalidParameterValueException", 400,
         "The invoked function is enabled with tenancy configuration."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun", "stream"])
def test_what_is_wrong_is_refused_in_aws_s_words(lab, params, code, status, said, kind):
    if kind == "stream":
        fault = refused(lab, "InvokeWithResponseStream", **params)
    else:
        fault = refused(lab, InvocationType=kind, **params)
    if status == 413 and kind != "stream":
        limit = 1048576 if kind == "Event" else 6291456
        said = f"6291457 byte payload is too large for the {kind} invocation type (limit {limit} bytes)"
    assert (fault.code, fault.status) == (code, status)
    assert fault.message.startswith(said) or said in fault.message
    assert fault.fields["Type"] == "User"


def test_a_throttle_has_its_reason(lab):
    lab.functions.create("blocked", ECHO)
    lab.functions.reserve("blocked", 0)
    for operation in ("Invoke", "InvokeWithResponseStream"):
        fault = refused(lab, operation, FunctionName="blocked")
        assert (fault.code, fault.status, fault.message) == (
            "TooManyRequestsException",
            429,
            "Rate Exceeded.",
        )
        assert fault.fields == {
            "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
            "Type": "User",
            "retryAfterSeconds": "1",
        }


def test_a_loop_is_stopped(lab):
    from faaslab.backends import trace_header

    arn = "arn:aws:lambda:us-east-1:000000000000:function:echo"
    header = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=0"
    for _ in range(16):
        header = trace_header.entering(header, arn)
    for operation in ("Invoke", "InvokeWithResponseStream"):
        fault = refused(lab, operation, FunctionName="echo", headers={"x-amzn-trace-id": header})
        assert (fault.code, fault.status) == ("RecursiveInvocationException", 400)


# -- Event and DryRun


def test_an_event_is_queued_under_the_id_of_the_request(lab):
    request = "8f1c0c2e-0000-4000-8000-0000000000ee"
    answer = ask(
        OPERATIONS,
        lab,
        "Invoke",
        FunctionName="told",
        InvocationType="Event",
        Payload=b"{}",
        request_id=request,
    )
    assert answer == {"StatusCode": 202, "Payload": b""}
    assert lab.asynchronous.wait(60)
    ran = lab.executions.get(request)
    assert (ran.invocation_type, ran.result[0]) == ("Event", request)


def test_an_event_of_one_megabyte_is_taken_and_a_byte_more_is_not(lab):
    lab.functions.create("size", "def handler(event, context):\n    return len(event)\n")
    just = b'"' + b"x" * (1024 * 1024 - 2) + b'"'
    assert invoke(lab, "size", just, InvocationType="Event")["StatusCode"] == 202
    assert refused(lab, FunctionName="size", Payload=just + b" ", InvocationType="Event").status == 413
    assert lab.asynchronous.wait(60)


def test_invoke_async_queues_an_event(lab):
    answer = ask(OPERATIONS, lab, "InvokeAsync", FunctionName="echo", InvokeArgs=b'{"x": 1}')
    assert answer == {"Status": 202}
    assert lab.asynchronous.wait(60)
    assert (
        refused(lab, "InvokeAsync", FunctionName="nobody", InvokeArgs=b"{}").code
        == "ResourceNotFoundException"
    )
    assert (
        refused(lab, "InvokeAsync", FunctionName="echo", InvokeArgs=b"{").code
        == "InvalidRequestContentException"
    )


def test_a_dry_run_runs_nothing(lab):
    before = len(lab.executions.list(function="echo"))
    assert invoke(lab, "echo", {}, InvocationType="DryRun") == {"StatusCode": 204, "Payload": b""}
    assert refused(lab, FunctionName="nobody", InvocationType="DryRun").status == 404
    assert refused(lab, FunctionName="echo", Payload=b"{", InvocationType="DryRun").status == 400
    assert len(lab.executions.list(function="echo")) == before


# -- streams

STREAMS = """#!/usr/bin/env python3
import http.client, json, os, time
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
def piece(connection, data):
    connection.send(b"%x\\r\\n%s\\r\\n" % (len(data), data))
while True:
    connection = http.client.HTTPConnection(host)
    connection.request("GET", "/2018-06-01/runtime/invocation/next")
    got = connection.getresponse()
    event, name = json.loads(got.read()), got.getheader("Lambda-Runtime-Aws-Request-Id")
    connection.putrequest("POST", f"/2018-06-01/runtime/invocation/{name}/response")
    connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
    connection.putheader("Content-Type", "text/event-stream")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body")
    connection.endheaders()
    for number in range(event["pieces"]):
        piece(connection, b"piece %d\\n" % number)
        while event.get("gate") and not os.path.exists(f"{event['gate']}/{number}"):
            time.sleep(0.005)
    if event.get("dies"):
        os._exit(1)
    connection.send(b"0\\r\\n")
    if event.get("breaks"):
        connection.send(b"Lambda-Runtime-Function-Error-Type: Odd\\r\\n")
        connection.send(b"Lambda-Runtime-Function-Error-Body: eyJlcnJvclR5cGUiOiJPZGQiLCJlcnJvck1lc3NhZ2UiOiJubyBtb3JlIn0=\\r\\n")
    connection.send(b"\\r\\n")
    connection.getresponse().read()
"""


@pytest.fixture
def streams(tmp_path):
    with app.open(store=tmp_path / "s.duckdb", cache=tmp_path / "cache", sandbox="off") as lab:
        lab.functions.create("streams", STREAMS, runtime="provided.al2023", timeout_s=20)
        yield lab


def stream(lab, name, payload, **params):
    return ask(
        OPERATIONS,
        lab,
        "InvokeWithResponseStream",
        FunctionName=name,
        Payload=json.dumps(payload).encode(),
        **params,
    )


def test_pieces_come_as_the_function_makes_them(streams, tmp_path):
    answer = stream(streams, "streams", {"pieces": 3, "gate": str(tmp_path)}, LogType="Tail")
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    events = answer["EventStream"]
    for number in range(3):
        # The function goes on only when its piece was seen here.
        assert next(events) == ("PayloadChunk", {"Payload": b"piece %d\n" % number})
        (tmp_path / str(number)).touch()
    ((kind, last),) = events
    log = base64.b64decode(last.pop("LogResult")).decode()
    assert "REPORT RequestId: " in log
    assert (kind, last) == ("InvokeComplete", {})


@pytest.mark.parametrize(("how", "kind"), [({"breaks": True}, "Odd"), ({"dies": True}, "Runtime.ExitError")])
def test_what_breaks_off_says_so_in_the_end(streams, how, kind):
    *pieces, last = stream(streams, "streams", {"pieces": 2, **how})["EventStream"]
    assert b"".join(each["Payload"] for _, each in pieces) == b"piece 0\npiece 1\n"
    kind_of_event, told = last
    assert kind_of_event == "InvokeComplete"
    assert told["ErrorCode"] == "Unhandled"
    assert json.loads(told["ErrorDetails"])["errorType"] == kind


def test_who_goes_away_leaves_the_function_to_run_on(streams, tmp_path):
    for started in (True, False):
        answer = stream(streams, "streams", {"pieces": 1, "gate": str(tmp_path)})
        if started:
            next(answer["EventStream"])
        del answer  # as the server does whose client has gone
    (tmp_path / "0").touch()
    eventually(lambda: list(streams.executions.list(function="streams").status) == ["completed"] * 2)


def test_a_function_that_answers_whole_is_one_piece(lab):
    *pieces, last = stream(lab, "echo", {"a": 1})["EventStream"]
    assert [json.loads(each["Payload"]) for _, each in pieces] == [{"a": 1}]
    assert last == ("InvokeComplete", {})
    ((_, last),) = stream(lab, "fails", {"how": "raise"})["EventStream"]
    assert json.loads(last["ErrorDetails"])["errorMessage"] == "no luck"


class Breaks:
    """A stream whose record cannot be kept when it ends."""

    version, content_type = "7", None

    def __init__(self):
        self.left = [b"a piece"]
        self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        if self.left:
            return self.left.pop()
        raise StoreFull("the disk is full")

    def close(self):
        self.closed = True


def test_a_failure_of_ours_in_the_middle_is_the_last_event(lab, monkeypatch, caplog):
    breaks = Breaks()
    monkeypatch.setattr(lab.functions, "stream", lambda *_, **__: breaks)
    answer = stream(lab, "echo", {})
    assert answer["ExecutedVersion"] == "7"
    assert list(answer["EventStream"]) == [
        ("PayloadChunk", {"Payload": b"a piece"}),
        ("InvokeComplete", {"ErrorCode": "ServiceException", "ErrorDetails": "the disk is full"}),
    ]
    assert breaks.closed
    assert "StoreFull" in caplog.text


def test_a_dry_run_streams_nothing(lab):
    answer = stream(lab, "echo", {}, InvocationType="DryRun")
    assert (answer["StatusCode"], list(answer["EventStream"])) == (204, [])


# -- many at once


def test_sixty_four_at_once_are_all_answered(lab):
    lab.functions.create("counts", "def handler(event, context):\n    return event['n'] * 2\n")
    wrong = []

    def client(n):
        for turn in range(5):
            answer = invoke(lab, "counts", {"n": n + turn})
            if answer["Payload"] != str((n + turn) * 2).encode():
                wrong.append(answer)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
