"""What an engine hands over to be done: each call to who does it, map runs and ends to who wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue
from faaslab.lab.tasks import resources
from faaslab.lab.tasks.functions import FunctionTasks
from faaslab.lab.tasks.hiding import redacted_in, redacting
from faaslab.lab.tasks.http import HttpTasks
from faaslab.lab.tasks.jobs import KINDS, JobTasks, not_here
from faaslab.lab.tasks.nested import NestedTasks
from faaslab.lab.tasks.objects import ObjectTasks
from faaslab.lab.tasks.services import ServiceTasks
from faaslab.lab.tasks.workers import Workers
from faaslab.model.workflow import hiding, shown
from faaslab.workflow.effects import Call, Failed, ReadItems
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import MapRunState, Signal
    from faaslab.workflow.engine.protocol import Wanted


class Carrier:
    """Of one lab."""

    def __init__(
        self,
        lab: Lab,
        signal: Callable[[str, Signal], object],
        *,
        ended: Callable[[WorkflowExecution], None],
    ) -> None:
        """`signal` tells an execution what came of a call; `ended` is told of each that has ended."""
        self._lab = lab
        self._signal = signal
        self._ended = ended
        self._closed = False
        self._workers = Workers()
        self._functions = FunctionTasks(lab, self._workers)
        self._services = ServiceTasks(lab, self._workers)
        self._jobs = JobTasks(lab, self._workers, self._services)
        self.nested = NestedTasks(lab, self._workers)
        self.http = HttpTasks(lab)
        self._objects = ObjectTasks(lab, self._workers)

    def __call__(self, wanted: Wanted, execution: WorkflowExecution, told: Sequence[Signal]) -> None:
        """Begin it; see the protocol of the engine."""
        capture = self._lab.store.settings
        given = wanted.parameters if isinstance(wanted, Call) else None

        def answer(signal: Signal) -> None:
            if not self._closed:
                self._signal(execution.id, redacting(signal, capture, given))

        if isinstance(wanted, Call):
            if found := redacted_in(capture, given):
                execution = hiding(execution, found)
            self._call(wanted, execution, told, answer)
        elif isinstance(wanted, ReadItems):
            self._objects.read(wanted, execution, answer)
        else:
            self._objects.write(wanted, execution, answer)

    def _call(
        self,
        call: Call,
        execution: WorkflowExecution,
        told: Sequence[Signal],
        answer: Callable[[Signal], None],
    ) -> None:
        if call.kind == "activity":
            self._lab.workflows.activities.carry(call, execution, told, answer)
            return
        if call.kind == "lambda":
            self._functions.run(call, execution, answer)
            return
        if told and call.pattern == "token":
            return  # it was handed over, and whoever has the token says what comes of it
        try:
            resource = resources.service(call.resource)
        except InvalidValue as error:
            answer(Failed(call.key, RUNTIME, error.message))
            return
        match (resource.service, resource.action, resource.sdk):
            case ("lambda", "invoke", False):
                self._functions.invoke(call, execution, answer)
            case ("states", "startExecution", False):
                self.nested.start(call, resource, execution, told, answer)
            case ("http", "invoke", False):
                self.http.call(call, execution, answer)
            case (service, action, False) if call.pattern == "sync" and (service, action) in KINDS:
                self._jobs.start(call, resource, execution, told, answer)
            case _ if call.pattern == "sync":
                answer(Failed(call.key, RUNTIME, not_here(call.resource)))
            case _:
                self._services.call(call, resource, execution, answer)

    def forget(self, key: str, execution: WorkflowExecution) -> None:
        """It is of no use any more."""
        self._workers.forget((execution.id, key))
        self.http.forget(key, execution.id)
        self.nested.forget(key, execution.id)
        self._jobs.forget(key, execution.id)
        self._lab.workflows.activities.forget(key, execution.id)

    def note(self, state: MapRunState, execution: WorkflowExecution) -> None:
        """How a map run stands."""
        self._lab.workflows.map_runs.note(state, execution)

    def ended(self, execution: WorkflowExecution) -> None:
        """An execution has ended."""
        self.nested.ended(execution)
        self._ended(shown(execution))

    def close(self) -> None:
        """Let what runs end."""
        self.nested.close()
        self._jobs.close()
        self.http.close()
        self._workers.close()
        # What is under way still is done again by who takes its execution up.
        self._closed = True
