"""What must be put down before `os.fork` and picked up after it.

A SQLite connection, a DuckDB instance and a flock must not be shared with a child. Whoever holds one
registers here: `before_fork` closes it and keeps its lock, `after_fork` lets go in parent and child alike.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forks(Protocol):
    """Something that takes part."""

    fork_order: int
    """Who is asked first: the smaller."""

    def before_fork(self) -> None:
        """Close, and let nobody in until `after_fork`."""

    def after_fork(self, *, child: bool) -> None:
        """Open to all again; in the child everything starts anew."""


_registered: weakref.WeakSet[Forks] = weakref.WeakSet()
_lock = threading.Lock()
_stopped: list[Forks] = []


def register(thing: Forks) -> None:
    """From now on `thing` is told of forks, as long as it lives."""
    with _lock:
        _registered.add(thing)


def _before() -> None:
    _lock.acquire()
    for thing in sorted(_registered, key=lambda item: item.fork_order):
        thing.before_fork()
        _stopped.append(thing)


def _after(*, child: bool) -> None:
    try:
        while _stopped:
            _stopped.pop().after_fork(child=child)
    finally:
        _lock.release()


os.register_at_fork(
    before=_before,
    after_in_parent=lambda: _after(child=False),
    after_in_child=lambda: _after(child=True),
)
