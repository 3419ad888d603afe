"""Jobs that are waited for are stopped at their service when nobody waits for them any more."""

import threading
from datetime import datetime
from types import SimpleNamespace

import pytest

from faaslab.clock import SYSTEM
from faaslab.cloud import sdk_calls
from faaslab.lab.tasks.jobs import KINDS, JobTasks
from faaslab.lab.tasks.resources import Resource
from faaslab.lab.tasks.workers import Workers
from faaslab.model.workflow import WorkflowExecution
from faaslab.workflow.effects import Call, Submitted

STARTED = {
    "glue": {"JobRunId": "r"},
    "batch": {"JobId": "j"},
    "codebuild": {"Build": {"Id": "b"}},
    "ecs": {"Tasks": [{"TaskArn": "t"}]},
    "athena": {"QueryExecutionId": "q"},
}
STOPPED = {
    "glue": ("batchStopJobRun", {"JobName": "n", "JobRunIds": ["r"]}),
    "batch": ("terminateJob", {"JobId": "j"}),
    "codebuild": ("stopBuild", {"Id": "b"}),
    "ecs": ("stopTask", {"Cluster": "default", "Task": "t"}),
    "athena": ("stopQueryExecution", {"QueryExecutionId": "q"}),
}
RUNNING = {
    "JobRun": {"JobRunState": "RUNNING"},
    "Jobs": [{"Status": "RUNNING"}],
    "Builds": [{"BuildStatus": "IN_PROGRESS"}],
    "Tasks": [{"LastStatus": "RUNNING"}],
    "QueryExecution": {"Status": {"State": "RUNNING"}},
}
ARN = "arn:aws:states:us-east-1:000000000000:execution:w:n"


class Services:
    """A service whose jobs never end by themselves."""

    def __init__(self):
        self.calls = []
        self.may_start = threading.Event()
        self.asked_for = threading.Semaphore(0)

    def asked(self, resource, given, execution):
        if (resource.service, resource.action) in KINDS:
            assert self.may_start.wait(30)
            return STARTED[resource.service]
        # What is asked is what the operation has.
        sdk_calls.operation(resource.service, resource.action).parameters(given)
        self.calls.append((resource.action, {k: v for k, v in given.items() if k != "Reason"}))
        self.asked_for.release()
        return RUNNING

    def until(self, action):
        while not any(each[0] == action for each in self.calls):
            assert self.asked_for.acquire(timeout=10)


class Kept:
    def __init__(self, *, ended=False):
        self.ended = ended

    def find(self, execution_id):
        return SimpleNamespace(ended_at=datetime(2026, 1, 1) if self.ended else None)


@pytest.fixture
def begun():
    made = []

    def begin(service, kept, *, here=True):
        lab = SimpleNamespace(
            clock=SYSTEM,
            store=SimpleNamespace(workflows=kept),
            workflows=SimpleNamespace(runs=SimpleNamespace(is_here=lambda execution_id: here)),
        )
        services, workers = Services(), Workers()
        jobs = JobTasks(lab, workers, services)
        made.extend((jobs, workers))
        action = next(action for of, action in KINDS if of == service)
        call = Call("k", "S", f"arn:aws:states:::{service}:{action}.sync", "task", "sync", {"JobName": "n"})
        execution = WorkflowExecution(
            id=ARN, workflow="w", name="n", status="RUNNING", started_at=datetime(2026, 1, 1)
        )
        told = threading.Event()
        jobs.start(
            call,
            Resource(service, action, pattern="sync"),
            execution,
            (),
            lambda signal: told.set() if isinstance(signal, Submitted) else None,
        )
        return jobs, services, told

    yield begin
    for each in made:
        each.close()


@pytest.mark.parametrize("service", STARTED)
def test_a_job_of_an_execution_that_was_stopped_is_stopped_at_its_service(begun, service):
    jobs, services, told = begun(service, Kept(ended=True), here=False)
    services.may_start.set()
    assert told.wait(30)
    services.until(KINDS[next(key for key in KINDS if key[0] == service)].action)
    jobs.forget("k", ARN)
    services.until(STOPPED[service][0])
    assert services.calls[-1] == STOPPED[service]


def test_one_that_is_forgotten_while_it_is_started_is_stopped_then(begun):
    jobs, services, _ = begun("athena", Kept())
    jobs.forget("k", ARN)
    services.may_start.set()
    services.until("stopQueryExecution")


def test_the_job_of_an_execution_that_went_to_another_process_goes_on(begun):
    jobs, services, told = begun("athena", Kept(), here=False)
    services.may_start.set()
    assert told.wait(30)
    services.until("getQueryExecution")
    jobs.forget("k", ARN)
    jobs._workers.close()  # which lets what was begun end
    assert "stopQueryExecution" not in [action for action, _ in services.calls]
