"""Tasks that start workflows: `states:startExecution`, and `.sync`, `.sync:2` and `.waitForTaskToken` of it.

Rule: a child's name follows from who starts it, so that a call that is made again after a crash finds the
child that it began. A child that is waited for is stopped when nobody waits for it any more.
"""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.errors import AlreadyExists, Closed, FaaslabError, InvalidValue, NotFound
from faaslab.lab import workflow_names
from faaslab.lab.tasks import values
from faaslab.model.masking import mask_of
from faaslab.model.workflow import WorkflowExecutionStatus
from faaslab.workflow.effects import Failed, Stop, Submitted, Succeeded
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.lab import Lab
    from faaslab.lab.tasks.resources import Resource
    from faaslab.lab.tasks.workers import Workers
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import Call, Signal

_EPOCH = datetime(1970, 1, 1)
_MEMBERS = ("StateMachineArn", "Input", "Name", "TraceHeader")
LOOK_S = 0.5
"""How often the end of a child that runs in another process is looked for."""


class NestedTasks:
    """Children of executions of this process."""

    def __init__(self, lab: Lab, workers: Workers) -> None:
        self._lab = lab
        self._workers = workers
        self._guard = threading.Lock()
        self._awaited: dict[str, list[_Awaited]] = {}
        self._of_key: dict[tuple[str, str], str] = {}
        self._starting: dict[tuple[str, str], bool] = {}
        """Whose child is being started, and whether it is wanted still."""
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(
        self,
        call: Call,
        resource: Resource,
        execution: WorkflowExecution,
        told: Sequence[Signal],
        answer: Callable[[Signal], None],
    ) -> None:
        """Start the child, or look after the one that was started before."""
        submitted = next((signal for signal in told if isinstance(signal, Submitted)), None)
        child = submitted.output.get("ExecutionArn") if submitted is not None else None
        if child is not None:
            self._look_after(_Awaited(call, resource, execution.id, answer), child)
        else:
            whose = (execution.id, call.key)
            self._workers.submit("states", whose, self._begin, call, resource, execution, answer)

    def _begin(
        self,
        call: Call,
        resource: Resource,
        execution: WorkflowExecution,
        answer: Callable[[Signal], None],
    ) -> None:
        whose = (execution.id, call.key)
        with self._guard:
            self._starting[whose] = True
        child = self._start(call, execution, answer) if self._workers.is_wanted(whose) else None
        with self._guard:
            wanted = self._starting.pop(whose)
        if child is None or call.pattern != "sync":
            return
        if wanted:
            self._look_after(_Awaited(call, resource, execution.id, answer), child)
        else:
            self._stop(child)

    def _start(
        self, call: Call, execution: WorkflowExecution, answer: Callable[[Signal], None]
    ) -> str | None:
        """The child that was started, which whoever asked for it is told of."""
        given = call.parameters
        problem = _problem(given)
        if problem is not None:
            answer(Failed(call.key, RUNTIME, values.not_started(given, problem)))
            return None
        text = given.get("Input", {})
        text = text if isinstance(text, str) else values.text(text)
        name = given.get("Name") or str(uuid.uuid5(uuid.NAMESPACE_URL, f"{execution.id} {call.key}"))
        try:
            child = self._lab.workflows.start(
                given["StateMachineArn"],
                text.encode(),
                name=name,
                parent=execution.id,
                hide=mask_of(execution.hidden).found_in(text) if execution.hidden else (),
                trace_header=given.get("TraceHeader") or execution.trace_header,
            ).execution
        except Closed:
            return None
        except AlreadyExists as error:
            # The name is made of who starts it: what has run under it is the child of this very call.
            own = None if given.get("Name") else self._known(given["StateMachineArn"], name)
            if own is None or own.parent != execution.id:
                answer(_refused(call.key, error))
                return None
            child = own
        except FaaslabError as error:
            answer(_refused(call.key, error))
            return None
        except Exception as error:  # noqa: BLE001 -- an execution that is never answered would hang
            answer(Failed(call.key, RUNTIME, f"{type(error).__name__}: {error}"))
            return None
        output = {"ExecutionArn": child.id, "StartDate": _milliseconds(child.started_at)}
        output |= sdk_calls.metadata(str(uuid.uuid4()), output)
        if call.pattern == "request":
            answer(Succeeded(call.key, output))
        else:
            answer(Submitted(call.key, output))
        return child.id

    def _known(self, machine: str, name: str) -> WorkflowExecution | None:
        """The execution of that name, running or ended."""
        workflow = self._lab.workflows.kept(workflow_names.machine(machine).name)
        arn = workflow_names.execution_arn(workflow.id, name, workflow.type, None)
        return self._lab.workflows.runs.standing(arn)

    # -- children that are waited for

    def _look_after(self, awaited: _Awaited, child: str) -> None:
        with self._guard:
            self._awaited.setdefault(child, []).append(awaited)
            self._of_key[awaited.parent, awaited.call.key] = child
        found = self._lab.workflows.runs.whole(child)
        if found is None:
            self._answer(child, None)
        elif found.ended_at is not None:
            self.ended(found)
        elif not self._lab.workflows.runs.is_here(child):
            self._watch()

    def _watch(self) -> None:
        """Look for the end of children that run in another process, for as long as there are any."""
        with self._guard:
            if self._watcher is None and not self._closing.is_set():
                self._watcher = threading.Thread(target=self._look, name="faaslab-nested", daemon=True)
                self._watcher.start()

    def _look(self) -> None:
        runs = self._lab.workflows.runs
        while not self._closing.is_set():
            with self._guard:
                there = [child for child in self._awaited if not runs.is_here(child)]
                if not there:
                    self._watcher = None
                    return
            with contextlib.suppress(FaaslabError):
                for child in there:
                    found = runs.whole(child)
                    if found is not None and found.ended_at is not None:
                        self.ended(found)
            self._lab.clock.wait(self._closing, LOOK_S)

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        thread = self._watcher
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def ended(self, child: WorkflowExecution) -> None:
        """An execution has ended: whoever waits for it is told."""
        if self._awaited:
            self._answer(child.id, child)

    def _answer(self, child: str, ended: WorkflowExecution | None) -> None:
        with self._guard:
            waiting = self._awaited.pop(child, ())
            for each in waiting:
                self._of_key.pop((each.parent, each.call.key), None)
        for each in waiting:
            each.answer(_told(each, ended))

    def forget(self, key: str, parent: str) -> None:
        """Nobody waits for that child any more: it is stopped."""
        with self._guard:
            if (parent, key) in self._starting:
                self._starting[parent, key] = False
            child = self._of_key.pop((parent, key), None)
            if child is None:
                return
            left = [each for each in self._awaited.get(child, ()) if each.call.key != key]
            if left:
                self._awaited[child] = left
            else:
                self._awaited.pop(child, None)
        self._stop(child)

    def _stop(self, child: str) -> None:
        with contextlib.suppress(FaaslabError):
            # This may be the engine's own thread, which must not wait for the end.
            self._lab.workflows.runs.signal(child, Stop())


class _Awaited:
    """Who waits for a child."""

    __slots__ = ("answer", "call", "parent", "resource")

    def __init__(self, call: Call, resource: Resource, parent: str, answer: Callable[[Signal], None]) -> None:
        self.call = call
        self.resource = resource
        self.parent = parent
        self.answer = answer


def _told(awaited: _Awaited, ended: WorkflowExecution | None) -> Signal:
    key = awaited.call.key
    if ended is None:
        return Failed(key, "States.TaskFailed", "The execution that was started is not known any more")
    described = description(ended, parsed=awaited.resource.pattern == "sync:2")
    if ended.status is WorkflowExecutionStatus.SUCCEEDED:
        return Succeeded(key, described, ended.hidden)
    return Failed(key, "States.TaskFailed", values.text(description(ended, parsed=False)), hide=ended.hidden)


def description(execution: WorkflowExecution, *, parsed: bool) -> dict[str, Any]:
    """What DescribeExecution says, as Step Functions tells it; payloads are text unless `parsed`."""

    def payload(text: str) -> Any:
        return json.loads(text) if parsed else text

    head, _, _ = execution.id.replace(":express:", ":execution:").partition(":execution:")
    told: dict[str, Any] = {
        "ExecutionArn": execution.id,
        "Input": payload(execution.input),
        "InputDetails": {"Included": True},
        "Name": execution.name,
        "RedriveCount": execution.redrive_count,
        "StartDate": _milliseconds(execution.started_at),
        "StateMachineArn": f"{head}:stateMachine:{execution.workflow}",
        "Status": execution.status.value,
    }
    if execution.ended_at is not None:
        told["StopDate"] = _milliseconds(execution.ended_at)
    if execution.output is not None:
        told |= {"Output": payload(execution.output), "OutputDetails": {"Included": True}}
    if execution.error is not None:
        told |= {"Error": execution.error.error, "Cause": execution.error.cause}
    return {name: value for name, value in told.items() if value is not None}


def _problem(given: Any) -> str | None:
    if not isinstance(given, dict) or not isinstance(given.get("StateMachineArn"), str):
        return 'The field "StateMachineArn" is required but was missing'
    unknown = [name for name in given if name not in _MEMBERS]
    if unknown:
        return f'The field "{unknown[0]}" is not supported by Step Functions'
    return None


def _refused(key: str, error: FaaslabError) -> Failed:
    """A child could not be started."""
    code, status = "ValidationException", 400
    if isinstance(error, NotFound):
        code = "StateMachineDoesNotExistException"
    elif isinstance(error, AlreadyExists):
        code = "ExecutionAlreadyExistsException"
    elif isinstance(error, InvalidValue):
        code = f"{str(getattr(error, 'code', code)).removesuffix('Exception')}Exception"
    else:
        code, status = "SfnException", 500
    cause = sdk_calls.cause(error.message, service="Sfn", status=status, request_id=str(uuid.uuid4()))
    return Failed(key, f"StepFunctions.{code}", cause)


def _milliseconds(at: datetime) -> int:
    return int((at - _EPOCH).total_seconds() * 1000)
