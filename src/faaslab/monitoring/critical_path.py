"""The critical path of an execution: the states that its duration is made of. Pure.

Of what runs beside each other (branches of a Parallel, iterations of a Map) that which ended last is on the
path, as everything else had been waiting for it. Along the path the times add up to the execution's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One time that a state was entered and left. Ids are those of the events that tell it.

    `after` is the event that it had to wait for: in its branch, or of the iteration that made way for its
    own. `outer` is the one that entered the Map or Parallel around it.
    """

    state: str
    entered: int
    left: int
    after: int
    outer: int | None
    began: datetime
    ended: datetime

    @property
    def ms(self) -> float:
        """How long it took."""
        return (self.ended - self.began).total_seconds() * 1_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """A visit on the path. `own_ms` is what is left of a Map or Parallel besides what is within it."""

    visit: Visit
    own_ms: float
    depth: int


def critical_path(visits: Iterable[Visit]) -> tuple[Part, ...]:
    """The path through the visits of one execution, in order; what was never left is not in it."""
    inside: dict[int | None, list[Visit]] = defaultdict(list)
    for visit in visits:
        inside[visit.outer].append(visit)
    found: list[Part] = []
    # (where to look, how deep); a stack, as Maps may stand in Maps to any depth.
    waiting = [(visit, 0) for visit in reversed(_chain(inside[None]))]
    while waiting:
        visit, depth = waiting.pop()
        within = _chain(inside.get(visit.entered, []))
        own = visit.ms - sum(each.ms for each in within)
        found.append(Part(visit=visit, own_ms=max(own, 0.0), depth=depth))
        waiting += [(each, depth + 1) for each in reversed(within)]
    return tuple(found)


def _chain(visits: list[Visit]) -> list[Visit]:
    """The branch that ended last, from its first visit on."""
    if not visits:
        return []
    by_end = {visit.left: visit for visit in visits}
    last: Visit | None = max(visits, key=lambda visit: (visit.ended, visit.left))
    chain: list[Visit] = []
    while last is not None:
        chain.append(last)
        before = by_end.get(last.after)
        # An event comes before what follows it, so this ends whatever it is given.
        last = before if before is not None and before.left < last.left else None
    return chain[::-1]
