"""What somebody else's clock needs to run a schedule: a crontab line, units, a workflow, a stack. Pure.

Rule: whoever wakes faaslab only wakes it. `report tick` looks into the store, where the schedule with its
time zone stands, runs what is due and catches up what was missed, so a clock that comes too often, twice or
late does no harm. That is why none of these leans on a cron's own idea of time zones and daylight saving:
what cannot be said in another's words is said too often rather than too seldom.
"""

from __future__ import annotations

import json
import math
import re
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, get_args

from faaslab.errors import InvalidValue, nearest
from faaslab.events import schedule as schedules
from faaslab.events.cron import Cron
from faaslab.events.crontab import Crontab
from faaslab.events.schedule import Rate

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from faaslab.model.report import ReportSchedule

Kind = Literal["crontab", "systemd", "github-actions", "eventbridge"]
KINDS: tuple[str, ...] = get_args(Kind)

_AHEAD = timedelta(days=2 * 366)
_RETRY_EVERY = timedelta(minutes=5)
_RETRY_WITHIN = timedelta(minutes=15)
"""A run that failed is tried again within a quarter of an hour after it ended."""
_MOST = 1500
_A_DAY = 288
_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_ODD = re.compile(r"[^A-Za-z0-9]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Wakes:
    """Minutes, hours and weekdays (0 is Sunday) on the clock of `timezone` that hold every due time."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    weekdays: tuple[int, ...]
    timezone: str


def printed(kind: str, schedule: ReportSchedule, *, executable: str, store: str) -> str:
    """The text of that kind, with how to put it in place in comments.

    `executable` is the path of `faaslab`, `store` that of the store, both absolute. Raises `InvalidValue`
    for another kind, and for a path that cannot be written down there.
    """
    for place, text in (("--store", store), ("faaslab", executable)):
        if _CONTROL.search(text):
            raise InvalidValue("a path with a control character cannot be written down", place=place)
    command = (executable, "report", "tick", "--store", store)
    match kind:
        case "crontab":
            return _crontab(schedule, command)
        case "systemd":
            return "\n".join(f"# {name}\n{text}" for name, text in units(schedule, command).items())
        case "github-actions":
            return _workflow(schedule, command)
        case "eventbridge":
            return _stack(schedule, command)
    near = nearest(kind, KINDS)
    raise InvalidValue(
        f"{kind!r} is none of {', '.join(KINDS)}",
        place="--print",
        hint=f"did you mean {near!r}?" if near else None,
    )


def wakes(schedule: ReportSchedule, timezone: str) -> Wakes | None:
    """When to wake, on the clock of `timezone`; None when it is due more often than is worth counting.

    Found by asking for the due times of two years, which have every offset of both zones in them. Weekdays
    are told apart only where the schedule itself names weekdays: dates move through the week. For retries
    there is a wake every five minutes after a due time, for as long as they may take.
    """
    what = schedules.understood(schedule.expression)
    zone = schedules.zone_of(timezone)
    begin = schedule.created_at
    found: list[datetime] = []
    at = begin
    start = begin if isinstance(what, Rate) else None
    while (following := schedules.next_fire(what, at, schedule.timezone, start=start)) is not None:
        if following - begin > _AHEAD and found:
            break
        if len(found) == _MOST:
            return None
        at = following
        found.append(at)
    if not found:
        return None
    wall = {_wall(at, zone) for at in found}
    each_s = _RETRY_WITHIN.total_seconds() + (schedule.timeout_s or _RETRY_EVERY.total_seconds())
    steps = math.ceil(schedule.retries * each_s / _RETRY_EVERY.total_seconds())
    for step in range(1, min(steps, _A_DAY) + 1):
        wall |= {_wall(at + step * _RETRY_EVERY, zone) for at in found}
    return Wakes(
        minutes=tuple(sorted({minute for minute, _, _ in wall})),
        hours=tuple(sorted({hour for _, hour, _ in wall})),
        weekdays=tuple(sorted({day for _, _, day in wall})) if _by_weekday(what) else tuple(range(7)),
        timezone=timezone,
    )


def _wall(at: datetime, zone: ZoneInfo) -> tuple[int, int, int]:
    """Minute, hour and weekday of an instant on a zone's clock."""
    local = at.replace(tzinfo=UTC).astimezone(zone)
    return local.minute, local.hour, (local.weekday() + 1) % 7


def _by_weekday(what: schedules.Schedule) -> bool:
    if isinstance(what, Cron):
        return bool(what.weekdays or what.nth)
    if isinstance(what, Crontab):
        _, _, days, _, weekdays = what.fields.split()
        # Of two that are both given either will do, unless one begins with a star.
        return weekdays != "*" and days.startswith("*")
    return False


def _numbers(values: tuple[int, ...], count: int) -> str:
    return "*" if len(values) == count else ",".join(map(str, values))


def _said(schedule: ReportSchedule) -> str:
    zone = "" if isinstance(schedules.understood(schedule.expression), Rate) else f" {schedule.timezone}"
    return f"{schedule.report}: {' '.join(schedule.expression.split())}{zone}"


def _comment(text: str) -> str:
    return _CONTROL.sub(" ", text)


def _slug(name: str) -> str:
    return _ODD.sub("-", name).strip("-").lower()[:48] or "schedule"


def _crontab(schedule: ReportSchedule, command: tuple[str, ...]) -> str:
    # cron turns % into a line break wherever it stands, unless a backslash is before it.
    line = shlex.join(command).replace("%", "\\%")
    return (
        f"# faaslab runs the report schedule {_comment(schedule.name)} ({_comment(_said(schedule))}).\n"
        "# Every minute, since cron's own time zones and daylight saving differ from one cron to the next:\n"
        "# the store knows what is due. This one line serves all schedules of the store. Put it in with\n"
        "# crontab -e; FAASLAB_SMTP_URL and the secrets of webhooks go above it as NAME=value.\n"
        f"* * * * * {line}\n"
    )


def units(schedule: ReportSchedule, command: tuple[str, ...]) -> dict[str, str]:
    """The two units of systemd, by where they go."""
    slug = _slug(schedule.name)
    name = f"faaslab-{slug}"
    what = schedules.understood(schedule.expression)
    when = wakes(schedule, "UTC" if isinstance(what, Rate) else schedule.timezone)
    if when is None:
        calendar = "*-*-* *:*:00"
    else:
        days = ",".join(_DAYS[day] for day in when.weekdays)
        calendar = (
            f"{f'{days} ' if len(when.weekdays) < 7 else ''}*-*-* "
            f"{_padded(when.hours, 24)}:{_padded(when.minutes, 60)}:00 {when.timezone}"
        )
    about = _comment(f"faaslab report schedule {schedule.name} ({_said(schedule)})").replace("%", "%%")
    service = (
        "[Unit]\n"
        f"Description={about}\n"
        "\n"
        "[Service]\n"
        "Type=oneshot\n"
        "# FAASLAB_SMTP_URL and the secrets of webhooks, one NAME=value a line, chmod 600:\n"
        "EnvironmentFile=-%h/.config/faaslab/environment\n"
        f"ExecStart={' '.join(map(_unit_word, command))}\n"
    )
    timer = (
        "# systemctl --user daemon-reload && systemctl --user enable --now "
        f"{name}.timer\n"
        "# loginctl enable-linger    (so that it runs while you are logged out)\n"
        "[Unit]\n"
        f"Description={about}\n"
        "\n"
        "[Timer]\n"
        f"OnCalendar={calendar}\n"
        "Persistent=true\n"
        "AccuracySec=1s\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )
    folder = "~/.config/systemd/user"
    return {f"{folder}/{name}.service": service, f"{folder}/{name}.timer": timer}


def _padded(values: tuple[int, ...], count: int) -> str:
    return "*" if len(values) == count else ",".join(f"{value:02d}" for value in values)


def _unit_word(word: str) -> str:
    # systemd.service(5): C's escapes between quotes, $ and % doubled.
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def _workflow(schedule: ReportSchedule, command: tuple[str, ...]) -> str:
    if any("${{" in word for word in command):
        raise InvalidValue("a path with ${{ in it cannot be written into a workflow", place="--store")
    when = wakes(schedule, "UTC")
    cron = (
        "*/5 * * * *"  # the most often that GitHub starts anything
        if when is None
        else f"{_numbers(when.minutes, 60)} {_numbers(when.hours, 24)} * * {_numbers(when.weekdays, 7)}"
    )
    return (
        f"# .github/workflows/faaslab-{_slug(schedule.name)}.yml\n"
        f"# {_comment(_said(schedule))}. GitHub's cron is in UTC and may be late: where the zone has\n"
        "# two offsets it starts at both, and the store, which knows the zone, runs the one that is due.\n"
        "# The runner is the machine that keeps the store (self-hosted): another one has no schedules.\n"
        f"name: {json.dumps(f'faaslab report schedule {_comment(schedule.name)}'.replace('${{', '$ {{'))}\n"
        '"on":\n'
        "  schedule:\n"
        f"    - cron: {json.dumps(cron)}\n"
        "  workflow_dispatch: {}\n"
        "permissions: {}\n"
        "concurrency: faaslab-report-tick\n"
        "jobs:\n"
        "  tick:\n"
        "    runs-on: self-hosted\n"
        "    timeout-minutes: 60\n"
        "    steps:\n"
        f"      - run: {json.dumps(shlex.join(command))}\n"
        "        # env: {FAASLAB_SMTP_URL: …, TEAM_HOOK: …} of the repository's secrets\n"
    )


def _expression(schedule: ReportSchedule) -> tuple[str, str]:
    """AWS's own expression and its time zone."""
    what = schedules.understood(schedule.expression)
    if isinstance(what, Cron) and not schedule.retries:
        return schedule.expression.strip(), schedule.timezone
    if isinstance(what, Rate) and what.period % timedelta(days=1) and not schedule.retries:
        return schedule.expression.strip(), "UTC"
    # At its own minute of the day, rather than at the one when the stack was made.
    when = wakes(schedule, "UTC" if isinstance(what, Rate) else schedule.timezone)
    if when is None:
        return "rate(1 minute)", "UTC"
    days = "* * ? *"
    if len(when.weekdays) < 7:
        days = f"? * {','.join(_DAYS[day].upper() for day in when.weekdays)} *"
    return f"cron({_numbers(when.minutes, 60)} {_numbers(when.hours, 24)} {days})", when.timezone


def _stack(schedule: ReportSchedule, command: tuple[str, ...]) -> str:
    expression, timezone = _expression(schedule)
    # As the one whose store it is: the agent on the instance is root, and the store is its owner's alone.
    said = shlex.join(["runuser", "-u", _USER, "--", *command])
    request = {
        "DocumentName": "AWS-RunShellScript",
        "InstanceIds": ["${Instance}"],
        "Parameters": {"commands": [_sub(said).replace(_USER, "${User}")], "executionTimeout": ["3600"]},
    }
    slug = _slug(schedule.name)
    return _STACK.format(
        slug=slug,
        about=json.dumps(_comment(f"faaslab report schedule {schedule.name}")[:500]),
        said=_comment(_said(schedule)),
        expression=json.dumps(expression),
        timezone=json.dumps(timezone),
        request=json.dumps(json.dumps(request)),
    )


_USER = "THE-OWNER-OF-THE-STORE"


def _sub(text: str) -> str:
    """What CloudFormation's Sub is to leave as it is."""
    return text.replace("${", "${!")


_STACK = """\
# faaslab-{slug}.yaml: EventBridge Scheduler wakes the instance that keeps the store, through Systems Manager.
# {said}
# aws cloudformation deploy --stack-name faaslab-{slug} --template-file faaslab-{slug}.yaml \\
#   --capabilities CAPABILITY_IAM --parameter-overrides Instance=i-0123456789abcdef0 User=ec2-user
AWSTemplateFormatVersion: "2010-09-09"
Description: {about}
Parameters:
  Instance:
    Type: AWS::EC2::Instance::Id
    Description: The instance that keeps the store; Systems Manager's agent runs on it
  User:
    Type: String
    AllowedPattern: "[a-z_][a-z0-9_-]*"
    Description: Whose the store is on that instance
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {{Service: scheduler.amazonaws.com}}
            Action: sts:AssumeRole
            Condition: {{StringEquals: {{"aws:SourceAccount": {{Ref: "AWS::AccountId"}}}}}}
      Policies:
        - PolicyName: wake
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: ssm:SendCommand
                Resource:
                  - Fn::Sub: "arn:aws:ec2:${{AWS::Region}}:${{AWS::AccountId}}:instance/${{Instance}}"
                  - Fn::Sub: "arn:aws:ssm:${{AWS::Region}}::document/AWS-RunShellScript"
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      Description: {about}
      ScheduleExpression: {expression}
      ScheduleExpressionTimezone: {timezone}
      FlexibleTimeWindow: {{Mode: "OFF"}}
      State: ENABLED
      Target:
        Arn: arn:aws:scheduler:::aws-sdk:ssm:sendCommand
        RoleArn: {{Fn::GetAtt: [Role, Arn]}}
        Input:
          Fn::Sub: {request}
        RetryPolicy: {{MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 3600}}
"""
