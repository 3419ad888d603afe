"""The trace header `X-Amzn-Trace-Id`, and the lineage in it that tells a loop. Pure.

Its form (X-Ray Developer Guide, "Tracing header"): `Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=0|1;
Lineage=<8 hex of the function>:<times before>|…`. AWS's SDKs hand the header of an invocation on with every
call that the function makes, so each function of a chain finds how often it has run in that chain already.
A newer form of lineage, `<number>:<8 hex>:<times before>`, is read as well.
"""

from __future__ import annotations

import hashlib
import re

MOST_RUNS = 16
"""A function runs so often in one chain of requests; the next one is stopped (invocation-recursion)."""
_FUNCTIONS = 16  # of one chain that are counted, as in AWS's own header
_ENTRY = re.compile(r"(?:\d+:)?(?P<function>[0-9a-f]{8}):(?P<times>\d{1,5})")


def new_header(epoch_s: int, random: str) -> str:
    """A header that begins a trace which is not sampled. `random` are 40 hex digits."""
    return f"Root=1-{epoch_s:08x}-{random[:24]};Parent={random[24:40]};Sampled=0"


def lineage(header: str) -> dict[str, int]:
    """Function (8 hex digits) -> how often it had run before the run that this header belongs to."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key.lower() == "lineage":
            found = (_ENTRY.fullmatch(entry) for entry in value.split("|"))
            return {each["function"]: int(each["times"]) for each in found if each}
    return {}


def entering(header: str, arn: str) -> str:
    """The header for a run of the function `arn` that the run with `header` caused, or an outside caller."""
    counts = lineage(header)
    function = _digest(arn)
    counts[function] = counts.pop(function, -1) + 1
    while len(counts) > _FUNCTIONS:
        # The one that ran least is the least likely to be in the loop; of equals the one first entered.
        del counts[min(list(counts)[:-1], key=counts.__getitem__)]
    kept = [part for part in header.split(";") if part and not part.strip().lower().startswith("lineage=")]
    return ";".join([*kept, "Lineage=" + "|".join(f"{name}:{times}" for name, times in counts.items())])


def in_a_loop(header: str, arn: str) -> bool:
    """Whether the run of `arn` that this header belongs to is one too many in its chain."""
    return lineage(header).get(_digest(arn), 0) >= MOST_RUNS


def _digest(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:8]
