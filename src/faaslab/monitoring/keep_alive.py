"""What came before each cold start, and how many a longer keep-alive would have avoided. Pure.

An environment that went idle and was thrown away could have served a later cold start of its definition, had
it been kept; each can serve one. So births are matched with the deaths before them, the latest death first.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIRST = "first of its definition"
BUSY = "all others were busy"
IDLE = "the last one had idled too long"
ENDED = "the last one had ended with its process"
BROKEN = "the last one crashed or timed out"
REASONS = (IDLE, ENDED, BUSY, BROKEN, FIRST)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One execution environment as it was seen."""

    function: str
    version: str | None
    definition: int | None = None
    started: datetime
    ended: datetime
    """When its last answer was given."""
    born_cold: bool = True
    """Whether its start was seen; if not, it was there before the window."""
    broken: bool = False
    """Whether it ended with a timeout or a dead process, so that nothing could have kept it."""
    kept_s: float | None = None
    """For how many seconds it would have been kept idle, where that is known: when another had to be started
    sooner, something else had ended it."""


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """A cold start, and why there was one. `idle_s`: for how long the environment that could have served it
    had been idle (only with the reason `IDLE`).
    """  # noqa: D205

    function: str
    reason: str
    idle_s: float | None = None


def explain(environments: Iterable[Environment]) -> list[ColdStart]:
    """Why each environment that was born cold had to be started."""
    groups: dict[tuple[str, str | None, int | None], list[Environment]] = {}
    for environment in environments:
        ran = (environment.function, environment.version, environment.definition)
        groups.setdefault(ran, []).append(environment)
    return [cold for group in groups.values() for cold in _explain(group)]


def explain_gaps(gaps: Iterable[tuple[str, float]]) -> list[ColdStart]:
    """The same where environments are not told: (function, seconds since all earlier executions had ended);
    NaN for a definition's first, negative where one still ran.
    """  # noqa: D205
    return [
        ColdStart(function=function, reason=FIRST)
        if math.isnan(gap)
        else ColdStart(function=function, reason=BUSY)
        if gap < 0
        else ColdStart(function=function, reason=IDLE, idle_s=gap)
        for function, gap in gaps
    ]


def counts(cold_starts: Iterable[ColdStart]) -> Mapping[str, Mapping[str, int]]:
    """Function -> reason -> how many."""
    found: dict[str, dict[str, int]] = {}
    for cold in cold_starts:
        of = found.setdefault(cold.function, dict.fromkeys(REASONS, 0))
        of[cold.reason] += 1
    return found


def avoided(cold_starts: Iterable[ColdStart], keep_alives_s: Iterable[float]) -> list[int]:
    """How many cold starts each keep-alive (seconds) would have avoided."""
    idles = sorted(cold.idle_s for cold in cold_starts if cold.idle_s is not None)
    return [bisect.bisect_right(idles, keep_alive) for keep_alive in keep_alives_s]


def _explain(group: list[Environment]) -> list[ColdStart]:
    # At one instant an end comes before a start, so that it can serve it.
    events = sorted(
        [(each.started, 1, index) for index, each in enumerate(group)]
        + [(each.ended, 0 if each.ended > each.started else 2, index) for index, each in enumerate(group)]
    )
    dead: list[Environment] = []
    seen = 0
    answers = []
    for at, kind, index in events:
        each = group[index]
        if kind != 1:
            dead.append(each)
            continue
        if each.born_cold:
            if dead:
                last = dead.pop()
                idle_s = (at - last.ended).total_seconds()
                ended = last.kept_s is not None and idle_s < last.kept_s
                reason = BROKEN if last.broken else ENDED if ended else IDLE
                idle = idle_s if reason == IDLE else None
                answers.append(ColdStart(function=each.function, reason=reason, idle_s=idle))
            else:
                answers.append(ColdStart(function=each.function, reason=BUSY if seen else FIRST))
        seen += 1
    return answers
