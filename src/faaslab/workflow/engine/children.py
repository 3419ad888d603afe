"""Executions that another one waits for: their ARNs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.workflow.effects import Call, StartChild, Submitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from faaslab.workflow.effects import Signal

_NESTED = ":states:startExecution"


def child_arn(effect: StartChild) -> str:
    """`…:execution:MACHINE/LABEL:NAME` of a child of the run `…:mapRun:MACHINE/LABEL:ID`."""
    head, _, run = effect.map_run_arn.rpartition(":")
    if effect.type == "EXPRESS":
        return f"{head.replace(':mapRun:', ':express:', 1)}:{run}:{effect.name}"
    return f"{head.replace(':mapRun:', ':execution:', 1)}:{effect.name}"


def waited_for(awaited: Any, told: Iterable[Signal]) -> str | None:
    """The child that ends with who awaits it: one of a distributed Map, or of `startExecution.sync`."""
    if isinstance(awaited, StartChild):
        return child_arn(awaited)
    if isinstance(awaited, Call) and awaited.pattern == "sync" and _NESTED in awaited.resource:
        for signal in told:
            if isinstance(signal, Submitted) and isinstance(signal.output, dict):
                arn = signal.output.get("ExecutionArn")
                return arn if isinstance(arn, str) else None
    return None
