"""TestState: one state is tried by itself."""

from __future__ import annotations

import random
import uuid
from http.client import responses
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.endpoint.messages import Fault
from faaslab.errors import FaaslabError, NotFound
from faaslab.lab.workflow_names import ACCOUNT
from faaslab.workflow.effects import Failed, Succeeded
from faaslab.workflow.interpret.payload import text_of
from faaslab.workflow.interpret.tasks import target_of
from faaslab.workflow.testing import answering, asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.workflow.effects import Call as Task
    from faaslab.workflow.effects import Signal
    from faaslab.workflow.testing.mocks import Form

HTTP = "arn:aws:states:::http:invoke"
_STATUS = "States.Http.StatusCode."
_PAYLOAD = frozenset({"Payload"})


def test_state(call: Call) -> Mapping[str, Any]:
    """TestState."""
    try:
        question = asking.question(call.params, form_of)
    except asking.Refused as refused:
        raise Fault(refused.code, refused.message) from None
    machine, name = str(uuid.uuid4()), str(uuid.uuid4())
    arn = f"arn:aws:states:{call.lab.region}:{ACCOUNT}"
    identity = f"{arn}:express:{machine}:{name}"
    seen: dict[str, Mapping[str, Any]] = {}

    def carry(task: Task, limit_s: float) -> Signal | None:
        signal = call.lab.workflows.runs.carry_out(task, identity, limit_s)
        if task.resource == HTTP:
            seen.update(_exchange(call, task, signal))
        return signal

    found = answering.tried(
        question,
        execution={"Id": identity, "Name": name},
        machine=f"{arn}:stateMachine:{machine}",
        carry=carry,
        chance=random.Random(),  # noqa: S311 -- nothing that has to be kept secret
        now=call.lab.clock.now(),
    )
    return answering.answer(found, call.params.get("inspectionLevel") or "INFO", exchange=seen)


def _exchange(call: Call, task: Task, signal: Signal | None) -> dict[str, Mapping[str, Any]]:
    """The request and the response of an HTTP Task; a connection's secrets only where asked for."""
    secrets = bool(call.params.get("revealSecrets"))
    try:
        request = call.lab.workflows.runs.http_request(task.parameters, secrets=secrets)
    except (FaaslabError, Fault):
        return {}  # it could not be made
    protocol = request.url.partition(":")[0]
    told: dict[str, Mapping[str, Any]] = {
        "request": {
            "protocol": protocol,
            "method": request.method,
            "url": request.url,
            "headers": _headers(request.headers),
            "body": None if request.body is None else request.body.decode("utf-8", "replace"),
        }
    }
    response: dict[str, Any] | None = None
    if isinstance(signal, Succeeded):
        got = signal.output
        body = got.get("ResponseBody", "")
        response = {
            "statusCode": str(got["StatusCode"]),
            "statusMessage": got["StatusText"],
            "headers": _headers({name: ", ".join(values) for name, values in got["Headers"].items()}),
            "body": body if isinstance(body, str) else text_of(body),
        }
    elif isinstance(signal, Failed) and (signal.error or "").startswith(_STATUS):
        status = (signal.error or "").removeprefix(_STATUS)
        response = {"statusCode": status, "body": signal.cause}
        response["statusMessage"] = responses.get(int(status), "")
    if response is not None:
        told["response"] = {"protocol": protocol, **response}
    return told


def _headers(headers: Mapping[str, str]) -> str:
    """As AWS writes them: `[Name: value, …]`."""
    return f"[{', '.join(f'{name}: {value}' for name, value in headers.items())}]"


def form_of(resource: str) -> tuple[Form, frozenset[str]] | None:
    """The model of what a Resource answers with, and members of it that may be anything."""
    target = target_of(resource)
    if target.kind != "task" or target.pattern == "token":
        return None
    _, _, rest = resource.partition(":::")
    *sdk, service, action = rest.partition(".")[0].split(":")
    if target.pattern == "sync":
        if (service, action) != ("states", "startExecution"):
            return None
        action = "describeExecution"
    try:
        operation = sdk_calls.operation(service, action, optimised=not sdk)
    except NotFound:
        return None
    form = operation.model.output_shape
    if form is None:
        return None
    return form, _PAYLOAD if (service, action) == ("lambda", "invoke") and not sdk else frozenset()


OPERATIONS: dict[str, Handler] = {"TestState": test_state}
