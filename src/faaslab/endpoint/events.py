"""EventBridge: what the cloud does not do, or not as AWS does. Everything else about buses is the cloud's.

Rule: rules, targets, buses and archives stand in the cloud. Here patterns and schedules are checked, events
are matched and sent, and rules with a schedule are told to the clock.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.events import envelope, pattern, schedule, target_input
from faaslab.events.cron import InvalidSchedule
from faaslab.events.pattern_text import InvalidPattern
from faaslab.lab import workflow_told
from faaslab.lab.schedules import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler

MOST_TARGETS = 5
"""Of one rule, as AWS allows them."""
_DEFAULT = "default"
_MANDATORY = ("id", "account", "source", "time", "region", "resources", "detail-type")


def put_events(call: Call) -> Mapping[str, Any]:
    """PutEvents: each entry is accepted or refused; what its rules send is on the disk with the answer."""
    entries = call.params["Entries"]
    if envelope.size(entries) > envelope.MOST_BYTES:
        raise _invalid("Total size of the entries in the request is over the limit.")
    now = call.lab.clock.now()
    answered: list[dict[str, str]] = []
    accepted: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for entry in entries:
        refused = envelope.refusal(entry)
        if refused is not None:
            answered.append({"ErrorCode": refused[0], "ErrorMessage": refused[1]})
            continue
        identity = str(uuid.uuid4())
        event = envelope.from_entry(entry, identity=identity, now=now, region=call.region, account=ACCOUNT)
        trace = entry.get("TraceHeader") or call.request.headers.get("x-amzn-trace-id")
        bus = entry.get("EventBusName") or _DEFAULT
        accepted.setdefault((bus, trace), []).append(event)
        answered.append({"EventId": identity})
    targets = call.lab.targets
    targets.put(
        [
            order
            for (bus, trace), events in accepted.items()
            for order in targets.buses.orders(bus, events, region=call.region, trace_id=trace)
        ]
    )
    return {"FailedEntryCount": sum("ErrorCode" in each for each in answered), "Entries": answered}


def test_event_pattern(call: Call) -> Mapping[str, Any]:
    """TestEventPattern."""
    wanted = _pattern(call.params["EventPattern"])
    event = envelope.detail_of(call.params["Event"])
    if event is None:
        raise _invalid("Parameter Event is not valid.")
    for name in _MANDATORY:
        if name not in event:
            raise _invalid(f"Parameter Event is not valid. Reason: {name} is a required field.")
    return {"Result": wanted.matches(event)}


def put_archive(call: Call) -> Mapping[str, Any]:
    """CreateArchive and UpdateArchive: the pattern is checked."""
    if call.params.get("EventPattern"):
        _pattern(call.params["EventPattern"])
    return call.cloud(call.operation, call.params)


def put_rule(call: Call) -> Mapping[str, Any]:
    """PutRule: its pattern and its schedule are checked; a schedule runs from now on."""
    params = call.params
    written, expression = params.get("EventPattern"), params.get("ScheduleExpression")
    if written:
        _pattern(written)
    if expression:
        _schedule(expression)
    if written:
        call.lab.store.marks.set(workflow_told.RULES)
    answer = call.cloud("PutRule", params)
    _keep_time(call, params["Name"], expression, enabled=params.get("State", "ENABLED") != "DISABLED")
    return answer


def enable_rule(call: Call) -> Mapping[str, Any]:
    """EnableRule."""
    answer = call.cloud("EnableRule", call.params)
    rule = call.cloud("DescribeRule", call.params)
    _keep_time(call, call.params["Name"], rule.get("ScheduleExpression"), enabled=True)
    return answer


def disable_rule(call: Call) -> Mapping[str, Any]:
    """DisableRule."""
    answer = call.cloud("DisableRule", call.params)
    _keep_time(call, call.params["Name"], None, enabled=False)
    return answer


def delete_rule(call: Call) -> Mapping[str, Any]:
    """DeleteRule."""
    answer = call.cloud("DeleteRule", call.params)
    _keep_time(call, call.params["Name"], None, enabled=False)
    return answer


def put_targets(call: Call) -> Mapping[str, Any]:
    """PutTargets: what a target is to be given is checked."""
    targets = call.params["Targets"]
    for target in targets:
        _check_target(target)
    rule = {"Rule": call.params["Rule"], "EventBusName": call.params.get("EventBusName") or _DEFAULT}
    known = {
        target["Id"]
        for target in call.lab.targets.buses.targets(rule["Rule"], rule["EventBusName"], call.region)
    }
    if len(known | {target["Id"] for target in targets}) > MOST_TARGETS:
        raise Fault("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
    return call.cloud("PutTargets", call.params)


def _check_target(target: Mapping[str, Any]) -> None:
    inputs = [name for name in ("Input", "InputPath", "InputTransformer") if target.get(name)]
    if len(inputs) > 1:
        raise _invalid(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    paths = {"InputPath": target.get("InputPath") or "$"}
    paths |= (target.get("InputTransformer") or {}).get("InputPathsMap") or {}
    for name, path in paths.items():
        if not target_input.is_path(path):
            raise _invalid(f"Parameter {name} is not valid. Reason: Invalid JSONPath provided.")


def _keep_time(call: Call, name: str, expression: str | None, *, enabled: bool) -> None:
    """A rule with a schedule stands on the default bus only, so another bus has none to tell."""
    bus = call.params.get("EventBusName") or _DEFAULT
    if bus.rpartition("/")[2] != _DEFAULT:
        return
    if expression and enabled:
        call.lab.targets.schedules.set_rule(name, expression, call.region)
    else:
        call.lab.targets.schedules.drop("rule", name, call.region)


def _pattern(written: str) -> pattern.Pattern:
    try:
        return pattern.compiled(written)
    except InvalidPattern as error:
        raise Fault("InvalidEventPatternException", error.message) from None


def _schedule(expression: str) -> None:
    try:
        parsed = schedule.parsed(expression)
    except InvalidSchedule as error:
        raise _invalid(f"Parameter ScheduleExpression is not valid. {error}") from None
    if isinstance(parsed, schedule.At):
        raise _invalid(
            "Parameter ScheduleExpression is not valid. at: only a schedule of EventBridge Scheduler has it"
        )


def _invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


OPERATIONS: dict[str, Handler] = {
    "PutEvents": put_events,
    "TestEventPattern": test_event_pattern,
    "CreateArchive": put_archive,
    "UpdateArchive": put_archive,
    "PutRule": put_rule,
    "EnableRule": enable_rule,
    "DisableRule": disable_rule,
    "DeleteRule": delete_rule,
    "PutTargets": put_targets,
}
