"""A Task state's work: what it asks of the outside, how long that may take, and the events that tell of it.

Three kinds with event names of their own: a function's ARN, an activity, and a service integration.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.effects import Begun, Call, Failed, Fired, Heartbeat, Submitted, Succeeded
from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret import fields, settings
from faaslab.workflow.interpret.course import NOT_TRUNCATED, NOTHING, Course
from faaslab.workflow.interpret.frame import AWAIT, GIVE_WAY, Frame
from faaslab.workflow.interpret.payload import is_too_large, made_text, text_of, too_large
from faaslab.workflow.interpret.retries import TIMEOUT, HeartbeatMissed
from faaslab.workflow.query import jsonata, template

if TYPE_CHECKING:
    from faaslab.workflow.interpret.plan import StatePlan

TOKEN_BITS = 512
"""A task token is so many bytes, in Base64."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a Resource names. `prefix` begins the names of its events; `about` is in the details of each."""

    kind: Literal["lambda", "activity", "task"]
    pattern: Literal["request", "sync", "token"]
    prefix: str
    about: Mapping[str, str]
    """`resource` and `resourceType` of a service integration."""
    name: str
    """What messages call it."""


@lru_cache(maxsize=1024)
def target_of(resource: str) -> Target:
    """What the Resource of a Task state names.

    `arn:aws:lambda:…` is a function, `arn:aws:states:REGION:ACCOUNT:activity:NAME` an activity, and
    `arn:aws:states:::SERVICE:ACTION` with `.sync`, `.sync:2` or `.waitForTaskToken` behind it an integration.
    """
    parts = resource.split(":", 5)
    if len(parts) < 6 or parts[2] != "states":
        return Target("lambda", "request", "LambdaFunction", NOTHING, resource)
    rest = parts[5]
    if rest.startswith("activity:"):
        return Target("activity", "request", "Activity", NOTHING, resource)
    service, _, action = rest.partition(":")
    if service == "aws-sdk":
        inner, _, action = action.partition(":")
        service = f"aws-sdk:{inner}"
    ending = action.partition(".")[2]
    pattern: Literal["request", "sync", "token"] = "request"
    if ending.startswith("sync"):
        pattern = "sync"
    elif ending == "waitForTaskToken":
        pattern = "token"
    return Target("task", pattern, "Task", {"resource": action, "resourceType": service}, service)


def done(course: Course, frame: Frame, state: StatePlan) -> Generator[str, Any, Any]:
    """Have the task done; its result. Raises the StateFailure it ended with."""
    target = target_of(state.body["Resource"])
    frame.timed_out = False
    value = fields.effective_input(course, frame, state)
    token = new_token(course) if target.pattern == "token" or target.kind == "activity" else None
    parameters = fields.arguments(course, frame, state, value, token if target.pattern == "token" else None)
    scope = course.scope(frame, value)
    timeout_s = settings.seconds(state, "TimeoutSeconds", scope)
    heartbeat_s = settings.seconds(state, "HeartbeatSeconds", scope)
    role = _role(state, scope)
    text = made_text(parameters, state.name)
    if course.trial is not None and course.trial.is_mocked:
        result = course.trial.answer()
        course.inspected("result", result)
        return result
    _schedule(course, frame, state, text=text, timeout_s=timeout_s, heartbeat_s=heartbeat_s, role=role)
    call = Call(
        course.key("call"),
        state.name,
        target.kind,
        state.body["Resource"],
        target.pattern,
        parameters,
        token,
        role or course.role,
        timeout_s,
        heartbeat_s,
        frame.previous,
    )
    course.want(frame, call)
    timers = _Timers(call.key, timeout_s, heartbeat_s)
    timers.begin(course, frame, beats=target.kind != "activity")
    if target.kind != "activity":
        yield GIVE_WAY
        course.follow(frame, f"{target.prefix}Started", target.about)
    result = yield from _answer(course, frame, target, call, timers)
    text = text_of(result)
    if is_too_large(text):
        name = target.name
        failure = too_large(name)
        yield from _fail(course, frame, target, f"{target.prefix}Failed", failure)
    course.follow(
        frame,
        f"{target.prefix}Succeeded",
        {"output": text, "outputDetails": NOT_TRUNCATED, **target.about},
    )
    course.inspected("result", result)
    return result


def new_token(course: Course) -> str:
    """A task token: nobody can guess it who does not have the seed of the execution.

    It is a digest, so that who holds some tokens cannot reckon from them what chance gives next.
    """
    drawn = course.chance.getrandbits(TOKEN_BITS).to_bytes(TOKEN_BITS // 8, "big")
    return base64.b64encode(hashlib.sha512(drawn).digest()).decode()


def _role(state: StatePlan, scope: Any) -> str | None:
    credentials = state.body.get("Credentials")
    if not isinstance(credentials, Mapping):
        return None
    if state.jsonata:
        made = jsonata.rendered(credentials, scope, "Credentials")
    else:
        made = template.rendered(credentials, scope, "Credentials")
    role = made.get("RoleArn") if isinstance(made, Mapping) else None
    return role if isinstance(role, str) else None


def _schedule(
    course: Course,
    frame: Frame,
    state: StatePlan,
    *,
    text: str,
    timeout_s: int | None,
    heartbeat_s: int | None,
    role: str | None,
) -> None:
    target = target_of(state.body["Resource"])
    if target.kind == "task":
        details: dict[str, Any] = {"parameters": text, "region": region_of(course.arn), **target.about}
    else:
        details = {"resource": state.body["Resource"], "input": text, "inputDetails": NOT_TRUNCATED}
    if timeout_s is not None:
        details["timeoutInSeconds"] = timeout_s
    if heartbeat_s is not None and target.kind != "lambda":
        details["heartbeatInSeconds"] = heartbeat_s
    if role is not None and target.kind != "activity":
        details["taskCredentials"] = {"roleArn": role}
    course.follow(frame, f"{target.prefix}Scheduled", details)


def region_of(arn: str) -> str:
    """The region in an ARN."""
    parts = arn.split(":")
    return parts[3] if len(parts) > 3 else ""


@dataclass(slots=True)
class _Timers:
    """The two clocks of a task. The heartbeat's begins when its worker does."""

    key: str
    timeout_s: int | None
    heartbeat_s: int | None
    beating: bool = False

    def begin(self, course: Course, frame: Frame, *, beats: bool) -> None:
        if self.timeout_s is not None:
            course.timer(frame, f"{self.key}/timeout", self.timeout_s)
        if beats:
            self.beat(course, frame)

    def beat(self, course: Course, frame: Frame) -> None:
        if self.heartbeat_s is not None:
            self.beating = True
            course.timer(frame, f"{self.key}/heartbeat", self.heartbeat_s)

    def again(self, course: Course, frame: Frame) -> None:
        course.await_again(frame, self.key)
        if self.timeout_s is not None:
            course.await_again(frame, f"{self.key}/timeout")
        if self.beating:
            course.await_again(frame, f"{self.key}/heartbeat")

    def end(self, course: Course) -> None:
        if self.timeout_s is not None:
            course.forget(f"{self.key}/timeout")
        if self.beating:
            course.forget(f"{self.key}/heartbeat")


def _answer(
    course: Course, frame: Frame, target: Target, call: Call, timers: _Timers
) -> Generator[str, Any, Any]:
    while True:
        signal = yield AWAIT
        if isinstance(signal, Succeeded):
            course.answered(call.key)
            timers.end(course)
            return signal.output
        if isinstance(signal, Failed):
            course.answered(call.key)
            timers.end(course)
            failure = StateFailure(signal.error, signal.cause)  # type: ignore[arg-type] # a task may name none
            yield from _fail(course, frame, target, _failed_event(target, signal), failure)
        if isinstance(signal, Fired):
            course.forget(call.key)
            timers.end(course)
            missed = signal.key.endswith("/heartbeat")
            failure = HeartbeatMissed() if missed else StateFailure(TIMEOUT)
            frame.timed_out = True
            yield from _fail(course, frame, target, f"{target.prefix}TimedOut", failure)
        if isinstance(signal, Submitted) and target.kind == "task":
            text = text_of(signal.output)
            course.follow(
                frame, "TaskSubmitted", {"output": text, "outputDetails": NOT_TRUNCATED, **target.about}
            )
        elif isinstance(signal, Begun) and target.kind == "activity":
            worker = {} if signal.worker is None else {"workerName": signal.worker}
            course.follow(frame, "ActivityStarted", worker)
        timers.again(course, frame)
        if isinstance(signal, Begun | Heartbeat):
            timers.beat(course, frame)


def _failed_event(target: Target, signal: Failed) -> str:
    phases = {
        "schedule": {"lambda": "LambdaFunctionScheduleFailed", "activity": "ActivityScheduleFailed"},
        "start": {"lambda": "LambdaFunctionStartFailed", "task": "TaskStartFailed"},
        "submit": {"task": "TaskSubmitFailed"},
    }
    return phases.get(signal.phase, {}).get(target.kind, f"{target.prefix}Failed")


def _fail(
    course: Course, frame: Frame, target: Target, kind: str, failure: StateFailure
) -> Generator[str, Any, None]:
    details: dict[str, Any] = dict(target.about)
    if failure.error is not None:
        details["error"] = failure.error
    if failure.cause is not None:
        details["cause"] = failure.cause
    course.follow(frame, kind, details)
    # What fails at the same instant is told of before anyone acts on it.
    yield GIVE_WAY
    raise failure
