"""One function over many payloads, watched from the caller's thread so that Ctrl-C loses nothing.

The work is done in a thread of its own: an interrupt would otherwise tear the backend's loop apart and
with it the executions that are under way.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from faaslab.lab.maps import MapResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from faaslab.backends.protocol import Complete
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation

_LOOK_S = 0.1
_STOPPING = "stopping, what runs ends first; interrupt it again (Ctrl-C) to give it up"


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
) -> MapResult:
    """Run all of them; a KeyboardInterrupt stops what was not begun and waits for what was.

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
    interrupted = _watch(watched, progress)
    worker.join()
    if watched.failure is not None:
        raise watched.failure
    done = watched.done
    places = sorted(done)
    return MapResult(
        function=function.name,
        batch_id=request.batch_id or "",
        total=len(values),
        executions=tuple(done[place] for place in places),
        inputs=tuple(values[place] for place in places),
        interrupted=interrupted and len(done) < len(values),
    )


class _Watched:
    """What the working thread tells the watching one."""

    def __init__(self) -> None:
        self.done: dict[int, Execution] = {}
        self.failed = 0
        self.stop = threading.Event()
        self.over = threading.Event()
        self.failure: BaseException | None = None

    def add(self, index: int, execution: Execution) -> None:
        self.done[index] = execution
        self.failed += not execution.ok


def _watch(watched: _Watched, progress: Callable[[int, str | None], None] | None) -> bool:
    """Show the progress until the work is over; whether it was interrupted (twice: given up)."""
    interrupted = False
    shown = 0
    while True:
        try:
            over = watched.over.wait(_LOOK_S)
            count = len(watched.done)
            if progress is not None:  # also when nothing ended meanwhile: the time goes on
                failed = f"{watched.failed} failed" if watched.failed else None
                progress(count - shown, _STOPPING if interrupted and not over else failed or "")
                shown = count
            if over:
                return interrupted
        except KeyboardInterrupt:
            watched.stop.set()
            if interrupted:
                raise
            interrupted = True


def _running(
    backend: Any,
    function: Function,
    bodies: Sequence[bytes],
    *,
    each: Sequence[Function] | None,
    request: Invocation,
    concurrency: int,
    complete: Complete,
    stop: threading.Event,
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
    with ThreadPoolExecutor(concurrency, "faaslab-map") as pool:

        def one(index: int) -> tuple[int, Execution] | None:
            if stop.is_set():
                return None
            chosen = function if each is None else each[index]
            return index, backend.invoke(chosen, bodies[index], request=request, complete=complete)

        for future in as_completed([pool.submit(one, index) for index in range(len(bodies))]):
            ended = future.result()
            if ended is not None:
                yield ended
