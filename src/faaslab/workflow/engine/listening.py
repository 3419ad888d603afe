"""What an engine hears of other processes, and how it says that it is there.

Rule: a letter stays until the step that answers it is kept, so one may be read again; it is told once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from faaslab.errors import InvalidValue
from faaslab.workflow.engine.signals import unpacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from faaslab.clock import Clock
    from faaslab.model.workflow_steps import Change, Letter
    from faaslab.workflow.effects import Signal
    from faaslab.workflow.engine.protocol import Keeper

ALIVE_S, ALIVE_FOR_S = 20.0, 90.0
"""How often an owner says that it is at work, and for how long that holds."""


class Listening:
    """Of one engine; by its thread alone, but `look`."""

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper = keeper
        self._clock = clock
        self.look = True
        """Whether there may be letters though no other process has written."""
        self._seen: int | None = None
        self._told: set[int] = set()
        self._said: tuple[float, datetime] | None = None

    def letters(self, owner: str) -> Sequence[Letter]:
        """What is new for `owner`, which is at work. Raises what the keeper raises."""
        self._say(owner)
        changes = self._keeper.changes()
        if changes == self._seen and not self.look:
            return ()
        self.look, self._seen = False, changes
        return self._keeper.letters(owner)

    def read(self, letter: Letter, heard: Callable[[Signal], Signal]) -> Signal | None:
        """What a letter says once it went through `heard`; None for one that nobody can read."""
        try:
            return heard(unpacked(letter.signal))
        except InvalidValue:
            return None

    def _say(self, owner: str) -> None:
        now, at = self._clock.monotonic(), self._clock.now()
        if self._said is not None:
            since, said = self._said
            # A machine that slept, or whose clock was set, has others read the old instant by the new clock.
            if now - since < ALIVE_S and timedelta(0) <= at - said < timedelta(seconds=ALIVE_S):
                return
        self._keeper.alive(owner, at + timedelta(seconds=ALIVE_FOR_S))
        self._said = now, at

    def first(self, number: int) -> bool:
        """Whether that letter is heard for the first time; it counts as heard now."""
        new = number not in self._told
        self._told.add(number)
        return new

    def answered(self, changes: Iterable[Change]) -> None:
        """These are kept: their letters are gone."""
        self._told -= {number for change in changes for number in change.taken}
