"""`lab.running`: what runs at this moment, in this process and in others; how it is seen, followed and ended.

An invocation that has lasted about a second stands in the store until it ends, with what it has written. One
thread renews that each second, and is there only while something lasts. A full disk, or anything else that is
wrong with the store, makes it invisible and does nothing else to it.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from faaslab.errors import BackendError, Conflict, FaaslabError, InvalidValue
from faaslab.lab import owners
from faaslab.model.execution import Execution
from faaslab.store import Beat, forks
from faaslab.store.running import Came

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from faaslab.backends.local.lasting import Lasting
    from faaslab.lab import Lab
    from faaslab.store import Ongoing
    from faaslab.store.running import NumberedLine

BEAT_S = 1.0
TTL_S = 30.0
"""A process that was not heard of for so long is taken for dead where it cannot be seen."""
KEPT = timedelta(seconds=60)
"""So long what a dead process ran is shown as gone; then it is cleaned up by whoever looks."""
_PATIENCE_S = 15.0
_LOOK_S = 0.05
_SHORTEST_ID = 6
_AT_ONCE = 50
"""So many transactions with a flood of lines are written in one beat."""
_PAUSE_S = 0.02
"""Between two of these: who waits for the store looks that often whether it is free, or a little less so."""

State = Literal["running", "ending", "gone"]


@dataclass(frozen=True, kw_only=True)
class RunningExecution:
    """An invocation that runs. `ending`: it was asked to end; `gone`: its process has died."""

    id: str
    request_id: str
    function: str
    version: str
    definition: int | None
    started_at: datetime
    ms: float
    """Since then."""
    state: State
    here: bool
    """Whether this Lab runs it."""
    process: int | None
    """The id of the process that runs it; None for one of another machine."""
    lines: int
    """Of its log, by now."""


def state_of(row: Ongoing, *, dead: bool, now: datetime) -> State:
    """What is to be said of a row; `dead`: its process was seen to have ended."""
    if dead or row.until <= now:
        return "gone"
    return "ending" if row.asked else "running"


def is_old(row: Ongoing, *, now: datetime) -> bool:
    """Whether a row of a process that has gone need not be shown any longer."""
    return row.until + KEPT <= now + timedelta(seconds=TTL_S)


class Running:
    """Of one Lab. It is the `Watch` of its backend."""

    fork_order = 4  # before the merge's, which is taken while this is held

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.running
        self._turn = threading.RLock()
        """Held while the store is written: what is being recorded must not be written as running."""
        self._guard = threading.Lock()
        """Of what follows; held for a moment only, as who drives an invocation may not wait."""
        self._mine: dict[str, Lasting] = {}
        self._owner: str | None = None
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self.trouble: BaseException | None = None
        """What keeps others from seeing what runs here; None when all is well."""
        forks.register(self)

    # -- what runs here

    @property
    def any_here(self) -> bool:
        """Whether anything lasts in this Lab. On the way of every invocation."""
        return bool(self._mine)

    def began(self, lasting: Lasting) -> None:
        """It has lasted a while."""
        with self._guard:
            if self._closed:
                return
            self._mine[lasting.id] = lasting
            if self._thread is None:
                self._woken.clear()
                self._thread = threading.Thread(target=self._run, name="faaslab-running", daemon=True)
                self._thread.start()

    def over(self, lasting: Lasting) -> None:
        """It lasts no more. What was recorded has left the store already; the rest does now."""
        if lasting.id not in self._mine:
            return
        with self._turn:
            if self._taken([lasting.id]):
                with suppress(FaaslabError):
                    self._kept.forget([lasting.id])

    @contextmanager
    def ending(self, entities: Sequence[object]) -> Iterator[tuple[str, ...]]:
        """While these are recorded: the ids of those that stood in the store, and leave it with that."""
        with self._turn:
            ids = tuple(each.id for each in entities if isinstance(each, Execution) and each.id in self._mine)
            yield ids
            self._taken(ids)

    def _taken(self, ids: Sequence[str]) -> bool:
        """Whether any of these was still known to last; none of them is any more."""
        with self._guard:
            found = [each for each in ids if self._mine.pop(each, None) is not None]
            if not self._mine:
                self._woken.set()
        return bool(found)

    def _run(self) -> None:
        self._tidy()
        while True:
            self.flush()
            with self._guard:
                if self._closed or not self._mine:
                    self._thread = None
                    return
                self._woken.clear()
            self._lab.clock.wait(self._woken, BEAT_S)

    def flush(self) -> None:
        """Have the store know what those of this Lab have written until now. Raises nothing."""
        if not self._mine:
            return
        try:
            for _ in range(_AT_ONCE):
                if not self._beat():
                    break
                self._lab.clock.wait(self._woken, _PAUSE_S)
            self.trouble = None
        except Exception as error:  # noqa: BLE001 -- a full disk now may be none in a second; what runs goes on
            self.trouble = error

    def _beat(self) -> bool:
        """Whether there is more to write."""
        with self._turn:
            with self._guard:
                mine = dict(self._mine)
            if not mine:
                return False
            if self._owner is None:
                self._owner = owners.this_process()
            kept = self._kept.keep(self._owner, [_beat(each) for each in mine.values()], ttl_s=TTL_S)
        for name in kept.asked:
            mine[name].cancel()
        return kept.more

    def close(self) -> None:
        """End the thread, after the backend has ended what ran; may be called twice."""
        with self._guard:
            self._closed = True
            thread, left = self._thread, list(self._mine.values())
        self._woken.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        for each in left:
            self.over(each)

    # -- what runs anywhere

    def list(self, function: str | None = None) -> tuple[RunningExecution, ...]:
        """All that have run for about a second or longer (of one function), the oldest first.

        One whose process has died is among them for a minute, as `gone`.
        """
        self.flush()
        now = self._lab.clock.now()
        return tuple(
            RunningExecution(
                id=row.id,
                request_id=row.request_id,
                function=row.function,
                version=row.version,
                definition=row.definition,
                started_at=row.started_at,
                ms=max((now - row.started_at).total_seconds() * 1000, 0.0),
                state=state,
                here=row.owner == self._owner,
                process=owners.pid_here(row.owner),
                lines=row.lines,
            )
            for row, state in self._standing(function)
        )

    def _standing(self, function: str | None = None) -> Sequence[tuple[Ongoing, State]]:
        """Rows with what is to be said of each; those that have been gone for long are cleaned up."""
        rows, now = self._kept.present(function=function), self._lab.clock.now()
        dead = {owner: self._is_dead(owner) for owner in {row.owner for row in rows}}
        found = [(row, state_of(row, dead=dead[row.owner], now=now)) for row in rows]
        old = [row.id for row, state in found if state == "gone" and is_old(row, now=now)]
        if old:
            with suppress(FaaslabError):  # who may only look does not clean up
                self._kept.forget(old)
        return [each for each in found if each[0].id not in old]

    def _tidy(self) -> None:
        with suppress(FaaslabError):
            self._standing()

    def table(self, function: str | None = None) -> pd.DataFrame:
        """The same as rows: id, function, version, definition, state, started_at, ms, process, lines,
        request_id.
        """  # noqa: D205
        import pandas as pd

        names = [
            "id", "function", "version", "definition", "state", "started_at", "ms", "process", "lines",
            "request_id",
        ]  # fmt: skip
        rows = [tuple(getattr(each, name) for name in names) for each in reversed(self.list(function))]
        df = pd.DataFrame(rows, columns=names)
        whole = {"definition": "Int64", "process": "Int64"}
        return df.astype({"started_at": "datetime64[us]", **whole})

    def elsewhere(self) -> Counter[str]:
        """Function -> how many of its invocations run in other processes, as far as they have lasted."""
        return Counter(
            row.function for row, state in self._standing() if state != "gone" and row.owner != self._owner
        )

    def _is_dead(self, owner: str) -> bool:
        return owner != self._owner and owners.is_gone(owner)

    def find(self, text: str) -> Ongoing | None:
        """The one with that id or request id, or the only one whose id begins so; it may be gone.

        Raises `InvalidValue` where several do.
        """
        rows = self._kept.found(text, shortest=_SHORTEST_ID)
        if len({row.id for row in rows}) > 1:
            raise InvalidValue(f"several executions begin with {text!r}", hint="give more of the id")
        return rows[0] if rows else None

    def marks(self, *, function: str | None = None, execution: str | None = None) -> dict[str, Ongoing]:
        """What runs by its id, with how many lines each has: of a function, one execution, or all."""
        self.flush()
        rows = self._kept.present(function=function)
        return {row.id: row for row in rows if execution in (None, row.id)}

    def lines(self, execution_id: str, first: int) -> Sequence[NumberedLine]:
        """Lines of one that runs, from number `first` on."""
        return self._kept.lines(execution_id, first)

    def cancel(self, row: Ongoing) -> Execution:
        """End it, wherever it runs, and wait until that is recorded; what it came to.

        Raises `BackendError` when its process has died, ended it without a record, or does not answer.
        """
        mine = self._mine.get(row.id)
        if mine is not None:
            mine.cancel()
        elif state_of(row, dead=self._is_dead(row.owner), now=self._lab.clock.now()) == "gone":
            dead = "has died" if self._is_dead(row.owner) else f"was not heard of for {TTL_S:.0f} s"
            raise BackendError(f"{row.id} cannot be ended: {_process(row)}, which ran it, {dead}")
        else:
            self._kept.ask(row.id)
        clock = self._lab.clock
        until, never = clock.monotonic() + _PATIENCE_S, threading.Event()
        while (left := self._kept.found(row.id, shortest=len(row.id) + 1)) and clock.monotonic() < until:
            if self._is_dead(left[0].owner):
                break
            clock.wait(never, _LOOK_S)
        execution = self._lab.executions.find(row.id)
        if execution is not None:
            return execution
        if left and not self._is_dead(row.owner):
            raise BackendError(
                f"{_process(row)} was asked to end {row.id}, and has not by now",
                hint="history --status running tells whether it does",
            )
        raise BackendError(f"{row.id} ended without a record, as {_process(row)} ended")

    # -- forks

    def before_fork(self) -> None:
        """Nothing is half done while a child is made."""
        self._turn.acquire()
        self._guard.acquire()

    def after_fork(self, *, child: bool) -> None:
        """A child is another process: nothing of this runs in it."""
        if not child:
            self._guard.release()
            self._turn.release()
            return
        self._turn, self._guard, self._woken = threading.RLock(), threading.Lock(), threading.Event()
        self._mine, self._owner, self._thread = {}, None, None


def _beat(lasting: Lasting) -> Beat:
    function = lasting.function
    return Beat(
        id=lasting.id,
        request_id=lasting.request_id,
        function=function.name,
        version=function.version,
        definition=function.definition,
        environment_id=lasting.environment_id,
        started_at=lasting.started_at,
        lines=lambda first, most: Came(*lasting.lines(first, most)),
    )


def _process(row: Ongoing) -> str:
    pid = owners.pid_here(row.owner)
    return "its process on another machine" if pid is None else f"process {pid}"


def ended_already(execution: Execution) -> Conflict:
    """What to say of one that is to be cancelled and has ended."""
    when = f" at {execution.ended_at:%Y-%m-%d %H:%M:%S} UTC" if execution.ended_at is not None else ""
    return Conflict(f"{execution.id} of {execution.function} has ended{when}: {execution.status}")
