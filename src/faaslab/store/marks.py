"""Marks: that something was so once, which every process of a store is to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.store.state import State

_PREFIX = "mark:"


class Marks:
    """The marks of one store."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._known: set[str] = set()

    def set(self, name: str) -> None:
        """Set it, for good."""
        if self.has(name):
            return
        with self._state.write(durable=True) as connection:
            connection.execute(
                "INSERT INTO marks VALUES (?, 1) ON CONFLICT (name) DO NOTHING", (_PREFIX + name,)
            )
        self._known.add(name)

    def has(self, name: str) -> bool:
        """Whether it was set."""
        if name in self._known:
            return True
        if not self._state.path.exists():
            return False
        if self._state.one("SELECT 1 FROM marks WHERE name = ?", (_PREFIX + name,)) is None:
            return False
        self._known.add(name)
        return True
