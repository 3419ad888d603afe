"""JSON as it comes out of an expression that changed nothing: its numbers as Step Functions has them."""

from __future__ import annotations

import math
from typing import Any

from faaslab.workflow.query.jsonata_bounds import DATA_LEVELS, TOO_DEEP, OutOfBounds, make_room

LONGEST = 2**63


def settled(value: Any, level: int = 0) -> Any:
    """The value with whole numbers written whole (1.0 is 1) and those past 64 bits as doubles.

    What needs no change is the same object.

    Raises:
        OutOfBounds: It nests deeper than an expression's value may.

    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -LONGEST <= value < LONGEST else float(value)
    if kind is float:
        return shown_number(value)
    if level >= DATA_LEVELS:
        raise OutOfBounds(TOO_DEEP)
    if level == 20:
        make_room()
    result = value
    for key, item in value.items() if kind is dict else enumerate(value):
        other = settled(item, level + 1)
        if other is not item:
            if result is value:
                result = value.copy()
            result[key] = other
    return result


def shown_number(value: float) -> Any:
    """A double as Step Functions writes it: whole ones without a fraction, others that are none by name."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and -LONGEST <= value < LONGEST:
        return int(value)
    return value
