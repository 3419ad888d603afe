"""Whatever comes over the wire is parsed or refused, and whatever is answered is readable."""

import json

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faaslab.endpoint.messages import Fault, Request
from faaslab.endpoint.wire import Service, cbor
from tests.endpoint.wire.samples import model, operations, parts_of, sent, value

SERVICES = ["lambda", "scheduler", "logs", "events", "stepfunctions", "cloudwatch", "sns", "sts"]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    sorted(
        {
            m
            for s in SERVICES
            for n in model(s).shape_names
            for m in getattr(model(s).shape_for(n), "members", {})
        }
    )
)
headers = st.dictionaries(
    st.sampled_from(
        [
            "content-type",
            "x-amz-target",
            "smithy-protocol",
            "x-amz-invocation-type",
            "x-amz-log-type",
            "x-amz-client-context",
        ]
    ),
    st.sampled_from(
        ["application/json", "application/x-amz-json-1.1", "rpc-v2-cbor", "application/x-www-form-urlencoded"]
    )
    | st.text(max_size=20),
)


def taken(service, request):
    """The parameters, or the fault that it is; the answer to a fault can be read."""
    ours = Service.load(service)
    protocol, name = ours.protocol(request), None
    try:
        name, protocol = ours.operation(request)
        return ours.parse(request, name, protocol)
    except Fault as fault:
        response = ours.refuse(fault, name, protocol, request_id="i")
        operation = model(service).operation_model(name or model(service).operation_names[0])
        botocores = "json" if protocol.startswith("json") else protocol
        parsed = create_parser(botocores).parse(parts_of(operation, response), operation.output_shape)
        assert parsed["Error"]["Code"]
        return fault


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(SERVICES),
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "\x00"]),
    st.text(st.characters(max_codepoint=255)) | st.text("/%2fabc.:{}?#", max_size=40),
    st.lists(st.tuples(st.text(max_size=9) | names, st.text(max_size=9)), max_size=4),
    headers,
    st.binary(max_size=200) | anything.map(json.dumps).map(str.encode),
)
@example("lambda", "GET", "/2015-03-31/functions/%ff", [], {}, b"")
@example("lambda", "GET", "/" * 5000, [], {}, b"")
@example("lambda", "GET", "/2015-03-31/functions", [("MaxItems", "9" * 5000)], {}, b"")
@example("lambda", "GET", "/2015-03-31/functions", [("MaxItems", "١")], {}, b"")
@example("sns", "POST", "/", [("Action", "Publish")], {}, b"Message=%ff")
@example("sns", "POST", "/", [("Action", "Publish")], {}, b"&a=" * 30_000)
@example(
    "sns",
    "POST",
    "/",
    [],
    {},
    b"Action=Publish&Message.x=1&MessageAttributes.entry.1.Name.Name=1&MessageAttributes.entry=2",
)
@example("sns", "POST", "/", [], {}, b"Action=PublishBatch&" + b"." * 50_000 + b"=1")
@example(
    "sns", "POST", "/", [], {}, b"Action=PublishBatch&PublishBatchRequestEntries.member.0x1.Id=1&TopicArn=a"
)
def test_anything_over_the_wire(service, method, path, query, headers, body):
    taken(service, Request(method=method, path=path, query=tuple(query), headers=headers, body=body))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_request_with_something_else_put_in(data):
    service, name = data.draw(st.sampled_from(operations(*SERVICES)))
    operation = model(service).operation_model(name)
    protocol = data.draw(st.sampled_from(model(service).metadata.get("protocols")))
    if operation.input_shape is None or protocol == "query":
        return
    request = sent(operation, value(operation.input_shape, full=True), protocol)
    if protocol == "smithy-rpc-v2-cbor":
        good = cbor.loads(request.body)
        body = cbor.dumps(data.draw(put_in(good)))
    else:
        try:
            good = json.loads(request.body or b"{}")
        except ValueError:
            good = {}
        body = json.dumps(data.draw(put_in(good))).encode()
    taken(
        service,
        Request(
            method=request.method, path=request.path, query=request.query, headers=request.headers, body=body
        ),
    )


@st.composite
def put_in(draw, good):
    """A body with one of its parts, however deep, exchanged for anything."""
    if isinstance(good, dict) and good and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(good)))
        return {**good, key: draw(put_in(good[key]))}
    if isinstance(good, list) and good and draw(st.booleans()):
        return [draw(put_in(good[0])), *good[1:]]
    return draw(anything)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["ListMetrics", "PutMetricData", "PutMetricAlarm"]), st.binary(max_size=60))
@example("PutMetricData", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff")
@example("PutMetricData", b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff")
@example("PutMetricData", b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff")
@example("PutMetricData", b"\x9f" * 100_000)
@example("PutMetricData", b"\x81" * 100_000)
@example("PutMetricData", b"\xc1" * 100_000)
@example("PutMetricData", b"\x7f\x61")
@example("PutMetricData", b"\xa1\x80\x01")
@example("PutMetricData", b"\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00")
@example("PutMetricData", b"\xbf\x61a")
def test_broken_cbor(name, body):
    path = f"/service/GraniteServiceVersion20100801/operation/{name}"
    taken(
        "cloudwatch", Request(method="POST", path=path, headers={"smithy-protocol": "rpc-v2-cbor"}, body=body)
    )


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(plain)
def test_cbor_there_and_back(given_value):
    assert cbor.loads(cbor.dumps(given_value)) == given_value


@settings(max_examples=100, deadline=None)
@given(plain.filter(lambda one: one is not None))
def test_botocore_reads_our_cbor(given_value):
    parser = create_parser("smithy-rpc-v2-cbor")
    found = parser.parse_data_item(parser.get_peekable_stream_from_bytes(cbor.dumps({"a": given_value})))
    assert found.get("a") == without_nulls(given_value)


def without_nulls(given_value):
    if isinstance(given_value, dict):
        return {key: without_nulls(one) for key, one in given_value.items() if one is not None}
    return [without_nulls(one) for one in given_value] if isinstance(given_value, list) else given_value


deep = {
    "json": (b'{"a":' * 50_000, b"[" * 200_000, b'{"FunctionName":' + b"[" * 900 + b"]" * 900 + b"}"),
    "numbers": (
        b'{"Timeout":' + b"9" * 100_000 + b"}",
        b'{"Timeout":1e999}',
        b'{"Timeout":-0.0}',
        b'{"Timeout":NaN}',
    ),
    "texts": (
        b'{"FunctionName":"\\ud800"}',
        b'{"FunctionName":"\xed\xa0\x80"}',
        b'{"FunctionName":"\\u0000"}',
        b"\xef\xbb\xbf{}",
    ),
}


@pytest.mark.parametrize("body", [body for bodies in deep.values() for body in bodies])
def test_hostile_json(body):
    assert isinstance(taken("lambda", Request(method="POST", path="/2015-03-31/functions", body=body)), Fault)


texts = st.text(st.characters(), max_size=30)


@settings(max_examples=100, deadline=None)
@given(texts, st.sampled_from(["\ud800", "\x00", "\r\n", "]]>", "<&>", "\u2028", ""]))
def test_whatever_is_answered_can_be_read(text, more):
    text = more + text
    fields = {"Attributes": {text: text}}
    body = Service.load("sns").answer("GetTopicAttributes", fields, "query", request_id="i")
    shape = model("sns").operation_model("GetTopicAttributes")
    create_parser("query").parse(parts_of(shape, body), shape.output_shape)
    result = {"FunctionName": text, "Environment": {"Variables": {"A": text}}}
    answer = Service.load("lambda").answer("CreateFunction", result, "rest-json", request_id="i")
    shape = model("lambda").operation_model("CreateFunction")
    parsed = create_parser("rest-json").parse(parts_of(shape, answer), shape.output_shape)
    assert parsed["FunctionName"] == text
    answer = Service.load("cloudwatch").answer(
        "ListMetrics", {"NextToken": text}, "smithy-rpc-v2-cbor", request_id="i"
    )
    shape = model("cloudwatch").operation_model("ListMetrics")
    create_parser("smithy-rpc-v2-cbor").parse(parts_of(shape, answer), shape.output_shape)
    answer = Service.load("lambda").answer("Invoke", {"FunctionError": text}, "rest-json", request_id="i")
    for _, header in answer.headers:
        assert header.encode("latin-1").decode("latin-1").isprintable() or not {"\r", "\n", "\x00"} & set(
            header
        )


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80) | st.text("Tags.member1Kyentrvalu=&%", max_size=80).map(str.encode))
def test_broken_forms(body):
    taken("sns", Request(method="POST", path="/", query=(("Action", "TagResource"),), body=body))


def test_what_botocore_makes_of_awkward_texts_comes_back():
    operation = model("sns").operation_model("Publish")
    params = {
        "TopicArn": "a",
        "Message": " &=+%\x7fü\u2028\U0001f600",
        "MessageAttributes": {"a.b": {"DataType": "x", "BinaryValue": b"\x00"}},
    }
    made = create_serializer("query", include_validation=False)
    assert made.serialize_to_request(params, operation)["body"]["Action"] == "Publish"
    assert taken("sns", sent(operation, params, "query")) == params
