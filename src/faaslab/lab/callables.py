"""Python callables that do the tasks of an activity, in threads of this process.

Rule: what a callable was handed is answered, whatever it raises, or given back: to the callable that takes
its place, or to whoever asks. While it runs its heartbeats are sent. Its threads hold up no ending process.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from faaslab.errors import Closed, FaaslabError
from faaslab.lab.tasks import values
from faaslab.workflow.effects import Failed, Succeeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.workflow.effects import Signal

DRAIN_S = 2.0
"""So long what runs is waited for when a lab is closed."""
RENEW_S = 15.0
_PAUSE_S = 0.25
_BEAT_S = 60.0
"""So often is the most that anybody needs to be told."""
_MOST_ERROR, _MOST_CAUSE = 256, 32_768


class Handed:
    """A task that a callable is to do: its input, and where it came from."""

    __slots__ = ("answer", "beat", "give_back", "heartbeat_s", "input", "is_wanted", "renew")

    def __init__(
        self,
        input: Callable[[], Any],  # noqa: A002 -- Step Functions' word
        answer: Callable[[Callable[[str], Signal]], object],
        give_back: Callable[[], object],
        renew: Callable[[], object] | None = None,
        *,
        beat: Callable[[], object],
        heartbeat_s: float | None = None,
    ) -> None:
        """`beat` says that it is worked on, which has to be said each `heartbeat_s`; None: never."""
        self.input = input
        self.answer = answer
        self.give_back = give_back
        self.renew = renew
        self.beat = beat
        self.heartbeat_s = heartbeat_s
        self.is_wanted = True
        """Whether its execution waits for it still; one of another process says so when it is answered."""


class CallableWorker:
    """One callable; `ask` gives a task that others put into the store, within a second, or None."""

    def __init__(
        self, name: str, callable_: Callable[[Any], Any], at_once: int, ask: Callable[[], Handed | None]
    ) -> None:
        self._name = f"faaslab-activity-{name}"
        self._callable = callable_
        self._at_once = at_once
        self._ask = ask
        self._come = threading.Condition()
        self._waiting: deque[Handed] = deque()
        self._running: set[Handed] = set()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = self._retired = False
        self._heir: CallableWorker | None = None
        self._asker = threading.Thread(target=self._asking, name=self._name, daemon=True)

    def begin(self) -> None:
        """Take what waits already, and what other processes put there."""
        self._asker.start()

    def do(self, task: Handed) -> bool:
        """Do a task as soon as one more may run, or have the heir do it; False when this one has ended."""
        with self._come:
            heir = self._heir
            if heir is None:
                if self._closed:
                    return False
                self._waiting.append(task)
                if len(self._waiting) > self._idle and len(self._threads) < self._at_once:
                    thread = threading.Thread(target=self._doing, name=self._name, daemon=True)
                    self._threads.append(thread)
                    thread.start()
                self._come.notify_all()
                return True
        return heir.do(task)

    def retire(self, heir: CallableWorker | None) -> None:
        """Ask for no more; what waits is done by `heir`, or still by this one. Returns at once."""
        with self._come:
            self._retired = True
            self._heir = heir
            left: deque[Handed] = deque()
            if heir is not None:
                left, self._waiting = self._waiting, deque()
            self._come.notify_all()
        for task in left:
            if heir is not None and not heir.do(task):
                task.give_back()

    def close(self) -> list[Handed]:
        """Begin nothing more; what was not begun. What runs is answered."""
        with self._come:
            self._closed = self._retired = True
            left, self._waiting = list(self._waiting), deque()
            self._come.notify_all()
        return left

    def drain(self, until: float) -> list[Handed]:
        """Wait for what runs, until that moment; what runs on."""
        with self._come:
            threads = [self._asker, *self._threads]
        for thread in threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(max(until - time.monotonic(), 0.0))
        with self._come:
            return list(self._running)

    def _asking(self) -> None:
        renewed = time.monotonic()
        while True:
            with self._come:
                held = [task for task in (*self._waiting, *self._running) if task.renew is not None]
                if self._closed or (self._retired and not held):
                    return
                wanted = not self._retired and len(self._waiting) + len(self._running) < self._at_once
                if not wanted:
                    self._come.wait(1.0)
            try:
                task = self._ask() if wanted else None
                if task is not None and not self.do(task):
                    task.give_back()
                if time.monotonic() - renewed > RENEW_S:
                    renewed = time.monotonic()
                    for each in held:
                        if each.renew is not None:
                            each.renew()
            except Closed:
                return
            except FaaslabError:
                time.sleep(_PAUSE_S)

    def _doing(self) -> None:
        while True:
            with self._come:
                while not self._waiting:
                    if self._retired:
                        self._threads.remove(threading.current_thread())
                        return
                    self._idle += 1
                    self._come.wait()
                    self._idle -= 1
                task = self._waiting.popleft()
                if not task.is_wanted:
                    continue
                self._running.add(task)
            try:
                with _Beating(task, self._name):
                    came = _done(self._callable, task)
                self._tell(task, came)
            finally:
                with self._come:
                    self._running.discard(task)
                    self._come.notify_all()

    @staticmethod
    def _tell(task: Handed, make: Callable[[str], Signal]) -> None:
        """Say what came of it; a store that is busy or full is asked again."""
        while True:
            try:
                task.answer(make)
            except Closed:
                return
            except FaaslabError:
                time.sleep(_PAUSE_S)
            else:
                return


class _Beating:
    """Says within each of its state's HeartbeatSeconds that a task is worked on, until it is left."""

    def __init__(self, task: Handed, name: str) -> None:
        self._task = task
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        if task.heartbeat_s is not None:
            self._thread = threading.Thread(target=self._beat, name=f"{name}-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        if self._thread is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _beat(self) -> None:
        assert self._task.heartbeat_s is not None
        while not self._over.wait(min(self._task.heartbeat_s / 3, _BEAT_S)):
            try:
                self._task.beat()
            except Closed:
                return
            except FaaslabError:  # a store that is busy or full: it is said again
                continue


def _done(callable_: Callable[[Any], Any], task: Handed) -> Callable[[str], Signal]:
    """What came of a task: whatever the callable raises, an end of its own thread included, is a failure."""
    try:
        output = values.plain(callable_(task.input()))
    except BaseException as error:  # noqa: BLE001 -- a task that is never answered would hang
        name, cause = type(error).__name__[:_MOST_ERROR], _cause(error)[:_MOST_CAUSE]
        return lambda key: Failed(key, name, cause)
    return lambda key: Succeeded(key, output)


def _cause(error: BaseException) -> str:
    """The error as a Python function of Lambda would tell it."""
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 -- the user's code as well
        message = f"<unprintable {type(error).__name__}>"
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return values.text(
        {
            "errorMessage": message,
            "errorType": type(error).__name__,
            "stackTrace": traceback.format_list(frames),
        }
    )
