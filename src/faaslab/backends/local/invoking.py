"""The walk of one invocation: admitted, driven, recorded, and its environment given back.

Rule: the thread that drives an invocation owns its environment from `admit` to `release`. Where one thread
drives several, each is a `Lane`; it leaves what has to be waited for to a thread of its own.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faaslab.backends.local import record
from faaslab.backends.local.environment import Environment
from faaslab.backends.local.flight import Flight
from faaslab.backends.local.process import TICK_S

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from faaslab.backends.local.api.dialogue import Reply
    from faaslab.backends.local.cancelling import Cancelling
    from faaslab.backends.local.concurrency import ColdStart
    from faaslab.backends.local.flight import Ids
    from faaslab.backends.local.lasting import Lastings
    from faaslab.backends.local.phases import Phases
    from faaslab.backends.local.pool import Pool, Pools
    from faaslab.backends.protocol import Complete
    from faaslab.clock import Clock
    from faaslab.model.execution import Execution
    from faaslab.model.invocation import Invocation

_SMALL = 32_768
"""An event up to this fits into the socket, whoever reads there or not."""


class Lane:
    """One invocation of several that a thread drives at once; owned by one thread at a time."""

    __slots__ = (
        "admitted",
        "descriptor",
        "due",
        "ended",
        "environment",
        "flight",
        "given",
        "index",
        "pool",
        "reply",
    )

    def __init__(
        self, index: int, pool: Pool, flight: Flight, admitted: Environment | ColdStart | None
    ) -> None:
        self.index = index
        self.pool = pool
        self.flight = flight
        self.admitted = admitted
        self.environment = admitted if isinstance(admitted, Environment) else None
        self.given = False
        """Its function has the event."""
        self.reply: Reply | None = None
        self.ended = 0.0
        """On `time.perf_counter`: when its reply came."""
        self.due = 0.0
        """On `time.perf_counter`: then somebody has to look at more than its socket."""
        self.descriptor = -1


class Invoker:
    """Takes invocations through a backend's pools."""

    def __init__(
        self,
        pools: Pools,
        phases: Phases,
        ids: Ids,
        clock: Clock,
        closing: threading.Event,
        *,
        make: Callable[[Pool], Environment],
        lastings: Lastings,
        idle: Callable[[], None],
        refill: Callable[[Pool], None],
    ) -> None:
        """`make` gives a new environment; `idle` hears that one rests, `refill` that a pool has lost one."""
        self._pools = pools
        self._phases = phases
        self._ids = ids
        self._clock = clock
        self._closing = closing
        self._make = make
        self._lastings = lastings
        self._idle = idle
        self._refill = refill

    def invoke(
        self,
        pool: Pool,
        payload: bytes,
        request: Invocation,
        complete: Complete,
        *,
        sink: Callable[[bytes, str | None], None] | None = None,
        cancelling: Cancelling | None = None,
    ) -> Execution:
        """One invocation from the beginning to the end; pieces of a streamed response go to `sink`.

        Whoever asks `cancelling` ends it. One that Ctrl-C ends is recorded as cancelled as well, before the
        KeyboardInterrupt goes on.
        """
        flight = self._flight(pool, payload, request)
        admitted = self._pools.admit(pool)
        if isinstance(admitted, str):
            throttled = record.throttled(pool.function, pool.function.runtime, flight, admitted)
            complete([throttled])
            return throttled
        environment: Environment | None = None
        execution: Execution | None = None
        keep = False
        try:
            environment = admitted if isinstance(admitted, Environment) else self._new(pool, admitted)
            if sink is not None:
                environment.dialogue.stream_to(sink)
            environment.dialogue.alone = self._pools.alone
            if cancelling is not None:
                cancelling.drives(environment)
            environment.flight = flight
            execution = self._phases.run(environment, flight)
            keep = not (environment.lasts and self._lastings.over(environment))
            if cancelling is not None and cancelling.over():
                keep = False
            complete([execution])
            return execution
        except KeyboardInterrupt:
            if environment is not None and execution is None:
                complete([self._phases.interrupted(environment, flight)])
            raise
        finally:
            if cancelling is not None:
                cancelling.over()
            if sink is not None and environment is not None:
                environment.dialogue.stream_to(None)
            self._release(pool, environment, keep=keep)

    def _flight(self, pool: Pool, payload: bytes, request: Invocation) -> Flight:
        traced = pool.function.configuration.tracing == "Active"
        return Flight(payload, request, self._clock.now(), self._ids.take(), traced=traced)

    def _new(self, pool: Pool, admitted: ColdStart) -> Environment:
        if admitted.evict:
            oldest = self._pools.oldest_idle()
            if oldest is not None:
                oldest.close()
        environment = self._make(pool)
        self._pools.took(pool, environment)
        return environment

    def _release(self, pool: Pool, environment: Environment | None, *, keep: bool) -> None:
        if environment is not None:
            environment.flight = None
            if environment.lasts:
                environment.lasts = False
                self._lastings.end(environment)
        now = self._clock.monotonic()
        kept = self._pools.release(pool, environment, now=now, keep=keep and not self._closing.is_set())
        if environment is None:
            return
        if not kept:
            environment.close()
            if environment.provisioned:
                self._refill(pool)
        else:
            self._idle()

    # --- several at once --------------------------------------------------------------------------

    def begin(self, index: int, pool: Pool, payload: bytes, request: Invocation) -> Lane | Execution:
        """Let one more in; its Execution at once when it is turned away."""
        flight = self._flight(pool, payload, request)
        admitted = self._pools.admit(pool)
        if isinstance(admitted, str):
            return record.throttled(pool.function, pool.function.runtime, flight, admitted)
        return Lane(index, pool, flight, admitted)

    def plain(self, lane: Lane) -> bool:
        """Whether nothing but the socket of its runtime has to be watched for a moment; then it is begun."""
        environment = lane.environment
        if environment is None:
            return False
        process = environment.process
        if (
            process is None
            or process.near
            or process.exited()
            or environment.extensions.room is not None
            or len(lane.flight.payload) > _SMALL
        ):
            return False
        process.thaw()
        lane.descriptor = environment.api.descriptor
        lane.due = time.perf_counter() + TICK_S
        return self.look(lane)

    def look(self, lane: Lane) -> bool:
        """Take what its runtime said, and give it the event when it asked; False when that is not all.

        An answer is then its `reply`.
        """
        environment = lane.environment
        assert environment is not None
        dialogue = environment.dialogue
        if lane.given:
            lane.reply = dialogue.answered()
            lane.ended = time.perf_counter()
        elif dialogue.asked():
            flight = lane.flight
            flight.begin(environment.timeout_s)
            lane.given = True
            environment.flight = flight
            lane.due = flight.began + TICK_S
            self._phases.give(environment, flight)
        # Another one speaks now, or nobody: that is to be looked into.
        return lane.reply is not None or environment.api.descriptor == lane.descriptor >= 0

    def end(self, lane: Lane) -> Execution:
        """The Execution of one that has its reply; its environment is given back."""
        environment, reply, keep = lane.environment, lane.reply, False
        assert environment is not None
        assert reply is not None
        try:
            execution = self._phases.end(environment, lane.flight, reply, lane.ended)
            keep = True
            return execution
        finally:
            self._release(lane.pool, environment, keep=keep)

    def drive(
        self,
        lane: Lane,
        mine: set[Environment],
        complete: Callable[[Execution], None],
        cancelling: Cancelling,
    ) -> None:
        """Wait for one to its end, unless `cancelling` ends it. Its environment is among `mine` meanwhile."""
        keep = False
        try:
            environment = lane.environment
            if environment is None:
                assert lane.admitted is not None
                assert not isinstance(lane.admitted, Environment)
                environment = lane.environment = self._new(lane.pool, lane.admitted)
            mine.add(environment)
            cancelling.drives(environment)
            environment.dialogue.alone = False
            environment.flight = lane.flight
            if lane.given:
                execution = self._phases.await_end(environment, lane.flight)
            else:
                execution = self._phases.run(environment, lane.flight)
            keep = not (environment.lasts and self._lastings.over(environment))
            if cancelling.over():
                keep = False
            complete(execution)
        finally:
            if lane.environment is not None:
                mine.discard(lane.environment)
            self._release(lane.pool, lane.environment, keep=keep)

    def give_up(self, lane: Lane) -> None:
        """After an error: its environment ends."""
        self._release(lane.pool, lane.environment, keep=False)
