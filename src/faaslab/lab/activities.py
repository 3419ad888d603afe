"""`lab.workflows.activities`: tasks that workers ask for, in whatever process, Python callables among them.

Rule: a task waits in the store's queue until a worker takes it; a worker of this very process is handed it at
once. What a worker has taken and never answers is for the state's timeouts, as on AWS; only what the workers
of a process had, that are Python callables, is handed out anew when that process has ended.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import threading
import time
import traceback
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from faaslab.errors import AlreadyExists, Closed, FaaslabError, InvalidValue, NotFound
from faaslab.lab import owners, workflow_definitions, workflow_names
from faaslab.lab.tasks import values
from faaslab.lab.workflow_names import coded
from faaslab.model.workflow import Activity
from faaslab.workflow.effects import Begun, Failed, Heartbeat, Succeeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from faaslab.lab import Lab
    from faaslab.model.workflow import WorkflowExecution
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
        self._workers: dict[str, _Worker] = {}
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
        activity = self.get(name)
        deadline = time.monotonic() + timeout_s
        while not self._closed and not self._lab.closed:
            task = self._taken(activity, worker)
            if task is not None:
                return task
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            with self._come:
                self._come.wait(min(left, _LOOK_S))
        return None

    def _taken(self, activity: Activity, worker: str | None) -> ActivityTask | None:
        queue = self._lab.store.queue
        if not queue.exists() or queue.next_due(_queue(activity.name)) is None:
            return None
        for claim in queue.claim(_queue(activity.name), self._me, ttl_s=_HELD_S):
            body = claim.body
            if not isinstance(body, dict) or not isinstance(body.get("token"), str):
                queue.done(claim)
                continue
            token, text = body["token"], str(body.get("input", "{}"))
            # Whether it is still wanted: an execution that has ended has no such token any more.
            # One that was begun by a process that is gone goes on, and does not begin once more.
            begun = body.get("begun") is True
            there = self.answer(token, Heartbeat if begun else functools.partial(Begun, worker=worker))
            queue.done(claim)
            if there:
                return ActivityTask(token=token, input=text, activity=activity.name)
        return None

    # -- workers in this process

    def work(self, name: str, callable_: Callable[[Any], Any], *, at_once: int = 8) -> Activity:
        """Have a Python callable do the tasks of an activity, which is made when there is none.

        It gets the task's input as a Python value, in a thread, `at_once` of them; what it returns is the
        result, what it raises the error, by the name of its class. Until this lab is closed, or another
        callable takes its place.
        """
        if not callable(callable_):
            raise InvalidValue(f"a {type(callable_).__name__} cannot be called", place="callable")
        if at_once not in range(1, 1001):
            raise InvalidValue(f"{at_once!r} is not a number from 1 to 1000", place="at_once")
        activity = self.create(workflow_names.activity(name))
        worker = _Worker(self, activity.name, callable_, at_once)
        with self._guard:
            if self._closed:
                raise Closed("this lab is closed", hint="open another: faaslab.open()")
            before = self._workers.get(activity.name)
            self._workers[activity.name] = worker
        if before is not None:
            before.retire(worker)
        worker.begin()
        return activity

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
        worker = self._workers.get(name)
        if worker is not None:
            if begun is None:
                answer(Begun(call.key, _OURS + name))
            worker.do(call, execution.id, answer)
            return
        body = {"token": call.token, "input": values.text(call.parameters), "begun": begun is not None}
        with contextlib.suppress(AlreadyExists):
            self._lab.store.queue.put(_queue(name), body, id=_entry(execution.id, call.key))
        with self._come:
            self._come.notify_all()

    def forget(self, key: str, execution_id: str) -> None:
        """Nobody waits for that task any more."""
        entry = _entry(execution_id, key)
        if self._lab.store.queue.find(entry) is not None:
            self._lab.store.queue.remove(entry)

    def answer(self, token: str, make: Callable[[str], Signal]) -> bool:
        """Say what came of a task to whoever waits for it."""
        return self._lab.workflows.runs.answer(token, make)

    def close(self) -> None:
        """End the workers of this process; those that run are waited for."""
        with self._come:
            self._closed = True
            workers, self._workers = list(self._workers.values()), {}
            self._come.notify_all()
        for worker in workers:
            worker.close()


class _Worker:
    """A Python callable that does the tasks of one activity."""

    def __init__(
        self, activities: Activities, name: str, callable_: Callable[[Any], Any], at_once: int
    ) -> None:
        self._activities = activities
        self._name = name
        self._callable = callable_
        self._closed = self._retired = False
        self._heir: _Worker | None = None
        self._guard = threading.Lock()
        self._waiting: deque[tuple[Any, _Answer]] = deque()
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=f"faaslab-activity-{name}")
        self._thread = threading.Thread(target=self._ask, name=f"faaslab-activity-{name}", daemon=True)

    def begin(self) -> None:
        """Take what waits already, and what other processes put there."""
        self._thread.start()

    def do(self, call: Call, execution_id: str, answer: Callable[[Signal], None]) -> None:
        """Do a task of an execution of this process."""
        del execution_id
        self.take(call.parameters, lambda make: answer(make(call.key)))

    def take(self, value: Any, answer: _Answer) -> None:
        """Do a task, once a thread is free; or have it done by who took this one's place."""
        with self._guard:
            heir = self._heir
            if heir is None:
                self._waiting.append((value, answer))
        if heir is not None:
            heir.take(value, answer)
            return
        try:
            self._pool.submit(self._next)
        except RuntimeError:
            # Of a lab that is closed it is handed out anew with the execution.
            if self._retired:
                self._next()

    def _ask(self) -> None:
        while not self._closed and not self._retired:
            try:
                task = self._activities.get_task(self._name, worker=_OURS + self._name, timeout_s=1.0)
            except Closed:
                return
            except FaaslabError:
                time.sleep(_LOOK_S)
                continue
            if task is not None:
                self.take(task.value, functools.partial(self._answer, task.token))

    def _answer(self, token: str, make: Callable[[str], Signal]) -> None:
        with contextlib.suppress(FaaslabError):
            self._activities.answer(token, make)

    def _next(self) -> None:
        with self._guard:
            if self._closed or not self._waiting:
                return
            value, answer = self._waiting.popleft()
        try:
            output = values.plain(self._callable(value))
        except BaseException as error:  # noqa: BLE001 -- whatever ends the user's code is the task's failure
            name, cause = type(error).__name__, _cause(error)
            answer(lambda key: Failed(key, name, cause))
        else:
            answer(lambda key: Succeeded(key, output))

    def retire(self, heir: _Worker | None) -> None:
        """Ask for no more; what waits is done by `heir`, or still by this one. Returns at once."""
        self._retired = True
        if heir is not None:
            with self._guard:
                self._heir = heir
                left, self._waiting = self._waiting, deque()
            for value, answer in left:
                heir.take(value, answer)
        self._pool.shutdown(wait=False)

    def close(self) -> None:
        """End; what runs is waited for, what waits is handed out anew."""
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()


def _cause(error: BaseException) -> str:
    """The error as a Python function of Lambda would tell it, whatever its class makes of its text."""
    name = type(error).__name__
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 -- see above
        message = f"<unprintable {name}>"
    frames = traceback.extract_tb(error.__traceback__)[1:]
    return values.text(
        {"errorMessage": message, "errorType": name, "stackTrace": traceback.format_list(frames)}
    )


def _queue(name: str) -> str:
    return f"activity:{name}"


def _entry(execution_id: str, key: str) -> str:
    return f"{execution_id} {key}"
