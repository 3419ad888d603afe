"""What goes on after its cell: a future that can be awaited at the top level of a cell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator
    from concurrent.futures import Future

    from faaslab.model.execution import Execution


class Handle:
    """`await handle` or `handle.result()` give the Execution."""

    def __init__(self, future: Future[Execution]) -> None:
        self.future = future

    def done(self) -> bool:
        """Whether it ended."""
        return self.future.done()

    def result(self, timeout: float | None = None) -> Execution:
        """The execution; waits for it. `TimeoutError` after `timeout` seconds."""
        return self.future.result(timeout)

    def __await__(self) -> Generator[Any, None, Execution]:
        return asyncio.wrap_future(self.future).__await__()

    def __repr__(self) -> str:
        return f"<invocation, {'done' if self.done() else 'going on'}>"
