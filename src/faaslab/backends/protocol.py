"""What every backend can do, and its optional abilities as small separate Protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from faaslab.backends.stopping import Stopping
    from faaslab.model.concurrency import Provision
    from faaslab.model.execution import Execution
    from faaslab.model.function import Function
    from faaslab.model.invocation import Invocation

    Complete = Callable[[Sequence[Execution]], None]
    """Records finished executions, before any answer is given; what it raises goes to the caller."""


class Backend(Protocol):
    """Runs functions. What a user's function does wrong is a result; exceptions mean that we failed."""

    @property
    def name(self) -> str:
        """`local`, `aws`, or an HTTP backend's name."""

    def invoke(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> Execution:
        """Run it once and wait. `payload` is JSON; the execution was completed when this returns."""

    def submit(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> Future[Execution]:
        """Run it once, in the background. Not every backend can cancel the future once it runs."""

    def close(self) -> None:
        """End everything that it started; may be called twice."""


class Maps(Protocol):
    """A backend with a fast way to run one function over many payloads."""

    def map(
        self,
        function: Function,
        payloads: Sequence[bytes],
        *,
        each: Sequence[Function] | None = None,
        request: Invocation,
        concurrency: int,
        complete: Complete,
        stop: Stopping | None = None,
    ) -> Iterator[tuple[int, Execution]]:
        """(index, execution) as they end, in that order; `stop` ends it early.

        `each` is the function of each payload, where it is not the same for all.
        """


class Prepares(Protocol):
    """A backend that has to install or unpack something before some functions can run."""

    def prepared(self, function: Function) -> bool:
        """Whether that was done, and is still there; answers at once."""

    def prepare(self, function: Function) -> None:
        """Do it, which may take minutes; raises RequirementsFailed and others for what cannot be had."""


class Reserves(Protocol):
    """A backend that sets concurrency aside for functions, and starts environments ahead."""

    def reserve(self, reservations: Mapping[str, int]) -> None:
        """The reserved concurrency of every function that has one, by name; what is not named has none."""

    def provision(self, function: Function, wanted: int) -> Future[Provision]:
        """Have `wanted` environments of a version ready; the future tells `status` and `reason`.

        A number again changes it, 0 ends them.
        """

    def provisioned(self, function: Function) -> Provision:
        """How the provisioned concurrency of a version stands in this process."""


class ResponseStream(Protocol):
    """A response that is read while it is made: an iterator over its pieces."""

    def __iter__(self) -> Iterator[bytes]:
        """Itself."""

    def __next__(self) -> bytes:
        """The next piece as soon as it is there; a failure of the function gives no piece, and no error."""

    @property
    def version(self) -> str:
        """The version as the function sees it: `$LATEST`, or a number."""

    @property
    def content_type(self) -> str | None:
        """What the runtime says it is, as soon as there is a piece; None where it says nothing."""

    @property
    def execution(self) -> Execution:
        """What came of it; waits for the end, and lets go of the pieces that were not read."""

    def close(self) -> None:
        """Read no more; the invocation runs on."""


class Streams(Protocol):
    """A backend that can hand on a response while the function makes it."""

    def stream(
        self, function: Function, payload: bytes, *, request: Invocation, complete: Complete
    ) -> ResponseStream:
        """Run it once; the execution is completed when the iterator ends."""


class Debugger(Protocol):
    """What stands by while a handler runs in this process: pdb, or a notebook's."""

    hook: Callable[..., Any] | None
    """What `breakpoint()` calls meanwhile; None leaves it as it is."""

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call it, and stop at its first line. Raises bdb.BdbQuit when the user leaves."""

    def typed(self, source: str) -> tuple[str, int] | None:
        """The file that stands for the cell it was typed into, and the lines above it there; or None."""

    def failed(self, error: BaseException) -> None:
        """The handler raised: look at it, or keep it for `%debug`."""


class Listening(Protocol):
    """Where an environment waits for a debugger."""

    @property
    def host(self) -> str:
        """A loopback address."""

    @property
    def port(self) -> int:
        """Where it listens there."""

    @property
    def task_root(self) -> Path:
        """The folder with the files that run."""

    @property
    def configuration(self) -> dict[str, Any]:
        """What VS Code's `launch.json` needs to attach."""


class Debugs(Protocol):
    """A backend that can run a function where a debugger reaches it."""

    def debug(
        self,
        function: Function,
        payload: bytes,
        *,
        request: Invocation,
        complete: Complete,
        debugger: Debugger | None = None,
        breakpoints: bool = True,
    ) -> Execution:
        """Run it once in this process, without limits; the execution has no figures.

        Without `breakpoints` nobody can answer one, so `breakpoint()` goes on. Raises Unsupported for what
        this process cannot run, Stopped when the user left the debugger.
        """

    def attach(
        self,
        function: Function,
        payload: bytes,
        *,
        request: Invocation,
        complete: Complete,
        listening: Callable[[Listening], None],
        port: int = 0,
    ) -> Execution:
        """Run it once in an environment of its own that first waits for a debugger, without limits.

        `listening` is told where it waits; `port` 0 takes a free one.
        """


class Explains(Protocol):
    """A backend that can say what it enforces on this machine."""

    def enforced(self, function: Function | None = None) -> Mapping[str, str]:
        """Limit -> how it is enforced here, or that it is not; for one function, where that is given."""

    def retire(self, function_name: str, *, version: str | None = None) -> None:
        """End the idle environments of a function that was deleted, or of a `version` that changed.

        `$LATEST` is what was invoked without a number.
        """
