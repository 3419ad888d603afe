"""What the expressions of a state can see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class Chance(Protocol):
    """A source of random numbers that gives the same ones again when it is made from the same seed."""

    def random(self) -> float:
        """In [0, 1)."""

    def getrandbits(self, count: int, /) -> int:
        """A whole number of that many bits."""


class _Absent:
    """The one value that means: there is none. JSON's null is a value."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()


@dataclass(slots=True)
class Scope:
    """What `$`, `$$` and `$name` (JSONPath), `$states` and `$name` (JSONata) mean at this moment.

    `input` is what `$` stands for, that is what InputPath left of the state's input; `state_input` the input
    as the state was entered with it, which messages quote. `result` and `error_output` are `ABSENT` where
    `$states` has none. `now` is the instant of the step, so that an expression gives the same when the
    step is done again.
    """

    input: Any
    context: Mapping[str, Any]
    variables: Mapping[str, Any]
    chance: Chance
    now: datetime
    state_input: Any = field(default=ABSENT)
    result: Any = field(default=ABSENT)
    error_output: Any = field(default=ABSENT)
