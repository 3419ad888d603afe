"""What is defined now, and every definition of it by number: changed by compare-and-swap on `revision_id`.

A function's numbers count its definitions, a published version's the publications of its function; both go on
where they were after something was deleted. Each change writes its row of the history in the same
transaction, and survives power loss.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from faaslab.errors import AlreadyExists, Conflict, InvalidValue, NotFound
from faaslab.model.alarm import Alarm
from faaslab.model.alias import Alias
from faaslab.model.asynchronous import EventInvokeConfig
from faaslab.model.concurrency import ProvisionedConcurrency
from faaslab.model.function import Function
from faaslab.model.json import from_json, to_json
from faaslab.model.layer import LayerVersion
from faaslab.model.policy import ResourcePolicy
from faaslab.model.report import ReportSchedule
from faaslab.model.trigger import Trigger
from faaslab.model.version import REVISION_MISMATCH, PublishedVersion
from faaslab.model.workflow import Activity, Workflow, WorkflowAlias, WorkflowVersion
from faaslab.store import belongings
from faaslab.store.record import definition_row

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from faaslab.clock import Clock
    from faaslab.store.state import State

E = TypeVar(
    "E",
    Function,
    PublishedVersion,
    Alias,
    EventInvokeConfig,
    ProvisionedConcurrency,
    LayerVersion,
    ResourcePolicy,
    Workflow,
    WorkflowVersion,
    WorkflowAlias,
    Activity,
    Trigger,
    Alarm,
    ReportSchedule,
)

KINDS: dict[type, str] = {
    Function: "function",
    PublishedVersion: "published_version",
    Alias: "alias",
    EventInvokeConfig: "event_invoke_config",
    ProvisionedConcurrency: "provisioned_concurrency",
    LayerVersion: "layer_version",
    ResourcePolicy: "resource_policy",
    Workflow: "workflow",
    WorkflowVersion: "workflow_version",
    WorkflowAlias: "workflow_alias",
    Activity: "activity",
    Trigger: "trigger",
    Alarm: "alarm",
    ReportSchedule: "report_schedule",
}
_WORDS = {
    "report_schedule": "report schedule",
    "published_version": "published version",
    "event_invoke_config": "event invoke configuration",
    "provisioned_concurrency": "provisioned concurrency",
    "layer_version": "layer",
    "resource_policy": "resource policy",
    "workflow_version": "version of a workflow",
    "workflow_alias": "alias of a workflow",
}


def name_of(entity: Any) -> str:
    """The name that an entity is kept under; what belongs to a function or a workflow: `OWNER:qualifier`."""
    if isinstance(entity, WorkflowAlias):
        return f"{entity.workflow}:{entity.name}"
    if isinstance(entity, WorkflowVersion):
        return f"{entity.workflow}:{entity.version}"
    if isinstance(entity, Alias):
        return f"{entity.function}:{entity.name}"
    if isinstance(entity, PublishedVersion):
        return f"{entity.function}:{entity.version}"
    return str(entity.name)


class Definitions:
    """Functions with aliases and event configurations, workflows, triggers, alarms, report schedules."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock

    def put(
        self,
        entity: E,
        *,
        expected_revision: str | None = None,
        action: Literal["created", "updated"] = "created",
        needs: Sequence[tuple[type, str]] = (),
        at_generation: int | None = None,
    ) -> E:
        """Keep `entity` under a new `revision_id`; what was kept is returned.

        `needs` are (class, name) of what must be kept at that very moment; with `at_generation` nothing at
        all may have changed since that. Raises `AlreadyExists` when it is to be created and is there, or was
        (the number of a published version is not used again), `NotFound` when it is to be updated and is not
        or lacks what it needs, `Conflict` when `expected_revision` is not the one that is kept now.
        """
        kind, name = _kind(type(entity)), name_of(entity)
        changes: dict[str, Any] = {"revision_id": str(uuid.uuid4())}
        if hasattr(entity, "statistics"):
            changes["statistics"] = None
        kept = dataclasses.replace(entity, **changes)
        document = to_json(kept)
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        _require_text(body, name)
        version = _number(entity)
        row = definition_row(
            kind=kind,
            name=name,
            version=version,
            revision_id=kept.revision_id,
            action=action,
            at=self._clock.now(),
            body=document,
        )
        with self._state.write(durable=True) as connection:
            found = connection.execute(
                "SELECT revision_id FROM definitions WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
            if action == "created" and isinstance(kept, PublishedVersion):
                belongings.take_number(connection, kept)
            if action == "created" and isinstance(kept, WorkflowVersion):
                belongings.take_workflow_number(connection, kept)
            if action == "created" and found:
                raise AlreadyExists(f"a {_word(kind)} named {name!r} exists already")
            if action == "updated" and not found:
                raise self._missing(connection, kind, name)
            if expected_revision is not None and (not found or found[0] != expected_revision):
                raise _changed_meanwhile(kind, name)
            if at_generation is not None and at_generation != self._state.generation_within(connection):
                raise _changed_meanwhile(kind, name)
            for needed, needed_name in needs:
                if not _is_kept(connection, _kind(needed), needed_name):
                    raise self._missing(connection, _kind(needed), needed_name)
            connection.execute(
                "INSERT INTO definitions VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET "
                "revision_id = excluded.revision_id, version = excluded.version, body = excluded.body",
                (kind, name, kept.revision_id, version, body),
            )
            if version is not None and kind not in belongings.KINDS:
                connection.execute(
                    "INSERT INTO versions VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (kind, name, version) DO UPDATE SET body = excluded.body",
                    (kind, name, version, body),
                )
            self._state.append_within(connection, [row])
            self._state.next_generation(connection)
        return kept

    def get(self, cls: type[E], name: str, number: int | None = None) -> E | None:
        """What is kept under that name, as it is now or as the definition of that number; None for nothing.

        An alias is named `function:alias`.
        """
        if number is None:
            row = self._state.one(
                "SELECT body FROM definitions WHERE kind = ? AND name = ?", (_kind(cls), name)
            )
        else:
            row = self._state.one(
                "SELECT body FROM versions WHERE kind = ? AND name = ? AND version = ?",
                (_kind(cls), name, str(number)),
            )
        return None if row is None else from_json(cls, json.loads(row[0]))

    def list(self, cls: type[E], *, function: str | None = None) -> tuple[E, ...]:
        """All of that class, by name; of what belongs to functions, those of one `function`."""
        low, high = (f"{function}:", f"{function};") if function is not None else ("", "\U0010ffff")
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT body FROM definitions WHERE kind = ? AND name BETWEEN ? AND ? ORDER BY name",
                (_kind(cls), low, high),
            ).fetchall()
        return tuple(from_json(cls, json.loads(body)) for (body,) in rows)

    def reserved(self) -> dict[str, int]:
        """The reserved concurrency of every function that has one."""
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT name, json_extract(body, '$.configuration.reserved_concurrency') AS reserved "
                "FROM definitions WHERE kind = 'function' AND reserved IS NOT NULL"
            ).fetchall()
        return dict(rows)

    def names(self, cls: type[E]) -> tuple[str, ...]:
        """The names of all of that class, sorted."""
        with self._state.read() as connection:
            return _names(connection, _kind(cls))

    def every(self, cls: type[E], name: str) -> tuple[E, ...]:
        """Every definition of it, oldest first."""
        with self._state.read() as connection:
            rows = connection.execute(
                "SELECT body FROM versions WHERE kind = ? AND name = ? "
                "ORDER BY CAST(version AS INTEGER), version",
                (_kind(cls), name),
            ).fetchall()
        return tuple(from_json(cls, json.loads(body)) for (body,) in rows)

    def highest_number(self, cls: type[E], name: str) -> int:
        """The highest number that the name ever had, deleted ones included; 0 for a new name.

        Of `PublishedVersion` the name is the function's.
        """
        kind = _kind(cls)
        with self._state.read() as connection:
            row = connection.execute(
                "SELECT value FROM marks WHERE name = ?", (belongings.mark(kind, name),)
            ).fetchone()
            return max(int(row[0]) if row else 0, _highest_kept(connection, kind, name))

    def delete(self, cls: type[E], name: str, *, expected_revision: str | None = None) -> None:
        """Forget it and all its definitions; the history keeps them. Raises `NotFound`, or `Conflict`.

        With a function or a workflow go its published versions and aliases. A published version that an
        alias leads to is not deleted.
        """
        kind = _kind(cls)
        with self._state.write(durable=True) as connection:
            found = connection.execute(
                "SELECT revision_id FROM definitions WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
            if not found:
                raise self._missing(connection, kind, name)
            if expected_revision is not None and found[0] != expected_revision:
                raise _changed_meanwhile(kind, name)
            if cls is PublishedVersion:
                belongings.require_unused(connection, name)
            if cls is WorkflowVersion:
                belongings.require_unrouted(connection, name)
            if cls is Workflow:
                # As on AWS one that is made anew under the name begins anew.
                mark = belongings.mark("workflow_version", name)
                connection.execute("DELETE FROM marks WHERE name = ?", (mark,))
            if cls is Function:
                # The numbers of a name go on after it was deleted, so that figures by definition mix no two.
                connection.execute(
                    belongings.KEEP_HIGHEST,
                    (belongings.mark(kind, name), _highest_kept(connection, kind, name)),
                )
            for each in belongings.of(connection, kind, name):
                self._forget(connection, *each)
            for each in belongings.of_qualifier(connection, kind, name):
                self._forget(connection, *each)
            self._forget(connection, kind, name)
            self._state.next_generation(connection)

    def _forget(self, connection: sqlite3.Connection, kind: str, name: str) -> None:
        revision_id, version, body = connection.execute(
            "SELECT revision_id, version, body FROM definitions WHERE kind = ? AND name = ?", (kind, name)
        ).fetchone()
        connection.execute("DELETE FROM definitions WHERE kind = ? AND name = ?", (kind, name))
        connection.execute("DELETE FROM versions WHERE kind = ? AND name = ?", (kind, name))
        row = definition_row(
            kind=kind,
            name=name,
            version=version,
            revision_id=revision_id,
            action="deleted",
            at=self._clock.now(),
            body=json.loads(body),
        )
        self._state.append_within(connection, [row])

    def generation(self) -> int:
        """A number that is another after every change by any process; costs microseconds."""
        return self._state.generation()

    @staticmethod
    def _missing(connection: sqlite3.Connection, kind: str, name: str) -> NotFound:
        return NotFound(_word(kind), name, _names(connection, kind))


def _number(entity: Any) -> str | None:
    """What tells an entity from the one before of its name, where such are counted."""
    return str(entity.definition) if isinstance(entity, Function) else getattr(entity, "version", None)


def _highest_kept(connection: sqlite3.Connection, kind: str, name: str) -> int:
    row = connection.execute(
        "SELECT coalesce(max(CAST(version AS INTEGER)), 0) FROM versions WHERE kind = ? AND name = ?",
        (kind, name),
    ).fetchone()
    return int(row[0])


def _names(connection: sqlite3.Connection, kind: str) -> tuple[str, ...]:
    rows = connection.execute("SELECT name FROM definitions WHERE kind = ? ORDER BY name", (kind,))
    return tuple(name for (name,) in rows)


def _is_kept(connection: sqlite3.Connection, kind: str, name: str) -> bool:
    row = connection.execute("SELECT 1 FROM definitions WHERE kind = ? AND name = ?", (kind, name)).fetchone()
    return row is not None


def _changed_meanwhile(kind: str, name: str) -> Conflict:
    if kind in ("function", *belongings.KINDS):
        return Conflict(REVISION_MISMATCH, place="revision_id", hint=f"read {name!r} again, then change it")
    return Conflict(f"the {_word(kind)} {name!r} was changed meanwhile", hint="read it again, then change it")


def _kind(cls: type) -> str:
    try:
        return KINDS[cls]
    except KeyError:
        raise InvalidValue(f"{cls.__name__} is not a definition") from None


def _word(kind: str) -> str:
    return _WORDS.get(kind, kind)


def _require_text(body: str, name: str) -> None:
    try:
        body.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue(
            f"the definition of {name!r} contains half a character ({error.reason})",
            hint="remove the lone surrogate (\\ud800 to \\udfff) from its text",
        ) from None
