"""Every operation of the services that are ours, both ways: botocore writes and we read, we write and it reads."""

import pytest

from faaslab.endpoint.wire import Service
from tests.endpoint.wire.samples import model, operations, received, sent, value

PROTOCOLS = {
    "lambda": ["rest-json"],
    "scheduler": ["rest-json"],
    "logs": ["json"],
    "events": ["json"],
    "stepfunctions": ["json"],
    "cloudwatch": ["smithy-rpc-v2-cbor", "json", "query"],
    "sns": ["query"],
    "sts": ["query"],
    # Not ours; their models have what those have not: greedy labels, maps in queries and headers, JSON in headers,
    # lists in headers, structures that hold themselves, flattened lists.
    "mediastore-data": ["rest-json"],
    "workspaces-web": ["rest-json"],
    "lex-runtime": ["rest-json"],
    "glacier": ["rest-json"],
    "apigateway": ["rest-json"],
    "dynamodb": ["json"],
    "sdb": ["query"],
}
CASES = [
    (service, name, protocol, full)
    for service, protocols in PROTOCOLS.items()
    for _, name in operations(service)
    for protocol in protocols
    for full in (True, False)
]
IDS = [f"{s}.{n}-{p}-{'full' if full else 'least'}" for s, n, p, full in CASES]


@pytest.mark.parametrize(("service", "name", "protocol", "full"), CASES, ids=IDS)
def test_what_botocore_sends_is_what_is_parsed(service, name, protocol, full):
    operation = model(service).operation_model(name)
    params = (
        value(operation.input_shape, full=full, seen=protocol == "query") if operation.input_shape else {}
    )
    request = sent(operation, params, protocol)
    ours = Service.load(service)
    found, spoken = ours.operation(request)
    assert found == name
    assert spoken.startswith(protocol)
    payload = operation.input_shape.serialization.get("payload") if operation.input_shape else None
    if payload and operation.input_shape.members[payload].type_name == "structure":
        params.setdefault(payload, {})  # botocore sends `{}` where there is none
    assert ours.parse(request, found, spoken) == params


@pytest.mark.parametrize(("service", "name", "protocol", "full"), CASES, ids=IDS)
def test_what_is_answered_is_what_botocore_reads(service, name, protocol, full):
    operation = model(service).operation_model(name)
    shape = operation.output_shape
    streams = shape is not None and any(
        one.serialization.get("eventstream") for one in shape.members.values()
    )
    if streams:
        pytest.skip("streams of events have their own tests")
    result = value(shape, full=full) if shape else {}
    spoken = f"json-{model(service).metadata['jsonVersion']}" if protocol == "json" else protocol
    response = Service.load(service).answer(name, result, spoken, request_id="id-1")
    assert dict(response.headers)["x-amzn-RequestId"] == "id-1"
    assert received(operation, response, protocol) == expected(shape, result, response)


def expected(shape, result, response):
    result = dict(result)
    for name, member in (shape.members if shape else {}).items():
        if member.serialization.get("location") == "statusCode":
            result[name] = response.status
        if shape.serialization.get("payload") == name and member.type_name == "blob":
            result[name] = result.get(name, b"")
        if shape.serialization.get("payload") == name and member.type_name == "structure":
            result.setdefault(name, {})
        if (
            member.serialization.get("location") == "header"
            and member.serialization["name"].lower() == "content-type"
        ):
            result.setdefault(name, "application/json")
    return result
