"""Interrupts of the main thread (Ctrl-C, a notebook's stop button) wait until a write is whole.

Rule: an interrupt may come between any two instructions, those of a `finally` too; so it is made to wait.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held_back() -> Iterator[None]:
    """Run the body; an interrupt that comes meanwhile is raised after it."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    come: list[tuple[int, Any]] = []
    signal.signal(signal.SIGINT, lambda number, frame: come.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if come:
            before(*come[0])
