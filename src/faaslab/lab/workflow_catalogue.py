"""The definitions of workflows: what `lab.workflows` has of state machines in the Amazon States Language.

A definition is declarative, as a function's is: the same again changes nothing, a changed one is the next.
Whoever asks for a workflow may give its name, `NAME:ALIAS`, `NAME:VERSION`, or the ARN of any of these.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound, nearest
from faaslab.lab import workflow_definitions, workflow_names
from faaslab.lab.workflow_mistakes import hinted, located
from faaslab.lab.workflow_names import coded
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
    from collections.abc import Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.lab.workflow_definitions import InvalidDefinition
    from faaslab.model.workflow import WorkflowType
    from faaslab.workflow.source import Source


class _Unset:
    """What an argument is that was not given."""

    def __repr__(self) -> str:
        return "as it is"


_UNSET: Any = _Unset()
_OPTIONS = (
    "type", "role", "logging", "tracing", "tags", "encryption", "publish", "description", "draft", "exist_ok",
    "short_forms",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Defined:
    """What defining a workflow did; `change` is created, updated or unchanged."""

    workflow: Workflow
    change: str
    published: WorkflowVersion | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


class Catalogue:
    """The workflows of a lab, their versions and aliases."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions
        self.versions = WorkflowVersions(lab)

    def create(self, name: str, definition: Any, **options: Any) -> Workflow:
        """Define a workflow and give it back, as `define` does.

        `options` are those of `define`: type, role, logging, tracing, tags, encryption, publish,
        description, draft, exist_ok, short_forms.
        """
        for option in options:
            if option not in _OPTIONS:
                near = nearest(option, _OPTIONS)
                raise InvalidValue(
                    f"a workflow has no option {option!r}",
                    hint=f"did you mean {near!r}?" if near else f"there are: {', '.join(_OPTIONS)}",
                )
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
        """Define a workflow from YAML or JSON text, a dictionary, or states put together in Python.

        With `exist_ok` a name that is taken gets a next definition, or none when nothing changed; without it
        the same again is the one that is there, and another one `AlreadyExists` (CreateStateMachine). `type`
        is STANDARD unless said, and stays. `logging` may be a level alone; `publish` publishes it with that
        `description`. A definition that does not validate is `InvalidDefinition`, with its diagnostics; with
        `draft` it is kept and cannot be started. With `short_forms` a Resource may be the name of a function,
        or `activity:NAME`. Tags that are not given stay.
        """
        workflow_names.checked(name)
        source = workflow_definitions.source_of(definition, draft=draft) if short_forms else None
        text = self._text(definition, source, short_forms=short_forms)
        present = self._kept.get(Workflow, name)
        kind = type or (present.type if present else "STANDARD")
        if kind not in ("STANDARD", "EXPRESS"):
            raise InvalidValue(f"{kind!r} is neither STANDARD nor EXPRESS", place="type")
        diagnostics = found_in(text, kind)
        refused = workflow_definitions.refusal(diagnostics)
        if refused is not None and not draft:
            raise _told(refused, source, text) if short_forms else refused
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
            if exist_ok:
                kept, change = self._changed(present, wanted)
            elif _is_same(present, wanted):
                kept, change = present, "unchanged"
            else:
                raise self._taken(present, "its definition or configuration differs")
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
        source = workflow_definitions.source_of(definition, draft=True)
        return found_in(self._text(definition, source), type=type)

    def _text(self, definition: Any, source: Source | None, *, short_forms: bool = True) -> str:
        given = definition if source is None else source.definition
        return workflow_definitions.text_of(given, region=self._lab.region, short_forms=short_forms)

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
        changes = (definition, role, logging, tracing, encryption, active)
        if not publish and all(each is _UNSET for each in changes):
            raise InvalidValue(
                "nothing is given that would change", hint="give a definition, role, logging, tracing, active"
            )
        if definition is not _UNSET:
            source = workflow_definitions.source_of(definition, draft=draft) if short_forms else None
            text = self._text(definition, source, short_forms=short_forms)
            diagnostics = found_in(text, present.type)
            refused = workflow_definitions.refusal(diagnostics)
            if refused is not None and not draft:
                raise _told(refused, source, text) if short_forms else refused
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
        found = self.defined(name)
        if workflow_names.machine(name).qualifier is None:
            return dataclasses.replace(found, statistics=self.statistics(found))
        return found

    def defined(self, name: str) -> Workflow:
        """The same without statistics, for which the history is asked."""
        named = workflow_names.machine(name)
        present = self.kept(named.name)
        if named.qualifier is None:
            return present
        number = named.qualifier
        if not number.isdecimal():
            routes = self.versions.alias(named.name, number).routes
            number = max(routes, key=lambda version: routes[version])
        return self.versions.defined(self.versions.get(named.name, number))

    def statistics(self, workflow: Workflow) -> WorkflowStatistics:
        """What the store has seen of a workflow since it was made."""
        from faaslab.store.questions import workflows as questions

        return questions.statistics(self._lab.store.sql, workflow.name, since=workflow.created_at)

    def find(self, name: str) -> Workflow | None:
        """The workflow of that name, or None."""
        with contextlib.suppress(NotFound):
            return self.kept(self._name(name))
        return None

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

    @staticmethod
    def _name(name: str) -> str:
        return workflow_names.machine(name).name


def _told(refused: InvalidDefinition, source: Source | None, text: str) -> InvalidDefinition:
    """A refusal for who wrote the definition: with the lines of a text, else with what was meant."""
    return hinted(refused, text) if source is None else located(refused, source)


def _is_same(one: Workflow, other: Workflow) -> bool:
    """Whether they are one definition: tags and status are no part of it."""

    def told(workflow: Workflow) -> tuple[Any, ...]:
        kept = workflow.configuration
        logging = json.dumps(dataclasses.asdict(kept.logging))
        return (workflow.definition, workflow.type, kept.role, logging, kept.tracing, kept.encryption)

    return told(one) == told(other)
