"""TestState: one state is tried by itself."""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.endpoint.messages import Fault
from faaslab.errors import NotFound
from faaslab.lab.workflow_names import ACCOUNT
from faaslab.workflow.interpret.tasks import target_of
from faaslab.workflow.testing import answering, asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.workflow.effects import Call as Task
    from faaslab.workflow.effects import Signal
    from faaslab.workflow.testing.mocks import Form

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

    def carry(task: Task, limit_s: float) -> Signal | None:
        return call.lab.workflows.runs.carry_out(task, identity, limit_s)

    found = answering.tried(
        question,
        execution={"Id": identity, "Name": name},
        machine=f"{arn}:stateMachine:{machine}",
        carry=carry,
        chance=random.Random(),  # noqa: S311 -- nothing that has to be kept secret
        now=call.lab.clock.now(),
    )
    return answering.answer(found, call.params.get("inspectionLevel") or "INFO")


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
