"""EventBridge Scheduler.

Rule: schedules stand in the cloud; here they are checked, and told to the clock of the home.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.events import schedule
from faaslab.events.cron import InvalidSchedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler

_EARLIEST_START = timedelta(minutes=5)


def create_schedule(call: Call) -> Mapping[str, Any]:
    """CreateSchedule: it fires from now on."""
    return _put(call, "CreateSchedule")


def update_schedule(call: Call) -> Mapping[str, Any]:
    """UpdateSchedule: what is not given has its default again, as on AWS."""
    return _put(call, "UpdateSchedule")


def delete_schedule(call: Call) -> Mapping[str, Any]:
    """DeleteSchedule."""
    answer = call.cloud("DeleteSchedule", call.params)
    group = call.params.get("GroupName") or "default"
    call.lab.targets.schedules.drop("schedule", call.params["Name"], call.region, group)
    return answer


def delete_schedule_group(call: Call) -> Mapping[str, Any]:
    """DeleteScheduleGroup: with all schedules in it."""
    name = call.params["Name"]
    if name == "default":
        raise _invalid("Default schedule group cannot be deleted.")
    call.cloud("GetScheduleGroup", {"Name": name})
    answer = call.cloud("DeleteScheduleGroup", call.params)
    call.lab.targets.schedules.drop_group(name, call.region)
    return answer


def _put(call: Call, operation: str) -> Mapping[str, Any]:
    params = dict(call.params)
    _check(call, params)
    group = params.setdefault("GroupName", "default")
    # The cloud would take a group that is not there, and keep no state of a schedule that says none.
    call.cloud("GetScheduleGroup", {"Name": group})
    params.setdefault("State", "ENABLED")
    answer = call.cloud(operation, params)
    schedules = call.lab.targets.schedules
    if params["State"] == "ENABLED":
        schedules.set_schedule(params, call.region)
    else:
        schedules.drop("schedule", params["Name"], call.region, group)
    return answer


def _check(call: Call, params: Mapping[str, Any]) -> None:
    expression = params["ScheduleExpression"]
    try:
        schedule.zone_of(params.get("ScheduleExpressionTimezone") or "UTC")
    except InvalidSchedule as error:
        raise _invalid(f"Invalid ScheduleExpressionTimezone. {error}") from None
    try:
        parsed = schedule.parsed(expression)
    except InvalidSchedule as error:
        raise _invalid(f"Invalid Schedule Expression {expression}. {error}") from None
    window = params["FlexibleTimeWindow"]
    if (window["Mode"] == "FLEXIBLE") != (window.get("MaximumWindowInMinutes") is not None):
        raise _invalid(
            "MaximumWindowInMinutes goes with the Mode FLEXIBLE of FlexibleTimeWindow, and with no other."
        )
    now, start, end = call.lab.clock.now(), params.get("StartDate"), params.get("EndDate")
    if isinstance(parsed, schedule.At):
        return
    if start is not None and start < now - _EARLIEST_START:
        raise _invalid("The StartDate you specify cannot be earlier than 5 minutes ago.")
    if end is not None and end <= max(now, start or now):
        raise _invalid("The EndDate you specify cannot be earlier than the StartDate, or in the past.")


def _invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


OPERATIONS: dict[str, Handler] = {
    "CreateSchedule": create_schedule,
    "UpdateSchedule": update_schedule,
    "DeleteSchedule": delete_schedule,
    "DeleteScheduleGroup": delete_schedule_group,
}
