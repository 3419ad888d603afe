"""What the caller of an asynchronous invocation has: its request id at once, its Execution in the end."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faaslab.model.execution import Execution


class Queued(Future["Execution"]):
    """A future of the final Execution: the one that succeeded, or the last one when no more will follow.

    It waits in the store and not in this process: it cannot be cancelled, and it is run even when this
    process ends. Then the future ends with `Closed`, and the history tells the rest under `request_id`.
    """

    def __init__(self, request_id: str) -> None:
        super().__init__()
        self.request_id = request_id
        self.is_there = False
        """It was put into the queue: when it is there no longer, somebody has seen to it."""
        self.first_awaited = False
        """Somebody waits for the first attempt already."""
        self._attempted: Future[Execution] = Future()
        for future in (self, self._attempted):
            future.set_running_or_notify_cancel()

    @property
    def attempted(self) -> Future[Execution]:
        """Ends with the first attempt, whatever came of it; with the error when it could not be made."""
        self.first_awaited = True
        return self._attempted

    @property
    def awaits_first(self) -> bool:
        """Whether somebody waits for the first attempt, and nothing is known of it yet."""
        return self.first_awaited and not self._attempted.done()

    def __repr__(self) -> str:
        return f"<event {self.request_id}, {'done' if self.done() else 'queued'}>"

    def attempt_ended(self, execution: Execution) -> None:
        """An attempt was made."""
        if not self._attempted.done():
            self._attempted.set_result(execution)

    def attempt_failed(self, error: Exception) -> None:
        """It could not be run at all; that is tried again."""
        if not self._attempted.done():
            self._attempted.set_exception(error)

    def ended(self, execution: Execution) -> None:
        """No more attempts follow. Who waited for the first one then finds it done."""
        if not self.done():
            self.set_result(execution)
        self.attempt_ended(execution)

    def broke(self, error: BaseException) -> None:
        """It is not known here what becomes of it."""
        for future in (self._attempted, self):
            if not future.done():
                future.set_exception(error)
