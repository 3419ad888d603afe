"""What a name and a qualifier stand for: the function as the store has it now.

On the path of every invocation: what was found is kept while no definition changes anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.errors import NotFound
from faaslab.lab import asking, definitions, routing
from faaslab.model.function import LATEST, Function
from faaslab.model.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.model.alias import Alias

PLAIN = Invocation()


class Qualifiers:
    """Resolves `name`, `name` and a version, `name` and an alias."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._store = lab.store
        self._generation: int | None = None
        self._reserved_at: int | None = None
        self._held_at: dict[str, int | None] = {}
        self._known: dict[tuple[str, str | None], Function] = {}
        self._aliases: dict[tuple[str, str], Alias] = {}

    def forget(self) -> None:
        """What was found is looked up again."""
        self._known.clear()

    def weighted(self, name: str, qualifier: str | None) -> bool:
        """Whether each invocation draws its version anew; after `function` was asked."""
        alias = self._aliases.get((name, qualifier or ""))
        return alias is not None and bool(alias.weights)

    def request(self, name: str, qualifier: str | None, fields: Mapping[str, Any]) -> Invocation:
        """The invocation that the fields ask for, of what that qualifier leads to."""
        if qualifier is not None and self._held_at.get(name) != self._generation:
            self._held_at[name] = self._generation
            self._lab.provisioned.hold(name)
        if fields:
            fields = asking.checked(fields)
        return Invocation(qualifier=qualifier, **fields)

    def function(self, name: str | Function, qualifier: str | None) -> Function:
        """The function as the store has it now; cached while no definition changes anywhere."""
        if isinstance(name, Function):
            name = name.name
        generation = self._store.definitions.generation()
        if generation != self._generation:
            self._known.clear()
            self._aliases.clear()
            self._generation = generation
        if qualifier == LATEST:
            qualifier = None
        function = self._known.get((name, qualifier))
        if function is None:
            function = self._look_up(name, qualifier)
        return function

    def primary(self, name: str, qualifier: str | None) -> str | None:
        """Who looks at an alias sees the version that it points at, not one by chance."""
        if qualifier is None or qualifier == LATEST or qualifier.isdigit():
            return qualifier
        self._require(name)
        return self._lab.versions.alias(name, qualifier).version

    def _look_up(self, name: str, qualifier: str | None) -> Function:
        asking.text("qualifier", qualifier)
        if qualifier is not None and not qualifier.isdigit():
            alias = self._aliases.get((name, qualifier)) or self._alias(name, qualifier)
            return self.function(name, routing.choose(alias, self._lab.chance()))
        function = self._require(name)
        if qualifier is not None:
            function = definitions.with_whole(self._lab.versions.function(name, qualifier), function)
        if self._reserved_at != self._generation:
            self._reserved_at = self._generation
            self._lab.reserve()
        self._known[name, qualifier] = function
        return function

    def _alias(self, name: str, qualifier: str) -> Alias:
        self._require(name)
        alias = self._aliases[name, qualifier] = self._lab.versions.alias(name, qualifier)
        return alias

    def _require(self, name: str) -> Function:
        function = self._store.definitions.get(Function, name)
        if function is None:
            known = sorted(self._store.definitions.names(Function))
            raise NotFound("function", name, known, hint=None if known else "define one first")
        return function
