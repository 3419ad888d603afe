"""The interpreter as the engine makes it: what the context object of an execution begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.interpret import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.scope import Chance


def interpreted(
    execution: WorkflowExecution,
    machine: Mapping[str, Any],
    input: Any,  # noqa: A002 - the word of the field
    context: Mapping[str, Any],
    chance: Chance,
) -> Run:
    """The run of an execution.

    `context` has what the execution itself does not tell: `StateMachine` {Id, Name}, `Execution` {RoleArn},
    and `Map` for a child of a distributed Map.
    """
    told: dict[str, Any] = {
        "Id": execution.id,
        "Input": input,
        "StartTime": execution.started_at.isoformat(timespec="milliseconds") + "Z",
        "Name": execution.name,
    }
    if execution.type == "STANDARD":
        told["RedriveCount"] = 0
    return Run(
        machine,
        input=input,
        context={**context, "Execution": {**told, **context.get("Execution", {})}},
        chance=chance,
        arn=execution.id,
        express=execution.type == "EXPRESS",
        input_text=execution.input,
    )
