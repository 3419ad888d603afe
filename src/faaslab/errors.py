"""Everything that faaslab raises.

An exception means that we, or the caller, failed. What a user's function does wrong (raises, times out,
runs out of memory, cannot be imported) is a recorded `Execution`, never an exception of ours.

    FaaslabError
     ├─ RequestError               what was asked for is wrong; exit status 2 in a shell
     │   ├─ InvalidValue           a value is ill-typed, out of range or unknown
     │   ├─ NotFound               nothing has that name
     │   ├─ AlreadyExists          something has that name already
     │   ├─ Conflict               it was changed meanwhile (RevisionId)
     │   ├─ Unsupported            this backend cannot do it
     │   ├─ RecursiveInvocation    a function was stopped that calls itself in a loop
     │   └─ MissingExtra           an optional package is not installed
     ├─ RunFailed                  a face shows a run that failed; exit status 1
     │   ├─ InvocationFailed       the user's function failed (carries the Execution)
     │   ├─ WorkflowFailed         an execution of a workflow did not succeed (carries it)
     │   ├─ ReportFailed           a cell of a report failed
     │   └─ Stopped                the user left it before its end
     ├─ BackendError               the backend could not do its work
     │   ├─ EnvironmentFailed      an execution environment could not be started at all
     │   ├─ RequirementsFailed     the packages of a function could not be installed
     │   └─ RuntimeNotFound        no interpreter for that runtime on this machine
     ├─ StoreError                 the store could not do its work
     │   ├─ StoreBusy              another program holds the file
     │   ├─ StoreTooNew            written by a newer faaslab
     │   ├─ StoreFull              the disk is full; nothing was half-written
     │   ├─ StoreLocation          the place cannot hold a store (a network file system, say)
     │   ├─ StoreMoved             it was moved or replaced while it was open; what was written is kept
     │   └─ RecordRejected         a record cannot be stored as it is
     └─ Closed                     used after close()
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class FaaslabError(Exception):
    """The root of the tree: a sentence, the place it is about, and what to do.

    `place` is where the caller can find the fault: an option, a JSON pointer, a file and line.
    `hint` is the remedy, a sentence without a full stop.
    """

    exit_status = 1

    def __init__(self, message: str, *, place: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        what_to_do = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.message}{what_to_do}"

    def _render_traceback_(self) -> list[str]:
        """One or two lines in a notebook in place of a stack (IPython asks exceptions for this)."""
        return [f"{type(self).__name__}: {self}"]

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.args, dict(self.__dict__)))


def _rebuild(cls: type[FaaslabError], args: tuple[Any, ...], state: dict[str, Any]) -> FaaslabError:
    error = cls.__new__(cls, *args)
    Exception.__init__(error, *args)
    error.__dict__.update(state)
    return error


class RequestError(FaaslabError):
    """What was asked for is wrong."""

    exit_status = 2


class InvalidValue(RequestError):
    """A value is ill-typed, out of range or unknown."""


class NotFound(RequestError):
    """Nothing of that kind has that name; the nearest names are in the hint."""

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), *, hint: str | None = None) -> None:
        self.kind = kind
        self.name = name
        near = nearest(name, known)
        super().__init__(
            f"no {kind} is named {name!r}", hint=hint or (f"did you mean {near!r}?" if near else None)
        )


class AlreadyExists(RequestError):
    """Something has that name already."""


class Conflict(RequestError):
    """It was changed since it was read (its revision differs)."""


class Unsupported(RequestError):
    """The backend, the machine or this release cannot do it; the hint says what to use instead."""


class RecursiveInvocation(RequestError):
    """The function has run too often in one chain of requests (RecursiveInvocationException)."""


class MissingExtra(RequestError):
    """An optional package is not installed; the hint is the command that installs it."""


class RunFailed(FaaslabError):
    """Something of the user's ran and failed; it is recorded."""


class InvocationFailed(RunFailed):
    """The user's function failed. `execution` is what was recorded."""

    def __init__(self, message: str, *, execution: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.execution = execution


class WorkflowFailed(RunFailed):
    """An execution of a workflow failed, timed out or was stopped. `execution` is what is known of it."""

    def __init__(self, message: str, *, execution: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.execution = execution


class ReportFailed(RunFailed):
    """A cell of a report failed. `report` is the recorded row."""

    def __init__(self, message: str, *, report: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class Stopped(RunFailed):
    """The user left it before its end (a debugger, say), so nothing is recorded."""


class BackendError(FaaslabError):
    """The backend could not do its work."""


class EnvironmentFailed(BackendError):
    """An execution environment could not be started at all (not: the function's init failed)."""


class RequirementsFailed(BackendError):
    """The packages of a function could not be installed."""


class RuntimeNotFound(BackendError):
    """No interpreter for that runtime on this machine."""


class StoreError(FaaslabError):
    """The store could not do its work."""


class StoreBusy(StoreError):
    """Another program holds the file; `pid` when it could be found out."""

    def __init__(self, message: str, *, pid: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.pid = pid


class StoreTooNew(StoreError):
    """The store was written by a newer faaslab; this one does not write to it."""


class StoreFull(StoreError):
    """The disk is full; what was being written was not, and nothing is half-written."""


class StoreLocation(StoreError):
    """The place cannot hold a store: who asked for it can name another one."""

    exit_status = 2


class StoreMoved(StoreError):
    """The store was moved, deleted or replaced while it was open; its rows are kept where its state is."""


class RecordRejected(StoreError):
    """A record cannot be stored as it is."""


class Closed(FaaslabError):
    """Used after close()."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was most likely meant to be, or None."""
    names = sorted(known)
    match = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if match:
        return match[0]
    return next((name for name in names if len(word) > 1 and name.startswith(word)), None)
