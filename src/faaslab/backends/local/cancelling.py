"""Ending an invocation from another thread than the one that drives it.

Rule: who asks only ends the process; the driving thread sees that, records the invocation as cancelled and
ends its environment. What has an answer already keeps it.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from faaslab.model.execution import Execution

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.environment import Environment


class Cancelling:
    """Whether one invocation is to end. `ask` comes from any thread, all else from the one that drives it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._environment: Environment | None = None
        self._asked = False
        self._over = False

    def ask(self) -> bool:
        """End it; False when it has ended already. More than once is fine."""
        with self._turn:
            if self._over:
                return False
            self._asked = True
            if self._environment is not None:
                self._environment.cancel()
            return True

    def drives(self, environment: Environment) -> None:
        """It runs there from now on; whoever asked before that is heard as well."""
        with self._turn:
            self._environment = environment
            if self._asked:
                environment.cancel()

    def over(self) -> bool:
        """Nobody may end its environment any more: another invocation may have it. Whether somebody did."""
        with self._turn:
            self._over = True
            self._environment = None
            return self._asked


class Running(Future[Execution]):
    """The future of an invocation in the background. Unlike others it can be cancelled while it runs.

    What had not begun is cancelled as any future is, and nothing is recorded. What runs is ended: the result
    is then its Execution, failed with `Invocation.Cancelled`, or what it had answered just before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cancelling = Cancelling()

    def cancel(self) -> bool:
        """End it; False when it has ended already."""
        return super().cancel() or self._cancelling.ask()

    def drive(self, invoke: Callable[[Cancelling], Execution]) -> None:
        """In the thread that drives it."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            execution = invoke(self._cancelling)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever asks for the result
            self._cancelling.over()
            self.set_exception(error)
        else:
            self.set_result(execution)

    def given_up(self, driven: Future[None]) -> None:
        """The thread that should drive it never will: the backend was closed first."""
        if driven.cancelled() and super().cancel():
            self.set_running_or_notify_cancel()
