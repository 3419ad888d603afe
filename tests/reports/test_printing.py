"""What is printed for somebody else's clock: every due time is in it, and nothing in a name breaks it."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from cronsim import CronSim

from faaslab.errors import InvalidValue
from faaslab.events import cron, schedule
from faaslab.model.report import ReportSchedule
from faaslab.reports.printing import KINDS, printed, units, wakes

HOSTILE = '/srv/it\'s "here" 100% $HOME `id` \\ ;x/ñ.duckdb'
EXECUTABLE, STORE = "/opt/my venv/bin/faaslab", "/srv/faaslab.duckdb"
MADE = datetime(2026, 11, 23, 10, 17, 42)


def made(expression, timezone="Europe/Madrid", **changes):
    return ReportSchedule(
        **{
            "name": "weekly",
            "report": "cold_starts",
            "expression": expression,
            "timezone": timezone,
            "created_at": MADE,
            "updated_at": MADE,
            **changes,
        }
    )


def text(kind, it, store=STORE):
    return printed(kind, it, executable=EXECUTABLE, store=store)


# expression, time zone, OnCalendar, GitHub's cron, EventBridge's expression and zone
TABLE = [
    (
        "cron(0 7 ? * MON *)", "Europe/Madrid", "Mon *-*-* 07:00:00 Europe/Madrid", "0 5,6 * * 1",
        ("cron(0 7 ? * MON *)", "Europe/Madrid"),
    ),
    (
        "0 7 * * MON-FRI", "Europe/Madrid", "Mon,Tue,Wed,Thu,Fri *-*-* 07:00:00 Europe/Madrid",
        "0 5,6 * * 1,2,3,4,5", ("cron(0 7 ? * MON,TUE,WED,THU,FRI *)", "Europe/Madrid"),
    ),
    (
        "30 6 * * 1", "Pacific/Auckland", "Mon *-*-* 06:30:00 Pacific/Auckland", "30 17,18 * * 0",
        ("cron(30 6 ? * MON *)", "Pacific/Auckland"),
    ),
    (
        "0 9 * * *", "Asia/Kathmandu", "*-*-* 09:00:00 Asia/Kathmandu", "15 3 * * *",
        ("cron(0 9 * * ? *)", "Asia/Kathmandu"),
    ),
    (
        "0 7 1 * MON", "UTC", "*-*-* 07:00:00 UTC", "0 7 * * *", ("cron(0 7 * * ? *)", "UTC"),
    ),
    (
        "cron(15 8 L * ? *)", "America/New_York", "*-*-* 08:15:00 America/New_York", "15 12,13 * * *",
        ("cron(15 8 L * ? *)", "America/New_York"),
    ),
    (
        "cron(0 6 ? * 2#1 *)", "UTC", "Mon *-*-* 06:00:00 UTC", "0 6 * * 1", ("cron(0 6 ? * 2#1 *)", "UTC"),
    ),
    ("rate(1 day)", "Europe/Madrid", "*-*-* 10:17:00 UTC", "17 10 * * *", ("cron(17 10 * * ? *)", "UTC")),
    ("rate(5 minutes)", "UTC", "*-*-* *:*:00", "*/5 * * * *", ("rate(5 minutes)", "UTC")),
    ("*/10 * * * *", "UTC", "*-*-* *:*:00", "*/5 * * * *", ("rate(1 minute)", "UTC")),
    ("@weekly", "UTC", "Sun *-*-* 00:00:00 UTC", "0 0 * * 0", ("cron(0 0 ? * SUN *)", "UTC")),
]  # fmt: skip
IDS = [f"{row[0]} {row[1]}" for row in TABLE]


@pytest.mark.parametrize(("expression", "timezone", "calendar", "github", "aws"), TABLE, ids=IDS)
def test_each_kind(expression, timezone, calendar, github, aws):
    it = made(expression, timezone)
    assert text("crontab", it).splitlines()[-1] == (
        "* * * * * '/opt/my venv/bin/faaslab' report tick --store /srv/faaslab.duckdb"
    )
    assert f"OnCalendar={calendar}\n" in text("systemd", it)
    workflow = yaml.safe_load(text("github-actions", it))
    assert workflow["on"]["schedule"] == [{"cron": github}]
    assert shlex.split(workflow["jobs"]["tick"]["steps"][0]["run"])[1:3] == ["report", "tick"]
    target = yaml.safe_load(text("eventbridge", it))["Resources"]["Schedule"]["Properties"]
    assert (target["ScheduleExpression"], target["ScheduleExpressionTimezone"]) == aws
    schedule.parsed(target["ScheduleExpression"])  # AWS takes it


@pytest.mark.parametrize(("expression", "timezone", "calendar", "github", "aws"), TABLE, ids=IDS)
def test_every_due_time_wakes_it(expression, timezone, calendar, github, aws):
    """More than a year of due times, with both changes of the clocks, on the clocks that are printed."""
    it, what = made(expression, timezone), schedule.understood(expression)
    start = MADE if expression.startswith("rate") else None
    at, aws_at = MADE, MADE
    clocks = [(ZoneInfo(zone), told) for zone in ("UTC", timezone) if (told := wakes(it, zone)) is not None]
    for _ in range(400):
        at = schedule.next_fire(what, at, timezone, start=start)
        if at is None or at - MADE > timedelta(days=3 * 366):
            break
        minute = at.replace(second=0)
        if not github.startswith("*/5"):
            assert next(CronSim(github, minute - timedelta(minutes=1))) == minute
        for zone, told in clocks:
            local = at.replace(tzinfo=UTC).astimezone(zone)
            assert local.minute in told.minutes
            assert local.hour in told.hours
            assert (local.weekday() + 1) % 7 in told.weekdays
        if aws[0].startswith("cron"):
            while aws_at < minute:
                aws_at = schedule.next_fire(cron_of(aws[0]), aws_at, aws[1])
            assert aws_at == minute


def test_retries_are_waited_for():
    """Two retries of at most ten minutes, each within a quarter of an hour: fifty minutes, in steps of five."""
    it = made("0 23 * * MON", "UTC", retries=2, timeout_s=600)
    fives = [str(minute) for minute in range(0, 55, 5)]
    workflow = yaml.safe_load(text("github-actions", it))
    assert workflow["on"]["schedule"] == [{"cron": f"{','.join(fives)} 23 * * 1"}]
    padded = ",".join(f"{int(minute):02d}" for minute in fives)
    assert f"OnCalendar=Mon *-*-* 23:{padded}:00 UTC\n" in text("systemd", it)
    stack = yaml.safe_load(text("eventbridge", it))["Resources"]["Schedule"]["Properties"]
    assert stack["ScheduleExpression"] == f"cron({','.join(fives)} 23 ? * MON *)"
    late = wakes(made("30 23 * * MON", "UTC", retries=2, timeout_s=600), "UTC")
    assert (late.hours, late.weekdays) == ((0, 23), (1, 2))


def cron_of(expression):
    return cron.parsed(expression.removeprefix("cron(").removesuffix(")"))


def test_a_hostile_path_is_one_word_everywhere():
    it = made("0 7 * * MON", name="x\"'; rm -rf ~ #${{ x }} %", report="a\nb")
    line = text("crontab", it, HOSTILE).splitlines()[-1]
    assert shlex.split(line.replace("\\%", "%"))[-1] == HOSTILE
    run = yaml.safe_load(text("github-actions", it, HOSTILE))["jobs"]["tick"]["steps"][0]["run"]
    assert shlex.split(run)[-1] == HOSTILE
    stack = yaml.safe_load(text("eventbridge", it, HOSTILE + "${Instance}"))
    request = stack["Resources"]["Schedule"]["Properties"]["Target"]["Input"]["Fn::Sub"]
    filled = re.sub(r"\$\{(!?)(\w+)\}", lambda m: f"${{{m[2]}}}" if m[1] else f"<{m[2]}>", request)
    command = json.loads(filled)["Parameters"]["commands"][0]
    assert shlex.split(command)[-1] == HOSTILE + "${Instance}"
    assert shlex.split(command.replace("<User>", "ada"))[:3] == ["runuser", "-u", "ada"]
    assert json.loads(filled)["InstanceIds"] == ["<Instance>"]
    for kind in KINDS:
        assert not any(line.startswith("b:") for line in text(kind, it, HOSTILE).splitlines())


def test_what_cannot_be_written_down_is_refused():
    for kind in KINDS:
        with pytest.raises(InvalidValue, match="control character"):
            text(kind, made("@daily"), "/srv/a\nb")
    with pytest.raises(InvalidValue, match="cannot be written into a workflow"):
        text("github-actions", made("@daily"), "/srv/${{ secrets.X }}")
    with pytest.raises(InvalidValue, match="did you mean 'systemd'"):
        text("sytemd", made("@daily"))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
@pytest.mark.parametrize("row", TABLE, ids=IDS)
def test_systemd_finds_the_same_times(row):
    expression, timezone, calendar, _, _ = row
    told = subprocess.run(
        ["systemd-analyze", "calendar", "--iterations=1", "--base-time=2027-01-31 12:00:00 UTC", calendar],
        capture_output=True, text=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert told.returncode == 0, told.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_takes_the_units(tmp_path):
    (tmp_path / 'my "100%" $x').mkdir()
    executable = tmp_path / 'my "100%" $x' / "faaslab"
    executable.write_text("#!/bin/sh\n")
    executable.chmod(0o755)
    found = units(made("0 7 * * MON", name="weekly 100%"), (str(executable), "report", "tick"))
    paths = []
    for name, unit in found.items():
        path = tmp_path / name.rpartition("/")[2]
        path.write_text(unit)
        paths.append(str(path))
    told = subprocess.run(["systemd-analyze", "--user", "verify", *paths], capture_output=True, text=True)
    about_ours = [line for line in told.stderr.splitlines() if "faaslab-" in line]
    assert about_ours == []


def test_amazons_models_take_what_the_stack_asks_for():
    import botocore.session
    from botocore.validate import ParamValidator

    session = botocore.session.get_session()
    stack = yaml.safe_load(text("eventbridge", made("0 7 * * MON", name="ü" * 70)))
    asked = stack["Resources"]["Schedule"]["Properties"]
    target = {
        **asked["Target"],
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "Input": asked["Target"]["Input"]["Fn::Sub"],
    }
    request = json.loads(target["Input"].replace("${Instance}", "i-0123456789abcdef0"))
    del asked["State"]
    for service, operation, given in (
        ("scheduler", "CreateSchedule", {**asked, "Name": "weekly", "Target": target}),
        ("ssm", "SendCommand", request),
    ):
        shape = session.get_service_model(service).operation_model(operation).input_shape
        assert not ParamValidator().validate(given, shape).has_errors()


def test_amazons_linter_finds_nothing_in_the_stack(tmp_path):
    lint = Path(sys.executable).with_name("cfn-lint")
    if not lint.exists():
        pytest.skip("cfn-lint is not here")
    template = tmp_path / "stack.yaml"
    template.write_text(text("eventbridge", made("0 7 * * MON"), HOSTILE))
    told = subprocess.run([str(lint), str(template)], capture_output=True, text=True)
    assert (told.returncode, told.stdout) == (0, "")
