"""One function over many payloads, watched from the caller's thread so that Ctrl-C loses nothing.

The work is done in a thread of its own: an interrupt would otherwise tear the backend's loop apart and
with it the executions that are under way. The first begins nothing new, the second ends what runs; either way
the rows of what ended are the answer. Only a third one is an exception.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from faaslab.backends.stopping import Stopping
from faaslab.lab.maps import MapResult, was_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faaslab.backends.protocol import Complete
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation

_LOOK_S = 0.1
_MOST_INTERRUPTS = 2


def parallel(count: int, n: int | None, function: Function) -> int:
    """How many at once: as asked, else two for each processor, and never more than is reserved for it."""
    wanted = n or 2 * (os.cpu_count() or 1)
    reserved = function.configuration.reserved_concurrency
    if reserved is not None and n is None:
        wanted = min(wanted, max(reserved, 1))
    return max(1, min(wanted, count))


def run_map(
    backend: Any,
    function: Function,
    values: Sequence[Any],
    bodies: Sequence[bytes],
    *,
    each: Sequence[Function] | None = None,
    n: int | None,
    request: Invocation,
    complete: Complete,
    progress: Callable[[int, str | None], None] | None,
    tell: Callable[[str], None] | None,
) -> MapResult:
    """Run all of them; a KeyboardInterrupt stops what was not begun, a second one ends what was.

    `tell` says at once what an interrupt did, on standard error where none is given.

    `each` is the function of each payload, where an alias shares them between two versions.
    """
    watched = _Watched()
    concurrency = parallel(len(bodies), n, function)

    def work() -> None:
        try:
            if bodies:
                for index, execution in _running(
                    backend,
                    function,
                    bodies,
                    each=each,
                    request=request,
                    concurrency=concurrency,
                    complete=complete,
                    stop=watched.stop,
                ):
                    watched.add(index, execution)
        except BaseException as error:  # noqa: BLE001 -- raised again in the caller's thread
            watched.failure = error
        finally:
            watched.over.set()

    worker = threading.Thread(target=work, name="faaslab-map", daemon=True)
    worker.start()
    interrupted = _watch(watched, progress, tell or _on_standard_error) > 0
    if watched.over.is_set():
        worker.join()
    if watched.failure is not None:
        raise watched.failure
    done = dict(watched.done)
    places = sorted(done)
    return MapResult(
        function=function.name,
        batch_id=request.batch_id or "",
        total=len(values),
        executions=tuple(done[place] for place in places),
        inputs=tuple(values[place] for place in places),
        interrupted=interrupted and (len(done) < len(values) or any(map(was_cancelled, done.values()))),
    )


class _Watched:
    """What the working thread tells the watching one."""

    def __init__(self) -> None:
        self.done: dict[int, Execution] = {}
        self.failed = 0
        self.stop = Stopping()
        self.over = threading.Event()
        self.failure: BaseException | None = None

    def add(self, index: int, execution: Execution) -> None:
        self.done[index] = execution
        self.failed += not execution.ok


def _watch(
    watched: _Watched, progress: Callable[[int, str | None], None] | None, tell: Callable[[str], None]
) -> int:
    """Show the progress until the work is over, or beyond anybody's reach; how many interrupts came."""
    interrupts = answered = shown = 0
    while True:
        try:
            over = watched.over.wait(_LOOK_S)
            if interrupts > answered and not over:
                answered = interrupts
                if not _answered(watched.stop, interrupts, tell):
                    return interrupts
            count = len(watched.done)
            if progress is not None:  # also when nothing ended meanwhile: the time goes on
                failed = f"{watched.failed} failed" if watched.failed else ""
                progress(
                    count - shown, _note(watched.stop, interrupts) if interrupts and not over else failed
                )
                shown = count
            if over:
                return interrupts
        except KeyboardInterrupt:
            watched.stop.set()
            interrupts += 1
            if interrupts > _MOST_INTERRUPTS:
                raise


def _answered(stop: Stopping, interrupts: int, tell: Callable[[str], None]) -> bool:
    """Do what an interrupt asks for and say so; whether the end is to be waited for."""
    running = stop.running()
    if interrupts == 1:
        if running:
            tell(f"interrupted: {_still(running)}; interrupt again (Ctrl-C) to end {_them(running)} now")
        return True
    if not stop.cancel():
        tell(f"interrupted again: {running} cannot be ended from here")
        return False
    if running:
        tell(f"interrupted again: {running} {'is' if running == 1 else 'are'} ended; what is done is kept")
    return True


def _note(stop: Stopping, interrupts: int) -> str:
    """What stands beside the bar after an interrupt."""
    running = stop.running()
    if interrupts > 1:
        return "ending what runs"
    return f"{_still(running)}; Ctrl-C again ends {_them(running)}" if running else "stopping"


def _still(running: int) -> str:
    return f"waiting for {running} that still {'runs' if running == 1 else 'run'}"


def _them(running: int) -> str:
    return "it" if running == 1 else "them"


def _on_standard_error(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


class _Apart:
    """Drives a map through a backend's `invoke`; what runs there cannot be ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0

    def running(self) -> int:
        """How many have begun and not ended."""
        return self._running

    def cancel(self) -> bool:
        """Nobody can."""
        return False

    def __enter__(self) -> None:
        with self._lock:
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1


def _running(
    backend: Any,
    function: Function,
    bodies: Sequence[bytes],
    *,
    each: Sequence[Function] | None,
    request: Invocation,
    concurrency: int,
    complete: Complete,
    stop: Stopping,
) -> Iterator[tuple[int, Execution]]:
    """The backend's own map, or its `invoke` from a few threads."""
    if hasattr(backend, "map"):
        yield from backend.map(
            function,
            bodies,
            each=each,
            request=request,
            concurrency=concurrency,
            complete=complete,
            stop=stop,
        )
        return
    apart = _Apart()
    stop.driven(apart)
    with ThreadPoolExecutor(concurrency, "faaslab-map") as pool:

        def one(index: int) -> tuple[int, Execution] | None:
            if stop.is_set():
                return None
            chosen = function if each is None else each[index]
            with apart:
                return index, backend.invoke(chosen, bodies[index], request=request, complete=complete)

        for future in as_completed([pool.submit(one, index) for index in range(len(bodies))]):
            ended = future.result()
            if ended is not None:
                yield ended
