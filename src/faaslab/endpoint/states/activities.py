"""Activities and their workers; task tokens are answered here, whoever has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.call import Later
from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states import names, paging, shapes
from faaslab.endpoint.states.machines import encryption, tags
from faaslab.errors import FaaslabError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.endpoint.call import Call, Handler

POLL_S = 58.0
"""So long a worker is held: a little less than AWS's minute, which is what SDKs wait for an answer."""
_WORDS = {
    "InvalidOutput": "{}",
    "InvalidToken": "Invalid Token: 'Invalid token'",
    "TaskTimedOut": "Task Timed Out: 'Provided task does not exist anymore'",
}
"""Of what the lab refuses, in AWS's words."""


def create_activity(call: Call) -> Mapping[str, Any]:
    """CreateActivity; the one of that name that is there."""
    params = call.params
    names.check_name(params["name"])
    made = call.lab.workflows.activities.create(
        params["name"], tags=tags(params), encryption=encryption(params)
    )
    return {"activityArn": made.id, "creationDate": made.created_at}


def describe_activity(call: Call) -> Mapping[str, Any]:
    """DescribeActivity."""
    arn = call.params["activityArn"]
    named = names.named(arn, "activity")
    try:
        return shapes.described_activity(call.lab.workflows.activities.get(named.name))
    except NotFound:
        raise names.no_activity(arn) from None


def delete_activity(call: Call) -> None:
    """DeleteActivity; one that is not there is gone already."""
    call.lab.workflows.activities.delete(names.named(call.params["activityArn"], "activity").name)


def list_activities(call: Call) -> Mapping[str, Any]:
    """ListActivities."""
    found = sorted(call.lab.workflows.activities.list(), key=lambda each: each.name)
    given, more = paging.page(found, call.params, lambda each: each.name)
    return {"activities": [shapes.activity(each) for each in given], **more}


def get_activity_task(call: Call) -> Later:
    """GetActivityTask: the oldest task that waits, as soon as there is one."""
    arn, worker = call.params["activityArn"], call.params.get("workerName")
    name = names.named(arn, "activity").name
    activities, clock = call.lab.workflows.activities, call.lab.clock
    until = clock.monotonic() + POLL_S

    def look() -> Mapping[str, Any] | None:
        try:
            task = activities.get_task(name, worker=worker, timeout_s=0)
        except NotFound:
            raise names.no_activity(arn) from None
        if task is not None:
            return {"taskToken": task.token, "input": task.input}
        return {} if clock.monotonic() >= until else None

    return Later(look)


# -- task tokens


def send_task_success(call: Call) -> None:
    """SendTaskSuccess."""
    output = call.params["output"].encode("utf-8", "surrogatepass")
    _say(call.lab.workflows.send_task_success, call.params["taskToken"], output)


def send_task_failure(call: Call) -> None:
    """SendTaskFailure."""
    params = call.params
    _say(call.lab.workflows.send_task_failure, params["taskToken"], params.get("error"), params.get("cause"))


def send_task_heartbeat(call: Call) -> None:
    """SendTaskHeartbeat."""
    _say(call.lab.workflows.send_task_heartbeat, call.params["taskToken"])


def _say(say: Callable[..., None], token: str, *what: Any) -> None:
    try:
        say(token, *what)
    except FaaslabError as error:
        words = _WORDS.get(getattr(error, "code", ""))
        if words is None:
            raise
        raise Fault(getattr(error, "code", ""), words.format(error.message)) from None


OPERATIONS: dict[str, Handler] = {
    "CreateActivity": create_activity,
    "DeleteActivity": delete_activity,
    "DescribeActivity": describe_activity,
    "GetActivityTask": get_activity_task,
    "ListActivities": list_activities,
    "SendTaskFailure": send_task_failure,
    "SendTaskHeartbeat": send_task_heartbeat,
    "SendTaskSuccess": send_task_success,
}
