"""A service as a whole: several threads at once, bodies that are compressed, and how clients of many kinds ask."""

import gzip
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from faaslab.endpoint.messages import Fault, Request
from faaslab.endpoint.wire import Service, compression
from faaslab.endpoint.wire.service import _load
from tests.endpoint.wire.samples import model, sent, value


def parsed(service, request):
    ours = Service.load(service)
    name, protocol = ours.operation(request)
    return name, protocol, ours.parse(request, name, protocol)


def invoke(path, **more):
    return Request(method="POST", path=path, body=b"{}", **more)


@pytest.fixture
def often():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_the_first_requests_come_all_at_once(often):
    """What one thread is still making no other takes for whole."""
    operation = model("lambda").operation_model("CreateFunction")
    params = value(operation.input_shape, full=True)
    request = sent(operation, params, "rest-json")
    read = Loader().load_service_model("lambda", "service-2")
    for _ in range(5):
        fresh = Service(ServiceModel(read, service_name="lambda"))
        together = Barrier(6)

        def ask(fresh=fresh, together=together):
            together.wait()
            return fresh.parse(request, *fresh.operation(request))

        with ThreadPoolExecutor(6) as threads:
            asked = [threads.submit(ask) for _ in range(6)]
        assert all(one.result() == params for one in asked)


def test_models_of_the_user_are_not_the_servers(tmp_path, monkeypatch):
    folder = tmp_path / "lambda" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(
        '{"metadata": {"protocol": "rest-json"}, "operations": {}, "shapes": {}}'
    )
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path))
    _load.cache_clear()
    assert "Invoke" in Service.load("lambda").operations


@pytest.mark.parametrize("protocol", ["smithy-rpc-v2-cbor", "json", "query"])
def test_metrics_come_compressed(protocol):
    operation = model("cloudwatch").operation_model("PutMetricData")
    params = value(operation.input_shape, full=False, seen=True)
    params["MetricData"] = [{"MetricName": f"m{one}", "Value": 1.5} for one in range(500)]
    plain = sent(operation, params, protocol)
    request = Request(
        method="POST",
        path=plain.path,
        headers={**plain.headers, "content-encoding": "gzip"},
        body=gzip.compress(plain.body),
    )
    assert parsed("cloudwatch", request)[2] == params


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no gzip", "SerializationException"),
        (gzip.compress(b"Action=ListTopics")[:-9], "SerializationException"),
        (gzip.compress(b"\x00" * (compression.LARGEST + 1)), "RequestEntityTooLarge"),
        (b"", "SerializationException"),
    ],
)
def test_what_is_no_gzip_or_too_much_of_it(body, code):
    with pytest.raises(Fault) as caught:
        Service.load("sns").operation(
            Request(method="POST", path="/", headers={"content-encoding": "gzip"}, body=body)
        )
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/2015-03-31/functions/score/invocations", "score"),
        ("/2015-03-31/functions/score/invocations/", "score"),
        ("//2015-03-31/functions/score/invocations", "score"),
        ("/2015-03-31/functions/score%3Aprod/invocations", "score:prod"),
        ("/2015-03-31/functions/score:prod/invocations", "score:prod"),
        (
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ascore/invocations",
            "arn:aws:lambda:us-east-1:000000000000:function:score",
        ),
        (
            "/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:score/invocations",
            "arn:aws:lambda:us-east-1:000000000000:function:score",
        ),
        ("/2015-03-31/functions/score%3A%24LATEST/invocations", "score:$LATEST"),
        ("/2015-03-31/functions/invocations/invocations", "invocations"),
    ],
)
def test_how_a_function_is_named_in_a_path(path, name):
    assert parsed("lambda", invoke(path)) == ("Invoke", "rest-json", {"FunctionName": name, "Payload": b"{}"})


@pytest.mark.parametrize(
    ("method", "path", "query", "name"),
    [
        ("GET", "/2018-10-31/layers", (), "ListLayers"),
        ("GET", "/2018-10-31/layers", (("find", "LayerVersion"), ("Arn", "x")), "GetLayerVersionByArn"),
        ("GET", "/2018-10-31/layers", (("find", "Other"),), "ListLayers"),
        ("GET", "/2019-09-30/functions/f/provisioned-concurrency", (("Qualifier", "1"),), "GetProvisionedConcurrencyConfig"),
        ("GET", "/2019-09-30/functions/f/provisioned-concurrency", (("List", "ALL"),), "ListProvisionedConcurrencyConfigs"),
        ("GET", "/2019-09-25/functions/f/event-invoke-config/list", (), "ListFunctionEventInvokeConfigs"),
        ("GET", "/2019-09-25/functions/list/event-invoke-config", (), "GetFunctionEventInvokeConfig"),
        ("DELETE", "/2015-03-31/functions/f", (), "DeleteFunction"),
    ],
)  # fmt: skip
def test_what_a_path_is_for(method, path, query, name):
    assert Service.load("lambda").operation(Request(method=method, path=path, query=query))[0] == name


@pytest.mark.parametrize(
    "path",
    [
        "/2015-03-31/functions//invocations",
        "/2015-03-31//functions/f/invocations",
        "/2015-03-31/functions/f/invocations/more",
        "/2015-03-31/functions/a/b/invocations",
        "/2015-03-31/Functions/f/invocations",
        "/",
        "",
    ],
)
def test_a_path_that_is_for_nothing(path):
    with pytest.raises(Fault, match="There is no operation"):
        Service.load("lambda").operation(invoke(path))


def test_an_arn_with_slashes_in_the_path():
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f:1/durable-execution/a/b"
    operation = model("lambda").operation_model("StopDurableExecution")
    request = sent(operation, {"DurableExecutionArn": arn}, "rest-json")
    assert parsed("lambda", request)[2]["DurableExecutionArn"] == arn


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({}, {}),
        ({"x-amz-invocation-type": "Event"}, {"InvocationType": "Event"}),
        ({"x-amz-log-type": "Tail", "content-type": "application/octet-stream"}, {"LogType": "Tail"}),
        ({"x-amz-client-context": "e30="}, {"ClientContext": "e30="}),
        ({"content-type": "application/x-www-form-urlencoded"}, {}),
    ],
)
def test_what_comes_with_an_invocation(headers, params):
    _, _, found = parsed("lambda", invoke("/2015-03-31/functions/f/invocations", headers=headers))
    assert found == {"FunctionName": "f", "Payload": b"{}", **params}


def test_an_invocation_without_a_body():
    request = Request(method="POST", path="/2015-03-31/functions/f/invocations")
    assert parsed("lambda", request)[2] == {"FunctionName": "f"}


@pytest.mark.parametrize(
    "media", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"]
)
def test_a_form_is_no_definition_of_a_function(media):
    request = Request(
        method="POST", path="/2015-03-31/functions", headers={"content-type": media}, body=b"{}"
    )
    with pytest.raises(Fault) as caught:
        parsed("lambda", request)
    assert (caught.value.code, caught.value.status) == ("UnsupportedMediaTypeException", 415)


@pytest.mark.parametrize(
    "media", ["", "application/json", "application/json; charset=utf-8", "application/x-amz-json-1.1"]
)
def test_names_of_json(media):
    request = Request(
        method="PUT",
        path="/2017-10-31/functions/f/concurrency",
        headers={"content-type": media},
        body=b'{"ReservedConcurrentExecutions":1}',
    )
    assert parsed("lambda", request)[2] == {"FunctionName": "f", "ReservedConcurrentExecutions": 1}


def test_members_that_the_model_does_not_have_are_passed_over():
    request = Request(
        method="PUT",
        path="/2017-10-31/functions/f/concurrency",
        query=(("Unknown", "1"),),
        headers={"x-amz-new": "1"},
        body=b'{"ReservedConcurrentExecutions":1,"New":{"a":[]},"FunctionName":"other"}',
    )
    assert parsed("lambda", request)[2] == {"FunctionName": "f", "ReservedConcurrentExecutions": 1}


def test_null_is_absent():
    request = Request(method="POST", path="/2015-03-31/functions/f/versions", body=b'{"Description":null}')
    assert parsed("lambda", request)[2] == {"FunctionName": "f"}


def test_null_in_a_list():
    body = b'{"Entries":[null,{"Source":"s","DetailType":"t","Detail":"{}","Resources":[null,"r"]}]}'
    request = Request(method="POST", path="/", headers={"x-amz-target": "AWSEvents.PutEvents"}, body=body)
    (entry,) = parsed("events", request)[2]["Entries"]
    assert entry["Resources"] == ["r"]
    request = Request(method="PUT", path="/2015-03-31/functions/f/configuration", body=b'{"Layers":[null]}')
    with pytest.raises(
        Fault,
        match=r"Value '\[null\]' at 'layers' failed to satisfy constraint: .*, Member must not be null\]",
    ):
        parsed("lambda", request)


@pytest.mark.parametrize(
    ("target", "media", "protocol"),
    [
        ("AWSEvents.PutEvents", "application/x-amz-json-1.1", "json-1.1"),
        ("AWSEvents.PutEvents", "application/x-amz-json-1.0", "json-1.0"),
        ("AWSEvents.PutEvents", "application/json", "json-1.1"),
        ("AWSEvents.PutEvents", "", "json-1.1"),
    ],
)
def test_the_version_of_json_is_that_of_the_request(target, media, protocol):
    request = Request(
        method="POST", path="/", headers={"x-amz-target": target, "content-type": media}, body=b"{}"
    )
    ours = Service.load("events")
    assert ours.operation(request) == ("PutEvents", protocol)
    answer = dict(ours.answer("PutEvents", {"FailedEntryCount": 0}, protocol, request_id="i").headers)
    assert answer["Content-Type"] == f"application/x-amz-{protocol}"


def test_a_query_may_be_in_the_address():
    request = Request(
        method="GET", path="/", query=(("Action", "GetCallerIdentity"), ("Version", "2011-06-15"))
    )
    assert parsed("sts", request) == ("GetCallerIdentity", "query", {})


def test_lists_in_a_form_are_sorted_by_their_numbers():
    body = b"Action=TagResource&ResourceArn=a&Tags.member.10.Key=c&Tags.member.10.Value=&Tags.member.2.Key=b&Tags.member.2.Value=2"
    assert parsed("sns", Request(method="POST", path="/", body=body))[2]["Tags"] == [
        {"Key": "b", "Value": "2"},
        {"Key": "c", "Value": ""},
    ]


def test_an_answer_in_xml():
    answer = Service.load("sns").answer("CreateTopic", {"TopicArn": "a<b"}, "query", request_id="id-1")
    assert answer.body == (
        b'<CreateTopicResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><CreateTopicResult>'
        b"<TopicArn>a&lt;b</TopicArn></CreateTopicResult><ResponseMetadata><RequestId>id-1</RequestId>"
        b"</ResponseMetadata></CreateTopicResponse>"
    )


def test_an_error_in_xml():
    refused = Service.load("sns").refuse(
        Fault("NotFoundException", "no topic"), "Publish", "query", request_id="id-1"
    )
    assert refused.status == 404
    assert refused.body == (
        b'<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type>'
        b"<Code>NotFound</Code><Message>no topic</Message><message>no topic</message></Error>"
        b"<RequestId>id-1</RequestId></ErrorResponse>"
    )
