"""Whatever a client asks of a function gets an answer of its own making or a refusal, and never a failure of ours."""

import base64
import json

import pytest
from botocore import parsers
from botocore.session import get_session
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from faaslab import app
from faaslab.endpoint import credentials
from faaslab.endpoint.dispatch import Dispatcher
from faaslab.endpoint.messages import Request
from tests.endpoint.lambda_.test_invoke import ECHO, RAW

MODEL = get_session().get_service_model("lambda")
NAMES = [
    "echo",
    "raw",
    "nobody",
    "echo:1",
    "echo:99",
    "echo:$LATEST",
    "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Aecho",
]
KINDS = ["RequestResponse", "DryRun", "Event", "event", ""]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    with app.open(store=folder / "s.duckdb", cache=folder / "cache", sandbox="off") as lab:
        lab.functions.create("echo", ECHO)
        lab.functions.create("raw", RAW, maximum_retry_attempts=0)
        lab.versions.publish("echo")
        yield lab


def asked(lab, path, *, query=(), headers=None, body=b""):
    request = Request(method="POST", path=path, query=query, headers=headers or {}, body=body)
    dispatcher = Dispatcher(lab)
    return dispatcher.answer(request, dispatcher.ours(request, None), credentials.scope(request.headers, ""))


def read(operation, response):
    """What botocore reads out of it."""
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    shape = MODEL.operation_model(operation)
    headers = {name.lower(): value for name, value in response.headers}
    if operation == "InvokeWithResponseStream" and response.status < 300:
        return {"body": body}
    told = {"status_code": response.status, "headers": headers, "body": body}
    return parsers.create_parser("rest-json").parse(told, shape.output_shape)


@example(name="echo", kind="DryRun", body=b"", context="", more={}, query=[], stream=True)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(KINDS) | HEADER,
    body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()),
    context=st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode())
    | JSON.map(lambda value: base64.b64encode(json.dumps(value).encode()).decode())
    | HEADER,
    more=st.dictionaries(
        st.sampled_from(
            ["x-amz-log-type", "x-amz-tenant-id", "x-amzn-trace-id", "x-amz-durable-execution-name"]
        ),
        HEADER,
    ),
    query=st.lists(
        st.tuples(st.sampled_from(["Qualifier", "qualifier", "x"]), st.text(max_size=20)), max_size=2
    ),
    stream=st.booleans(),
)
def test_no_request_makes_the_server_fail(lab, name, kind, body, context, more, query, stream):
    path = (
        f"/2021-11-15/functions/{name}/response-streaming-invocations"
        if stream
        else f"/2015-03-31/functions/{name}/invocations"
    )
    headers = {"x-amz-client-context": context, **more}
    if kind:
        headers["x-amz-invocation-type"] = kind
    operation = "InvokeWithResponseStream" if stream else "Invoke"
    response = asked(lab, path, query=tuple(query), headers=headers, body=body)
    told = read(operation, response)
    assert response.status < 500
    if response.status >= 400:
        assert told["Error"]["Code"]
        assert told["Error"]["Message"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_that_a_function_answers_come_back(lab, data):
    body = json.dumps({"raw": base64.b64encode(data).decode()}).encode()
    assert asked(lab, "/2015-03-31/functions/raw/invocations", body=body).body == data
