"""Resource policies of functions and layers: kept for whoever asks for them, and refused by nothing here.

AWS programs and infrastructure tools write them before a trigger; locally whoever reaches the lab may run
what is in it, so a policy says what AWS would be told.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Conflict, NotFound
from faaslab.model.function import LATEST, Function
from faaslab.model.policy import ResourcePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.model.layer import LayerVersion

_ATTEMPTS = 20


class Policies:
    """`lab.policies`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions

    def get(self, resource: str) -> ResourcePolicy | None:
        """The policy of what `of_function` or `of_layer` names; None where it has none."""
        return self._kept.get(ResourcePolicy, resource)

    def add(self, resource: str, statement: Mapping[str, Any], *, revision_id: str | None = None) -> str:
        """Add a statement; the policy's revision then.

        Raises `AlreadyExists` for a `Sid` that is there, `Conflict` when `revision_id` is not the policy's.
        """

        def added(statements: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
            if any(each["Sid"] == statement["Sid"] for each in statements):
                raise AlreadyExists(
                    f"The statement id ({statement['Sid']}) provided already exists. Please provide a new "
                    "statement id, or remove the existing statement.",
                    place="statement_id",
                )
            return (*statements, statement)

        return self._changed(resource, added, revision_id)

    def remove(self, resource: str, statement_id: str, *, revision_id: str | None = None) -> None:
        """Take a statement out. Raises `NotFound` where there is none of that `Sid`, `Conflict` as `add`."""

        def without(statements: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
            left = tuple(each for each in statements if each["Sid"] != statement_id)
            if len(left) == len(statements):
                raise NotFound("statement", statement_id, [str(each["Sid"]) for each in statements])
            return left

        self._changed(resource, without, revision_id)

    def put(self, resource: str, statements: Sequence[Mapping[str, Any]], *, revision_id: str | None) -> str:
        """The whole policy anew; its revision."""
        return self._changed(resource, lambda _: tuple(statements), revision_id)

    def _changed(self, resource: str, change: Any, revision_id: str | None) -> str:
        for _ in range(_ATTEMPTS):
            present = self.get(resource)
            if present is not None and revision_id not in (None, present.revision_id):
                raise Conflict(
                    "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API "
                    "to retrieve the latest Revision Id",
                    place="revision_id",
                )
            statements = change(present.statements if present is not None else ())
            now = self._lab.clock.now()
            try:
                if present is None:
                    made = ResourcePolicy(name=resource, statements=statements, updated_at=now)
                    return self._kept.put(made, needs=_needs(resource)).revision_id
                if not statements:
                    self._kept.delete(ResourcePolicy, resource, expected_revision=present.revision_id)
                    return ""
                changed = dataclasses.replace(present, statements=statements, updated_at=now)
                return self._kept.put(
                    changed, action="updated", expected_revision=present.revision_id
                ).revision_id
            except (AlreadyExists, Conflict, NotFound):
                # Somebody else changed it between our look and our change, or took away what it is of.
                continue
        raise Conflict(f"the policy of {resource!r} was changed meanwhile", hint="read it again")


def of_function(function: str, qualifier: str | None = None) -> str:
    """What the policy of a function, or of a version or alias of it, is kept under."""
    return f"{function}:{qualifier or LATEST}"


def of_layer(version: LayerVersion) -> str:
    """What the policy of a version of a layer is kept under."""
    return f"layer {version.name}"


def _needs(resource: str) -> tuple[tuple[type[Any], str], ...]:
    if resource.startswith("layer "):
        return ()
    return ((Function, resource.partition(":")[0]),)
