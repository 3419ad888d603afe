"""The workflows of a lab: state machines in the Amazon States Language, defined, run and taken up again.

A definition is declarative, as a function's is: the same again changes nothing, a changed one is the next.
Whoever asks for a workflow may give its name, `NAME:ALIAS`, `NAME:VERSION`, or the ARN of any of these; for
an execution its ARN, or its name where only one has it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.lab import workflow_definitions, workflow_names
from faaslab.lab.activities import Activities
from faaslab.lab.map_runs import MapRuns
from faaslab.lab.tasks import tokens
from faaslab.lab.workflow_names import coded
from faaslab.lab.workflow_runs import Runs
from faaslab.lab.workflow_told import Told
from faaslab.lab.workflow_versions import WorkflowVersions
from faaslab.model.workflow import (
    LoggingConfiguration,
    Workflow,
    WorkflowConfiguration,
    WorkflowStatistics,
    WorkflowStatus,
    WorkflowVersion,
)
from faaslab.workflow.validate import Diagnostic
from faaslab.workflow.validate import diagnostics as found_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from faaslab.lab import Lab
    from faaslab.lab.workflow_definitions import InvalidDefinition
    from faaslab.lab.workflow_run import WorkflowRun
    from faaslab.model.workflow import Activity, HistoryEvent, WorkflowExecution, WorkflowType
_UNSET: Any = object()
_HISTORY = ("id", "previous_id", "type", "timestamp", "state", "duration_ms", "details")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Defined:
    """What defining a workflow did; `change` is created, updated or unchanged."""

    workflow: Workflow
    change: str
    published: WorkflowVersion | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class Workflows:
    """`lab.workflows`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions
        self.versions = WorkflowVersions(lab)
        self.activities = Activities(lab)
        self.map_runs = MapRuns(lab)
        self.told = Told(lab)
        self.runs = Runs(lab)

    # -- definitions ----------------------------------------------------------------------------------

    def create(self, name: str, definition: Any, **options: Any) -> Workflow:
        """Define a workflow and give it back. `options` are those of `define`."""
        return self.define(name, definition, **options).workflow

    def define(
        self,
        name: str,
        definition: Any,
        *,
        type: WorkflowType | None = None,  # noqa: A002 -- Step Functions' word
        role: str | None = None,
        logging: LoggingConfiguration | Mapping[str, Any] | str | None = None,
        tracing: bool = False,
        tags: Mapping[str, str] | None = None,
        encryption: Mapping[str, Any] | None = None,
        publish: bool = False,
        description: str | None = None,
        draft: bool = False,
        exist_ok: bool = True,
        short_forms: bool = True,
    ) -> Defined:
        """Define a workflow from JSON text, a dictionary, or states put together in Python.

        With `exist_ok` a name that is taken gets a next definition, or none when nothing changed; without it
        the same again is the one that is there, and another one `AlreadyExists` (CreateStateMachine). `type`
        is STANDARD unless said, and stays. `logging` may be a level alone; `publish` publishes it with that
        `description`. A definition that does not validate is `InvalidDefinition`, with its diagnostics; with
        `draft` it is kept and cannot be started. With `short_forms` a Resource may be the name of a function,
        or `activity:NAME`. Tags that are not given stay.
        """
        workflow_names.checked(name)
        text = workflow_definitions.text_of(definition, region=self._lab.region, short_forms=short_forms)
        present = self._kept.get(Workflow, name)
        kind = type or (present.type if present else "STANDARD")
        if kind not in ("STANDARD", "EXPRESS"):
            raise InvalidValue(f"{kind!r} is neither STANDARD nor EXPRESS", place="type")
        diagnostics = found_in(text, kind)
        refused = workflow_definitions.refusal(diagnostics)
        if refused is not None and not draft:
            raise refused
        kept_tags = present.configuration.tags if present and tags is None else tags
        configuration = WorkflowConfiguration(
            role=role,
            logging=workflow_definitions.logging_of(logging),
            tracing=bool(tracing),
            tags=workflow_definitions.tags_of(kept_tags),
            encryption=None if encryption is None else dict(encryption),
        )
        wanted = self._wanted(name, text, kind, configuration, refused)
        if present is None:
            try:
                kept, change = self._kept.put(wanted), "created"
            except AlreadyExists:
                present = self.kept(name)
        if present is not None:
            if present.type != kind:
                raise self._taken(present, f"it is {present.type}")
            if not exist_ok and not _is_same(present, wanted):
                raise self._taken(present, "its definition or configuration differs")
            kept, change = self._changed(present, wanted)
        published = self.versions.publish(name, description=description) if publish else None
        return Defined(workflow=kept, change=change, published=published, diagnostics=diagnostics)

    def _wanted(
        self,
        name: str,
        text: str,
        kind: WorkflowType,
        configuration: WorkflowConfiguration,
        refused: InvalidDefinition | None,
    ) -> Workflow:
        now = self._lab.clock.now()
        return Workflow(
            id=workflow_names.machine_arn(name, self._lab.region),
            name=name,
            definition=text,
            type=kind,
            status=WorkflowStatus.ACTIVE if refused is None else WorkflowStatus.DRAFT,
            status_reason=None if refused is None else refused.message,
            configuration=configuration,
            created_at=now,
            updated_at=now,
        )

    def _taken(self, present: Workflow, why: str) -> AlreadyExists:
        error = AlreadyExists(
            f"a workflow named {present.name!r} exists already: {why}",
            place="name",
            hint="update it, or choose another name",
        )
        return coded(error, "StateMachineAlreadyExists")

    def _changed(self, present: Workflow, wanted: Workflow) -> tuple[Workflow, str]:
        """What is kept once `present` is as `wanted`, and what that was."""
        while True:
            made = dataclasses.replace(wanted, created_at=present.created_at, id=present.id)
            if not _is_same(present, wanted):
                made = dataclasses.replace(made, version=str(int(present.version) + 1))
            elif (present.configuration.tags, present.status) == (wanted.configuration.tags, wanted.status):
                return present, "unchanged"
            else:
                made = dataclasses.replace(made, version=present.version, updated_at=present.updated_at)
            try:
                kept = self._kept.put(made, action="updated", expected_revision=present.revision_id)
            except Conflict:
                present = self.kept(present.name)
            else:
                return kept, "updated"

    def validate(
        self,
        definition: Any,
        *,
        type: WorkflowType = "STANDARD",  # noqa: A002
    ) -> tuple[Diagnostic, ...]:
        """What is wrong with a definition, and what is odd in it; nothing is kept."""
        text = workflow_definitions.text_of(definition, region=self._lab.region)
        return found_in(text, type=type)

    def update(
        self,
        name: str,
        definition: Any = _UNSET,
        *,
        role: str | None = _UNSET,
        logging: LoggingConfiguration | Mapping[str, Any] | str | None = _UNSET,
        tracing: bool = _UNSET,
        encryption: Mapping[str, Any] | None = _UNSET,
        active: bool = _UNSET,
        publish: bool = False,
        description: str | None = None,
        draft: bool = False,
        short_forms: bool = True,
    ) -> Defined:
        """Change a workflow; what is not given stays. Without `active` it is not started any more.

        Executions that run go on with the definition that they were started with.
        """
        present = self.kept(self._name(name))
        old = present.configuration
        text = present.definition
        diagnostics: tuple[Diagnostic, ...] = ()
        status, reason = present.status, present.status_reason
        if definition is not _UNSET:
            text = workflow_definitions.text_of(definition, region=self._lab.region, short_forms=short_forms)
            diagnostics = found_in(text, present.type)
            refused = workflow_definitions.refusal(diagnostics)
            if refused is not None and not draft:
                raise refused
            if refused is not None:
                status, reason = WorkflowStatus.DRAFT, refused.message
            elif status is not WorkflowStatus.INACTIVE:
                status, reason = WorkflowStatus.ACTIVE, None
        if active is not _UNSET and status is not WorkflowStatus.DRAFT:
            status = WorkflowStatus.ACTIVE if active else WorkflowStatus.INACTIVE
        configuration = dataclasses.replace(
            old,
            role=old.role if role is _UNSET else role,
            logging=old.logging if logging is _UNSET else workflow_definitions.logging_of(logging),
            tracing=old.tracing if tracing is _UNSET else bool(tracing),
            encryption=old.encryption if encryption is _UNSET else encryption,
        )
        wanted = dataclasses.replace(
            present,
            definition=text,
            status=status,
            status_reason=reason,
            configuration=configuration,
            updated_at=self._lab.clock.now(),
        )
        kept, change = self._changed(present, wanted)
        published = self.versions.publish(kept.name, description=description) if publish else None
        return Defined(workflow=kept, change=change, published=published, diagnostics=diagnostics)

    def kept(self, name: str) -> Workflow:
        """The workflow of that name as it is kept; `NotFound` with the nearest."""
        found = self._kept.get(Workflow, name)
        if found is None:
            raise coded(NotFound("workflow", name, self._kept.names(Workflow)), "StateMachineDoesNotExist")
        return found

    def get(self, name: str) -> Workflow:
        """A workflow as it is now, with its statistics; by a version or an alias as it was published.

        Of an alias that shares the starts it is the version with the larger share. `NotFound` with the
        nearest.
        """
        named = workflow_names.machine(name)
        present = self.kept(named.name)
        if named.qualifier is None:
            return dataclasses.replace(present, statistics=self._statistics(present))
        number = named.qualifier
        if not number.isdecimal():
            routes = self.versions.alias(named.name, number).routes
            number = max(routes, key=lambda version: routes[version])
        return self.versions.defined(self.versions.get(named.name, number))

    def _statistics(self, workflow: Workflow) -> WorkflowStatistics:
        """What the store has seen of a workflow since it was made."""
        from faaslab.store.questions import workflows as questions

        return questions.statistics(self._lab.store.sql, workflow.name, since=workflow.created_at)

    def list(self) -> tuple[Workflow, ...]:
        """All workflows, by name."""
        return self._kept.list(Workflow)

    def names(self) -> tuple[str, ...]:
        """The names of all workflows."""
        return self._kept.names(Workflow)

    def delete(self, name: str) -> None:
        """Delete a workflow with its versions and aliases; what runs of it goes on to its end."""
        self._kept.delete(Workflow, self.kept(self._name(name)).name)

    def tag(self, name: str, tags: Mapping[str, str], *, remove: Sequence[str] = ()) -> Workflow:
        """Lay `tags` over those of a workflow, and take some away. It is no other definition."""
        while True:
            present = self.kept(self._name(name))
            left = {key: value for key, value in present.configuration.tags.items() if key not in remove}
            made = workflow_definitions.tags_of({**left, **tags})
            changed = dataclasses.replace(
                present, configuration=dataclasses.replace(present.configuration, tags=made)
            )
            with contextlib.suppress(Conflict):
                return self._kept.put(changed, action="updated", expected_revision=present.revision_id)

    # -- executions -----------------------------------------------------------------------------------

    def start(
        self,
        workflow: str,
        input: Any = None,  # noqa: A002
        *,
        name: str | None = None,
        **about: Any,
    ) -> WorkflowRun:
        """Start an execution of a workflow, or of what a version or an alias of it leads to (StartExecution).

        `input` is any JSON-able value, or bytes of JSON; None is `{}`. `name` is the execution's name: of a
        standard workflow the same name with the same input is the execution that runs already, and a name
        that was used otherwise is `AlreadyExists`. `about`: trace_header, and for the record parent and
        trigger. Raises InvalidValue for an input that is no JSON or above 262,144 bytes, `NotFound`.
        """
        return self.runs.start(workflow, input, name=name, **about)

    def start_sync(self, workflow: str, input: Any = None, **about: Any) -> WorkflowExecution:  # noqa: A002
        """Run an express workflow and give what came of it, within five minutes (StartSyncExecution).

        `about`: name, trace_header.
        """
        return self.runs.start_sync(workflow, input, **about)

    def execution(self, reference: str) -> WorkflowExecution:
        """An execution by its ARN, or by its name where only one has it; how it stands now."""
        return self.runs.get(reference)

    def run(self, reference: str) -> WorkflowRun:
        """A handle for an execution that was started before, here or elsewhere."""
        return self.runs.run(reference)

    def executions(
        self,
        workflow: str | None = None,
        *,
        status: str | Sequence[str] | None = None,
        map_run: str | None = None,
        parent: str | None = None,
        redriven: bool | None = None,
        limit: int | None = None,
        after: tuple[datetime, str] | None = None,
    ) -> tuple[WorkflowExecution, ...]:
        """Executions, the latest first: of a workflow, a version, an alias, or of a map run (ListExecutions).

        `after` is (started_at, id) of the last one of the page before, `limit` how many there may be.
        """
        return self.runs.list(
            workflow,
            status=status,
            map_run=map_run,
            parent=parent,
            redriven=redriven,
            limit=limit,
            after=after,
        )

    def history(self, reference: str) -> pd.DataFrame:
        """The events of an execution: id, previous_id, type, timestamp, state, duration_ms, details."""
        import pandas as pd

        events = self.events(reference)
        rows = [
            (each.id, each.previous_id, each.type, each.at, each.state, each.duration_ms, dict(each.details))
            for each in events
        ]
        return pd.DataFrame(rows, columns=[*_HISTORY])

    def events(
        self, reference: str, *, after: int = 0, limit: int | None = None, reverse: bool = False
    ) -> tuple[HistoryEvent, ...]:
        """The events of an execution in order, those above the id `after`; with `reverse` the last first."""
        found = self._lab.store.workflows.history(
            self.execution(reference).id, after=after, limit=limit, reverse=reverse
        )
        return tuple(found)

    def stop(
        self, reference: str, *, error: str | None = None, cause: str | None = None
    ) -> WorkflowExecution:
        """Stop an execution, which ends as ABORTED; one that has ended stays as it is."""
        return self.runs.stop(reference, error=error, cause=cause)

    def redrive(self, reference: str) -> WorkflowRun:
        """Have one that failed, timed out or was stopped go on at the state that it failed in.

        Raises `Conflict` for one that succeeded, runs, ended more than 14 days ago, or is express.
        """
        return self.runs.redrive(reference)

    def resume(self) -> int:
        """Take up every execution whose process is gone; how many. The home of a store does so by itself."""
        return self.runs.resume()

    # -- tasks that others do -------------------------------------------------------------------------

    def activity(self, name: str, worker: Callable[[Any], Any], *, at_once: int = 8) -> Activity:
        """Have a Python callable of this process do the tasks of an activity; see `Activities.work`."""
        return self.activities.work(name, worker, at_once=at_once)

    def send_task_success(self, token: str, output: Any) -> None:
        """What came of a task, to whoever waits for it under that token (SendTaskSuccess).

        `output` is any JSON-able value, or bytes of JSON. Raises `NotFound` for a token that nothing waits
        for any more, InvalidValue for what is no token, or no JSON.
        """
        tokens.success(self.runs.answer, token, output)

    def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """That a task failed (SendTaskFailure)."""
        tokens.failure(self.runs.answer, token, error, cause)

    def send_task_heartbeat(self, token: str) -> None:
        """That a task is still worked on (SendTaskHeartbeat)."""
        tokens.heartbeat(self.runs.answer, token)

    # -- the end

    def close(self) -> None:
        """End what runs here for workflows. What runs goes on in the next lab."""
        self.activities.close()
        self.runs.close()
        self.told.close()

    @staticmethod
    def _name(name: str) -> str:
        return workflow_names.machine(name).name


def _is_same(one: Workflow, other: Workflow) -> bool:
    """Whether they are one definition: tags and status are no part of it."""

    def told(workflow: Workflow) -> tuple[Any, ...]:
        kept = workflow.configuration
        logging = json.dumps(dataclasses.asdict(kept.logging))
        return (workflow.definition, workflow.type, kept.role, logging, kept.tracing, kept.encryption)

    return told(one) == told(other)
