"""Requests made from the models of EventBridge and Scheduler, for every operation that is answered here.

Whatever is asked for, the answer is one that botocore reads, and an error is the caller's: one that the model
has, or one of AWS's common ones.
"""

from datetime import datetime

import pytest
from botocore.parsers import create_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from faaslab.endpoint import events, scheduler
from faaslab.endpoint.asking import Asking
from faaslab.endpoint.credentials import Scope
from faaslab.endpoint.dispatch import OURS, Dispatcher
from tests.endpoint.events.moment import ECHO, START, arn
from tests.endpoint.wire.samples import model, parts_of, sent, value

pytestmark = pytest.mark.timeout(300)
COMMON = {"ValidationException", "SerializationException", "LimitExceededException"}
PROTOCOLS = {"events": "json", "scheduler": "rest-json"}
ALL = [("events", name) for name in events.OPERATIONS] + [
    ("scheduler", name) for name in scheduler.OPERATIONS
]
EVENT = (
    '{"id": "1", "account": "0", "source": "s", "time": "t", "region": "r", "resources": [], '
    '"detail-type": "d", "detail": {}}'
)
THERE = {
    "Rule": "there",
    "EventPattern": '{"source": ["shop"]}',
    "ScheduleExpression": "rate(5 minutes)",
    "ScheduleExpressionTimezone": "Europe/Madrid",
    "EventBusName": "default",
    "EventSourceArn": "arn:aws:events:us-east-1:000000000000:event-bus/default",
    "Event": EVENT,
    "GroupName": "default",
    "StartDate": START,
    "EndDate": datetime(2100, 1, 1),
    "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5},
    "Target": {"Arn": arn("echo"), "RoleArn": "arn:aws:iam::000000000000:role/any"},
    "Targets": [{"Id": "1", "Arn": arn("echo")}],
    "Entries": [{"Source": "shop", "DetailType": "Order", "Detail": "{}"}],
}
TEXTS = st.sampled_from(
    ["there", "default", "rate(1 minute)", "rate(2 minute)", "cron(* * * * ? *)", "cron(0 0 31 2 ? *)", "UTC"]
    + [
        "at(2030-01-01T00:00:00)",
        "Mars",
        "{}",
        "[]",
        EVENT,
        '{"source": ["shop"]}',
        '{"a": [{"wildcard": "**"}]}',
    ]
    + [arn("echo"), "arn:aws:sqs:us-east-1:000000000000:q", "arn:x", "$.a", "$.", "<a>", "é", "😀"]
) | st.text(max_size=8)
# No path can have half a character, as a body in JSON can.
HALVES = TEXTS | st.sampled_from(["\ud800", 'a"\ud800', '{"a": ["\ud800"]}', '{"\ud800": 1}'])
MOMENTS = st.sampled_from([datetime(1970, 1, 2), START, datetime(2100, 1, 1), datetime(9999, 1, 1)])


@pytest.fixture
def dispatcher(lab, cloud):
    lab.functions.create("echo", ECHO)
    dispatcher = Dispatcher(lab, Asking(cloud.forward))
    lab.targets.serve_with(dispatcher.perform, dispatcher.ask_cloud)
    return dispatcher


def requests(shape):
    """Parameters within the model: the least, all, and each member that need not be given beside the least."""
    least = value(shape, full=False)
    yield least
    yield value(shape, full=True)
    for name, member in shape.members.items():
        if name not in shape.required_members:
            yield {**least, name: value(member, full=True)}


def answered(dispatcher, service, operation, params):
    """Whether it was carried out; that the answer is as the model says."""
    shape = model(service).operation_model(operation)
    request = sent(shape, params, PROTOCOLS[service])
    response = dispatcher.answer(request, OURS[service], Scope("test", service, "us-east-1"))
    if response is None:
        assert params.get("Name") == ""  # no name in the path: it is no operation of ours
        return False
    parsed = create_parser(PROTOCOLS[service]).parse(parts_of(shape, response), shape.output_shape)
    if response.status < 300:
        return True
    error = parsed["Error"]
    assert response.status < 500, (params, error)
    assert error["Code"] in {each.name for each in shape.error_shapes} | COMMON, (params, error)
    assert error["Message"]
    return False


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_what_is_within_the_model_is_answered_or_refused_as_the_model_says(
    dispatcher, asked, service, operation
):
    shape = model(service).operation_model(operation).input_shape
    carried_out = 0
    for params in requests(shape):
        for known in ({}, {name: each for name, each in THERE.items() if name in params}):
            asked("events", "PutRule", {"Name": "there", "EventPattern": '{"source": ["shop"]}'})
            carried_out += answered(dispatcher, service, operation, {**params, **known})
            named = {"Name": "there"} if "Name" in params else {}
            carried_out += answered(dispatcher, service, operation, {**params, **known, **named})
    assert carried_out or operation in (
        "UpdateSchedule",
        "DeleteSchedule",
        "DeleteScheduleGroup",
        "UpdateArchive",
    )


def values(shape, texts):
    """What might stand in a request for that shape, mostly of the right kind."""
    kind = shape.type_name
    if kind == "structure":
        members = {name: values(member, texts) for name, member in shape.members.items()}
        required = {name: members[name] for name in shape.required_members}
        optional = {name: made for name, made in members.items() if name not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "list":
        return st.lists(values(shape.member, texts), max_size=2)
    if kind == "map":
        return st.dictionaries(values(shape.key, texts), values(shape.value, texts), max_size=2)
    if kind == "string":
        return st.sampled_from(shape.enum) if shape.enum else texts
    if kind == "timestamp":
        return MOMENTS
    if kind == "boolean":
        return st.booleans()
    return st.sampled_from([0, 1, 60, 185, 1440, 2**31 - 1]) if kind in ("integer", "long") else st.floats()


@pytest.mark.parametrize(("service", "operation"), ALL)
def test_no_request_is_our_fault(dispatcher, service, operation):
    texts = HALVES if service == "events" else TEXTS

    @settings(max_examples=40)
    @given(values(model(service).operation_model(operation).input_shape, texts))
    def holds(params):
        answered(dispatcher, service, operation, params)

    holds()
