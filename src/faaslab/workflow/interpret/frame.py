"""Where an execution stands: one frame for the machine, for each branch and for each iteration.

Rule: frames hold, they decide nothing; what a frame does next is its walk, a generator.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret.plan import MachinePlan, StatePlan
from faaslab.workflow.scope import ABSENT

GIVE_WAY = "give way"
AWAIT = "await"
Walk = Generator[str, Any, None]
"""Yields GIVE_WAY (others first, then on) or AWAIT; is sent the signal or the child that came."""

NO_VARIABLES: Mapping[str, Any] = {}


@dataclass(slots=True, eq=False)
class MapRun:
    """A distributed Map under way: what is needed to go on with it after a failure as well."""

    arn: str
    label: str
    inputs: list[Any]
    contexts: list[Mapping[str, Any]]
    items_in: list[int]
    """How many items each child has: more than one where an ItemBatcher is at work."""
    names: list[str]
    max_concurrency: int
    tolerated_count: int
    tolerated_percentage: float
    count_given: bool
    percentage_given: bool
    results: list[Mapping[str, Any] | None]
    keys: dict[str, int] = field(default_factory=dict)
    redriven: int = 0
    executions: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Frame:
    """One line of states that is walked. `input` and `text` are what its present state was entered with."""

    kind: Literal["root", "branch", "iteration"]
    plan: MachinePlan
    input: Any
    text: str
    parent: Frame | None = None
    index: int = 0
    item: Mapping[str, Any] | None = None
    """`Map` of the context object."""
    variables: Mapping[str, Any] = field(default_factory=lambda: NO_VARIABLES)
    variable_texts: Mapping[str, str] = field(default_factory=lambda: NO_VARIABLES)
    assigned: Mapping[str, str] | None = None
    """What the present state has assigned, as texts, until its exit tells of it."""
    previous: int = 0
    """The event that the next one follows."""
    state: StatePlan | None = None
    entered: int = 0
    """The id of the event with which the present state was entered; 0 when it was left."""
    entered_after: int = 0
    entered_at: datetime | None = None
    attempts: dict[int, int] = field(default_factory=dict)
    """How often each retrier of the present state has been used."""
    walk: Walk | None = None
    awaiting: dict[str, None] = field(default_factory=dict)
    """The keys whose signals are the frame's, in the order in which it asked."""
    children: list[Frame | None] = field(default_factory=list)
    """Of a Parallel or an inline Map that is open; None is an iteration that has not begun."""
    map_run: MapRun | None = None
    phase: Literal["ready", "open", "succeeded", "failed", "aborted"] = "ready"
    output: Any = ABSENT
    failure: StateFailure | None = None
    timed_out: bool = False
    """Whether its present state's task ran out of time: the service counts it as still open."""
    resumed: bool = False
    """Whether the present state goes on after a redrive: it is not entered again."""

    @property
    def retry_count(self) -> int:
        """How often the present state has been tried again."""
        return sum(self.attempts.values())
