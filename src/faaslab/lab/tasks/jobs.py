"""Tasks that start a job of a service and wait for its end: `.sync` of Glue, Batch, CodeBuild, ECS, Athena.

Rule: one thread asks after all jobs that are waited for, however many there are. What the service says of a
job at its end is the result, or the cause of States.TaskFailed. A job that its execution waits for no more
(it was stopped, the state timed out, another branch failed) is stopped at its service; one whose execution
went to another process is not.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.errors import Closed, FaaslabError, InvalidValue
from faaslab.lab.tasks import values
from faaslab.lab.tasks.resources import Resource, service
from faaslab.workflow.effects import Call, Failed, Signal, Submitted, Succeeded
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab
    from faaslab.lab.tasks.services import ServiceTasks
    from faaslab.lab.tasks.workers import Workers
    from faaslab.model.workflow import WorkflowExecution

LOOK_S = 1.0
_WHY = "the execution of its workflow does not wait for it any more"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one asks after a job: with what, where it is in the answer, how it has ended; how it is stopped."""

    action: str
    asked: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    found: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    status: Callable[[Mapping[str, Any]], str]
    good: tuple[str, ...]
    bad: tuple[str, ...]
    stop: str
    stopped: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]


def _exit_codes(job: Mapping[str, Any]) -> str:
    """A task of ECS has stopped well when all its containers have."""
    if job.get("LastStatus") != "STOPPED":
        return str(job.get("LastStatus"))
    codes = [container.get("ExitCode") for container in job.get("Containers") or ()]
    return "STOPPED" if all(code in (0, None) for code in codes) else "FAILED"


KINDS: Mapping[tuple[str, str], _Kind] = {
    ("glue", "startJobRun"): _Kind(
        "getJobRun",
        lambda given, told: {"JobName": given["JobName"], "RunId": told["JobRunId"]},
        lambda answer: answer["JobRun"],
        lambda job: job["JobRunState"],
        ("SUCCEEDED",),
        ("FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"),
        "batchStopJobRun",
        lambda given, told: {"JobName": given["JobName"], "JobRunIds": [told["JobRunId"]]},
    ),
    ("batch", "submitJob"): _Kind(
        "describeJobs",
        lambda given, told: {"Jobs": [told["JobId"]]},  # noqa: ARG005
        lambda answer: answer["Jobs"][0],
        lambda job: job["Status"],
        ("SUCCEEDED",),
        ("FAILED",),
        "terminateJob",
        lambda given, told: {"JobId": told["JobId"], "Reason": _WHY},  # noqa: ARG005
    ),
    ("codebuild", "startBuild"): _Kind(
        "batchGetBuilds",
        lambda given, told: {"Ids": [told["Build"]["Id"]]},  # noqa: ARG005
        lambda answer: answer["Builds"][0],
        lambda job: job["BuildStatus"],
        ("SUCCEEDED",),
        ("FAILED", "FAULT", "TIMED_OUT", "STOPPED"),
        "stopBuild",
        lambda given, told: {"Id": told["Build"]["Id"]},  # noqa: ARG005
    ),
    ("ecs", "runTask"): _Kind(
        "describeTasks",
        lambda given, told: {
            "Cluster": given.get("Cluster", "default"),
            "Tasks": [told["Tasks"][0]["TaskArn"]],
        },
        lambda answer: answer["Tasks"][0],
        _exit_codes,
        ("STOPPED",),
        ("FAILED",),
        "stopTask",
        lambda given, told: {
            "Cluster": given.get("Cluster", "default"),
            "Task": told["Tasks"][0]["TaskArn"],
            "Reason": _WHY,
        },
    ),
    ("athena", "startQueryExecution"): _Kind(
        "getQueryExecution",
        lambda given, told: {"QueryExecutionId": told["QueryExecutionId"]},  # noqa: ARG005
        lambda answer: answer,
        lambda job: job["QueryExecution"]["Status"]["State"],
        ("SUCCEEDED",),
        ("FAILED", "CANCELLED"),
        "stopQueryExecution",
        lambda given, told: {"QueryExecutionId": told["QueryExecutionId"]},  # noqa: ARG005
    ),
}
"""(service, action) of a job that can be waited for -> how that is done."""


def not_here(resource: str) -> str | None:
    """Why the job of a Task's `.sync` has no end on this machine, and what to use; None where it has one."""
    named = service(resource)
    if not named.pattern.startswith("sync") or (named.service, named.action) in (*KINDS, _WORKFLOW):
        return None
    known = ", ".join(sorted(":".join(each) for each in (*KINDS, _WORKFLOW)))
    return (
        f"{resource} cannot be waited for on this machine: nothing here does the work of {named.service}, so "
        "the job would never end. Have a function do it (lambda:invoke.waitForTaskToken), or a worker of "
        "yours (an activity), give the state a mock in TestState, or run the workflow on AWS. "
        f"With .sync there are here: {known}."
    )


_WORKFLOW = ("states", "startExecution")


class JobTasks:
    """Jobs that executions of this process wait for."""

    def __init__(self, lab: Lab, workers: Workers, services: ServiceTasks) -> None:
        self._lab = lab
        self._workers = workers
        self._services = services
        self._guard = threading.Lock()
        self._closing = threading.Event()
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._thread: threading.Thread | None = None

    def start(
        self,
        call: Call,
        resource: Resource,
        execution: WorkflowExecution,
        told: Sequence[Signal],
        answer: Callable[[Signal], None],
    ) -> None:
        """Start the job, or look after the one that was started before."""
        job = _Job(call, resource, execution, answer)
        submitted = next((signal for signal in told if isinstance(signal, Submitted)), None)
        if submitted is not None:
            self._look_after(job, submitted.output)
        else:
            with self._guard:
                self._jobs[job.place] = job
            self._workers.submit(resource.service, job.place, self._start, job)

    def _start(self, job: _Job) -> None:
        started = Resource(job.resource.service, job.resource.action)
        try:
            output = self._services.asked(started, job.call.parameters, job.execution)
        except Closed:
            return  # whoever takes the execution up starts it again
        except sdk_calls.Failed as failed:
            self._not_started(job, failed.error, failed.cause)
        except InvalidValue as error:
            self._not_started(job, RUNTIME, values.not_started(job.call.parameters, error.message))
        except Exception as error:  # noqa: BLE001 -- an execution that is never answered would hang
            self._not_started(job, RUNTIME, f"{type(error).__name__}: {error}")
        else:
            job.answer(Submitted(job.call.key, output))
            self._look_after(job, output)

    def _not_started(self, job: _Job, error: str, cause: str) -> None:
        with self._guard:
            self._jobs.pop(job.place, None)
        job.answer(Failed(job.call.key, error, cause))

    def _look_after(self, job: _Job, output: Mapping[str, Any]) -> None:
        with self._guard:
            job.output = output
            if job.forgotten:  # while it was being started
                self._workers.submit(job.resource.service, object(), self._stop, job)
                return
            self._jobs[job.place] = job
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._look, name="faaslab-jobs", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while not self._closing.is_set():
            with self._guard:
                jobs = {place: job for place, job in self._jobs.items() if job.output is not None}
                if not jobs:
                    self._thread = None
                    return
            for place, job in jobs.items():
                signal = self._seen(job)
                if signal is None:
                    continue
                with self._guard:
                    self._jobs.pop(place, None)
                job.answer(signal)
            self._lab.clock.wait(self._closing, LOOK_S)

    def _seen(self, job: _Job) -> Signal | None:
        """What came of a job; None while it runs, and while its service does not answer."""
        kind, key = KINDS[job.resource.service, job.resource.action], job.call.key
        asked = Resource(job.resource.service, kind.action, sdk=True)
        try:
            given = kind.asked(job.call.parameters, job.output or {})
            found = kind.found(self._services.asked(asked, given, job.execution))
            status = kind.status(found)
        except sdk_calls.Failed as failed:
            return Failed(key, failed.error, failed.cause)
        except (LookupError, TypeError, AttributeError) as error:
            return Failed(key, RUNTIME, f"the job cannot be found any more: {type(error).__name__}: {error}")
        except FaaslabError:
            return None
        if status in kind.good:
            return Succeeded(key, found)
        return Failed(key, "States.TaskFailed", values.text(found)) if status in kind.bad else None

    def forget(self, key: str, execution_id: str) -> None:
        """Nobody waits for that job any more: it is stopped."""
        with self._guard:
            job = self._jobs.pop((execution_id, key), None)
            if job is None:
                return
            job.forgotten = True
            if job.output is not None:
                with contextlib.suppress(Closed):
                    self._workers.submit(job.resource.service, object(), self._stop, job)

    def _stop(self, job: _Job) -> None:
        """Stop it at its service, unless another process waits for it; what cannot be goes on to its end."""
        kind = KINDS[job.resource.service, job.resource.action]
        with contextlib.suppress(FaaslabError, sdk_calls.Failed, LookupError, TypeError, AttributeError):
            if self._went_on(job.execution.id):
                return
            given = kind.stopped(job.call.parameters, job.output or {})
            self._services.asked(Resource(job.resource.service, kind.stop, sdk=True), given, job.execution)

    def _went_on(self, execution_id: str) -> bool:
        """Whether the execution runs, and not in this process any more."""
        found = self._lab.store.workflows.find(execution_id)
        running = found is not None and found.ended_at is None
        return running and not self._lab.workflows.runs.is_here(execution_id)

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            with contextlib.suppress(RuntimeError):
                thread.join()


class _Job:
    """A job that was started, or is about to be."""

    __slots__ = ("answer", "call", "execution", "forgotten", "output", "resource")

    def __init__(
        self,
        call: Call,
        resource: Resource,
        execution: WorkflowExecution,
        answer: Callable[[Signal], None],
    ) -> None:
        self.call = call
        self.resource = resource
        self.execution = execution
        self.answer = answer
        self.output: Mapping[str, Any] | None = None
        """What starting it gave; None until then."""
        self.forgotten = False

    @property
    def place(self) -> tuple[str, str]:
        """By which it is found."""
        return self.execution.id, self.call.key
