"""Streams of events and of bytes, as botocore reads them."""

import io

import pytest
from botocore.awsrequest import HeadersDict
from botocore.exceptions import EventStreamError
from botocore.parsers import create_parser

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.wire import Service
from tests.endpoint.wire.samples import model, value


class Body:
    """A response's body whose pieces come as they were sent, as urllib3 has it."""

    def __init__(self, pieces):
        self._pieces = pieces

    def stream(self):
        yield from self._pieces

    def close(self):
        pass


def read(service, name, protocol, response):
    operation = model(service).operation_model(name)
    parts = {
        "body": Body(response.body),
        "headers": HeadersDict(response.headers),
        "status_code": response.status,
        "context": {"operation_name": name},
    }
    return create_parser(protocol).parse(parts, operation.output_shape)


def test_a_function_that_streams():
    def events():
        yield "PayloadChunk", {"Payload": b"one \x00\xff"}
        yield "PayloadChunk", {"Payload": b"x" * 100_000}
        yield "InvokeComplete", {"LogResult": "abc"}

    result = {
        "StatusCode": 200,
        "ExecutedVersion": "1",
        "ResponseStreamContentType": "text/html",
        "EventStream": events(),
    }
    response = Service.load("lambda").answer(
        "InvokeWithResponseStream", result, "rest-json", request_id="id-1"
    )
    assert dict(response.headers)["Content-Type"] == "application/vnd.amazon.eventstream"
    parsed = read("lambda", "InvokeWithResponseStream", "rest-json", response)
    assert parsed["StatusCode"] == 200
    assert parsed["ExecutedVersion"] == "1"
    assert parsed["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert list(parsed["EventStream"]) == [
        {"PayloadChunk": {"Payload": b"one \x00\xff"}},
        {"PayloadChunk": {"Payload": b"x" * 100_000}},
        {"InvokeComplete": {"LogResult": "abc"}},
    ]


def test_events_are_sent_as_they_come():
    seen = []

    def events():
        for number in range(3):
            seen.append(number)
            yield "PayloadChunk", {"Payload": b"%d" % number}

    response = Service.load("lambda").answer(
        "InvokeWithResponseStream", {"EventStream": events()}, "rest-json", request_id="i"
    )
    assert seen == []
    next(response.body)
    assert seen == [0]


def test_a_fault_on_the_way_is_the_last_event():
    def events():
        yield "PayloadChunk", {"Payload": b"one"}
        raise Fault("ServiceException", "it broke")

    response = Service.load("lambda").answer(
        "InvokeWithResponseStream", {"EventStream": events()}, "rest-json", request_id="i"
    )
    stream = iter(read("lambda", "InvokeWithResponseStream", "rest-json", response)["EventStream"])
    assert next(stream) == {"PayloadChunk": {"Payload": b"one"}}
    with pytest.raises(EventStreamError, match=r"\(ServiceException\).*it broke"):
        next(stream)


@pytest.mark.parametrize("name", ["StartLiveTail", "GetLogObject"])
def test_every_event_of_logs(name):
    operation = model("logs").operation_model(name)
    (member,) = operation.output_shape.members
    stream = operation.output_shape.members[member]
    events = [
        (one, value(shape, full=True))
        for one, shape in stream.members.items()
        if not shape.metadata.get("exception")
    ]
    response = Service.load("logs").answer(name, {member: iter(events)}, "json-1.1", request_id="i")
    assert list(read("logs", name, "json", response)[member]) == [{one: fields} for one, fields in events]
    exceptions = [one for one, shape in stream.members.items() if shape.metadata.get("exception")]

    def failing():
        raise Fault(exceptions[0], "it broke")
        yield

    response = Service.load("logs").answer(name, {member: failing()}, "json-1.1", request_id="i")
    with pytest.raises(EventStreamError, match=rf"\({exceptions[0]}\).*it broke"):
        list(read("logs", name, "json", response)[member])


@pytest.mark.parametrize(
    ("payload", "pieces"),
    [
        (b"whole", [b"whole"]),
        ("text", [b"text"]),
        (iter([b"a", b"b"]), [b"a", b"b"]),
        (io.BytesIO(b"x" * 70_000), [b"x" * 65_536, b"x" * 4_464]),
        (None, [b""]),
    ],
)
def test_what_a_function_gives_back(payload, pieces):
    response = Service.load("lambda").answer("Invoke", {"Payload": payload}, "rest-json", request_id="i")
    assert ([response.body] if isinstance(response.body, bytes) else list(response.body)) == pieces


def test_the_status_of_an_invocation_is_that_of_the_answer():
    ours = Service.load("lambda")
    assert ours.answer("Invoke", {"StatusCode": 202}, "rest-json", request_id="i").status == 202
    assert ours.answer("Invoke", {}, "rest-json", request_id="i").status == 200
    assert ours.answer("CreateFunction", {}, "rest-json", request_id="i").status == 201
    nothing = ours.answer("DeleteAlias", None, "rest-json", request_id="i")
    assert (nothing.status, nothing.body) == (204, b"")
