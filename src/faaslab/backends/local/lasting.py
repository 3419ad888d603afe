"""Invocations that last: others may see that they run, read what they have written by now, and end them.

Rule: a short one pays nothing. The thread that drives an invocation finds out itself, while it waits, that
it has lasted a while; from then on any other thread may look at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from faaslab.backends.local.cancelling import Cancelling
from faaslab.backends.local.flight import line
from faaslab.backends.local.record import mask_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.backends.local.environment import Environment
    from faaslab.backends.local.flight import Flight
    from faaslab.model.execution import LogLine
    from faaslab.model.function import Function


class Lasting:
    """One that has lasted a while. For any thread."""

    def __init__(self, environment: Environment, flight: Flight) -> None:
        self._flight = flight
        self._mask = mask_for(environment, flight)
        self._cancelling = Cancelling()
        self._cancelling.drives(environment)
        self.function: Function = environment.definition.function
        self.environment_id = environment.id
        self.id = flight.id
        self.request_id = flight.request_id
        self.started_at = flight.started_at

    def lines(self, first: int, most: int) -> tuple[Sequence[LogLine], bool]:
        """(what it has written from line `first` on, about `most` lines, without the values of secrets;
        whether there is more of it by now).

        A line with which such a value may have begun waits for the next; so no value goes on from one part
        into another, and more than `most` lines come only where one has so many.
        """  # noqa: D205
        written = self._flight.lines
        whole, texts = len(written), list[str]()
        count, settled = 0, 0
        while not settled and first + count < whole:
            count = min(2 * count or most, whole - first)
            texts = [each.message for each in written[first : first + count]]
            settled = self._mask.settled(texts) if self._mask else count
        if self._mask:
            texts = self._mask.lines(texts[:settled])
        lines = [
            line(x.at, text, x.stream, x.level)
            for x, text in zip(written[first : first + settled], texts, strict=False)
        ]
        return lines, first + count < whole

    def cancel(self) -> bool:
        """End it; False when it has ended already. More than once is fine."""
        return self._cancelling.ask()

    def over(self) -> bool:
        """In the thread that drives it: nobody may end it any more. Whether somebody did."""
        return self._cancelling.over()


class Watch(Protocol):
    """Who is told of what lasts; in the thread that drives it."""

    def began(self, lasting: Lasting) -> None:
        """It has lasted a while."""

    def over(self, lasting: Lasting) -> None:
        """It lasts no more; what came of it was recorded before, if anything was."""


class Lastings:
    """Those of a backend, by their environment."""

    def __init__(self, watch: Watch | None) -> None:
        self._watch = watch
        self._of: dict[Environment, Lasting] = {}

    def begin(self, environment: Environment, flight: Flight) -> None:
        """What runs there has lasted a while."""
        if self._watch is not None:
            lasting = self._of[environment] = Lasting(environment, flight)
            self._watch.began(lasting)

    def over(self, environment: Environment) -> bool:
        """What ran there has its answer; whether somebody wanted it to end, and the environment with it."""
        lasting = self._of.get(environment)
        return lasting is not None and lasting.over()

    def end(self, environment: Environment) -> None:
        """It is through with what lasted there."""
        lasting = self._of.pop(environment, None)
        if lasting is not None and self._watch is not None:
            lasting.over()
            self._watch.over(lasting)
