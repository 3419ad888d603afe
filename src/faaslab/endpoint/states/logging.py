"""What a state machine is to log, as a request says it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from faaslab.endpoint.logs import naming
from faaslab.endpoint.messages import Fault
from faaslab.errors import MissingExtra
from faaslab.model.workflow import LoggingConfiguration

if TYPE_CHECKING:
    from faaslab.endpoint.call import Call

_GROUP = re.compile(r"arn:[^:]*:logs:[^:]*:[^:]*:log-group:(?P<name>[^:]+)(?::\*)?")


def given(call: Call) -> LoggingConfiguration:
    """The logging configuration of a request, whose log group is there. Raises the `Fault`."""
    asked = call.params.get("loggingConfiguration") or {}
    level = asked.get("level", "OFF")
    groups = [each.get("cloudWatchLogsLogGroup") or {} for each in asked.get("destinations") or ()]
    destinations = tuple(each.get("logGroupArn", "") for each in groups)
    if len(destinations) > 1 or (level != "OFF" and (not destinations or not destinations[0])):
        raise _invalid("Must specify exactly one Log Destination.")
    for arn in destinations:
        _check(call, arn)
    return LoggingConfiguration(
        level=level,
        include_execution_data=bool(asked.get("includeExecutionData")),
        destinations=destinations,
    )


def _check(call: Call, arn: str) -> None:
    found = _GROUP.fullmatch(arn)
    if found is None:
        raise _invalid("Log Destination is not the ARN of a log group.")
    name = found["name"]
    if naming.writers(call.lab, name):
        return
    try:
        groups = call.cloud("DescribeLogGroups", {"logGroupNamePrefix": name}, service="logs")
    except (Fault, MissingExtra):
        return  # without an embedded cloud nobody knows
    if name not in [each.get("logGroupName") for each in groups.get("logGroups", ())]:
        raise _invalid("Log Destination not found.")


def _invalid(why: str) -> Fault:
    return Fault("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {why}")
