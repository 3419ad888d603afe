"""Tasks that start a job of a service and wait for its end: `.sync` of Glue, Batch, CodeBuild, ECS, Athena.

Rule: one thread asks after all jobs that are waited for, however many there are. What the service says of a
job at its end is the result, or the cause of States.TaskFailed.
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
from faaslab.lab.tasks.resources import Resource
from faaslab.workflow.effects import Call, Failed, Signal, Submitted, Succeeded
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab import Lab
    from faaslab.lab.tasks.services import ServiceTasks
    from faaslab.lab.tasks.workers import Workers
    from faaslab.model.workflow import WorkflowExecution

LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one asks after a job: with what, where the job is in the answer, and how it has ended."""

    action: str
    asked: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
    found: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    status: Callable[[Mapping[str, Any]], str]
    good: tuple[str, ...]
    bad: tuple[str, ...]


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
    ),
    ("batch", "submitJob"): _Kind(
        "describeJobs",
        lambda given, told: {"Jobs": [told["JobId"]]},  # noqa: ARG005
        lambda answer: answer["Jobs"][0],
        lambda job: job["Status"],
        ("SUCCEEDED",),
        ("FAILED",),
    ),
    ("codebuild", "startBuild"): _Kind(
        "batchGetBuilds",
        lambda given, told: {"Ids": [told["Build"]["Id"]]},  # noqa: ARG005
        lambda answer: answer["Builds"][0],
        lambda job: job["BuildStatus"],
        ("SUCCEEDED",),
        ("FAILED", "FAULT", "TIMED_OUT", "STOPPED"),
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
    ),
    ("athena", "startQueryExecution"): _Kind(
        "getQueryExecution",
        lambda given, told: {"QueryExecutionId": told["QueryExecutionId"]},  # noqa: ARG005
        lambda answer: answer,
        lambda job: job["QueryExecution"]["Status"]["State"],
        ("SUCCEEDED",),
        ("FAILED", "CANCELLED"),
    ),
}
"""(service, action) of a job that can be waited for -> how that is done."""


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
            self._workers.submit(self._start, job)

    def _start(self, job: _Job) -> None:
        started = Resource(job.resource.service, job.resource.action)
        try:
            output = self._services.asked(started, job.call.parameters, job.execution)
        except Closed:
            return  # whoever takes the execution up starts it again
        except sdk_calls.Failed as failed:
            job.answer(Failed(job.call.key, failed.error, failed.cause))
        except InvalidValue as error:
            job.answer(Failed(job.call.key, RUNTIME, values.not_started(job.call.parameters, error.message)))
        except Exception as error:  # noqa: BLE001 -- an execution that is never answered would hang
            job.answer(Failed(job.call.key, RUNTIME, f"{type(error).__name__}: {error}"))
        else:
            job.answer(Submitted(job.call.key, output))
            self._look_after(job, output)

    def _look_after(self, job: _Job, output: Mapping[str, Any]) -> None:
        job.output = output
        with self._guard:
            self._jobs[job.execution.id, job.call.key] = job
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._look, name="faaslab-jobs", daemon=True)
                self._thread.start()

    def _look(self) -> None:
        while not self._closing.is_set():
            with self._guard:
                jobs = dict(self._jobs)
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
            given = kind.asked(job.call.parameters, job.output)
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
        """Nobody waits for that job any more."""
        with self._guard:
            self._jobs.pop((execution_id, key), None)

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            with contextlib.suppress(RuntimeError):
                thread.join()


class _Job:
    """A job that was started, or is about to be."""

    __slots__ = ("answer", "call", "execution", "output", "resource")

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
        self.output: Mapping[str, Any] = {}
