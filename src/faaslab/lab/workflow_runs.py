"""Executions of workflows: started, watched, stopped, redriven, and taken up when their process is gone.

Rule: the engine of a lab is made when the first execution is started or taken up. What runs when a lab is
closed runs on in the next one: nothing is stopped but by `stop`.
"""

from __future__ import annotations

import functools
import json
import queue
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Closed, Conflict, InvalidValue, NotFound
from faaslab.lab import owners, workflow_definitions, workflow_names
from faaslab.lab.payloads import encode
from faaslab.lab.repeated import Repeated
from faaslab.lab.tasks import hiding, values
from faaslab.lab.workflow_names import coded
from faaslab.lab.workflow_run import WorkflowRun
from faaslab.lab.workflow_versions import chosen
from faaslab.model.workflow import Workflow, WorkflowExecution, WorkflowExecutionStatus, WorkflowStatus
from faaslab.workflow.effects import Stop
from faaslab.workflow.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.lab.tasks.http import Request
    from faaslab.workflow.effects import Call, Signal

REDRIVABLE = timedelta(days=14)
MOST_EVENTS = 24_999
SYNC_S = 300.0
_RUNNING = WorkflowExecutionStatus.RUNNING
_SUCCEEDED = WorkflowExecutionStatus.SUCCEEDED


class Runs:
    """The executions of one lab; what `lab.workflows` says of executions is done here."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.workflows
        self._guard = threading.Lock()
        self._engine: Engine | None = None
        self._carrier: Any = None
        self._closed = False
        self._begun = False
        self._generation: int | None = None
        self._known: dict[str, Workflow] = {}
        self._redrives: Repeated[datetime] = Repeated()
        self._by_itself: dict[str, Callable[[Signal], None]] = {}

    @property
    def engine(self) -> Engine:
        """What runs the executions of this process."""
        engine = self._engine
        return engine if engine is not None else self._made()

    @property
    def owner(self) -> str:
        """The name of the engine over all processes; empty before there is one."""
        return "" if self._engine is None else self._engine.owner

    @property
    def trouble(self) -> Exception | None:
        """Why what happened to executions cannot be kept at the moment; it is tried again."""
        return None if self._engine is None else self._engine.trouble

    @property
    def last_error(self) -> Exception | None:
        """What went wrong last with one execution alone."""
        return None if self._engine is None else self._engine.last_error

    def _made(self) -> Engine:
        from faaslab.lab.tasks.carrier import Carrier

        with self._guard:
            if self._closed:
                raise Closed("this lab is closed", hint="open another: faaslab.open()")
            if self._engine is None:
                self._carrier = Carrier(self._lab, self.signal, ended=self._ended)
                self._engine = Engine(
                    self._kept,
                    self._carrier,
                    clock=self._lab.clock,
                    owner=owners.this_process(),
                    is_gone=owners.is_gone,
                    heard=self._hiding,
                )
            return self._engine

    def carry_out(self, call: Call, execution_id: str, limit_s: float) -> Signal | None:
        """Have a task done that is of no execution (TestState): what came of it, None when time ran out."""
        answers: queue.SimpleQueue[Signal] = queue.SimpleQueue()
        execution = WorkflowExecution(
            id=execution_id,
            workflow=execution_id.split(":")[6],
            name=execution_id.rpartition(":")[2],
            type="EXPRESS",
            status=_RUNNING,
            started_at=self._lab.clock.now(),
        )
        _ = self.engine  # it is made with who carries out
        self._by_itself[execution_id] = answers.put
        try:
            self._carrier(call, execution, ())
            return hiding.shown(answers.get(timeout=limit_s))
        except queue.Empty:
            self._carrier.forget(call.key, execution)
            return None
        finally:
            del self._by_itself[execution_id]

    def http_request(self, given: Any, *, secrets: bool) -> Request:
        """The request that `http:invoke` makes of its parameters."""
        _ = self.engine
        request: Request = self._carrier.http.request(given, secrets=secrets)
        return request

    def signal(self, execution_id: str, signal: Signal) -> None:
        """Tell an execution something, wherever it runs; returns at once."""
        if (answer := self._by_itself.get(execution_id)) is not None:
            answer(signal)
            return
        engine = self._engine
        if engine is not None:
            with suppress(Closed):
                engine.signal(execution_id, signal)

    def _ended(self, execution: WorkflowExecution) -> None:
        """An execution of this process has ended, and that is kept."""
        self._lab.workflows.told.ended(execution)

    # -- starting

    def start(
        self,
        target: str,
        input: Any = None,  # noqa: A002 -- Step Functions' word
        *,
        name: str | None = None,
        trace_header: str | None = None,
        parent: str | None = None,
        trigger: str | None = None,
        hide: Sequence[str] = (),
    ) -> WorkflowRun:
        """Start an execution; see `Workflows.start`. `hide` are values of secrets that the input has."""
        workflow, qualifier, alias = self._resolved(target)
        about: dict[str, Any] = {"trace_header": trace_header, "parent": parent, "trigger": trigger}
        return self._start(workflow, input, name, qualifier=qualifier, alias=alias, hide=hide, **about)

    def start_sync(
        self,
        target: str,
        input: Any = None,  # noqa: A002
        *,
        name: str | None = None,
        trace_header: str | None = None,
    ) -> WorkflowExecution:
        """Run an express workflow and wait for its end; see `Workflows.start_sync`."""
        workflow, qualifier, alias = self._resolved(target)
        if workflow.type != "EXPRESS":
            raise coded(
                InvalidValue(
                    f"{workflow.name!r} is no express workflow",
                    place="type",
                    hint="start it, and wait for the run",
                ),
                "StateMachineTypeNotSupported",
            )
        about: dict[str, Any] = {"qualifier": qualifier, "alias": alias, "trace_header": trace_header}
        run = self._start(workflow, input, name, once=True, **about)
        return run.wait(SYNC_S + 30.0)

    def _start(
        self,
        workflow: Workflow,
        input: Any,  # noqa: A002
        name: str | None,
        *,
        once: bool = False,
        hide: Sequence[str] = (),
        **about: Any,
    ) -> WorkflowRun:
        if workflow.status is WorkflowStatus.DRAFT:
            raise InvalidValue(
                f"{workflow.name!r} is a draft: {workflow.status_reason}", hint="mend its definition first"
            )
        if workflow.status is WorkflowStatus.INACTIVE:
            raise coded(
                InvalidValue(f"{workflow.name!r} is inactive", hint="update it with active=True"),
                "StateMachineDeleting",
            )
        identity = name if name is not None else str(uuid.uuid4())
        workflow_names.checked(identity, what="run")
        engine = self.engine
        self._begin()  # before the execution's clock: what is made ready once is nobody's duration
        express = workflow.type == "EXPRESS"
        execution = WorkflowExecution(
            id=workflow_names.execution_arn(
                workflow.id, identity, workflow.type, str(uuid.uuid4()) if express else None
            ),
            workflow=workflow.name,
            workflow_version=workflow.version,
            name=identity,
            type=workflow.type,
            status=_RUNNING,
            input=input_text(input),
            started_at=self._lab.clock.now(),
            **about,
        )
        execution = hiding.beginning(execution, self._lab.secrets, self._lab.store.settings, hide)
        role = workflow.configuration.role or workflow_names.ROLE
        context = {
            "StateMachine": {"Id": workflow.id, "Name": workflow.name},
            "Execution": {"RoleArn": role},
        }
        try:
            handle = engine.start(execution, _machine(workflow.definition), context=context, once=once)
        except AlreadyExists as error:
            raise coded(
                AlreadyExists(
                    f"an execution named {identity!r} of {workflow.name} {self._why(execution)}",
                    place="name",
                    hint="choose another name",
                ),
                "ExecutionAlreadyExists",
            ) from error
        except InvalidValue as error:
            if error.place != "input" or getattr(error, "code", None):
                raise
            raise _no_input(error.message) from None  # it is nested too deep for who reads it
        if not handle.done and not handle.here:
            engine.resume()  # whose process may be gone
        if not handle.done and not self._lab.home.here:
            self._lab.home.ring()
        self._lab.workflows.told.started(execution)
        return WorkflowRun(self._lab, handle)

    def _begin(self) -> None:
        """Executions of this user are in this store: the home is to take them up when this process dies."""
        if not self._begun:
            self._begun = True
            # Before it is noted: in a store that was sent nothing goes on by itself.
            self._lab.orphans.resume()
            self._lab.asynchronous.note_place()

    def _current(self, name: str) -> Workflow:
        """The workflow of that name; read once while no definition changes anywhere."""
        generation = self._lab.store.definitions.generation()
        if generation != self._generation:
            self._generation, self._known = generation, {}
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = self._lab.workflows.kept(name)
        return found

    def _why(self, wanted: WorkflowExecution) -> str:
        """Why a name cannot be used once more."""
        present = self._kept.find(wanted.id)
        if present is not None and present.status is _RUNNING:
            return "runs already, with another input"
        return "has run already"

    def _resolved(self, target: str) -> tuple[Workflow, str | None, str | None]:
        """(what is run, the version's number, the alias) that a name or an ARN stands for."""
        workflows = self._lab.workflows
        named = workflow_names.machine(target)
        present = self._current(named.name)
        qualifier, alias = named.qualifier, None
        if qualifier is None:
            return present, None, None
        try:
            if not qualifier.isdecimal():
                alias = qualifier
                qualifier = chosen(workflows.versions.alias(named.name, alias).routes, self._lab.chance())
            version = workflows.versions.get(named.name, qualifier)
        except NotFound as error:
            raise coded(error, "StateMachineDoesNotExist") from None
        defined = workflows.versions.defined(version)
        return defined, qualifier, alias

    # -- looking

    def standing(self, execution_id: str) -> WorkflowExecution | None:
        """How an execution stands, in whatever process; None when it is not known."""
        if self._engine is not None:
            return self._engine.standing(execution_id)
        return self._kept.find(execution_id)

    def whole(self, execution_id: str) -> WorkflowExecution | None:
        """The same for an execution that waits for it, with the values of secrets; no face shows that."""
        return self.engine.whole(execution_id)

    def is_here(self, execution_id: str) -> bool:
        """Whether an execution runs in this process."""
        return self._engine is not None and self._engine.is_here(execution_id)

    def get(self, reference: str) -> WorkflowExecution:
        """An execution by its ARN, or by its name where only one has it. Raises `NotFound`."""
        if not isinstance(reference, str):
            raise coded(InvalidValue(f"{reference!r} is no execution"), "InvalidArn")
        if reference.encode("utf-8", "replace").decode() != reference:  # no name has half characters
            raise coded(NotFound("execution", ascii(reference)), "ExecutionDoesNotExist")
        arn = reference if workflow_names.is_execution(reference) else self._of_name(reference)
        found = None if arn is None else self.standing(arn)
        if found is None and arn is not None:
            local = workflow_names.local(arn, self._lab.region)
            found = None if local == arn else self.standing(local)
        if found is None:
            raise coded(NotFound("execution", reference), "ExecutionDoesNotExist")
        return found

    def list(
        self,
        name: str | None,
        *,
        status: str | Sequence[str] | None,
        map_run: str | None,
        parent: str | None,
        redriven: bool | None,
        limit: int | None,
        after: tuple[datetime, str] | None,
    ) -> tuple[WorkflowExecution, ...]:
        """Executions, the latest first; see `Workflows.executions`."""
        from faaslab.store.questions import workflow_lists

        statuses = (status,) if isinstance(status, str) else tuple(status or ())
        for each in statuses:
            if each not in WorkflowExecutionStatus.__members__:
                known = ", ".join(WorkflowExecutionStatus.__members__)
                raise InvalidValue(f"{each!r} is no status", place="status", hint=f"there are: {known}")
        workflow = qualifier = alias = since = None
        if name is not None:
            named = workflow_names.machine(name)
            present = self._lab.workflows.kept(named.name)
            workflow, since = present.name, present.created_at
            if named.qualifier is not None and named.qualifier.isdecimal():
                qualifier = named.qualifier
            else:
                alias = named.qualifier
        wanted = workflow_lists.Wanted(
            workflow=workflow,
            since=since,
            statuses=statuses,
            qualifier=qualifier,
            alias=alias,
            map_run=map_run,
            parent=parent,
            redriven=redriven,
            after=after,
            limit=limit,
        )
        with self._lab.store.connect() as connection:
            return tuple(workflow_lists.executions(connection, self._lab.store.blobs, wanted))

    def _of_name(self, name: str) -> str | None:
        from faaslab.store.questions import workflow_lists

        with self._lab.store.connect() as connection:
            found = workflow_lists.of_name(connection, name)
        if len(found) > 1:
            raise InvalidValue(
                f"{len(found)} executions are named {name!r}", place="name", hint=f"give an ARN: {found[0]}"
            )
        return found[0] if found else None

    def run(self, reference: str) -> WorkflowRun:
        """A handle for an execution that was started before."""
        return WorkflowRun(self._lab, self.engine.handle(self.get(reference).id))

    # -- doing

    def stop(
        self, reference: str, *, error: str | None = None, cause: str | None = None
    ) -> WorkflowExecution:
        """Stop an execution, and wait until it is; one that has ended stays as it is (StopExecution)."""
        present = self.get(reference)
        if present.status is not _RUNNING:
            return present
        workflow_definitions.check_words(error, cause)
        engine = self.engine
        handle = engine.handle(present.id)
        engine.signal(present.id, Stop(error, cause))
        if not handle.here:
            engine.resume()  # one whose process is gone hears it from whoever takes it up
        return handle.wait(30.0) or handle.execution

    def redrive(self, reference: str) -> WorkflowRun:
        """Have an execution go on at the state that it failed in (RedriveExecution)."""
        present = self.get(reference)
        reason = self.not_redrivable(present)
        if reason is not None:
            raise coded(Conflict(reason, place="execution"), "ExecutionNotRedrivable")
        self._begin()
        try:
            return WorkflowRun(self._lab, self.engine.redrive(present.id))
        except Conflict:
            # Another was quicker, or what is needed for it is not kept any more.
            reason = self.not_redrivable(self.get(present.id)) or "Execution redrivable period exceeded"
            raise coded(Conflict(reason, place="execution"), "ExecutionNotRedrivable") from None

    def redriven(self, reference: str, token: str | None) -> datetime:
        """Redrive an execution: when that was. The same `token` again is the redrive it was given for."""

        def once() -> datetime:
            run = self.redrive(reference)
            return run.execution.redriven_at or self._lab.clock.now()

        return once() if token is None else self._redrives.answer((reference, token), once)

    def not_redrivable(self, execution: WorkflowExecution) -> str | None:
        """Why an execution cannot be redriven, in Step Functions' words; None when it can."""
        if execution.type == "EXPRESS" and execution.map_run is None:
            return "Execution is of type EXPRESS and cannot be redriven"
        if execution.status in (_RUNNING, _SUCCEEDED):
            return f"Execution is {execution.status.value} and cannot be redriven"
        if execution.ended_at is not None and self._lab.clock.now() - execution.ended_at > REDRIVABLE:
            return "Execution redrivable period exceeded"
        last = self._kept.history(execution.id, limit=1, reverse=True)
        if last and last[0].id >= MOST_EVENTS:
            return "Execution history event limit exceeded"
        return None

    def answer(self, token: str, make: Callable[[str], Signal]) -> bool:
        """Tell what awaits an answer under a task token, in whatever process; False for none."""
        return self.engine.answer(token, lambda key: self._hiding(make(key)))

    def _hiding(self, signal: Signal) -> Signal:
        """The signal with what this process has to hide of it; it may come from one that knows less."""
        return hiding.hiding(signal, self._lab.secrets, self._lab.store.settings)

    # -- taking up

    def resume(self) -> int:
        """Take up every execution that nobody runs any more; how many."""
        if not self._lab.store.queue.exists():
            return 0
        return self.engine.resume()

    def close(self) -> None:
        """Give what runs up for others, and end the threads."""
        with self._guard:
            self._closed = True
            engine, carrier = self._engine, self._carrier
        left = engine is not None and bool(engine.running())
        if engine is not None:
            engine.close()
        if left and not self._lab.home.here:
            self._lab.home.ring()  # what was given up goes on there
        if carrier is not None:
            carrier.close()


def input_text(value: Any) -> str:
    """The input as JSON text: bytes are such a text already, None is `{}`, all else is written.

    Raises InvalidValue (`InvalidExecutionInput`) for what is no JSON or longer than 262,144 bytes.
    """
    if value is None:
        return "{}"
    if not isinstance(value, bytes):
        body = encode(value, place="input")
        return workflow_definitions.check_input(body.decode())
    try:
        text = value.decode()
        workflow_definitions.check_input(text)
        values.parsed(text)
    except UnicodeDecodeError as error:
        raise _no_input(str(error)) from None
    except InvalidValue as error:
        if getattr(error, "code", None):
            raise
        raise _no_input(error.message) from None
    return text


def _no_input(why: str) -> InvalidValue:
    error = InvalidValue(
        f"Invalid State Machine Execution Input: '{why}'", place="input", hint="give JSON, or a Python value"
    )
    return coded(error, "InvalidExecutionInput")


@functools.lru_cache(maxsize=256)
def _machine(definition: str) -> Mapping[str, Any]:
    """A definition as the interpreter takes it; one object for all executions of it."""
    machine: Mapping[str, Any] = json.loads(definition)
    return machine
