"""What is made of an object once, and found again by the object itself.

Definitions are plain dicts, which no cache can have as keys; the same one is gone through many times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class MadeOnce(Generic[T]):
    """`make(object)`, kept for the objects seen lately. The objects must not change, and are held here."""

    def __init__(self, make: Callable[[Any], T], most: int = 4096) -> None:
        self._make = make
        self._most = most
        self._made: dict[int, tuple[Any, T]] = {}

    def __call__(self, thing: Any) -> T:
        """What was made of `thing`."""
        # Holding the object keeps its id its own.
        found = self._made.get(id(thing))
        if found is not None:
            return found[1]
        made = self._make(thing)
        if len(self._made) >= self._most:
            self._made = {}
        self._made[id(thing)] = (thing, made)
        return made
