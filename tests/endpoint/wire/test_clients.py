"""Boto3's own clients, whole, against the wire: what they send is parsed and what is answered they give back."""

import io
from functools import cache

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.config import Config
from botocore.exceptions import ClientError

from faaslab.endpoint.messages import Fault, Request
from faaslab.endpoint.wire import Service
from tests.endpoint.wire.samples import model, operations, plain, split, value

SERVICES = ["lambda", "scheduler", "logs", "events", "stepfunctions", "cloudwatch", "sns", "sts"]


class Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, size=65536, **_):
        while piece := self.read(size):
            yield piece


class Wire:
    """Stands where the network is: parses what a client sends and answers it."""

    def __init__(self, service):
        self.service = Service.load(service)
        self.asked = None
        self.reply = {}

    def send(self, request, **_):
        path, query = split(request.url)
        headers = {name.lower(): _text(one) for name, one in request.headers.items()}
        body = request.body.read() if hasattr(request.body, "read") else request.body or b""
        came = Request(
            method=request.method,
            path=path,
            query=query,
            headers=headers,
            body=body if isinstance(body, bytes) else body.encode(),
        )
        name, protocol = self.service.operation(came)
        try:
            self.asked = (name, self.service.parse(came, name, protocol))
            if isinstance(self.reply, Fault):
                raise self.reply
            response = self.service.answer(name, self.reply, protocol, request_id="id-1")
        except Fault as fault:
            response = self.service.refuse(fault, name, protocol, request_id="id-1")
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return AWSResponse(request.url, response.status, HeadersDict(response.headers), Raw(body))


def _text(one):
    return one.decode() if isinstance(one, bytes) else str(one)


@cache
def client(service):
    made = boto3.client(
        service,
        endpoint_url="http://127.0.0.1:4566",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
    )
    wire = Wire(service)
    made.meta.events.register("before-send", wire.send)
    return made, wire


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation(service):
    made, wire = client(service)
    for _, name in operations(service):
        operation = model(service).operation_model(name)
        seen = wire.service.protocol(Request(method="POST", path="/")) == "query"
        params = value(operation.input_shape, full=True, seen=seen) if operation.input_shape else {}
        if name == "PutEvents":
            del params["EndpointId"]  # a client without the C library cannot sign for it
        shape = operation.output_shape
        streams = operation.has_event_stream_output
        wire.reply = value(shape, full=True) if shape and not streams else {}
        result = getattr(made, xform_name(name))(**params)
        assert wire.asked == (name, params)
        assert result.pop("ResponseMetadata")["RequestId"] == "id-1"
        if not streams:
            assert plain(result) == wire.reply, name


@pytest.mark.parametrize("service", SERVICES)
def test_every_error_is_the_exception_of_its_name(service):
    made, wire = client(service)
    name = min(wire.service.operations)
    operation = model(service).operation_model(name)
    params = value(operation.input_shape, full=True, seen=True)
    codes = [code(shape) for shape in model(service).error_shapes]
    for shape in model(service).error_shapes:
        wire.reply = Fault(shape.name, "why")
        with pytest.raises(ClientError) as caught:
            getattr(made, xform_name(name))(**params)
        assert caught.value.response["Error"]["Message"] == "why"
        named = getattr(made.exceptions, shape.name)
        assert isinstance(caught.value, named) or codes.count(code(shape)) > 1


def code(shape):
    return shape.metadata.get("error", {}).get("code", shape.name)


def test_a_fault_of_validation_is_told():
    made, _ = client("lambda")
    with pytest.raises(
        ClientError, match=r"ValidationException.*Value 'Often' at 'invocationType' failed to satisfy"
    ):
        made.invoke(FunctionName="f", InvocationType="Often")
