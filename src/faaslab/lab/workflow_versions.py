"""`lab.workflows.versions`: published versions of workflows, and the aliases that route to them.

Rule: as on Step Functions a version is the definition, role, logging and tracing of one moment under a number
that is never used again; an alias shares the starts among two versions at most, in whole percents.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.lab import workflow_names
from faaslab.lab.workflow_names import coded
from faaslab.model.workflow import Workflow, WorkflowAlias, WorkflowStatus, WorkflowVersion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab

MOST = 1000
MOST_ALIASES = 100


class WorkflowVersions:
    """Versions and aliases of workflows, which may be given by name or ARN."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions

    # -- versions

    def publish(
        self, workflow: str, *, description: str | None = None, revision: str | None = None
    ) -> WorkflowVersion:
        """Publish a workflow as it is now as its next version (PublishStateMachineVersion).

        When it was published since it was last changed, that version is the answer, with the description that
        it has. Raises `Conflict` when `revision` is not the workflow's, or 1,000 versions are kept.
        """
        present = self._workflow(workflow)
        if present.status is WorkflowStatus.DRAFT:
            raise InvalidValue(
                f"{present.name!r} is a draft: {present.status_reason}", hint="mend its definition first"
            )
        if revision is not None and revision != present.revision:
            raise coded(
                Conflict(
                    f"the revision of {present.name!r} is {present.revision}",
                    hint="read it again, then publish",
                ),
                "ConflictException",
            )
        while True:
            versions = self.list(present.name)
            found = next((each for each in reversed(versions) if each.definition == present.version), None)
            if found is not None:
                return found
            if len(versions) >= MOST:
                raise coded(
                    Conflict(f"{present.name!r} has {MOST} versions", hint="delete those that nobody uses"),
                    "ServiceQuotaExceededException",
                )
            number = self._kept.highest_number(WorkflowVersion, present.name) + 1
            made = WorkflowVersion(
                id=f"{present.id}:{number}",
                workflow=present.name,
                version=str(number),
                definition=present.version,
                description=description or "",
                published_at=self._lab.clock.now(),
            )
            # Whoever was faster took the number, and may have published the same.
            with contextlib.suppress(AlreadyExists):
                return self._kept.put(made, needs=((Workflow, present.name),))

    def list(self, workflow: str) -> tuple[WorkflowVersion, ...]:
        """The published versions of a workflow, oldest first."""
        name = workflow_names.machine(workflow).name
        found = self._kept.list(WorkflowVersion, function=name)
        if not found:
            self._workflow(name)
        return tuple(sorted(found, key=lambda each: int(each.version)))

    def get(self, workflow: str, version: str | None = None) -> WorkflowVersion:
        """A published version, by the workflow and its number or by `NAME:NUMBER` or its ARN."""
        named = workflow_names.machine(workflow)
        number = version or named.qualifier or ""
        found = self._kept.get(WorkflowVersion, f"{named.name}:{number}")
        if found is None:
            known = ", ".join(each.version for each in self.list(named.name))
            raise coded(
                NotFound(
                    f"version of {named.name}",
                    number,
                    hint=f"it has: {known}" if known else "publish it first",
                ),
                "ResourceNotFound",
            )
        return found

    def defined(self, version: WorkflowVersion) -> Workflow:
        """The workflow as it was when that version was published."""
        found = self._kept.get(Workflow, version.workflow, int(version.definition))
        if found is None:
            raise NotFound(f"definition of {version.workflow}", version.definition)
        return found

    def delete(self, workflow: str, version: str | None = None) -> None:
        """Take a version away. Raises `Conflict` while an alias routes to it."""
        named = workflow_names.machine(workflow)
        number = version or named.qualifier or ""
        try:
            self._kept.delete(WorkflowVersion, f"{named.name}:{number}")
        except NotFound:
            return  # as on Step Functions, taking away what is not there is no error
        except Conflict as error:
            raise coded(error, "ConflictException") from None

    # -- aliases

    def create_alias(
        self, workflow: str, alias: str, routes: str | int | Mapping[Any, int], *, description: str = ""
    ) -> WorkflowAlias:
        """A new alias of a version (`3`), or of two that share the starts (`{3: 90, 4: 10}`).

        The same again is the alias that is there (CreateStateMachineAlias). Raises `AlreadyExists` where it
        routes elsewhere, `NotFound` for a version that is not published, InvalidValue.
        """
        present = self._workflow(workflow)
        now = self._lab.clock.now()
        made = WorkflowAlias(
            id=f"{present.id}:{workflow_names.alias(alias)}",
            workflow=present.name,
            name=alias,
            routes=routed(routes),
            description=description,
            created_at=now,
            updated_at=now,
        )
        there = self._kept.get(WorkflowAlias, f"{present.name}:{alias}")
        if there is not None:
            if (there.routes, there.description) == (made.routes, made.description):
                return there
            raise coded(
                AlreadyExists(
                    f"{present.name!r} has an alias {alias!r} already",
                    place="alias",
                    hint="update it instead",
                ),
                "ConflictException",
            )
        if len(self.aliases(present.name)) >= MOST_ALIASES:
            raise coded(
                Conflict(f"{present.name!r} has {MOST_ALIASES} aliases", hint="delete one first"),
                "ServiceQuotaExceededException",
            )
        return self._put(made, "created")

    def update_alias(
        self,
        workflow: str,
        alias: str | None = None,
        *,
        routes: str | int | Mapping[Any, int] | None = None,
        description: str | None = None,
    ) -> WorkflowAlias:
        """Route an alias elsewhere; what is not given stays (UpdateStateMachineAlias)."""
        while True:
            present = self.alias(workflow, alias)
            changed = dataclasses.replace(
                present,
                routes=present.routes if routes is None else routed(routes),
                description=present.description if description is None else description,
                updated_at=self._lab.clock.now(),
            )
            with contextlib.suppress(Conflict):
                return self._put(changed, "updated", expected=present.revision_id)

    def alias(self, workflow: str, alias: str | None = None) -> WorkflowAlias:
        """An alias, by the workflow and its name or by `NAME:ALIAS` or its ARN."""
        named = workflow_names.machine(workflow)
        name = alias or named.qualifier or ""
        found = self._kept.get(WorkflowAlias, f"{named.name}:{name}")
        if found is None:
            known = [each.name for each in self.aliases(named.name)]
            raise coded(NotFound(f"alias of {named.name}", name, known), "ResourceNotFound")
        return found

    def aliases(self, workflow: str, *, version: str | None = None) -> tuple[WorkflowAlias, ...]:
        """The aliases of a workflow by name; of one `version` those that route to it."""
        name = workflow_names.machine(workflow).name
        found = self._kept.list(WorkflowAlias, function=name)
        if not found:
            self._workflow(name)
        return tuple(each for each in found if version is None or version in each.routes)

    def delete_alias(self, workflow: str, alias: str | None = None) -> None:
        """Take an alias away; the versions stay."""
        present = self.alias(workflow, alias)
        self._kept.delete(WorkflowAlias, f"{present.workflow}:{present.name}")

    def _put(self, alias: WorkflowAlias, action: Any, *, expected: str | None = None) -> WorkflowAlias:
        needs = tuple((WorkflowVersion, f"{alias.workflow}:{version}") for version in alias.routes)
        try:
            return self._kept.put(alias, action=action, expected_revision=expected, needs=needs)
        except NotFound as error:
            raise coded(error, "ResourceNotFound") from None

    def _workflow(self, workflow: str) -> Workflow:
        return self._lab.workflows.kept(workflow_names.machine(workflow).name)


def routed(routes: str | int | Mapping[Any, Any]) -> dict[str, int]:
    """{version: percent} of what a caller gives: a version alone, or one or two with their shares."""
    if isinstance(routes, str | int):
        routes = {routes: 100}
    made = {str(version): weight for version, weight in routes.items()}
    for version, weight in made.items():
        if not version.isdecimal():
            raise _invalid(f"{version!r} is no number of a version")
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= 100:
            raise _invalid(f"{weight!r} is no percentage")
    if not 1 <= len(made) <= 2:
        raise _invalid(f"{len(made)} versions; an alias routes to one or two")
    if sum(made.values()) != 100:
        raise _invalid(f"the weights make {sum(made.values())}")
    return made


def chosen(routes: Mapping[str, int], chance: float) -> str:
    """The version that a start gets, `chance` being in [0, 1)."""
    point = chance * 100
    for version, weight in routes.items():
        point -= weight
        if point < 0:
            return version
    return next(version for version, weight in routes.items() if weight)


def _invalid(what: str) -> InvalidValue:
    error = InvalidValue(
        what, place="routes", hint="give a version, or two with whole percents that make 100: {3: 90, 4: 10}"
    )
    return coded(error, "ValidationException")
