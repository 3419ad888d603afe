"""`lab.workflows.activities`: tasks that workers ask for, in whatever process, Python callables among them.

Rule: a task waits in the store's queue until a worker takes it; a worker of this very process is handed it at
once. What a worker has taken and never answers is for the state's timeouts, as on AWS. Python callables hold
their tasks in the queue until they are answered: what those of a process had is handed out anew when that
process has ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
import time
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Closed, FaaslabError, InvalidValue, NotFound
from faaslab.lab import owners, workflow_definitions, workflow_names
from faaslab.lab.callables import DRAIN_S, CallableWorker, Handed
from faaslab.lab.tasks import values
from faaslab.lab.workflow_names import coded
from faaslab.model.workflow import Activity
from faaslab.workflow.effects import Begun, Failed, Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.store.queue import Claim
    from faaslab.workflow.effects import Call, Signal

    _Answer = Callable[[Callable[[str], Signal]], Any]

POLL_S = 60.0
"""So long GetActivityTask waits for a task."""
_LOOK_S = 0.25
_HELD_S = 60.0
_OURS = "faaslab/"
"""What the names of workers that are Python callables begin with."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ActivityTask:
    """What a worker got: `token` names it in the answer, `input` is its JSON text."""

    token: str
    input: str
    activity: str

    @property
    def value(self) -> Any:
        """The input as a Python value."""
        return values.parsed(self.input)


class Activities:
    """The activities of a lab, which may be given by name or ARN."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._kept = lab.store.definitions
        self._guard = threading.Lock()
        self._come = threading.Condition(self._guard)
        self._workers: dict[str, CallableWorker] = {}
        self._looked: dict[str, float] = {}
        self._given: dict[str, Handed] = {}
        self._me = owners.this_process()
        self._closed = False

    # -- what there is

    def create(
        self,
        name: str,
        *,
        tags: Mapping[str, str] | None = None,
        encryption: Mapping[str, Any] | None = None,
    ) -> Activity:
        """An activity of that name; the one that is there already (CreateActivity)."""
        workflow_names.checked(name, what="activity")
        made = Activity(
            id=workflow_names.activity_arn(name, self._lab.region),
            name=name,
            tags=workflow_definitions.tags_of(tags),
            encryption=None if encryption is None else dict(encryption),
            created_at=self._lab.clock.now(),
        )
        try:
            return self._kept.put(made)
        except AlreadyExists:
            return self.get(name)

    def get(self, name: str) -> Activity:
        """An activity; `NotFound` with the nearest."""
        wanted = workflow_names.activity(name)
        found = self._kept.get(Activity, wanted)
        if found is None:
            raise coded(NotFound("activity", wanted, self._kept.names(Activity)), "ActivityDoesNotExist")
        return found

    def list(self) -> tuple[Activity, ...]:
        """All activities, by name."""
        return self._kept.list(Activity)

    def tag(self, name: str, tags: Mapping[str, str], *, remove: Sequence[str] = ()) -> Activity:
        """Lay `tags` over those of an activity, and take some away."""
        present = self.get(name)
        left = {key: value for key, value in present.tags.items() if key not in remove}
        made = dataclasses.replace(present, tags=workflow_definitions.tags_of({**left, **tags}))
        return self._kept.put(made, action="updated", expected_revision=present.revision_id)

    def delete(self, name: str) -> None:
        """Delete an activity; its worker in this process ends. One that is not there is no error."""
        wanted = workflow_names.activity(name)
        with self._guard:
            worker = self._workers.pop(wanted, None)
        if worker is not None:
            worker.retire(None)
        with contextlib.suppress(NotFound):
            self._kept.delete(Activity, wanted)

    # -- workers anywhere

    def get_task(
        self, name: str, *, worker: str | None = None, timeout_s: float = POLL_S
    ) -> ActivityTask | None:
        """The oldest task that waits for a worker; None when none came in `timeout_s` (GetActivityTask)."""
        found = self._asked(name, worker, timeout_s)
        if found is None:
            return None
        task, claim = found
        self._lab.store.queue.done(claim)
        return task

    def _asked(self, name: str, worker: str | None, timeout_s: float) -> tuple[ActivityTask, Claim] | None:
        activity = self.get(name)
        deadline = time.monotonic() + timeout_s
        looks = True  # whatever others have seen: it may be told not to wait
        while not self._closed and not self._lab.closed:
            found = self._taken(activity, worker) if looks else None
            if found is not None:
                self._looked.pop(activity.name, None)  # there may be more
                return found
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            with self._come:
                self._come.wait(min(left, _LOOK_S))
                looks = self._has_to_look(activity.name)
        return None

    def _has_to_look(self, name: str) -> bool:
        """Whether it is time for a look at the queue of an activity: of all that wait for it one looks."""
        now = time.monotonic()
        if now - self._looked.get(name, float("-inf")) < _LOOK_S:
            return False
        self._looked[name] = now
        return True

    def _taken(self, activity: Activity, worker: str | None) -> tuple[ActivityTask, Claim] | None:
        """The oldest task that nobody has; the worker holds the claim of it."""
        queue, name = self._lab.store.queue, _queue(activity.name)
        due = queue.next_due(name) if queue.exists() else None
        if due is None or (due > self._lab.clock.now() and not self._given_back(name)):
            return None
        for claim in queue.claim(name, self._me, ttl_s=_HELD_S):
            body = claim.body
            if not isinstance(body, dict) or not isinstance(body.get("token"), str):
                queue.done(claim)
                continue
            token, text = body["token"], str(body.get("input", "{}"))
            # Whether it is still wanted: an execution that has ended has no such token any more.
            # One that was begun by a process that is gone goes on, and does not begin once more.
            begun = body.get("begun") is True or claim.attempt > 1
            there = self.answer(token, Heartbeat if begun else functools.partial(Begun, worker=worker))
            if there:
                return ActivityTask(token=token, input=text, activity=activity.name), claim
            queue.done(claim)
        return None

    def _given_back(self, name: str) -> int:
        """How many tasks are free again, as the processes whose callables had them have ended."""
        queue = self._lab.store.queue
        holders = {each.owner for each in queue.waiting(name) if each.owner not in (None, self._me)}
        return sum(queue.take_from(holder) for holder in holders if holder and owners.is_gone(holder))

    # -- workers in this process

    def work(self, name: str, callable_: Callable[[Any], Any], *, at_once: int = 8) -> Activity:
        """Have a Python callable do the tasks of an activity, which is made when there is none.

        It gets the task's input as a Python value, in a thread, `at_once` of them; what it returns is the
        result, what it raises the error, by the name of its class. Until this lab is closed, or another
        callable takes its place. While it runs its heartbeats are sent for it: what runs too long is for the
        state's TimeoutSeconds. Nothing can stop a callable: one that runs when the lab is closed is waited
        for two seconds, and runs on in its thread; its task is handed out anew.
        """
        if not callable(callable_):
            raise InvalidValue(f"a {type(callable_).__name__} cannot be called", place="callable")
        if at_once not in range(1, 1001):
            raise InvalidValue(f"{at_once!r} is not a number from 1 to 1000", place="at_once")
        activity = self.create(workflow_names.activity(name))
        worker = CallableWorker(
            activity.name, callable_, at_once, functools.partial(self._handed, activity.name)
        )
        with self._guard:
            if self._closed:
                raise Closed("this lab is closed", hint="open another: faaslab.open()")
            before = self._workers.get(activity.name)
            self._workers[activity.name] = worker
        if before is not None:
            before.retire(worker)
        worker.begin()
        self._lab.orphans.resume()
        return activity

    def _handed(self, name: str) -> Handed | None:
        """A task out of the queue, for a callable of this process."""
        found = self._asked(name, _OURS + name, 1.0)
        if found is None:
            return None
        task, claim = found
        queue = self._lab.store.queue

        def answer(make: Callable[[str], Signal]) -> None:
            self.answer(task.token, make)
            queue.done(claim)

        return Handed(
            lambda: task.value,
            answer,
            functools.partial(queue.release, claim),
            functools.partial(queue.renew, claim, ttl_s=_HELD_S),
            beat=functools.partial(self.answer, task.token, Heartbeat),
            heartbeat_s=claim.body.get("heartbeat"),
        )

    # -- for the carrier

    def carry(
        self,
        call: Call,
        execution: WorkflowExecution,
        told: Sequence[Signal],
        answer: Callable[[Signal], None],
    ) -> None:
        """Hand a task out: to the worker of this process, else into the queue."""
        name = workflow_names.activity(call.resource)
        if self._kept.get(Activity, name) is None:
            message = f"Activity Does Not Exist: '{call.resource}'"
            answer(Failed(call.key, "ActivityDoesNotExist", message, phase="schedule"))
            return
        begun = next((signal for signal in told if isinstance(signal, Begun)), None)
        if begun is not None and not (begun.worker or "").startswith(_OURS):
            return  # a worker elsewhere has it
        if begun is not None and self._lab.store.queue.find(_entry(execution.id, call.key)) is not None:
            return  # a callable has it, in whatever process, or whoever asks next
        worker = self._workers.get(name)
        if worker is not None:
            if begun is None:
                answer(Begun(call.key, _OURS + name))
            put = functools.partial(self._put, name, call, execution.id, begun=True)
            handed = Handed(
                lambda: call.parameters,
                functools.partial(self._done, call, execution.id, answer),
                put,
                beat=lambda: answer(Heartbeat(call.key)),
                heartbeat_s=call.heartbeat_s,
            )
            self._given[_entry(execution.id, call.key)] = handed
            if not worker.do(handed):
                put()
            return
        self._put(name, call, execution.id, begun=begun is not None)

    def _done(
        self,
        call: Call,
        execution_id: str,
        answer: Callable[[Signal], None],
        make: Callable[[str], Signal],
    ) -> None:
        answer(make(call.key))
        self._given.pop(_entry(execution_id, call.key), None)

    def _put(self, name: str, call: Call, execution_id: str, *, begun: bool) -> None:
        """Let whoever asks for it have a task."""
        body: dict[str, Any] = {
            "token": call.token,
            "input": values.text(call.parameters),
            "begun": begun,
        }
        if call.heartbeat_s is not None:
            body["heartbeat"] = call.heartbeat_s
        with contextlib.suppress(AlreadyExists):
            self._lab.store.queue.put(_queue(name), body, id=_entry(execution_id, call.key))
        with self._come:
            self._looked.pop(name, None)
            self._come.notify_all()

    def forget(self, key: str, execution_id: str) -> None:
        """Nobody waits for that task any more."""
        entry = _entry(execution_id, key)
        handed = self._given.pop(entry, None)
        if handed is not None:
            handed.is_wanted = False  # it does not begin
        if self._lab.store.queue.find(entry) is not None:
            self._lab.store.queue.remove(entry)

    def answer(self, token: str, make: Callable[[str], Signal]) -> bool:
        """Say what came of a task to whoever waits for it."""
        return self._lab.workflows.runs.answer(token, make)

    def close(self) -> None:
        """End the workers of this process; what runs is waited for a moment, then it is for others."""
        with self._come:
            self._closed = True
            workers, self._workers = list(self._workers.values()), {}
            self._come.notify_all()
        left = [task for worker in workers for task in worker.close()]
        until = time.monotonic() + DRAIN_S
        left += [task for worker in workers for task in worker.drain(until)]
        for task in left:
            if task.renew is not None:  # what is of this lab's executions is handed out anew with them
                with contextlib.suppress(FaaslabError):
                    task.give_back()


def _queue(name: str) -> str:
    return f"activity:{name}"


def _entry(execution_id: str, key: str) -> str:
    return f"{execution_id} {key}"
