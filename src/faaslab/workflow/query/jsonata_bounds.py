"""What one JSONata expression may use: evaluation steps, nesting and memory, all of them counted.

Rule: no clock. The same expression over the same data ends the same way on every machine, also when an
execution is gone through again. Nesting and memory are held to what Step Functions accepts (100 levels;
6,990,256 bytes, a number being eight and a character one).
"""

from __future__ import annotations

import sys

STEPS = 1_000_000
LEVELS = 100
MEMORY = 6_990_256
DATA_LEVELS = 500
_FRAMES = 10_000

TOO_DEEP = (
    "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
)
TOO_LONG = "Expression evaluation timeout: Check for infinite loop"
TOO_MUCH = "Expression evaluation memory limit exceeded: Check for excessive memory usage"


class OutOfBounds(Exception):
    """The expression used more than it may; the text is Step Functions' own."""


def make_room() -> None:
    """Let Python nest as deep as the counted bounds allow.

    A level of an expression takes up to eleven frames of Python. The limit is raised only when an expression
    nests deeply, and stays: other threads may be as deep by then.
    """
    if sys.getrecursionlimit() < _FRAMES:
        sys.setrecursionlimit(_FRAMES)


def held(length: int, each: int = 1) -> None:
    """Refuse a value of `length` parts of `each` bytes before it is built.

    Raises:
        OutOfBounds: It would take more than an expression may hold.

    """
    if length * each > MEMORY:
        raise OutOfBounds(TOO_MUCH)
