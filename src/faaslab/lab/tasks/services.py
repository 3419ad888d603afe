"""Tasks that call AWS's services: `aws-sdk:SERVICE:ACTION`, and the optimised integrations.

They go to the embedded cloud of the store, and what of it is ours (logs, functions, workflows) to that.
Rule: a call waits in one of the shared threads, and what the service says is told in Step Functions' words.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.errors import AlreadyExists, Closed, Conflict, FaaslabError, InvalidValue, NotFound, Unsupported
from faaslab.lab import workflow_names
from faaslab.lab.tasks import values
from faaslab.workflow.effects import Failed, Submitted, Succeeded
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faaslab.cloud.sdk_calls import Operation
    from faaslab.lab import Lab
    from faaslab.lab.tasks.resources import Resource
    from faaslab.lab.tasks.workers import Workers
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import Call, Signal

_CODES: Mapping[type[FaaslabError], tuple[str, int]] = {
    NotFound: ("ResourceNotFoundException", 404),
    AlreadyExists: ("ResourceConflictException", 409),
    Conflict: ("ConflictException", 409),
    InvalidValue: ("ValidationException", 400),
}
"""How errors of what is ours among the services are called, where they do not say it themselves."""


class ServiceTasks:
    """Calls of services."""

    def __init__(self, lab: Lab, workers: Workers) -> None:
        self._lab = lab
        self._workers = workers

    def call(
        self,
        call: Call,
        resource: Resource,
        execution: WorkflowExecution,
        answer: Callable[[Signal], None],
    ) -> None:
        """Have the operation carried out."""
        whose = (execution.id, call.key)
        self._workers.submit(resource.service, whose, self._carry, call, resource, execution, answer)

    def _carry(
        self,
        call: Call,
        resource: Resource,
        execution: WorkflowExecution,
        answer: Callable[[Signal], None],
    ) -> None:
        try:
            output = self.asked(resource, call.parameters, execution)
        except Closed:
            return  # whoever takes the execution up calls again
        except sdk_calls.Failed as failed:
            answer(Failed(call.key, failed.error, failed.cause))
        except InvalidValue as error:
            answer(Failed(call.key, RUNTIME, values.not_started(call.parameters, error.message)))
        except FaaslabError as error:
            answer(Failed(call.key, RUNTIME, str(error)))
        except Exception as error:  # noqa: BLE001 -- an execution that is never answered would hang
            answer(Failed(call.key, RUNTIME, f"{type(error).__name__}: {error}"))
        else:
            answer((Submitted if call.pattern == "token" else Succeeded)(call.key, output))

    def asked(self, resource: Resource, given: Any, execution: WorkflowExecution) -> Any:
        """What the service answers. Raises `Failed`, InvalidValue for parameters that it does not take."""
        operation = sdk_calls.operation(resource.service, resource.action, optimised=not resource.sdk)
        parameters = operation.parameters(given)
        if operation.service == "events" and operation.name == "PutEvents" and operation.optimised:
            _say_whose(parameters, execution)
        request_id = str(uuid.uuid4())
        try:
            told = self._lab.targets.ask(
                operation.service, operation.name, parameters, region=self._lab.region
            )
        except (Closed, Unsupported):
            raise
        except Exception as error:
            failed = _failed(operation, error, request_id)
            if failed is None:
                raise
            raise failed from None
        output = operation.result(told, request_id=request_id)
        if operation.optimised and output.get("FailedEntryCount"):
            raise sdk_calls.Failed("EventBridge.FailedEntry", values.text(output))
        return output


def _failed(operation: Operation, error: Exception, request_id: str) -> sdk_calls.Failed | None:
    """What the service's refusal is called; None for what is none."""
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    if code is None or status is None:
        known = next((told for cls, told in _CODES.items() if isinstance(error, cls)), None)
        if known is None:
            return None
        code, status = code or known[0], known[1]
    message = str(getattr(error, "message", error))
    return operation.failure(str(code), message, status=int(status), request_id=request_id)


def _say_whose(parameters: dict[str, Any], execution: WorkflowExecution) -> None:
    """Events name the execution and its state machine among their resources (Step Functions, EventBridge)."""
    machine = execution.id.replace(":express:", ":execution:").rpartition(":execution:")
    whose = [execution.id, f"{machine[0]}:stateMachine:{workflow_names.machine_of(execution.id)}"]
    for entry in parameters.get("Entries", ()):
        entry["Resources"] = [*entry.get("Resources", ()), *whose]
