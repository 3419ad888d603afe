"""Log groups and streams: those of functions beside the embedded cloud's, and what may be done to them.

What is said about a group (retention, tags, keys) is the cloud's to keep, which has a group of the same name
from then on. Retention is told and deletes nothing, and of a group that is deleted no earlier event is shown
through this port: the history itself stays as it is, and is looked after by `store prune`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.call import Theirs
from faaslab.endpoint.logs import events, metric_filters, naming, sending, tokens
from faaslab.endpoint.messages import Fault
from faaslab.errors import MissingExtra
from faaslab.store.log_groups import Sent
from faaslab.store.questions import logs as questions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from faaslab.endpoint.call import Call, Handler

_PAGE = 50
_KEPT = (
    "{0} is the log of local functions: what they did stays in the store, and nothing through this port "
    "takes it away. `faaslab store prune` does."
)
_WRITTEN = "{0} is the log of local functions, and only they write to it."
_FED_ITSELF = "{0} is the log of {1}: sent there, each run would cause another."


def describe_log_groups(call: Call) -> Mapping[str, Any]:
    """Groups of functions and of the cloud in the order of their names."""
    params = call.params
    prefix, pattern = params.get("logGroupNamePrefix"), params.get("logGroupNamePattern")
    if prefix and pattern:
        raise Fault(
            "InvalidParameterException",
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        )
    wanted = {naming.plain(each) for each in params.get("logGroupIdentifiers") or ()}
    theirs, ours = _theirs(call), _ours(call)
    names = sorted(
        name
        for name in theirs.keys() | ours.keys()
        if (not prefix or name.startswith(prefix))
        and (not pattern or pattern.lower() in name.lower())
        and (not wanted or name in wanted)
        and params.get("logGroupClass") in (None, theirs.get(name, {}).get("logGroupClass", "STANDARD"))
    )
    names, more = _page(names, call)
    sizes = _sizes(call, {function: name for name in names for function in ours.get(name, ((), None))[0]})
    groups = []
    for name in names:
        group = dict(theirs.get(name, {}))
        if name in ours:
            functions, created = ours[name]
            group.setdefault("creationTime", tokens.milliseconds(created))
            group["storedBytes"] = sum(sizes.get(each, 0) for each in functions)
        arn = naming.group_arn(name, call.region)
        group |= {"logGroupName": name, "arn": f"{arn}:*", "logGroupArn": arn}
        group.setdefault("metricFilterCount", 0)
        group.setdefault("storedBytes", 0)
        group.setdefault("logGroupClass", "STANDARD")
        groups.append(group)
    return {"logGroups": groups, **more}


def list_log_groups(call: Call) -> Mapping[str, Any]:
    """The same in short; the pattern is a regular expression here."""
    try:
        pattern = re.compile(call.params.get("logGroupNamePattern") or "")
    except (re.error, OverflowError, RecursionError):
        raise Fault("InvalidParameterException", "The log group name pattern is invalid.") from None
    names = {name for name in _theirs(call).keys() | _ours(call).keys() if pattern.search(name)}
    shown, more = _page(sorted(names), call)
    groups = [
        {
            "logGroupName": name,
            "logGroupArn": naming.group_arn(name, call.region),
            "logGroupClass": "STANDARD",
        }
        for name in shown
    ]
    return {"logGroups": groups, **more}


def describe_log_streams(call: Call) -> Mapping[str, Any]:
    """The streams of a group: one an environment."""
    params = call.params
    group = naming.named_group(params)
    functions = naming.asked_writers(call, group)
    by_last_event = params.get("orderBy") == "LastEventTime"
    if by_last_event and params.get("logStreamNamePrefix"):
        raise Fault("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
    after = None
    if params.get("nextToken"):
        at, name, _ = tokens.place(params["nextToken"])
        after = (at, name)
    most = min(params.get("limit") or _PAGE, _PAGE)
    with call.lab.store.connect() as connection:
        found = questions.streams(
            connection,
            questions.Wanted(
                functions=functions,
                floors=naming.floors(call.lab, dict.fromkeys(functions, group)),
                prefix=params.get("logStreamNamePrefix"),
            ),
            rows=most + 1,
            by_last_event=by_last_event,
            descending=bool(params.get("descending")),
            after=after,
        )
    arn = naming.group_arn(group, call.region)
    streams = [
        {
            "logStreamName": each.name,
            "creationTime": tokens.milliseconds(each.first),
            "firstEventTimestamp": tokens.milliseconds(each.first),
            "lastEventTimestamp": tokens.milliseconds(each.last),
            "lastIngestionTime": tokens.milliseconds(each.last),
            "arn": f"{arn}:log-stream:{each.name}",
            "storedBytes": 0,  # as AWS tells it of streams since 2019
        }
        for each in found[:most]
    ]
    if len(found) <= most:
        return {"logStreams": streams}
    last = found[most - 1]
    return {"logStreams": streams, "nextToken": tokens.of_place((last.last, last.name, 0))}


def create_log_group(call: Call) -> None:
    """Before its function has run anybody may make it, as on AWS; from then on it is there."""
    name = call.params["logGroupName"]
    if naming.written(call.lab, name):
        raise Fault("ResourceAlreadyExistsException", "The specified log group already exists")
    raise Theirs


def delete_log_group(call: Call) -> None:
    """Its events so far are not shown any more; its function makes it anew when it runs."""
    name = call.params["logGroupName"]
    if not naming.written(call.lab, name):
        raise Theirs
    call.lab.store.log_groups.delete(name, call.lab.clock.now())
    try:
        there = name in _groups_of_cloud(call, name)
    except MissingExtra:
        there = False
    if there:
        raise Theirs


def delete_log_stream(call: Call) -> None:
    """Refused for a function's."""
    raise _refusal(call, _KEPT)


def write(call: Call) -> None:
    """Streams and events of others are refused in a function's group."""
    raise _refusal(call, _WRITTEN)


def put_metric_filter(call: Call) -> None:
    """What is counted in a group; see `metric_filters`."""
    metric_filters.put(call, _mirror)


def put_subscription_filter(call: Call) -> Mapping[str, Any] | None:
    """The cloud keeps the filter and looks for its destination; what is logged from now on is sent on."""
    params = call.params
    group, target = params["logGroupName"], params["destinationArn"].split(":")
    functions = naming.writers(call.lab, group)
    if not functions:
        raise Theirs
    events.selected(params["filterPattern"], functions)  # refused, if it is none
    if "lambda" in target and any(function in target for function in functions):
        raise Fault("InvalidParameterException", _FED_ITSELF.format(group, ", ".join(functions)))
    if target[2:3] not in (["lambda"], ["kinesis"], ["firehose"]):
        raise Fault("InvalidParameterException", f"{params['destinationArn']} takes no log events here.")
    _mirror(call, group)
    told = call.cloud("PutSubscriptionFilter", params)
    log_groups = call.lab.store.log_groups
    if group not in log_groups.sent():
        log_groups.put_sent(group, Sent(at=call.lab.clock.now(), beyond=_ended(call, functions)))
    sending.wake(call.lab)
    return told


def delete_subscription_filter(call: Call) -> Mapping[str, Any]:
    """With the last one nothing is sent on any more."""
    group = call.params["logGroupName"]
    if group not in call.lab.store.log_groups.sent():
        raise Theirs
    told = call.cloud("DeleteSubscriptionFilter", call.params)
    left = call.cloud("DescribeSubscriptionFilters", {"logGroupName": group})
    if not left.get("subscriptionFilters"):
        call.lab.store.log_groups.forget_sent(group)
    return told


def keep(call: Call) -> Mapping[str, Any] | None:
    """What is said about a group goes to the cloud, which gets the group when it has it not."""
    params = call.params
    named = params.get("resourceArn") or params.get("logGroupName") or params.get("logGroupIdentifier") or ""
    name = naming.plain(str(named))
    if naming.writers(call.lab, name):
        _mirror(call, name)
    raise Theirs


def _mirror(call: Call, name: str) -> None:
    if name not in _groups_of_cloud(call, name):
        call.cloud("CreateLogGroup", {"logGroupName": name})


def _ended(call: Call, functions: tuple[str, ...]) -> tuple[str, ...]:
    """The executions of the last minute, which are not sent on."""
    since = call.lab.clock.now() - sending.LATE
    with call.lab.store.connect() as connection:
        return questions.ended(connection, questions.Wanted(functions=functions, ended_since=since))


def _refusal(call: Call, words: str) -> Exception:
    name = naming.named_group(call.params)
    if not naming.writers(call.lab, name):
        return Theirs()
    return Fault("InvalidParameterException", words.format(name))


def _ours(call: Call) -> dict[str, tuple[tuple[str, ...], datetime]]:
    """Group -> the functions that write to it, and since when it is there."""
    known = naming.groups(call.lab)
    groups = {
        name: (writers, min(known.since[each] for each in writers)) for name, writers in known.writers.items()
    }
    with call.lab.store.connect() as connection:
        for function_name, first in questions.functions(connection).items():
            groups.setdefault(f"{naming.PREFIX}{function_name}", ((function_name,), first))
    for name, at in call.lab.store.log_groups.deleted().items():
        if name in groups and naming.written(call.lab, name):
            groups[name] = groups[name][0], max(groups[name][1], at)
        else:
            groups.pop(name, None)
    return groups


def _theirs(call: Call) -> dict[str, dict[str, Any]]:
    prefix = call.params.get("logGroupNamePrefix")
    try:
        return _groups_of_cloud(call, prefix)
    except MissingExtra:
        return {}


def _groups_of_cloud(call: Call, prefix: str | None) -> dict[str, dict[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    asked: dict[str, Any] = {"logGroupNamePrefix": prefix} if prefix else {}
    while True:
        told = call.cloud("DescribeLogGroups", asked)
        groups |= {each["logGroupName"]: each for each in told.get("logGroups", ())}
        if not told.get("nextToken"):
            return groups
        asked = {**asked, "nextToken": told["nextToken"]}


def _sizes(call: Call, group_of: dict[str, str]) -> dict[str, int]:
    if not group_of:
        return {}
    wanted = questions.Wanted(functions=tuple(group_of), floors=naming.floors(call.lab, group_of))
    with call.lab.store.connect() as connection:
        return questions.sizes(connection, wanted)


def _page(names: list[str], call: Call) -> tuple[list[str], dict[str, str]]:
    """Those behind the token's name, and the token of what follows."""
    if call.params.get("nextToken"):
        after = tokens.read(call.params["nextToken"])
        if not isinstance(after, str):
            raise tokens.invalid()
        names = [name for name in names if name > after]
    most = min(call.params.get("limit") or _PAGE, _PAGE)
    return names[:most], {"nextToken": tokens.written(names[most - 1])} if len(names) > most else {}


OPERATIONS: dict[str, Handler] = {
    "AssociateKmsKey": keep,
    "CreateLogGroup": create_log_group,
    "CreateLogStream": write,
    "DeleteLogGroup": delete_log_group,
    "DeleteLogStream": delete_log_stream,
    "DeleteMetricFilter": metric_filters.delete,
    "DeleteRetentionPolicy": keep,
    "DeleteSubscriptionFilter": delete_subscription_filter,
    "DescribeLogGroups": describe_log_groups,
    "DescribeLogStreams": describe_log_streams,
    "ListLogGroups": list_log_groups,
    "ListTagsForResource": keep,
    "ListTagsLogGroup": keep,
    "PutLogEvents": write,
    "PutMetricFilter": put_metric_filter,
    "PutRetentionPolicy": keep,
    "PutSubscriptionFilter": put_subscription_filter,
    "TagLogGroup": keep,
    "TagResource": keep,
    "TestMetricFilter": metric_filters.test,
    "UntagLogGroup": keep,
    "UntagResource": keep,
}
