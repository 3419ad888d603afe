"""PutEvents and what it needs, with the real Lab and the real cloud: what is sent to whom."""

import json
from datetime import timedelta

import pytest

from faaslab.endpoint.messages import Fault
from tests.endpoint.events.moment import ECHO, START, arn, deliveries, ran, settled, told

ENTRY = {"Source": "shop", "DetailType": "Order", "Detail": '{"id": 7, "state": "new"}'}


@pytest.fixture
def queue(asked, request):
    """A queue of this test: its ARN, and what is in it."""
    name = request.node.name[:70].translate(str.maketrans("[]", "__"))
    url = asked("sqs", "CreateQueue", {"QueueName": name})["QueueUrl"]

    class Queue:
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"

        @staticmethod
        def messages():
            found = asked(
                "sqs",
                "ReceiveMessage",
                {"QueueUrl": url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]},
            )
            return found.get("Messages", [])

    return Queue


def rule(ask, name, pattern, *targets, bus="default", **more):
    ask("PutRule", Name=name, EventBusName=bus, EventPattern=json.dumps(pattern), **more)
    named = [{"Id": str(number), **target} for number, target in enumerate(targets)]
    assert ask("PutTargets", Rule=name, EventBusName=bus, Targets=named)["FailedEntryCount"] == 0


@pytest.fixture
def bus(ask, request):
    """A bus of this test, so that no other test's rules see its events."""
    name = request.node.name[:70].translate(str.maketrans("[]", "__"))
    ask("CreateEventBus", service="events", Name=name)
    return name


def refused(ask, operation, **params):
    with pytest.raises(Fault) as error:
        ask(operation, **params)
    return error.value.code, error.value.message


def test_an_event_reaches_the_functions_and_queues_of_the_rules_that_ask_for_it(lab, ask, bus, queue):
    lab.functions.create("echo", ECHO)
    rule(ask, "new", {"detail": {"state": ["new"]}}, {"Arn": arn("echo")}, {"Arn": queue.arn}, bus=bus)
    rule(ask, "old", {"detail": {"state": ["old"]}}, {"Arn": arn("echo")}, bus=bus)
    rule(ask, "off", {"source": ["shop"]}, {"Arn": arn("echo")}, bus=bus, State="DISABLED")
    answer = ask("PutEvents", Entries=[ENTRY | {"EventBusName": bus, "Resources": ["r"]}])
    settled(lab)
    (event,) = ran(lab, "echo")
    assert event == {
        "version": "0",
        "id": answer["Entries"][0]["EventId"],
        "detail-type": "Order",
        "source": "shop",
        "account": "000000000000",
        "time": told(),
        "region": "us-east-1",
        "resources": ["r"],
        "detail": {"id": 7, "state": "new"},
    }
    (message,) = queue.messages()
    assert json.loads(message["Body"]) == event
    assert answer["FailedEntryCount"] == 0
    (row,) = lab.sql("SELECT invocation_type, trigger FROM executions").itertuples(index=False)
    assert tuple(row) == ("Event", "eventbridge")


def test_an_entry_that_is_refused_fails_alone(lab, ask, bus):
    lab.functions.create("echo", ECHO)
    rule(ask, "all", {"source": ["shop"]}, {"Arn": arn("echo")}, bus=bus)
    good = ENTRY | {"EventBusName": bus}
    answer = ask("PutEvents", Entries=[good, good | {"Detail": "["}, good | {"Source": "aws.s3"}])
    assert answer["FailedEntryCount"] == 2
    assert [each.get("ErrorCode") for each in answer["Entries"]] == [
        None,
        "MalformedDetail",
        "NotAuthorizedForSourceException",
    ]
    settled(lab)
    assert len(ran(lab, "echo")) == 1


def test_a_request_that_is_too_large_is_refused_whole(ask):
    large = ENTRY | {"Detail": json.dumps({"x": "y" * 600_000})}
    assert refused(ask, "PutEvents", Entries=[large, large]) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )


def test_nobody_hears_of_events_for_a_bus_that_is_not_there(lab, ask):
    answer = ask("PutEvents", Entries=[ENTRY | {"EventBusName": "nowhere"}])
    assert (answer["FailedEntryCount"], set(answer["Entries"][0])) == (0, {"EventId"})
    settled(lab)


def test_what_a_target_is_given_can_be_chosen(lab, ask, bus):
    lab.functions.create("echo", ECHO)
    transformed = {"InputPathsMap": {"n": "$.detail.id"}, "InputTemplate": '"order <n>"'}
    rule(
        ask,
        "all",
        {"source": ["shop"]},
        {"Arn": arn("echo"), "Input": '{"fixed": 1}'},
        {"Arn": arn("echo"), "InputPath": "$.detail"},
        {"Arn": arn("echo"), "InputTransformer": transformed},
        bus=bus,
    )
    ask("PutEvents", Entries=[ENTRY | {"EventBusName": bus}])
    settled(lab)
    given = sorted(map(json.dumps, ran(lab, "echo")))
    assert given == ['"order 7"', '{"fixed": 1}', '{"id": 7, "state": "new"}']


def test_topics_streams_log_groups_and_buses_are_reached(lab, ask, asked, bus, queue):
    topic = asked("sns", "CreateTopic", {"Name": "events"})["TopicArn"]
    asked("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue.arn})
    asked("kinesis", "CreateStream", {"StreamName": "events", "ShardCount": 1})
    asked("logs", "CreateLogGroup", {"logGroupName": "/events/all"})
    asked("events", "CreateEventBus", {"Name": "second"})
    lab.functions.create("echo", ECHO)
    rule(ask, "second", {"source": ["shop"]}, {"Arn": arn("echo")}, bus="second")
    rule(
        ask,
        "all",
        {"source": ["shop"]},
        {"Arn": topic},
        {"Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/events"},
        {"Arn": "arn:aws:logs:us-east-1:000000000000:log-group:/events/all"},
        {"Arn": "arn:aws:events:us-east-1:000000000000:event-bus/second"},
        bus=bus,
    )
    identity = ask("PutEvents", Entries=[ENTRY | {"EventBusName": bus}])["Entries"][0]["EventId"]
    settled(lab)
    assert [event["id"] for event in ran(lab, "echo")] == [identity]
    (message,) = queue.messages()
    assert json.loads(json.loads(message["Body"])["Message"])["id"] == identity
    logged = asked("logs", "FilterLogEvents", {"logGroupName": "/events/all"})["events"]
    assert [json.loads(each["message"])["id"] for each in logged] == [identity]
    shard = asked(
        "kinesis",
        "GetShardIterator",
        {"StreamName": "events", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"},
    )
    records = asked("kinesis", "GetRecords", {"ShardIterator": shard["ShardIterator"]})["Records"]
    assert [json.loads(each["Data"])["id"] for each in records] == [identity]


def test_half_a_character_is_sent_on_as_what_it_was(lab, ask, bus, queue):
    lab.functions.create("echo", ECHO)
    fixed = {"Arn": arn("echo"), "Input": '"\ud800"'}
    filled = {"InputPathsMap": {"s": "$.detail.s"}, "InputTemplate": '"<s>\ud800"'}
    rule(
        ask,
        "all",
        {"source": ["shop"]},
        {"Arn": arn("echo")},
        fixed,
        {"Arn": arn("echo"), "InputTransformer": filled},
        bus=bus,
    )
    entry = ENTRY | {"EventBusName": bus, "Detail": '{"s": "\\ud800"}', "DetailType": "\ud800"}
    assert ask("PutEvents", Entries=[entry])["FailedEntryCount"] == 0
    settled(lab)
    assert sorted(map(len, map(json.dumps, ran(lab, "echo"))))[:2] == [3, 9]
    assert "dropped" not in [*deliveries(lab)["status"]]


def test_an_archive_keeps_an_event_once_and_replays_it_to_queues(lab, ask, asked, bus, queue):
    source = f"arn:aws:events:us-east-1:000000000000:event-bus/{bus}"
    pattern = '{"detail": {"state": [{"wildcard": "n*w"}]}}'
    asked(
        "events", "CreateArchive", {"ArchiveName": "kept", "EventSourceArn": source, "EventPattern": pattern}
    )
    rule(ask, "all", {"source": ["shop"]}, {"Arn": queue.arn}, bus=bus)
    other = ENTRY | {"Detail": '{"state": "old"}'}
    ask("PutEvents", Entries=[each | {"EventBusName": bus} for each in (ENTRY, other)])
    settled(lab)
    assert len(queue.messages()) == 2
    assert asked("events", "DescribeArchive", {"ArchiveName": "kept"})["EventCount"] == 1
    span = {"EventStartTime": START, "EventEndTime": START + timedelta(hours=1)}
    replayed = {"ReplayName": "again", "Destination": {"Arn": source}, **span}
    archive = asked("events", "DescribeArchive", {"ArchiveName": "kept"})["ArchiveArn"]
    asked("events", "StartReplay", {"EventSourceArn": archive, **replayed})
    (message,) = queue.messages()
    event = json.loads(message["Body"])
    assert (event["replay-name"], event["detail"]) == ("again", {"id": 7, "state": "new"})


def test_a_circle_of_buses_ends(lab, ask, bus):
    rule(
        ask,
        "circle",
        {"source": ["shop"]},
        {
            "Arn": f"arn:aws:events:us-east-1:000000000000:event-bus/{bus}",
            "RetryPolicy": {"MaximumRetryAttempts": 0},
        },
        bus=bus,
    )
    ask("PutEvents", Entries=[ENTRY | {"EventBusName": bus}])
    settled(lab)
    assert list(deliveries(lab)["status"]).count("dropped") == 1
    assert len(deliveries(lab)) == 6


def test_what_cannot_be_delivered_is_tried_again_and_goes_to_the_dead_letter_queue(
    lab, clock, ask, bus, queue
):
    lab.functions.create("echo", ECHO)
    letters = {"DeadLetterConfig": {"Arn": queue.arn}}
    rule(ask, "gone", {"source": ["shop"]}, {"Arn": arn("nobody"), **letters}, bus=bus)
    ask("PutEvents", Entries=[ENTRY | {"EventBusName": bus}])
    settled(lab)
    (message,) = queue.messages()
    letter = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert letter["ERROR_CODE"] == "ResourceNotFoundException"
    assert letter["TARGET_ARN"] == arn("nobody")
    assert letter["RULE_ARN"].endswith(f":rule/{bus}/gone")
    assert json.loads(message["Body"])["detail"] == {"id": 7, "state": "new"}


def test_a_cloud_that_does_not_answer_is_asked_again(lab, clock, ask, asked, bus, queue):
    rule(ask, "all", {"source": ["shop"]}, {"Arn": queue.arn}, bus=bus)
    down = True

    def unsteady(service, operation, params, *, region):
        if down and service == "sqs":
            raise Fault("InternalFailure", "not now", status=500)
        return asked(service, operation, params, region=region)

    lab.targets.serve_with(unsteady, asked)
    ask("PutEvents", Entries=[ENTRY | {"EventBusName": bus}])
    settled(lab)
    assert [*deliveries(lab)["status"]] == ["failed"]
    down = False
    clock.advance(1)
    settled(lab)
    assert [*deliveries(lab)["status"]] == ["failed", "delivered"]
    assert len(queue.messages()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"EventPattern": '{"a":1}'},
            'Event pattern is not valid. Reason: "a" must be an object or an array',
        ),
        ({"EventPattern": "{"}, "Event pattern is not valid. Reason: Invalid JSON"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "Parameter ScheduleExpression is not valid."),
        (
            {"ScheduleExpression": "cron(71 8 1 * ? *)"},
            "Parameter ScheduleExpression is not valid. minutes: ",
        ),
        ({"ScheduleExpression": "at(2030-01-01T00:00:00)"}, "Parameter ScheduleExpression is not valid."),
        ({}, "Parameter(s) EventPattern or ScheduleExpression must be specified."),
    ],
)
def test_rules_that_are_refused(ask, change, message):
    code, said = refused(ask, "PutRule", Name="r", **change)
    assert code == ("InvalidEventPatternException" if "EventPattern" in change else "ValidationException")
    assert said.startswith(message)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            {"Input": "1", "InputPath": "$.x"},
            "Only one of Input, InputPath, or InputTransformer must be provided",
        ),
        ({"InputPath": "detail"}, "Parameter InputPath is not valid. Reason: Invalid JSONPath provided."),
    ],
)
def test_targets_that_are_refused(ask, bus, target, message):
    ask("PutRule", Name="r", EventBusName=bus, EventPattern='{"source":["shop"]}')
    code, said = refused(
        ask, "PutTargets", Rule="r", EventBusName=bus, Targets=[{"Id": "1", "Arn": arn("echo"), **target}]
    )
    assert (code, said.startswith(message)) == ("ValidationException", True)


def test_a_rule_has_five_targets_at_most(ask, bus):
    ask("PutRule", Name="r", EventBusName=bus, EventPattern='{"source":["shop"]}')
    six = [{"Id": str(number), "Arn": arn("echo")} for number in range(6)]
    assert refused(ask, "PutTargets", Rule="r", EventBusName=bus, Targets=six)[0] == "LimitExceededException"
    ask("PutTargets", Rule="r", EventBusName=bus, Targets=six[:5])
    ask("PutTargets", Rule="r", EventBusName=bus, Targets=six[:1])
    assert (
        refused(ask, "PutTargets", Rule="r", EventBusName=bus, Targets=six[5:])[0] == "LimitExceededException"
    )


def test_a_pattern_can_be_tried(ask):
    event = {"id": "1", "account": "0", "source": "shop", "time": "2030-01-01T00:00:00Z", "region": "us-east-1",
             "resources": [], "detail-type": "Order", "detail": {"n": 3}}  # fmt: skip
    for pattern, answer in (
        ('{"detail":{"n":[{"numeric":[">",2]}]}}', True),
        ('{"detail":{"n":[{"numeric":[">",3]}]}}', False),
    ):
        assert ask("TestEventPattern", EventPattern=pattern, Event=json.dumps(event)) == {"Result": answer}
    code, _ = refused(ask, "TestEventPattern", EventPattern='{"a":[]}', Event=json.dumps(event))
    assert code == "InvalidEventPatternException"
    del event["time"]
    code, _ = refused(ask, "TestEventPattern", EventPattern='{"a":[1]}', Event=json.dumps(event))
    assert code == "ValidationException"
    code, _ = refused(ask, "TestEventPattern", EventPattern='{"a":[1]}', Event="[")
    assert code == "ValidationException"
