"""Errors as botocore reads them, and for every member with a constraint a value that breaks it."""

import json
import re
from dataclasses import replace

import pytest
from botocore.parsers import create_parser

from faaslab.endpoint.messages import Fault, Request
from faaslab.endpoint.wire import Service
from tests.endpoint.wire.samples import model, not_matching, operations, parts_of, received, sent, value

PROTOCOLS = {
    "lambda": ["rest-json"],
    "scheduler": ["rest-json"],
    "logs": ["json-1.1"],
    "events": ["json-1.1"],
    "stepfunctions": ["json-1.0"],
    "cloudwatch": ["smithy-rpc-v2-cbor", "json-1.0", "query"],
    "sns": ["query"],
    "sts": ["query"],
}
SPOKEN = [(service, protocol) for service, protocols in PROTOCOLS.items() for protocol in protocols]
COMMON = {
    "ValidationException",
    "ValidationError",
    "SerializationException",
    "MalformedInput",
    "UnknownOperationException",
}


def botocores(protocol):
    return "json" if protocol.startswith("json") else protocol


@pytest.mark.parametrize(("service", "protocol"), SPOKEN)
def test_every_error_of_the_model_is_read_by_botocore(service, protocol):
    ours = Service.load(service)
    operation = model(service).operation_model(model(service).operation_names[0])
    for shape in model(service).error_shapes:
        traits = shape.metadata.get("error", {})
        fields = value(shape, full=True)
        fields = {name: one for name, one in fields.items() if name.lower() != "message"}
        fault = Fault(shape.name, "what went <wrong> & why", fields=fields)
        response = ours.refuse(fault, operation.name, protocol, request_id="id-1")
        assert response.status == traits.get("httpStatusCode", 400)
        parsed = create_parser(botocores(protocol)).parse(
            parts_of(operation, response), operation.output_shape
        )
        assert parsed["Error"]["Message"] == fault.message
        old = protocol == "query" or "awsQueryCompatible" in model(service).metadata
        assert parsed["Error"]["Code"] == (traits.get("code", shape.name) if old else shape.name)
        assert parsed["ResponseMetadata"]["RequestId"] == "id-1"
        named = model(service).shape_for_error_code(parsed["Error"]["Code"])
        modelled = received(operation, response, botocores(protocol), named)
        modelled.pop("ResponseMetadata", None)
        for name in named.members if named.name == shape.name else ():
            if name.lower() == "message":
                assert modelled[name] == fault.message
            elif name in fields:
                assert modelled[name] == fields[name]


@pytest.mark.parametrize(("service", "protocol"), SPOKEN)
def test_an_error_that_the_model_does_not_have(service, protocol):
    ours = Service.load(service)
    operation = model(service).operation_model(model(service).operation_names[0])
    response = ours.refuse(Fault("InternalFailure", "no", status=500), None, protocol, request_id="id-1")
    parsed = received(operation, response, botocores(protocol))
    assert response.status == 500
    assert (parsed["Error"]["Code"], parsed["Error"]["Message"]) == ("InternalFailure", "no")


def test_what_lambda_says():
    response = Service.load("lambda").refuse(
        Fault("TooManyRequestsException", "Rate Exceeded.", fields={"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "1"}),
        "Invoke", "rest-json", request_id="id-1",
    )  # fmt: skip
    assert response.status == 429
    assert response.body == b'{"Type":"User","message":"Rate Exceeded.","Reason":"CallerRateLimitExceeded"}'
    assert response.headers == (
        ("x-amzn-RequestId", "id-1"),
        ("Retry-After", "1"),
        ("x-amzn-ErrorType", "TooManyRequestsException"),
        ("Content-Type", "application/json"),
    )


def broken(shape, path=()):
    """(path, value) for each way to break a constraint of the shape or of what is in it."""
    traits, kind = shape.metadata, shape.type_name
    if kind in {"string", "blob"}:
        blank = "" if kind == "string" else b""
        if shape.metadata.get("enum"):
            yield path, "NoSuchWord"
        if traits.get("min", 0) > 0:
            yield path, blank
        if traits.get("max") is not None and traits["max"] < 100_000:
            yield path, (b"x" if kind == "blob" else "x") * (traits["max"] + 1)
        if traits.get("pattern") and (bad := not_matching(traits["pattern"])):
            yield path, bad
    elif kind in {"integer", "long", "float", "double"}:
        if "min" in traits:
            yield path, traits["min"] - 1
        if "max" in traits and traits["max"] < 2**31 - 1:
            yield path, traits["max"] + 1
    elif kind == "list":
        if traits.get("max") is not None and traits["max"] <= 1000:
            yield path, [value(shape.member, full=False, seen=True)] * (traits["max"] + 1)
        if len(path) < 4:
            for where, bad in broken(shape.member, (*path, 0)):
                yield where, bad
    elif kind == "structure" and len(path) < 4:
        for name, member in shape.members.items():
            yield from broken(member, (*path, name))
        for name in shape.required_members:
            yield (*path, name), None


def put(params, path, bad):
    """The parameters with one value put in, or taken out where it is None."""
    if not path:
        return bad
    step, *rest = path
    if isinstance(step, int):
        return [put(params[0] if params else None, rest, bad)]
    made = dict(params or {})
    if bad is None and not rest:
        made.pop(step, None)
        return made
    made[step] = put(made.get(step), rest, bad)
    return made


@pytest.mark.parametrize(("service", "protocol"), SPOKEN)
def test_every_broken_constraint_is_refused(service, protocol):
    ours = Service.load(service)
    refused = 0
    for _, name in operations(service):
        operation = model(service).operation_model(name)
        shape = operation.input_shape
        if shape is None or shape.name == "none":
            continue
        good = value(shape, full=True, seen=True)
        for path, bad in broken(shape):
            location = shape.members[path[0]].serialization.get("location")
            if bad is None and (location == "uri" or (protocol == "query" and len(path) > 1)):
                continue  # a form does not carry a structure that is empty without its member
            if service == "lambda" and path == ("Runtime",):
                continue  # Lambda has its own words for it
            if (location in {"uri", "header"} or not operation_carries(bad, protocol)) and bad in (
                "",
                b"",
                "\n",
                "\u2028",
                "\x01",
                [],
            ):
                continue  # a path cannot be without a name, and a header has no control characters
            params = put(good, path, bad)
            request = sent(operation, params, botocores(protocol))
            found, spoken = ours.operation(request)
            with pytest.raises(Fault) as caught:
                pytest.fail(f"{name} took {bad!r:.99} at {path}: {ours.parse(request, found, spoken)}")
            fault = caught.value
            refused += 1
            assert known(operation, fault.code), (name, path, fault.code)
            response = ours.refuse(fault, name, spoken, request_id="id-1")
            assert 400 <= response.status < 500
            error = received(operation, response, botocores(protocol))["Error"]
            assert error["Code"]
            said = re.sub(r"[\x00-\x08]", "\ufffd", fault.message) if spoken == "query" else fault.message
            assert error["Message"] == said
    assert refused > 20


WRONG = {
    "string": (7, True, [], {}),
    "boolean": (1, "perhaps", [], {}),
    "integer": ("1", True, [], {}),
    "long": ("1", True, [], {}),
    "float": ("1", True, [], {}),
    "double": ("1", True, [], {}),
    "blob": (7, True, [], {}),
    "timestamp": (True, "today", [], {}),
    "list": (7, "x", True, {}),
    "map": (7, "x", True, []),
    "structure": (7, "x", True, []),
}


@pytest.mark.parametrize(
    ("service", "protocol"), [one for one in SPOKEN if one[1] not in {"query", "smithy-rpc-v2-cbor"}]
)
def test_every_member_of_another_type_is_refused(service, protocol):
    ours = Service.load(service)
    refused = 0
    for _, name in operations(service):
        operation = model(service).operation_model(name)
        shape = operation.input_shape
        if shape is None or "payload" in shape.serialization:
            continue
        request = sent(operation, value(shape, full=True), botocores(protocol))
        for member, its in shape.members.items():
            if its.serialization.get("location") or getattr(its, "is_document_type", False):
                continue
            for bad in WRONG[its.type_name]:
                body = json.loads(request.body)
                body[its.serialization.get("name", member)] = bad
                asked = replace(request, body=json.dumps(body).encode())
                with pytest.raises(Fault) as caught:
                    pytest.fail(
                        f"{name} took {bad!r} as {member}: {ours.parse(asked, *ours.operation(asked))}"
                    )
                assert caught.value.code == "SerializationException"
                assert caught.value.message
                refused += 1
    assert refused > 50


def operation_carries(bad, protocol):
    return protocol != "query" or bad != []


def known(operation, code):
    return code in COMMON or code in {shape.name for shape in operation.error_shapes}


@pytest.mark.parametrize(
    ("service", "request_", "code", "status"),
    [
        ("lambda", Request(method="GET", path="/nowhere"), "UnknownOperationException", 404),
        ("lambda", Request(method="PATCH", path="/2015-03-31/functions"), "UnknownOperationException", 404),
        ("lambda", Request(method="GET", path="/2015-03-31/functions//policy"), "UnknownOperationException", 404),
        ("events", Request(method="POST", path="/"), "UnknownOperationException", 400),
        ("events", Request(method="POST", path="/", headers={"x-amz-target": "AWSEvents.Nothing"}), "UnknownOperationException", 400),
        ("events", Request(method="POST", path="/", headers={"x-amz-target": "Other.PutEvents"}), "UnknownOperationException", 400),
        ("sns", Request(method="POST", path="/", body=b"Action=Nothing"), "InvalidAction", 400),
        ("sns", Request(method="POST", path="/"), "MissingAction", 400),
        ("cloudwatch", Request(method="POST", path="/service/X/operation/ListMetrics", headers={"smithy-protocol": "rpc-v2-cbor"}), "UnknownOperationException", 404),
    ],
)  # fmt: skip
def test_no_such_operation(service, request_, code, status):
    ours = Service.load(service)
    with pytest.raises(Fault) as caught:
        ours.operation(request_)
    assert (caught.value.code, caught.value.status) == (code, status)
    response = ours.refuse(caught.value, None, ours.protocol(request_), request_id="id-1")
    operation = model(service).operation_model(model(service).operation_names[0])
    protocol = botocores(ours.protocol(request_))
    assert received(operation, response, protocol)["Error"]["Code"] == code


def test_a_service_in_a_protocol_that_is_not_spoken():
    with pytest.raises(Fault, match="The protocol of s3 is not spoken here"):
        Service.load("s3").operation(Request(method="GET", path="/bucket"))
