"""One event out of the queue: run, judged, recorded, and what follows queued, in one transaction.

Rule: an event leaves the queue in the transaction that records its execution. A process may die anywhere in
between: then the event is run again, as Lambda's queue does too.
"""

from __future__ import annotations

import dataclasses
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from faaslab.backends import asynchronous
from faaslab.backends.asynchronous import Discard, Requeue, Retry, Succeed
from faaslab.errors import Closed, FaaslabError, InvalidValue, NotFound, RecordRejected
from faaslab.lab.destinations import Destinations, dropped
from faaslab.model.asynchronous import QueuedEvent
from faaslab.model.execution import CANCELLED, Execution, ExecutionError, ExecutionStatus
from faaslab.model.function import LATEST, FunctionStatus
from faaslab.model.invocation import Invocation
from faaslab.model.json import from_json, to_json
from faaslab.store import Entry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.backends.asynchronous import Condition, Decision
    from faaslab.lab import Lab
    from faaslab.model.function import Function
    from faaslab.store import Claim

UNREADABLE = "unreadable"
"""The queue of events that were in a form which whoever claimed them could not read."""
_TOLD = 1_000
_ERROR_TYPES = {
    "RecursiveLoop": "RecursiveInvocationException",
    "FunctionNotFound": "ResourceNotFoundException",
}


def unreadable(body: Any) -> str | None:
    """Why an entry is no event that can be run here; None when it is one."""
    try:
        from_json(QueuedEvent, body)
    except InvalidValue as error:
        return f"this version of faaslab cannot read it: {error}"
    return None


class Ended(Protocol):
    """Is told that an attempt ended, or could not be made; `final` when no more will follow."""

    def __call__(self, identity: str, ended: Execution | Exception, *, final: bool) -> None:
        """`identity` is the request id."""


class QueuedEvents:
    """Works on claims of the queue of events; tells `ended` of each attempt for whoever waits."""

    def __init__(self, lab: Lab, destinations: Destinations, ended: Ended) -> None:
        self._lab = lab
        self._destinations = destinations
        self._ended = ended

    def run(self, claim: Claim) -> bool:
        """One attempt; False for what is none. Raises what the store raises; the claim is then still held."""
        try:
            event = from_json(QueuedEvent, claim.body)
        except InvalidValue:
            # Another version of faaslab wrote it, and one that can read it may come: it is kept as it is.
            self._lab.settle(claim, put=(Entry(queue=UNREADABLE, id=claim.id, body=claim.body),))
            return False
        attempt = _Attempt(self._lab, self._destinations, claim, event)
        attempt.run()
        if attempt.settled and attempt.ended is not None:
            self._ended(event.request_id, attempt.ended, final=attempt.final)
        return True


class _Attempt:
    """From a claim to what became of it."""

    def __init__(self, lab: Lab, destinations: Destinations, claim: Claim, event: QueuedEvent) -> None:
        self._lab = lab
        self._destinations = destinations
        self._claim = claim
        self._event = event
        self._config = lab.asynchronous.configs.effective(event.function, event.qualifier)
        self._recording = False
        self._function: Function | None = None
        self.ended: Execution | Exception | None = None
        self.settled = False
        self.final = False

    def run(self) -> None:
        event, lab = self._event, self._lab
        try:
            function, request = lab.functions.prepared(event.function, event.qualifier, **_asked(event))
        except NotFound:
            self._turn_away(Discard("FunctionNotFound"))
            return
        self._function = function
        request = dataclasses.replace(request, queued_at=event.waits_since)
        self._event = event = dataclasses.replace(event, invocation=request)
        refused = asynchronous.before_run(event, self._config, function, lab.clock.now())
        if refused is not None:
            self._turn_away(refused)
            return
        try:
            if function.source_path is not None and function.version == LATEST:
                function = lab.following.current(function)
            if function.status is not FunctionStatus.ACTIVE:
                function = lab.updates.runnable(function)
            lab.backend.invoke(function, event.payload.encode(), request=request, complete=self._complete)
        except Closed:
            raise
        except Exception as error:
            if self._recording:
                raise  # it ran, and could not be kept
            self._unable(error)

    def _complete(self, executions: Sequence[Execution]) -> None:
        """The record and what follows are written before the environment is free, as any record is."""
        self._recording = True
        self.ended = execution = executions[0]
        decision = self._decide(execution.status)
        if execution.error is not None and execution.error.type == CANCELLED:
            # Whoever ended it does not want it to begin again in a minute.
            decision = Discard("RetriesExhausted")
        try:
            self._carry_out(decision, execution)
        except RecordRejected as error:
            # It would be refused again and again, and the function would run each time.
            self._lab.store.reject("execution", str(error), repr(execution))
            self._carry_out(decision, execution, kept=False)

    def _decide(self, status: ExecutionStatus | None) -> Decision:
        reserved = None
        if status in (ExecutionStatus.THROTTLED, None):
            reserved = self._lab.store.definitions.reserved().get(self._event.function)
        return asynchronous.after_run(
            status, self._event, self._config, reserved=reserved, now=self._lab.clock.now()
        )

    def _unable(self, error: Exception) -> None:
        """It could not be run at all, which is no attempt: a runtime or a secret may still be found."""
        told = str(error) if isinstance(error, FaaslabError) else f"{type(error).__name__}: {error}"
        self._event = dataclasses.replace(self._event, last_error=told[:_TOLD])
        decision = self._decide(None)
        if isinstance(decision, Discard):
            self._turn_away(decision)
        else:
            self.ended = error
            self._carry_out(decision, None)

    def _turn_away(self, decision: Discard) -> None:
        """An end without a run, which the history tells as well."""
        self.ended = execution = _turned_away(self._lab, self._event, self._function, decision.condition)
        self._carry_out(decision, execution, ran=False)

    def _carry_out(
        self, decision: Decision, execution: Execution | None, *, ran: bool = True, kept: bool = True
    ) -> None:
        event, function, settle = self._event, self._function, self._lab.settle
        entities: list[Any] = [execution] if execution is not None and kept else []
        match decision:
            case Succeed():
                assert function is not None
                follows = self._destinations.of_success(event, self._config, function, execution)
            case Discard(condition):
                told = execution if ran else None
                follows = self._destinations.of_failure(event, self._config, function, condition, told)
                entities += dropped(event, condition, at=self._lab.clock.now())
            case Retry(delay_s):
                following = dataclasses.replace(self._put_back(), attempt=event.attempt + 1)
                again = dataclasses.replace(event, invocation=following, turned_away=0)
                again = dataclasses.replace(again, last_error=_failed_with(execution))
                self.settled = settle(self._claim, *entities, again_in_s=delay_s, body=to_json(again))
                return
            case Requeue(delay_s):
                why = event.last_error if execution is None else _failed_with(execution)
                again = dataclasses.replace(event, turned_away=event.turned_away + 1, last_error=why)
                again = dataclasses.replace(again, invocation=self._put_back())
                self.settled = settle(self._claim, *entities, again_in_s=delay_s, body=to_json(again))
                return
        self.final = True
        self.settled = settle(self._claim, *entities, *follows.records, put=follows.entries)

    def _put_back(self) -> Invocation:
        """What is asked next time, which waits from now on."""
        return dataclasses.replace(self._event.invocation, queued_at=self._lab.clock.now())


def _failed_with(execution: Execution | None) -> str | None:
    """What an attempt failed with, for whoever looks at the queue."""
    error = None if execution is None else execution.error
    if error is None:
        return None
    return f"{error.type}: {error.message}"[:_TOLD] if error.type else error.message[:_TOLD]


def _asked(event: QueuedEvent) -> dict[str, Any]:
    """What was asked of its invocation, but for the qualifier, which is looked up for every attempt."""
    fields = {field.name: getattr(event.invocation, field.name) for field in dataclasses.fields(Invocation)}
    return {name: value for name, value in fields.items() if name not in ("qualifier", "queued_at")}


def _turned_away(lab: Lab, event: QueuedEvent, function: Function | None, condition: Condition) -> Execution:
    now = lab.clock.now()
    message = asynchronous.why(condition, event)
    kind = _ERROR_TYPES.get(condition, condition)
    known: dict[str, Any] = {}
    if function is not None:
        configuration = function.configuration
        known = {
            "version": function.version,
            "definition": function.definition,
            "region": function.region,
            "architecture": function.architecture.value,
            "runtime": function.runtime,
            "memory_mb": configuration.memory_mb,
            "timeout_s": float(configuration.timeout_s),
            "code_sha256": function.code_sha256 or None,
        }
    with suppress(UnicodeEncodeError):
        known["payload_body"] = event.payload.encode()
    return Execution(
        id=os.urandom(16).hex(),
        function=event.function,
        request_id=event.request_id,
        qualifier=event.qualifier,
        status=ExecutionStatus.THROTTLED,
        invocation_type="Event",
        trigger=event.invocation.trigger,
        queued_at=event.waits_since,
        started_at=now,
        ended_at=now,
        attempt=event.attempt,
        replay_of=event.invocation.replay_of,
        batch_id=event.invocation.batch_id,
        trace_id=event.trace_id,
        error=ExecutionError(type=kind, message=message, request_id=event.request_id),
        **known,
    )
