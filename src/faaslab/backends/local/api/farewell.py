"""The shutdown phase: extensions are told, and have a little time, before everything is killed.

Rule (Developer Guide, "Lambda execution environment": shutdown phase): without extensions there is no time at
all; with internal ones 500 ms, with external ones 2 s. When an environment ends in peace its runtime gets
SIGTERM and the first 300 ms (500 ms) of that; after a failure or a time-out it is killed at once. Any number
of environments share the time, so that ending many takes no longer than ending one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faaslab.backends.local.api.extension_room import Room
    from faaslab.backends.local.process import Process

Reason = Literal["spindown", "timeout", "failure"]
INTERNAL_S, EXTERNAL_S = 0.5, 2.0
_RUNTIME_INTERNAL_S, _RUNTIME_EXTERNAL_S = 0.3, 0.5
_TICK_S = 0.002


class Party(NamedTuple):
    """One environment that ends: its extensions, and its runtime where that still runs."""

    room: Room
    process: Process | None


class Ending(Protocol):
    """An environment that is to be ended."""

    def party(self) -> Party | None:
        """Who of it is to be told first."""

    def close(self) -> None:
        """End it for good."""


def close_all(environments: Sequence[Ending]) -> None:
    """End idle environments for good; all of them together get the time of one."""
    parties = [party for environment in environments if (party := environment.party()) is not None]
    if parties:
        farewell(parties, "spindown")
    for environment in environments:
        environment.close()


def farewell(parties: Sequence[Party], reason: Reason) -> None:
    """Tell the extensions and wait for them; what is left then is for the caller to kill."""
    if not any(party.room.registry.extensions for party in parties):
        return
    external = any(party.room.children for party in parties)
    budget_s = EXTERNAL_S if external else INTERNAL_S
    began = time.perf_counter()
    until = began + budget_s
    for party in parties:
        if party.process is not None:
            party.process.thaw()
        party.room.signal(signal.SIGCONT)
    running = [party.process for party in parties if party.process is not None]
    if reason == "spindown":
        for process in running:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGTERM)
        _await(
            lambda: all(process.exited() for process in running),
            began + (_RUNTIME_EXTERNAL_S if external else _RUNTIME_INTERNAL_S),
        )
    for process in running:
        process.kill_now()
    deadline_ms = int((time.time() + until - time.perf_counter()) * 1000)
    for party in parties:
        party.room.tell("SHUTDOWN", shutdownReason=reason, deadlineMs=deadline_ms)
        party.room.kill_those_not_subscribed()
    _await(lambda: all(party.room.ended() for party in parties), until)


def _await(question: Callable[[], bool], until: float) -> None:
    while not question() and time.perf_counter() < until:
        time.sleep(_TICK_S)
