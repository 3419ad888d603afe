"""Programs that know boto3 only: events and schedules through the port of a lab."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

import faaslab
from faaslab.clock import SYSTEM
from faaslab.cloud import client
from tests.endpoint.events.moment import ECHO, arn, ran
from tests.lab.events import until

pytestmark = pytest.mark.timeout(120)
QUEUE = "arn:aws:sqs:us-east-1:000000000000:seen"
OFF = {"Mode": "OFF"}


@pytest.fixture
def lab(tmp_path):
    with faaslab.open(tmp_path / "store.duckdb", sandbox="off") as lab:
        lab.functions.create("echo", ECHO)
        yield lab


def received(lab, url):
    found = lab.cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=10)
    return [json.loads(message["Body"]) for message in found["Messages"]]


def test_an_event_reaches_a_function_and_a_queue_once(lab):
    url = lab.cloud.client("sqs").create_queue(QueueName="seen")["QueueUrl"]
    events = lab.cloud.client("events")
    events.put_rule(Name="new", EventPattern='{"detail": {"total": [{"numeric": [">", 10]}]}}')
    targets = [{"Id": "f", "Arn": arn("echo")}, {"Id": "q", "Arn": QUEUE}]
    assert events.put_targets(Rule="new", Targets=targets)["FailedEntryCount"] == 0
    answer = events.put_events(
        Entries=[
            {"Source": "shop", "DetailType": "Order", "Detail": json.dumps({"total": total})}
            for total in (5, 15)
        ]
    )
    assert answer["FailedEntryCount"] == 0
    (event,) = received(lab, url)
    assert (event["id"], event["detail"]) == (answer["Entries"][1]["EventId"], {"total": 15})
    until(lambda: ran(lab, "echo") == [event])
    assert lab.targets.wait(60)
    assert lab.asynchronous.wait(60)
    assert len(ran(lab, "echo")) == 1


def test_topics_log_groups_and_archives_are_reached_once_each(lab):
    client = lab.cloud.client
    topic = client("sns").create_topic(Name="told")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn("echo"))
    client("logs").create_log_group(logGroupName="/events/all")
    events = client("events")
    source = events.describe_event_bus(Name="default")["Arn"]
    events.create_archive(ArchiveName="kept", EventSourceArn=source)
    events.put_rule(Name="all", EventPattern='{"source": ["shop"]}')
    group = "arn:aws:logs:us-east-1:000000000000:log-group:/events/all"
    events.put_targets(Rule="all", Targets=[{"Id": "t", "Arn": topic}, {"Id": "g", "Arn": group}])
    entry = {"Source": "shop", "DetailType": "Order", "Detail": "{}"}
    identity = events.put_events(Entries=[entry])["Entries"][0]["EventId"]
    assert lab.targets.wait(60)
    until(lambda: len(ran(lab, "echo")) == 1)
    assert json.loads(ran(lab, "echo")[0]["Records"][0]["Sns"]["Message"])["id"] == identity
    (line,) = client("logs").filter_log_events(logGroupName="/events/all")["events"]
    assert json.loads(line["message"])["id"] == identity
    assert events.describe_archive(ArchiveName="kept")["EventCount"] == 1
    assert lab.asynchronous.wait(60)
    assert len(ran(lab, "echo")) == 1


CALLS_ITSELF = """
import boto3
events = boto3.client("events")

def handler(event, context):
    events.put_events(Entries=[{"Source": "again", "DetailType": "Again", "Detail": "{}"}])
"""


def test_a_function_that_its_own_events_run_is_stopped_as_by_lambda(lab):
    lab.functions.create("loop", CALLS_ITSELF, timeout_s=30)
    events = lab.cloud.client("events")
    events.put_rule(Name="again", EventPattern='{"source": ["again"]}')
    events.put_targets(Rule="again", Targets=[{"Id": "1", "Arn": arn("loop")}])
    events.put_events(Entries=[{"Source": "again", "DetailType": "Again", "Detail": "{}"}])
    stopped = "SELECT 1 FROM executions WHERE error_type = 'RecursiveInvocationException'"
    until(lambda: len(lab.sql(stopped)) == 1)
    assert lab.asynchronous.wait(60)
    assert len(lab.sql("SELECT 1 FROM executions WHERE status = 'completed'")) == 16


def test_errors_have_the_types_that_programs_catch(lab):
    events, scheduler = lab.cloud.client("events"), lab.cloud.client("scheduler")
    with pytest.raises(events.exceptions.InvalidEventPatternException, match="must be an object or an array"):
        events.put_rule(Name="r", EventPattern='{"source": "shop"}')
    with pytest.raises(events.exceptions.ClientError, match="ScheduleExpression is not valid"):
        events.put_rule(Name="r", ScheduleExpression="cron(0 1 * * * *)")
    with pytest.raises(scheduler.exceptions.ValidationException, match="Invalid Schedule Expression"):
        scheduler.create_schedule(
            Name="s",
            ScheduleExpression="rate(5 minute)",
            FlexibleTimeWindow=OFF,
            Target={"Arn": arn("echo"), "RoleArn": "arn:aws:iam::000000000000:role/any"},
        )
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.delete_schedule(Name="nobody")


def test_a_pattern_can_be_tried(lab):
    event = {"id": "1", "account": "0", "source": "shop", "time": "2030-01-01T00:00:00Z", "region": "x",
             "resources": [], "detail-type": "Order", "detail": {}}  # fmt: skip
    asked = {"EventPattern": '{"source": [{"wildcard": "s*p"}]}', "Event": json.dumps(event)}
    assert lab.cloud.client("events").test_event_pattern(**asked)["Result"] is True


def test_schedules_fire_by_the_clock_of_this_machine(lab):
    scheduler = lab.cloud.client("scheduler")
    target = {"Arn": arn("echo"), "RoleArn": "arn:aws:iam::000000000000:role/any"}
    rate = {"ScheduleExpression": "rate(1 day)", "Target": target | {"Input": '"now"'}}
    scheduler.create_schedule(Name="now", FlexibleTimeWindow=OFF, **rate)
    until(lambda: ran(lab, "echo") == ["now"])
    soon = lab.clock.now().replace(microsecond=0) + timedelta(seconds=2)
    once = {"ScheduleExpression": f"at({soon.isoformat()})", "Target": target | {"Input": '"soon"'}}
    scheduler.create_schedule(Name="soon", FlexibleTimeWindow=OFF, ActionAfterCompletion="DELETE", **once)
    until(lambda: ran(lab, "echo") == ["now", "soon"])
    until(lambda: [each["Name"] for each in scheduler.list_schedules()["Schedules"]] == ["now"])


def test_a_home_that_is_killed_is_succeeded_and_its_schedules_and_rules_go_on(tmp_path):
    store = tmp_path / "store.duckdb"
    with faaslab.open(store, sandbox="off") as lab:
        lab.functions.create("echo", ECHO)
    server = subprocess.Popen(
        [sys.executable, "-m", "faaslab", "serve", "--port", "0", "--store", str(store)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        address = server.stdout.readline().split()[1]
        events = client("events", address)
        events.put_rule(Name="all", EventPattern='{"source": ["shop"]}')
        events.put_targets(Rule="all", Targets=[{"Id": "1", "Arn": arn("echo"), "Input": '"event"'}])
        soon = SYSTEM.now().replace(microsecond=0) + timedelta(seconds=3)
        client("scheduler", address).create_schedule(
            Name="soon",
            ScheduleExpression=f"at({soon.isoformat()})",
            FlexibleTimeWindow=OFF,
            Target={"Arn": arn("echo"), "RoleArn": "arn:aws:iam::000000000000:role/any", "Input": '"soon"'},
        )
        server.kill()
    with faaslab.open(store, sandbox="off") as after:
        until(lambda: ran(after, "echo") == ["soon"])
        entry = {"Source": "shop", "DetailType": "Order", "Detail": "{}"}
        after.cloud.client("events").put_events(Entries=[entry])
        until(lambda: ran(after, "echo") == ["soon", "event"])
