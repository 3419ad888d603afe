"""What changed from one week to the next, and what only looks like it. Pure.

Executions vary by themselves, so a difference is called a change only where chance does not explain it (one
time in a hundred, each) and where it is large enough to matter; of few executions nothing is called one.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

FEW = 20
"""With fewer executions than this, in either week, nothing is said of a rate, a count or a cost."""
FEW_FOR_P95 = 100
"""The same for the 95th percentile: of fewer, five executions at most are above it."""
MATTERS = 0.10
"""A count, a duration or a cost changed where it is a tenth more or less, at least."""
MATTERS_RATE = 0.005
"""A rate (0 to 1) changed where it is half a percentage point more or less, and a fifth of itself."""
SURELY_GONE = 5
"""Who had so many calls in a week has none in the next by chance less than one time in a hundred (e^-5)."""
_Z = 2.576  # 99 % of a normal distribution lie within so many standard deviations
HOW = (
    "A difference counts as a change where chance does not explain it (at 99 %) and where it matters: a "
    "tenth of a count, duration or cost; half a percentage point and a fifth of a rate. With fewer than "
    f"{FEW} executions in either week ({FEW_FOR_P95} for percentiles) nothing is called a change."
)


class Verdict(StrEnum):
    """What a difference is called."""

    MORE = "more"
    LESS = "less"
    SAME = "no change"
    FEW = "too few to say"
    NEW = "new"
    GONE = "gone"
    APART = "not comparable"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A figure in two weeks (None: not known, or there was none) and what the difference is called."""

    now: float | None
    before: float | None
    verdict: Verdict

    @property
    def real(self) -> bool:
        """Whether it is called a change: more or less."""
        return self.verdict in {Verdict.MORE, Verdict.LESS}

    @property
    def difference(self) -> float | None:
        """Now less before."""
        return None if self.now is None or self.before is None else self.now - self.before

    @property
    def ratio(self) -> float | None:
        """Now over before; None where that was nothing."""
        return None if self.now is None or not self.before else self.now / self.before

    @property
    def size(self) -> float:
        """How far apart the two are, up or down: 1 is twice or half as much."""
        if self.now is None or self.before is None or self.now == self.before:
            return 0.0
        least = max(self.now, self.before) / 1024
        return abs(math.log2(max(self.now, least) / max(self.before, least)))


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Durations as the curve of their quantiles: `quantiles` ascending from 0 to 1, `values` beside them."""

    count: int
    quantiles: Sequence[float] = field(repr=False)
    values: Sequence[float] = field(repr=False)

    def at(self, quantile: float) -> float:
        """The value at a quantile, between two points of the curve on the line that joins them."""
        right = bisect.bisect_left(self.quantiles, quantile)
        if right == 0:
            return self.values[0]
        if right == len(self.quantiles):
            return self.values[-1]
        low, high = self.quantiles[right - 1], self.quantiles[right]
        part = (quantile - low) / (high - low)
        return self.values[right - 1] + part * (self.values[right] - self.values[right - 1])

    def range(self, quantile: float) -> tuple[float, float]:
        """Where the quantile of such executions lies, 99 times in 100, whatever they are distributed like.

        How many of n lie below it is binomial, so its rank varies by sqrt(n q (1 - q)).
        """
        off = _Z * math.sqrt(quantile * (1 - quantile) / self.count) if self.count else 1.0
        return self.at(max(quantile - off, 0.0)), self.at(min(quantile + off, 1.0))


def of_count(now: int, before: int, *, comparable: bool = True) -> Change:
    """How often something was called: both weeks are whole (`comparable`) or nothing is said."""
    if not comparable:
        verdict = Verdict.APART
    elif not before and now:
        verdict = Verdict.NEW
    elif before >= SURELY_GONE and not now:
        verdict = Verdict.GONE
    elif max(now, before) < FEW:
        verdict = Verdict.FEW
    else:
        chance = abs(now - before) <= _Z * math.sqrt(now + before)
        verdict = _judged(now, before, real=not chance and _apart(now, before))
    return Change(now=float(now), before=float(before), verdict=verdict)


def of_rate(now: int, now_of: int, before: int, before_of: int) -> Change:
    """A rate: `now` of `now_of` executions against `before` of `before_of` (two-proportion z test)."""
    a, b = now / now_of if now_of else None, before / before_of if before_of else None
    if a is None or b is None or min(now_of, before_of) < FEW:
        return Change(now=a, before=b, verdict=Verdict.FEW)
    pooled = (now + before) / (now_of + before_of)
    deviation = math.sqrt(pooled * (1 - pooled) * (1 / now_of + 1 / before_of))
    real = (
        abs(a - b) > _Z * deviation
        and abs(a - b) >= MATTERS_RATE
        and abs(a - b) >= 0.2 * max(min(a, b), MATTERS_RATE)
    )
    return Change(now=a, before=b, verdict=_judged(a, b, real=real))


def of_quantile(now: Sample | None, before: Sample | None, quantile: float = 0.95) -> Change:
    """A percentile: changed where the ranges that it lies in do not meet."""
    a, b = (None if each is None or not each.count else each.at(quantile) for each in (now, before))
    least = FEW_FOR_P95 if quantile > 0.9 else FEW
    if now is None or before is None or a is None or b is None or min(now.count, before.count) < least:
        return Change(now=a, before=b, verdict=Verdict.FEW)
    (low, high), (low_before, high_before) = now.range(quantile), before.range(quantile)
    real = (low > high_before or high < low_before) and _apart(a, b)
    return Change(now=a, before=b, verdict=_judged(a, b, real=real))


def of_money(
    now: float | None, before: float | None, *, calls: tuple[int, int], comparable: bool = True
) -> Change:
    """What `calls` (now, before) cost: a sum, so whatever is a tenth apart is a change."""
    if not comparable:
        verdict = Verdict.APART
    elif now is None or before is None:
        verdict = Verdict.FEW
    elif not calls[1] and calls[0]:
        verdict = Verdict.NEW
    elif calls[1] and not calls[0]:
        verdict = Verdict.GONE
    elif max(calls) < FEW:
        verdict = Verdict.FEW
    else:
        verdict = _judged(now, before, real=_apart(now, before))
    return Change(now=now, before=before, verdict=verdict)


def moved(change: Change, write: Callable[[float], str], *, rate: bool = False) -> str:
    """The change in words, for after a name: `went up 12 % to 3,410`, `doubled from 120 ms to 250 ms`."""
    now, before = change.now, change.before
    if now is None or before is None:
        return "is " + ("not known" if now is None else write(now))
    if not change.real:
        return f"stayed at {write(now)}" if change.verdict is Verdict.SAME else f"is {write(now)}"
    up = change.verdict is Verdict.MORE
    if rate or not before or not now:
        return f"{'rose' if up else 'fell'} from {write(before)} to {write(now)}"
    ratio = now / before
    if 1.9 <= ratio <= 2.15:
        return f"doubled from {write(before)} to {write(now)}"
    if ratio > 2.15:
        return f"rose {ratio:.2g} times, from {write(before)} to {write(now)}"
    if 0.465 <= ratio <= 0.525:
        return f"halved from {write(before)} to {write(now)}"
    return f"went {'up' if up else 'down'} {abs(ratio - 1) * 100:.0f} % to {write(now)}"


def _apart(now: float, before: float) -> bool:
    return abs(now - before) >= MATTERS * min(now, before) if min(now, before) > 0 else now != before


def _judged(now: float, before: float, *, real: bool) -> Verdict:
    if not real:
        return Verdict.SAME
    return Verdict.MORE if now > before else Verdict.LESS
