"""How a definition becomes the present one: written, and prepared first where that takes time.

Rule (Lambda, functions-states): a new function is Pending until it can run; an update is InProgress until it
can take the old one's place, which goes on meanwhile and stays where the update fails. A lease says that
somebody is at it: whoever was killed leaves a state that the next one takes over, at once where its process
is seen to be gone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import TYPE_CHECKING, Literal

from faaslab.errors import AlreadyExists, Conflict, FaaslabError, NotFound
from faaslab.lab import concurrency, definitions, owners
from faaslab.lab.definitions import Definition
from faaslab.lab.versions import changed_meanwhile
from faaslab.model.function import LATEST, Function, FunctionStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from faaslab.lab import Lab
    from faaslab.lab.definitions import Draft
    from faaslab.store.leases import Lease

_ATTEMPTS = 20  # another process may define the same name at the same moment
_TTL_S = 15.0
CREATING = "The function is being created."
UPDATING = "The function is being updated."
ENDED = "Whoever prepared it ended before it was done."
INTERRUPTED = "It was interrupted while its packages were being prepared."
CLEANED = "What was prepared for it is not in the cache any more; the next invocation prepares it again."


class Updates:
    """Writes the functions of a lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions
        self._leases = lab.store.leases
        self._closing = threading.Event()
        self._guard = threading.Lock()
        self._threads: list[threading.Thread] = []

    # -- writing --------------------------------------------------------------------------------------

    def write(
        self, draft: Draft, *, revision_id: str | None = None, wait: bool = True, exist_ok: bool = True
    ) -> Definition:
        """Make a draft the present definition, where it differs from that.

        What must be installed or unpacked is, before it takes the old one's place; without `wait` in the
        background. Raises `Conflict` for another revision, and while another update is in progress,
        `AlreadyExists` when the name is taken and may not be.
        """
        name = draft.function.name
        for attempt in range(_ATTEMPTS):
            present = self._kept.get(Function, name)
            if revision_id is not None and (present is None or present.revision_id != revision_id):
                raise changed_meanwhile(name)
            if present is not None and not exist_ok:
                raise already_there(name)
            if present is not None:
                self.refuse_meanwhile(present)
            try:
                return self._told(self._written(draft, present, wait=wait))
            except (_Changed, AlreadyExists):
                if attempt + 1 == _ATTEMPTS:
                    raise changed_meanwhile(name) from None
        raise AssertionError("the last attempt returns or raises")

    def would_be(self, draft: Draft, *, revision_id: str | None = None) -> Definition:
        """What `write` would make of a draft of a function that is there; nothing is written."""
        present = self._kept.get(Function, draft.function.name)
        if present is None:
            raise NotFound("function", draft.function.name, self._kept.names(Function))
        if revision_id not in (None, present.revision_id):
            raise changed_meanwhile(present.name)
        self.refuse_meanwhile(present)
        unchanged = definitions.same(present, draft.function)
        function = dataclasses.replace(
            draft.function,
            definition=present.definition
            if unchanged
            else self._kept.highest_number(Function, present.name) + 1,
            revision_id=present.revision_id,
            created_at=present.created_at,
        )
        return Definition(
            function=function, change="unchanged" if unchanged else "updated", notes=draft.notes
        )

    def _told(self, definition: Definition) -> Definition:
        """With a word about what it gives up to begin as a fork, where it does."""
        if not definition.function.configuration.preload:
            return definition
        held = self._lab.enforced(definition.function).get("sandbox", "")
        if "(--preload)" not in held:
            return definition
        return dataclasses.replace(definition, notes=(*definition.notes, f"sandbox: {held}"))

    def _written(self, draft: Draft, present: Function | None, *, wait: bool) -> Definition:
        if present is not None and definitions.same(present, draft.function):
            return self._same(present, draft, wait=wait)
        generation = self._room_for(draft.function)
        digest = self._lab.store.blobs.put(draft.data) if draft.data else draft.function.code_digest
        function = dataclasses.replace(
            draft.function,
            code_digest=digest,
            definition=self._kept.highest_number(Function, draft.function.name) + 1,
            created_at=draft.function.updated_at if present is None else present.created_at,
            status=FunctionStatus.ACTIVE,
            status_reason=None,
            last_update_status="Successful",
            last_update_reason=None,
        )
        change: Literal["created", "updated"] = "created" if present is None else "updated"
        if not self._prepared(function):
            written = self._slowly(function, present, wait=wait)
            becoming = function if written.last_update_status == "InProgress" else None
            return Definition(
                function=written, change=change, notes=draft.notes, before=present, becoming=becoming
            )
        written = self._put(function, present, at_generation=generation)
        self._came_about(written)
        return Definition(function=written, change=change, notes=draft.notes, before=present)

    def _same(self, present: Function, draft: Draft, *, wait: bool) -> Definition:
        notes = draft.notes
        if present.status in (FunctionStatus.FAILED, FunctionStatus.PENDING):
            return Definition(function=self._resume(present, wait=wait), change="updated", notes=notes)
        changed = definitions.with_whole(present, draft.function)
        if changed is present:
            return Definition(function=present, change="unchanged", notes=notes)
        written = self.put_reserved(changed, present)
        return Definition(function=written, change="updated", notes=notes, before=present)

    def put_reserved(self, changed: Function, present: Function) -> Function:
        """The same definition under its number, with what it reserves now."""
        written = self._put(changed, present, at_generation=self._room_for(changed))
        self._lab.reserve()
        return written

    def reserve(self, name: str, executions: int | None) -> Function:
        """Reserve concurrency, also while an update is in progress; None gives it back."""
        return self._amend(name, lambda present: definitions.with_reserved(present, executions))

    def tag(self, name: str, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> Function:
        """Change a function's tags, also while an update is in progress."""

        def changed(present: Function) -> Function:
            tags = dict(change(present.tags))
            return present if tags == present.tags else dataclasses.replace(present, tags=tags)

        return self._amend(name, changed)

    def _amend(self, name: str, change: Callable[[Function], Function]) -> Function:
        """Change what a function has as a whole, under its number; `change` may be asked several times."""
        for _ in range(_ATTEMPTS):
            present = self._kept.get(Function, name)
            if present is None:
                raise NotFound("function", name, self._kept.names(Function))
            changed = change(present)
            if changed is present:
                return present
            with contextlib.suppress(_Changed):
                return self.put_reserved(changed, present)
        raise changed_meanwhile(name)

    def _room_for(self, function: Function) -> int | None:
        """Check what it reserves; the generation that this holds for, None where it reserves nothing."""
        executions = function.configuration.reserved_concurrency
        if executions is None:
            return None
        generation = self._kept.generation()
        concurrency.check_reserved(function.name, executions, self._lab.account())
        return generation

    def _put(
        self, function: Function, present: Function | None, *, at_generation: int | None = None
    ) -> Function:
        try:
            if present is None:
                return self._kept.put(function, at_generation=at_generation)
            return self._kept.put(
                function,
                expected_revision=present.revision_id,
                action="updated",
                at_generation=at_generation,
            )
        except Conflict as error:
            raise _Changed(error.message, place=error.place, hint=error.hint) from None

    def _came_about(self, function: Function) -> None:
        self._lab.reserve()
        self._lab.retire(function.name, version=LATEST)

    # -- preparing ------------------------------------------------------------------------------------

    def _prepared(self, function: Function) -> bool:
        return not function.takes_preparing or self._lab.backend.prepared(function)

    def _slowly(self, function: Function, present: Function | None, *, wait: bool) -> Function:
        lease = self._lease(function)
        try:
            if present is None:
                begun = self._put(
                    dataclasses.replace(function, status=FunctionStatus.PENDING, status_reason=CREATING),
                    None,
                )
            else:
                begun = self._put(
                    dataclasses.replace(
                        present, last_update_status="InProgress", last_update_reason=UPDATING
                    ),
                    present,
                )
        except BaseException:
            self._leases.release(lease)
            raise
        return self._begun(function, begun, lease, wait=wait)

    def _resume(self, present: Function, *, wait: bool) -> Function:
        """Prepare once more what is defined already: its creation failed, or nobody is at it any more."""
        lease = self._lease(present)
        try:
            begun = self._put(
                dataclasses.replace(present, status=FunctionStatus.PENDING, status_reason=CREATING), present
            )
        except BaseException:
            self._leases.release(lease)
            raise
        return self._begun(begun, begun, lease, wait=wait)

    def _lease(self, function: Function) -> Lease:
        name, owner = _lease_of(function.name), owners.this_process()
        lease = self._leases.acquire(name, owner, ttl_s=_TTL_S)
        if lease is None:
            holder = self._leases.holder(name)
            if holder is not None and owners.is_gone(holder.owner):
                self._leases.release(holder)
            lease = self._leases.acquire(name, owner, ttl_s=_TTL_S)
        if lease is None:
            raise _in_progress(function)
        return lease

    def _begun(self, function: Function, begun: Function, lease: Lease, *, wait: bool) -> Function:
        if wait:
            return self._prepare(function, begun, lease)

        def work() -> None:
            with contextlib.suppress(FaaslabError, OSError):  # it is kept with the function
                self._prepare(function, begun, lease)

        thread = threading.Thread(target=work, name="faaslab-prepare", daemon=True)
        with self._guard:
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(thread)
        thread.start()
        return begun

    def _prepare(self, function: Function, begun: Function, lease: Lease) -> Function:
        """The slow part, then the change that everybody sees."""
        with self._holding(lease):
            try:
                self._lab.backend.prepare(function)
            except BaseException as error:
                if not self._closing.is_set():
                    why = _why(error)
                    with contextlib.suppress(FaaslabError):
                        self._end(begun, lambda now: _failed(now, why))
                raise
            created = begun.status is FunctionStatus.PENDING
            written = self._end(begun, lambda now: _active(now) if created else _instead(function, now))
            self._came_about(written)
            return written

    def _end(self, begun: Function, change: Callable[[Function], Function]) -> Function:
        """Write what came of it; what was reserved meanwhile stays."""
        while True:
            now = self._kept.get(Function, begun.name)
            if now is None or now.definition != begun.definition:
                raise changed_meanwhile(begun.name)
            with contextlib.suppress(_Changed):
                return self._put(change(now), now)

    @contextlib.contextmanager
    def _holding(self, lease: Lease) -> Iterator[None]:
        over = threading.Event()

        def renew() -> None:
            while not over.wait(_TTL_S / 3):
                with contextlib.suppress(FaaslabError):
                    self._leases.renew(lease)

        thread = threading.Thread(target=renew, name="faaslab-update-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with contextlib.suppress(FaaslabError):
                self._leases.release(lease)

    def require_publishable(self, present: Function) -> None:
        """Raise `Conflict`, in Lambda's words, for a function that cannot be published as it is."""
        self.refuse_meanwhile(present)
        if present.status is FunctionStatus.FAILED:
            raise _not_now(present, hint="define it again")

    # -- states ---------------------------------------------------------------------------------------

    def refuse_meanwhile(self, present: Function) -> None:
        """Raise `Conflict`, in Lambda's words, while somebody is creating or updating the function."""
        pending = present.status is FunctionStatus.PENDING
        if (pending or present.last_update_status == "InProgress") and self._somebody_is_at(present):
            raise _not_now(present) if pending else _in_progress(present)

    def _somebody_is_at(self, function: Function) -> bool:
        holder = self._leases.holder(_lease_of(function.name))
        return holder is not None and not owners.is_gone(holder.owner)

    def runnable(self, function: Function) -> Function:
        """A function that is not Active, when it can run all the same; else `Conflict`, in Lambda's words."""
        if function.status is FunctionStatus.FAILED:
            why = (function.status_reason or "it could not be prepared").splitlines()[-1]
            raise _not_now(function, hint=f"{why.rstrip('.')}; define it again to try once more")
        present = self._kept.get(Function, function.name)
        if present is None or present.definition != function.definition:
            return function
        self.refuse_meanwhile(present)
        if present.status is FunctionStatus.PENDING:
            present = self._resume(present, wait=True)
        return (
            present if function.version == LATEST else dataclasses.replace(present, version=function.version)
        )

    def seen(self, function: Function) -> Function:
        """The present function with its state as it is at this moment."""
        if function.last_update_status == "InProgress" and not self._somebody_is_at(function):
            function = dataclasses.replace(function, last_update_status="Failed", last_update_reason=ENDED)
        if function.status is FunctionStatus.PENDING and not self._somebody_is_at(function):
            return dataclasses.replace(function, status=FunctionStatus.INACTIVE, status_reason=ENDED)
        if function.status is FunctionStatus.ACTIVE and not self._prepared(function):
            return dataclasses.replace(function, status=FunctionStatus.INACTIVE, status_reason=CLEANED)
        return function

    def stop(self) -> None:
        """What is being prepared in the background is left as it is; its state says so."""
        self._closing.set()

    def close(self) -> None:
        """Wait for the threads, whose installers the backend ended. May be called twice."""
        with self._guard:
            threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()


class _Changed(Conflict):
    """Somebody else wrote it between our look and our change: look again."""


def already_there(name: str) -> AlreadyExists:
    """What a name that is taken gets."""
    return AlreadyExists(f"a function is named {name!r} already", hint="update it, or choose another name")


def _why(error: BaseException) -> str:
    """What is kept of why it could not be prepared."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return error.message if isinstance(error, FaaslabError) else type(error).__name__


def _lease_of(name: str) -> str:
    return f"update:{name}"


def _in_progress(function: Function) -> Conflict:
    return Conflict(
        "The operation cannot be performed at this time. An update is in progress for resource: "
        f"{function.arn}",
        place="name",
        hint="try again when it is done; until then invocations run the old code",
    )


def _not_now(function: Function, hint: str = "try again when it is done") -> Conflict:
    return Conflict(
        "The operation cannot be performed at this time. The function is currently in the following state: "
        f"{function.status.capitalize()}",
        place="name",
        hint=hint,
    )


def _failed(now: Function, why: str) -> Function:
    if now.status is FunctionStatus.PENDING:
        return dataclasses.replace(now, status=FunctionStatus.FAILED, status_reason=why)
    return dataclasses.replace(now, last_update_status="Failed", last_update_reason=why)


def _active(now: Function) -> Function:
    return dataclasses.replace(now, status=FunctionStatus.ACTIVE, status_reason=None)


def _instead(function: Function, now: Function) -> Function:
    """The new definition in place of the old one, with what that has reserved now."""
    asked, before = function.configuration.reserved_concurrency, now.configuration.reserved_concurrency
    return definitions.with_reserved(function, asked if asked is not None else before)
