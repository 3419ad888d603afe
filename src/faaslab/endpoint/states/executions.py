"""Executions: started, looked at, stopped, redriven; their history.

SDKs put `sync-` before the host of StartSyncExecution, which no resolver knows of `127.0.0.1`: a client says
`Config(inject_host_prefix=False)`, or has AWS_DISABLE_HOST_PREFIX_INJECTION=true in its environment, as the
functions of a lab have and `lab.cloud.client` does by itself.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states import names, paging, shapes
from faaslab.endpoint.states.machines import references
from faaslab.errors import AlreadyExists, InvalidValue, NotFound
from faaslab.lab import workflow_names
from faaslab.model.workflow import Workflow, altered
from faaslab.store.questions import workflow_definitions, workflow_lists
from faaslab.workflow import validate
from faaslab.workflow.interpret.trial import STATE, machine_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.workflow import WorkflowExecution


def start_execution(call: Call) -> Mapping[str, Any]:
    """StartExecution: the same name and input as one that runs is that one."""
    run = _started(call, call.lab.workflows.runs.start)
    return {"executionArn": run.id, "startDate": run.execution.started_at}


def start_sync_execution(call: Call) -> Mapping[str, Any]:
    """StartSyncExecution: an express workflow, and what came of it."""
    ended: WorkflowExecution = _started(call, call.lab.workflows.runs.start_sync)
    # The caller is owed what it gave, as who invokes a function is; what is kept and described has less.
    whole = altered(ended, output=ended.answer)
    return shapes.ended_execution(whole, metadata_only=_metadata_only(call))


def _started(call: Call, start: Any) -> Any:
    params = call.params
    arn, name = params["stateMachineArn"], params.get("name")
    machine = names.machine(arn)
    if name is not None:
        names.check_name(name)
    target = machine.name if machine.qualifier is None else f"{machine.name}:{machine.qualifier}"
    given = params.get("input", "{}").encode("utf-8", "surrogatepass")
    try:
        return start(target, given, name=name, trace_header=params.get("traceHeader"))
    except NotFound:
        raise names.no_machine(arn) from None
    except AlreadyExists:
        there = workflow_names.execution_arn(
            call.lab.workflows.kept(machine.name).arn, name or "", "STANDARD"
        )
        raise Fault("ExecutionAlreadyExists", f"Execution Already Exists: '{there}'") from None
    except InvalidValue as error:
        code = getattr(error, "code", None)
        if code == "InvalidExecutionInput":
            raise invalid_input(params.get("input", "{}")) from None
        if code == "StateMachineTypeNotSupported":
            raise names.type_not_supported() from None
        raise


def describe_execution(call: Call) -> Mapping[str, Any]:
    """DescribeExecution."""
    execution = found(call, call.params["executionArn"])
    return shapes.described_execution(
        execution,
        not_redrivable=call.lab.workflows.runs.not_redrivable(execution),
        metadata_only=_metadata_only(call),
    )


def describe_state_machine_for_execution(call: Call) -> Mapping[str, Any]:
    """DescribeStateMachineForExecution: the state machine as it was when the execution was started."""
    arn = call.params["executionArn"]
    execution = found(call, arn)
    workflow = _as_started(call, execution)
    if workflow is None:
        raise names.no_execution(arn)
    if execution.map_run is not None:
        workflow = _processor(call, workflow, execution.map_run)
    return shapes.described_for(
        workflow, execution, references=references(workflow), metadata_only=_metadata_only(call)
    )


def _as_started(call: Call, execution: WorkflowExecution) -> Workflow | None:
    """The definition that an execution runs, deleted or not; another may have its name and number by now."""
    while execution.map_run is not None and execution.parent is not None:
        execution = found(call, execution.parent)
    name, number = execution.workflow, execution.workflow_version
    present = call.lab.store.definitions.get(Workflow, name, int(number))
    if present is not None and present.created_at <= execution.started_at:
        return present
    with call.lab.store.connect() as connection:
        return workflow_definitions.defined_at(connection, name, str(number), execution.started_at)


def _processor(call: Call, workflow: Workflow, map_run: str) -> Workflow:
    """The workflow that the children of a distributed Map run: the processor of that state."""
    name = call.lab.workflows.map_runs.get(map_run).state
    try:
        state = machine_of(shapes.parsed(workflow.definition), name)["States"][STATE]
    except KeyError:
        return workflow
    processor = state.get("ItemProcessor", state.get("Iterator"))
    return replace(workflow, definition=json.dumps(processor, ensure_ascii=False))


def stop_execution(call: Call) -> Mapping[str, Any]:
    """StopExecution; one that has ended stays as it is."""
    params = call.params
    execution = found(call, params["executionArn"])
    stopped = call.lab.workflows.runs.stop(execution.id, error=params.get("error"), cause=params.get("cause"))
    return {"stopDate": stopped.ended_at or call.lab.clock.now()}


def redrive_execution(call: Call) -> Mapping[str, Any]:
    """RedriveExecution; with the same client token it is done once."""
    execution = found(call, call.params["executionArn"])
    return {"redriveDate": call.lab.workflows.runs.redriven(execution.id, call.params.get("clientToken"))}


def list_executions(call: Call) -> Mapping[str, Any]:
    """ListExecutions of a state machine, a version, an alias or a map run; the latest first."""
    params, lab = call.params, call.lab
    asked: dict[str, Any] = {}
    machine, run = params.get("stateMachineArn", ""), params.get("mapRunArn", "")
    if bool(machine) == bool(run):
        raise Fault(
            "ValidationException", "Must specify exactly one of the state machine ARN and the Map Run ARN"
        )
    if run:
        names.named(run, "mapRun")
        try:
            asked["map_run"] = lab.workflows.map_runs.get(run).id
        except NotFound:
            raise names.no_resource(run) from None
    else:
        asked |= _of_machine(call, machine)
    if "statusFilter" in params:
        asked["statuses"] = (params["statusFilter"],)
    if "redriveFilter" in params:
        asked["redriven"] = params["redriveFilter"] == "REDRIVEN"
    most = paging.wanted(params)
    wanted = workflow_lists.Wanted(limit=most + 1, after=_after(params), **asked)
    listed = lab.store.workflows.latest(wanted)
    if listed is None:
        with lab.store.connect() as connection:
            listed = workflow_lists.executions(connection, lab.store.blobs, wanted)
    more = {}
    if len(listed) > most:
        last = listed[most - 1]
        more = paging.token(params, [last.started_at.isoformat(), last.id])
    return {"executions": [shapes.listed_execution(each) for each in listed[:most]], **more}


def _of_machine(call: Call, arn: str) -> dict[str, Any]:
    machine = names.machine(arn)
    try:
        present = call.lab.workflows.kept(machine.name)
    except NotFound:
        raise names.no_machine(arn) from None
    if present.type == "EXPRESS":
        raise names.type_not_supported()
    asked = {"workflow": machine.name, "since": present.created_at}
    if machine.qualifier is not None:
        asked["qualifier" if machine.qualifier.isdecimal() else "alias"] = machine.qualifier
    return asked


def _after(params: Mapping[str, Any]) -> tuple[datetime, str] | None:
    after = paging.place(params)
    if after is None:
        return None
    try:
        at, identity = after
        return datetime.fromisoformat(at), str(identity)
    except (ValueError, TypeError):
        raise paging.invalid() from None


def get_execution_history(call: Call) -> Mapping[str, Any]:
    """GetExecutionHistory, in order or backwards."""
    params = call.params
    identity = _id_of(call, params["executionArn"])
    most, after = paging.wanted(params), paging.place(params) or 0
    if not isinstance(after, int):
        raise paging.invalid()
    listed = call.lab.store.workflows.history(
        identity, after=after, limit=most + 1, reverse=bool(params.get("reverseOrder"))
    )
    more = paging.token(params, listed[most - 1].id) if len(listed) > most else {}
    with_data = params.get("includeExecutionData", True)
    return {"events": [shapes.event(each, with_data=with_data) for each in listed[:most]], **more}


# -- what a request says


def _id_of(call: Call, arn: str) -> str:
    """The id of the execution that an ARN names; the history is asked for one of long ago alone."""
    _named(arn)
    sayable = arn.encode("utf-8", "replace").decode() == arn  # no name has half characters
    return arn if sayable and call.lab.store.workflows.has(arn) else found(call, arn).id


def _named(arn: str) -> None:
    kinds: tuple[names.Kind, ...] = ("execution",)
    if ":express:" in arn and "/" in arn:
        kinds = ("execution", "express")  # a child of a distributed Map is told of as any other
    names.named(arn, *kinds)


def found(call: Call, arn: str) -> WorkflowExecution:
    """The execution that an ARN names; the `Fault` where there is none."""
    _named(arn)
    try:
        return call.lab.workflows.runs.get(arn)
    except NotFound:
        raise names.no_execution(arn) from None


def invalid_input(text: str) -> Fault:
    """Why a text is no input of an execution."""
    why = "Invalid execution input."
    if text.strip():
        said = validate.diagnostics(text)
        if said and said[0].code == "INVALID_JSON_DESCRIPTION":
            why = said[0].message.partition("\n")[0]
    return Fault("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{why}'")


def _metadata_only(call: Call) -> bool:
    return bool(call.params.get("includedData") == "METADATA_ONLY")


OPERATIONS: dict[str, Handler] = {
    "DescribeExecution": describe_execution,
    "DescribeStateMachineForExecution": describe_state_machine_for_execution,
    "GetExecutionHistory": get_execution_history,
    "ListExecutions": list_executions,
    "RedriveExecution": redrive_execution,
    "StartExecution": start_execution,
    "StartSyncExecution": start_sync_execution,
    "StopExecution": stop_execution,
}
