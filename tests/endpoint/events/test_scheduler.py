"""Rules with a schedule, and schedules, by a clock that the test moves: what fires when, and only once."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from faaslab.endpoint.messages import Fault
from tests.endpoint.events.moment import ECHO, START, arn, deliveries, ran, settled, told

OFF = {"Mode": "OFF"}
ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture(autouse=True)
def _clean(asked):
    """What a test makes in the one cloud is gone after it."""
    yield
    for schedule in asked("scheduler", "ListSchedules", {})["Schedules"]:
        asked("scheduler", "DeleteSchedule", {"Name": schedule["Name"], "GroupName": schedule["GroupName"]})
    for rule in asked("events", "ListRules", {"NamePrefix": "timed"})["Rules"]:
        for target in asked("events", "ListTargetsByRule", {"Rule": rule["Name"]})["Targets"]:
            asked("events", "RemoveTargets", {"Rule": rule["Name"], "Ids": [target["Id"]]})
        asked("events", "DeleteRule", {"Name": rule["Name"]})


def passing(lab, clock, minutes):
    for _ in range(minutes):
        clock.advance(60)
        settled(lab)


def create(ask, name, expression, target=None, **more):
    params = {"FlexibleTimeWindow": OFF, "Target": {"Arn": arn("echo"), "RoleArn": ROLE, **(target or {})}}
    return ask("CreateSchedule", Name=name, ScheduleExpression=expression, **params | more)


def refused(ask, *args, **more):
    with pytest.raises(Fault) as error:
        create(ask, *args, **more)
    return error.value.code, error.value.message


def names(asked):
    return [each["Name"] for each in asked("scheduler", "ListSchedules", {})["Schedules"]]


def test_a_rule_with_a_rate_fires_after_each_period_until_it_is_disabled(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    ask("PutRule", Name="timed", ScheduleExpression="rate(2 minutes)")
    ask("PutTargets", Rule="timed", Targets=[{"Id": "1", "Arn": arn("echo")}])
    passing(lab, clock, 1)
    assert ran(lab, "echo") == []
    passing(lab, clock, 3)
    events = ran(lab, "echo")
    assert [event["time"] for event in events] == [told(2), told(4)]
    assert events[0] == {
        "version": "0",
        "id": events[0]["id"],
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": told(2),
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/timed"],
        "detail": {},
    }
    ask("DisableRule", Name="timed")
    passing(lab, clock, 4)
    assert len(ran(lab, "echo")) == 2
    ask("EnableRule", Name="timed")
    passing(lab, clock, 2)
    assert len(ran(lab, "echo")) == 3


def test_a_rule_that_is_put_again_as_it_is_keeps_its_time(lab, clock, ask):
    ask("PutRule", Name="timed", ScheduleExpression="rate(5 minutes)")
    clock.advance(60)
    ask("PutRule", Name="timed", ScheduleExpression="rate(5 minutes)", Description="the same")
    assert lab.targets.schedules.next("rule", "timed", "us-east-1") == START + timedelta(minutes=5)
    ask("PutRule", Name="timed", ScheduleExpression="rate(6 minutes)")
    assert lab.targets.schedules.next("rule", "timed", "us-east-1") == START + timedelta(minutes=7)
    ask("PutRule", Name="timed", EventPattern='{"source":["x"]}')
    assert lab.targets.schedules.next("rule", "timed", "us-east-1") is None


def test_a_schedule_of_cron_gives_its_input_with_its_context(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    written = '{"at": "<aws.scheduler.scheduled-time>", "who": "<aws.scheduler.schedule-arn>"}'
    answer = create(ask, "every", "cron(0/2 * * * ? *)", {"Input": written})
    passing(lab, clock, 5)
    expected = [{"at": told(minute), "who": answer["ScheduleArn"]} for minute in (2, 4)]
    assert ran(lab, "echo") == expected


def test_a_schedule_without_input_gives_an_event(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    answer = create(ask, "every", "rate(1 minute)")
    settled(lab)
    passing(lab, clock, 1)
    events = ran(lab, "echo")
    # Without a start it fires at once.
    assert [event["time"] for event in events] == [told(0), told(1)]
    assert (events[0]["source"], events[0]["detail"]) == ("aws.scheduler", "{}")
    assert events[0]["resources"] == [answer["ScheduleArn"]]


@pytest.mark.parametrize(("action", "left"), [("DELETE", []), ("NONE", ["once"])])
def test_once_and_what_is_done_after_it(lab, clock, ask, asked, action, left):
    lab.functions.create("echo", ECHO)
    at = (START + timedelta(minutes=2)).isoformat()
    create(ask, "once", f"at({at})", ActionAfterCompletion=action)
    passing(lab, clock, 1)
    assert (ran(lab, "echo"), names(asked)) == ([], ["once"])
    passing(lab, clock, 3)
    assert [event["time"] for event in ran(lab, "echo")] == [told(2)]
    assert names(asked) == left


def test_a_time_that_has_just_passed_is_fired_and_one_long_ago_is_not(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    clock.advance(150)
    for minutes in (1, 2):
        create(ask, f"m{minutes}", f"at({(START + timedelta(minutes=minutes)).isoformat()})")
    settled(lab)
    assert [event["time"] for event in ran(lab, "echo")] == [told(2)]


def test_once_in_a_time_zone(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    create(
        ask,
        "once",
        f"at({(START + timedelta(hours=5, minutes=31)).isoformat()})",
        ScheduleExpressionTimezone="Asia/Kolkata",
    )
    passing(lab, clock, 2)
    assert [event["time"] for event in ran(lab, "echo")] == [told(1)]


def test_nothing_fires_before_its_start_or_after_its_end(lab, clock, ask, asked):
    lab.functions.create("echo", ECHO)
    create(
        ask,
        "between",
        "rate(2 minutes)",
        StartDate=START + timedelta(minutes=3),
        EndDate=START + timedelta(minutes=7),
        ActionAfterCompletion="DELETE",
    )
    passing(lab, clock, 12)
    assert [event["time"] for event in ran(lab, "echo")] == [told(3), told(5), told(7)]
    assert names(asked) == []


def test_a_flexible_window_is_kept(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    lab.chance = lambda: 0.5
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 4}
    create(ask, "soon", f"at({(START + timedelta(minutes=1)).isoformat()})", FlexibleTimeWindow=window)
    passing(lab, clock, 2)
    assert ran(lab, "echo") == []
    passing(lab, clock, 1)
    assert [event["time"] for event in ran(lab, "echo")] == [told(1)]


def test_a_schedule_that_is_changed_disabled_or_deleted_does_as_it_says(lab, clock, ask):
    lab.functions.create("echo", ECHO)
    create(ask, "s", "cron(1 * * * ? *)")
    target = {"Arn": arn("echo"), "RoleArn": ROLE, "Input": '"changed"'}
    same = {"Name": "s", "FlexibleTimeWindow": OFF, "Target": target}
    ask("UpdateSchedule", ScheduleExpression="cron(2 * * * ? *)", **same)
    passing(lab, clock, 2)
    assert ran(lab, "echo") == ["changed"]
    ask("UpdateSchedule", ScheduleExpression="cron(3 * * * ? *)", State="DISABLED", **same)
    passing(lab, clock, 1)
    ask("UpdateSchedule", ScheduleExpression="cron(4 * * * ? *)", **same)
    ask("DeleteSchedule", Name="s")
    passing(lab, clock, 1)
    assert ran(lab, "echo") == ["changed"]


def test_a_group_goes_with_its_schedules(lab, clock, ask):
    ask("CreateScheduleGroup", service="scheduler", Name="many")
    create(ask, "s", "cron(1 * * * ? *)", GroupName="many")
    assert lab.targets.schedules.next("schedule", "s", "us-east-1", "many") is not None
    ask("DeleteScheduleGroup", Name="many")
    assert lab.targets.schedules.next("schedule", "s", "us-east-1", "many") is None


def test_queues_buses_and_universal_targets_are_reached(lab, clock, ask, asked):
    lab.functions.create("echo", ECHO)
    url = asked("sqs", "CreateQueue", {"QueueName": "scheduled"})["QueueUrl"]
    asked("events", "CreateEventBus", {"Name": "timed"})
    ask("PutRule", Name="timed", EventBusName="timed", EventPattern='{"source":["clock"]}')
    ask("PutTargets", Rule="timed", EventBusName="timed", Targets=[{"Id": "1", "Arn": arn("echo")}])
    at = f"at({(START + timedelta(minutes=1)).isoformat()})"
    create(ask, "sqs", at, {"Arn": "arn:aws:sqs:us-east-1:000000000000:scheduled", "Input": "plain text"})
    sdk = "arn:aws:scheduler:::aws-sdk:"
    create(
        ask,
        "universal",
        at,
        {"Arn": sdk + "sqs:sendMessage", "Input": json.dumps({"QueueUrl": url, "MessageBody": "universal"})},
    )
    invoke = {"FunctionName": "echo", "InvocationType": "Event", "Payload": '{"by": "sdk"}'}
    create(ask, "invoke", at, {"Arn": sdk + "lambda:invoke", "Input": json.dumps(invoke)})
    bus = {
        "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/timed",
        "EventBridgeParameters": {"Source": "clock", "DetailType": "Tick"},
        "Input": '{"n": 1}',
    }
    create(ask, "bus", at, bus)
    passing(lab, clock, 1)
    got = asked("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]
    assert sorted(each["Body"] for each in got) == ["plain text", "universal"]
    event, direct = sorted(ran(lab, "echo"), key=len, reverse=True)
    assert direct == {"by": "sdk"}
    assert (event["source"], event["detail-type"], event["detail"]) == ("clock", "Tick", {"n": 1})


def test_a_target_that_nothing_here_delivers_to_is_given_up_at_once(lab, clock, ask):
    at = f"at({(START + timedelta(minutes=1)).isoformat()})"
    for number, target in enumerate(
        ("ecs:us-east-1:000000000000:cluster/c", "scheduler:::aws-sdk:sqs:nothing")
    ):
        create(ask, f"s{number}", at, {"Arn": f"arn:aws:{target}", "Input": "{}"})
    passing(lab, clock, 1)
    assert [*deliveries(lab)["status"]] == ["dropped", "dropped"]
    assert any("nothing is delivered to arn:aws:ecs" in error for error in deliveries(lab)["error"])


def test_a_home_that_comes_late_fires_once_and_goes_on(lab, opened, clock, ask):
    lab.functions.create("echo", ECHO)
    create(ask, "every", "cron(0/10 * * * ? *)")
    lab.close()
    clock.advance(45 * 60)
    after = opened()
    settled(after)
    assert [event["time"] for event in ran(after, "echo")] == [told(10)]
    passing(after, clock, 5)
    assert [event["time"] for event in ran(after, "echo")] == [told(10), told(50)]


def test_two_that_take_themselves_for_the_home_fire_once(lab, opened, clock, ask):
    lab.functions.create("echo", ECHO)
    other = opened()
    create(ask, "every", "cron(* * * * ? *)")
    other.targets.noticed()
    for _ in range(5):
        clock.advance(60)
        settled(lab)
        settled(other)
        assert lab.asynchronous.wait(60)
    assert [event["time"] for event in ran(lab, "echo")] == [told(minute) for minute in range(1, 6)]


def test_a_home_that_is_killed_again_and_again_fires_each_minute_once(
    opened, cloud, clock, ask, tmp_path, cache
):
    lab = opened()
    lab.functions.create("echo", ECHO)
    create(ask, "every", "cron(* * * * ? *)")
    lab.close()
    minute = 0
    for lines in (2, 3, 1, 2, 4):
        task = {
            "store": f"{tmp_path}/s.duckdb",
            "cache": str(cache),
            "start": START.isoformat(),
            "minute": minute,
            "address": cloud.address,
            "secret": cloud._reach.secret,
        }
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.endpoint.events.dying", json.dumps(task)],
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            # Killed while it goes on, at whatever it does then.
            minute = int([child.stdout.readline() for _ in range(lines)][-1])
            child.kill()
    clock.advance(minute * 60)
    after = opened()
    settled(after)
    fired = [event["time"] for event in ran(after, "echo")]
    assert len(fired) == len(set(fired))
    assert set(fired) >= {told(each) for each in range(1, minute + 1)}


def test_nothing_is_begun_for_a_lab_without_schedules(lab):
    assert lab.targets.wait(0)
    assert lab.targets._pump is None


@pytest.mark.parametrize(
    ("expression", "more", "message"),
    [
        ("rate(5 minute)", {}, "Invalid Schedule Expression rate(5 minute). rate: "),
        ("cron(0 1 ? * ? *)", {}, "Invalid Schedule Expression cron(0 1 ? * ? *). day-of-week: "),
        ("rate(1 minute)", {"ScheduleExpressionTimezone": "Mars"}, "Invalid ScheduleExpressionTimezone."),
        ("rate(1 minute)", {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes goes with"),
        ("rate(1 minute)", {"StartDate": START - timedelta(days=1)}, "The StartDate you specify cannot"),
        ("rate(1 minute)", {"EndDate": START - timedelta(days=1)}, "The EndDate you specify cannot"),
    ],
)
def test_schedules_that_are_refused(ask, expression, more, message):
    code, said = refused(ask, "s", expression, **more)
    assert (code, said[: len(message)]) == ("ValidationException", message)


def test_a_group_that_is_not_there_and_a_name_that_is(ask):
    assert refused(ask, "s", "rate(1 minute)", GroupName="nowhere")[0] == "ResourceNotFoundException"
    create(ask, "s", "rate(1 minute)")
    assert refused(ask, "s", "rate(1 minute)")[0] == "ConflictException"
