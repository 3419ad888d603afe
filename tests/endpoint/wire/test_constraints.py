"""AWS's words for what a model forbids."""

import pytest

from faaslab.endpoint.messages import Fault, Request
from faaslab.endpoint.wire import Service

CREATE = b'{"FunctionName":"score","Role":"arn:aws:iam::000000000000:role/r","Code":{}%s}'


def refused(request, service="lambda"):
    ours = Service.load(service)
    name, protocol = ours.operation(request)
    with pytest.raises(Fault) as caught:
        ours.parse(request, name, protocol)
    return caught.value


def create(more):
    return Request(method="POST", path="/2015-03-31/functions", body=CREATE % more)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            b',"MemorySize":1',
            "Value '1' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128",
        ),
        (
            b',"Architectures":["foo"]',
            (
                "Value '[foo]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: "
                "[Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
            ),
        ),
        (
            b',"Environment":{"Variables":{"_A":"secret"}}',
            (
                "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: "
                "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]"
            ),
        ),
        (
            b',"EphemeralStorage":{"Size":1}',
            (
                "Value '1' at 'ephemeralStorage.size' failed to satisfy constraint: "
                "Member must have value greater than or equal to 512"
            ),
        ),
        (
            b',"TracingConfig":{"Mode":"No"}',
            (
                "Value 'No' at 'tracingConfig.mode' failed to satisfy constraint: "
                "Member must satisfy enum value set: [Active, PassThrough]"
            ),
        ),
        (
            b',"FileSystemConfigs":[{"Arn":"x","LocalMountPath":"/mnt/a"}]',
            "Value 'x' at 'fileSystemConfigs.1.member.arn' failed to satisfy constraint: Member must satisfy",
        ),
    ],
)
def test_one_violation(more, words):
    fault = refused(create(more))
    assert fault.code == "ValidationException"
    assert fault.status == 400
    assert fault.message.startswith(f"1 validation error detected: {words}")


def test_every_violation_is_named_in_one_message():
    fault = refused(
        Request(method="POST", path="/2015-03-31/functions", body=b'{"FunctionName":"a b","Timeout":0}')
    )
    first, *others = fault.message.split("; ")
    assert first.startswith("4 validation errors detected: Value 'a b' at 'functionName' failed to satisfy")
    assert others == [
        "Value null at 'role' failed to satisfy constraint: Member must not be null",
        "Value null at 'code' failed to satisfy constraint: Member must not be null",
        "Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ]


def test_a_runtime_is_left_to_lambda_itself():
    ours = Service.load("lambda")
    name, protocol = ours.operation(request := create(b',"Runtime":"cobol85"'))
    assert ours.parse(request, name, protocol)["Runtime"] == "cobol85"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (b',"MemorySize":"256"', "STRING_VALUE can not be converted to an Integer"),
        (b',"Description":7', "NUMBER_VALUE can not be converted to a String"),
        (b',"Publish":1', "NUMBER_VALUE can not be converted to a Boolean"),
        (b',"Description":true', "TRUE_VALUE can not be converted to a String"),
        (b',"Layers":"x"', "Expected list or null"),
        (b',"Layers":{}', "Start of structure or map found where not expected."),
        (b',"Tags":[]', "Start of list found where not expected"),
        (b',"Tags":1', "Expected map or null"),
        (b',"VpcConfig":[]', "Start of list found where not expected"),
        (b',"VpcConfig":"x"', "Expected null"),
        (b',"Layers":[{}]', "Start of structure or map found where not expected."),
    ],
)
def test_another_type(more, words):
    fault = refused(create(more))
    assert (fault.code, fault.status, fault.message) == ("SerializationException", 400, words)


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b"3", b'"x"', b"\xff", b'{"FunctionName":"\\ud800"}', b"[" * 9999]
)
def test_a_body_that_is_no_json_object(body):
    assert (
        refused(Request(method="POST", path="/2015-03-31/functions", body=body)).code
        == "SerializationException"
    )
