"""Keeping what several executions thought, so that one that cannot be kept holds up no other.

Rule: what the store could not do (a full or broken disk, a lock) is done later and nothing of it is lost;
what can never be kept is told apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from faaslab.errors import RecordRejected, StoreBusy, StoreError, StoreFull

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.model.workflow import WorkflowExecution
    from faaslab.model.workflow_steps import Change
    from faaslab.workflow.engine.protocol import Keeper

_TRIES = 3
"""So many that fail by themselves are enough to leave the others for later."""


class Tried(NamedTuple):
    """What came of changes, by the id of the execution; all others are kept."""

    lost: frozenset[str] = frozenset()
    known: Mapping[str, WorkflowExecution] = {}
    later: Mapping[str, Exception] = {}
    """What the store could not keep now, and why."""
    never: Mapping[str, Exception] = {}
    """What no store would keep, and why."""


def tried(keeper: Keeper, changes: Sequence[Change], owner: str) -> Tried:
    """Keep all of it at once, or each by itself where that cannot be."""
    if not changes:
        return Tried()
    try:
        outcome = keeper.keep(changes, owner)
    except Exception as error:  # noqa: BLE001 - one that cannot be kept must not hold up the others
        alone = len(changes) == 1
        if isinstance(error, (StoreFull, StoreBusy)) or (alone and _passes(error)):
            return Tried(later={change.execution.id: error for change in changes})
        if alone:
            return Tried(never={changes[0].execution.id: error})
    else:
        return Tried(outcome.lost, outcome.known)
    return _apart(keeper, changes, owner)


def _passes(error: Exception) -> bool:
    return isinstance(error, (StoreError, OSError)) and not isinstance(error, RecordRejected)


def _apart(keeper: Keeper, changes: Sequence[Change], owner: str) -> Tried:
    found: list[Tried] = []
    for number, change in enumerate(changes, 1):
        found.append(tried(keeper, [change], owner))
        if number == _TRIES and all(one.later for one in found):
            (error,) = found[-1].later.values()
            found.append(Tried(later={change.execution.id: error for change in changes[_TRIES:]}))
            break
    return Tried(
        frozenset().union(*(one.lost for one in found)),
        {name: w for one in found for name, w in one.known.items()},
        {name: error for one in found for name, error in one.later.items()},
        {name: error for one in found for name, error in one.never.items()},
    )
