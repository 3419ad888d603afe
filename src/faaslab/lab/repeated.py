"""Requests that clients repeat under a token: what was asked for is done once, and answered to all.

Rule: who asks while the first one is still at it waits for the answer of that one. A refusal is remembered
for nobody: what cannot be now may be when it is asked for again.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class Repeated(Generic[T]):
    """The answers to one kind of request. For any number of threads."""

    def __init__(self, most: int = 1_000) -> None:
        """`most` answers are remembered: clients repeat a request within minutes."""
        self._most = most
        self._guard = threading.Lock()
        self._answers: dict[Hashable, Future[T]] = {}

    def answer(self, token: Hashable, act: Callable[[], T]) -> T:
        """What `act` gave for this token, done now where nobody asked yet. Raises what `act` raises."""
        with self._guard:
            known = self._answers.get(token)
            made: Future[T] = Future() if known is None else known
            self._answers[token] = made
        if known is not None:
            return known.result()
        try:
            given = act()
        except BaseException as error:
            with self._guard:
                del self._answers[token]
            made.set_exception(error)
            raise
        made.set_result(given)
        with self._guard:
            over = [token for token, each in self._answers.items() if each.done()]
            for old in over[: max(len(self._answers) - self._most, 0)]:
                del self._answers[old]
        return given
