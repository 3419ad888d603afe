"""One state of a workflow tried by itself, with a mock in place of what it would call, or really (TestState).

Rule: nothing is kept of it. What is not mocked is carried out as for an execution.
"""

from __future__ import annotations

import json
import random
import uuid
from http.client import responses
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.errors import FaaslabError, InvalidValue, NotFound
from faaslab.lab.workflow_names import ACCOUNT, ROLE, coded
from faaslab.workflow.effects import Failed, Succeeded
from faaslab.workflow.interpret.payload import text_of
from faaslab.workflow.interpret.tasks import target_of
from faaslab.workflow.scope import ABSENT
from faaslab.workflow.testing import answering, asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.workflow.effects import Call, Signal
    from faaslab.workflow.interpret import Tried
    from faaslab.workflow.testing.mocks import Form, Mode

    Exchange = Mapping[str, Mapping[str, Any]]

HTTP = "arn:aws:states:::http:invoke"
_STATUS = "States.Http.StatusCode."
_PAYLOAD = frozenset({"Payload"})


def trial(
    lab: Lab,
    definition: Mapping[str, Any] | str,
    input: Any = None,  # noqa: A002 -- Step Functions' word
    *,
    state: str | None = None,
    result: Any = ABSENT,
    error: str | None = None,
    cause: str | None = None,
    validation: Mode = "STRICT",
    variables: Mapping[str, Any] | None = None,
    context: Mapping[str, Any] | None = None,
    role: str | None = ROLE,
    retries: int | None = None,
    failed_iterations: int | None = None,
    reader_data: str | None = None,
) -> Tried:
    """See `Workflows.test_state`."""
    asked: dict[str, Any] = {
        "definition": definition if isinstance(definition, str) else json.dumps(definition),
        "input": text_of({} if input is None else input),
        "stateName": state,
        "variables": None if variables is None else text_of(variables),
        "context": None if context is None else text_of(context),
        "roleArn": role,
    }
    if result is not ABSENT:
        asked["mock"] = {"result": text_of(result), "fieldValidationMode": validation}
    elif error is not None or cause is not None:
        asked["mock"] = {"errorOutput": {"error": error, "cause": cause or ""}}
    asked["stateConfiguration"] = {
        "retrierRetryCount": retries,
        "mapIterationFailureCount": failed_iterations,
        "mapItemReaderData": reader_data,
    }
    try:
        question = asking.question(asked, form_of)
    except asking.Refused as refused:
        raise coded(InvalidValue(refused.message, place="test_state"), refused.code) from None
    return tried(lab, question)[0]


def tried(lab: Lab, question: asking.Question, *, secrets: bool = False) -> tuple[Tried, Exchange]:
    """What comes of a state, and the request and the response of an HTTP Task.

    What the connection of such a task adds to the request is told with `secrets` only.
    """
    machine, name = str(uuid.uuid4()), str(uuid.uuid4())
    arn = f"arn:aws:states:{lab.region}:{ACCOUNT}"
    identity = f"{arn}:express:{machine}:{name}"
    seen: dict[str, Mapping[str, Any]] = {}

    def carry(task: Call, limit_s: float) -> Signal | None:
        signal = lab.workflows.runs.carry_out(task, identity, limit_s)
        if task.resource == HTTP:
            seen.update(_exchange(lab, task, signal, secrets=secrets))
        return signal

    found = answering.tried(
        question,
        execution={"Id": identity, "Name": name},
        machine=f"{arn}:stateMachine:{machine}",
        carry=carry,
        chance=random.Random(),  # noqa: S311 -- nothing that has to be kept secret
        now=lab.clock.now(),
    )
    return found, seen


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


def _exchange(lab: Lab, task: Call, signal: Signal | None, *, secrets: bool) -> Exchange:
    try:
        request = lab.workflows.runs.http_request(task.parameters, secrets=secrets)
    except FaaslabError:
        return {}  # it could not be made
    protocol = request.address.scheme
    told: dict[str, Mapping[str, Any]] = {
        "request": {
            "protocol": protocol,
            "method": request.method,
            "url": request.address.url,
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
