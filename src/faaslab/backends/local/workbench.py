"""Where functions are run to be looked at, one at a time, beside the pools: here, or attached to.

Rule: what runs here is in no pool and no statistic, and ends with its invocation or with the backend.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from faaslab.backends.local.environment import resolved_secrets
from faaslab.backends.local.flight import Flight

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from faaslab.backends.local.attaching import Attachment
    from faaslab.backends.local.environment import Surroundings
    from faaslab.backends.local.flight import Ids
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.protocol import Debugger, Listening
    from faaslab.clock import Clock
    from faaslab.model.execution import Execution
    from faaslab.model.invocation import Invocation


class Workbench:
    """Both ways to debug; `around` is asked when something runs."""

    def __init__(
        self, around: Callable[[], Surroundings], *, clock: Clock, closing: threading.Event, ids: Ids
    ) -> None:
        self._around = around
        self._clock = clock
        self._closing = closing
        self._ids = ids
        self._attached: set[Attachment] = set()

    def debug(
        self,
        definition: Definition,
        payload: bytes,
        request: Invocation,
        *,
        debugger: Debugger | None,
        breakpoints: bool,
    ) -> Execution:
        """Run it in this process."""
        from faaslab.backends.local import debugging

        around = self._around()
        flight = self._flight(payload, request)
        session = debugging.Session(
            definition=definition,
            folder=around.root / "tmp" / flight.id,
            debugger=debugger,
            breakpoints=breakpoints,
            secrets=resolved_secrets(definition.function, around.resolve_secret),
            more_variables=around.settings.variables,
            endpoint=around.endpoint(),
        )
        return debugging.debugged(session, flight)

    def attach(
        self,
        definition: Definition,
        payload: bytes,
        request: Invocation,
        *,
        debugpy: Path,
        port: int,
        listening: Callable[[Listening], None],
    ) -> Execution:
        """Run it where a debugger attaches."""
        from faaslab.backends.local.attaching import Attachment

        attachment = Attachment(definition, self._around(), debugpy=debugpy, port=port, listening=listening)
        self._attached.add(attachment)
        try:
            return attachment.run(self._flight(payload, request), closing=self._closing, ids=self._ids)
        finally:
            self._attached.discard(attachment)

    def _flight(self, payload: bytes, request: Invocation) -> Flight:
        return Flight(payload, request, self._clock.now(), self._ids.take())

    def close(self, grace_s: float) -> None:
        """End what waits for a debugger, and wait for whoever drives it to see that."""
        until = time.perf_counter() + grace_s
        while (left := list(self._attached)) and time.perf_counter() < until:
            # One may have been about to start when it was told before.
            for attachment in left:
                attachment.end()
            time.sleep(0.002)
