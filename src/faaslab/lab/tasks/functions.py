"""Tasks that are functions of this lab: by their ARN, and through `lambda:invoke`.

Rule: a function runs as it does for anybody else, and is recorded so; `trigger` of its execution is the ARN
of the workflow's, and its request id follows from the event that tells of the call. No thread waits for it.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import uuid
from datetime import UTC
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from faaslab.cloud import sdk_calls
from faaslab.errors import BackendError, Closed, FaaslabError, InvalidValue, NotFound
from faaslab.lab.payloads import encode
from faaslab.lab.tasks import resources, values
from faaslab.model.execution import ExecutionStatus
from faaslab.model.function import FunctionStatus, function_arn
from faaslab.model.masking import mask_of
from faaslab.model.workflow import task_request_id
from faaslab.workflow.effects import Failed, Submitted, Succeeded, Telling
from faaslab.workflow.failure import RUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future
    from datetime import datetime

    from faaslab.lab import Lab
    from faaslab.lab.tasks.workers import Workers
    from faaslab.model.execution import Execution
    from faaslab.model.workflow import WorkflowExecution
    from faaslab.workflow.effects import Call, Signal

LIMIT = 262_144
"""Bytes of a task's result at most."""
_KINDS = ("RequestResponse", "Event", "DryRun")
_MEMBERS = ("FunctionName", "Payload", "InvocationType", "Qualifier", "ClientContext", "LogType", "TenantId")
_ABSENT = ("function", "version", "published version", "alias")


class FunctionTasks:
    """Calls of functions."""

    def __init__(self, lab: Lab, workers: Workers) -> None:
        self._lab = lab
        self._workers = workers

    def run(self, call: Call, execution: WorkflowExecution, answer: Callable[[Signal], None]) -> None:
        """The function whose ARN is the Resource: its input is the task's, its answer the result."""
        called = resources.function(call.resource)
        asked = _Asked(call, call.resource, called.name, called.qualifier, encode(call.parameters))
        self._begin(asked, {"trigger": execution.id}, execution, answer)

    def invoke(self, call: Call, execution: WorkflowExecution, answer: Callable[[Signal], None]) -> None:
        """`lambda:invoke`: the parameters are those of Lambda's API, and so is the result."""
        given = call.parameters
        problem = _problem(given)
        if problem is not None:
            answer(Failed(call.key, RUNTIME, values.not_started(given, problem)))
            return
        text = str(given["FunctionName"])
        fields: dict[str, Any] = {"trigger": execution.id}
        try:
            called = resources.function(text)
            if given.get("ClientContext") is not None:
                fields["client_context"] = _client_context(given["ClientContext"])
            if given.get("TenantId") is not None:
                fields["tenant_id"] = str(given["TenantId"])
        except InvalidValue as error:
            answer(self._refused(call, "InvalidParameterValueException", error.message, 400))
            return
        kind = given.get("InvocationType") or "RequestResponse"
        payload = _payload(given.get("Payload"))
        qualifier = given.get("Qualifier") or called.qualifier
        asked = _Asked(call, text, called.name, qualifier, payload, kind=kind, invoked=True)
        if kind == "Event":
            fields["invocation_type"] = "Event"
        self._begin(asked, fields, execution, answer)

    def _begin(
        self,
        asked: _Asked,
        fields: dict[str, Any],
        execution: WorkflowExecution,
        answer: Callable[[Signal], None],
    ) -> None:
        if asked.kind == "RequestResponse":
            fields["request_id"] = task_request_id(execution.id, execution.started_at, asked.call.event_id)
        if execution.hidden:
            fields["hide"] = mask_of(execution.hidden).found_in(asked.payload.decode("utf-8", "replace"))
        if execution.trace_header is not None:
            fields["trace_id"] = execution.trace_header
        if self._is_ready(asked):
            self._submit(asked, fields, answer)
        else:
            # What has to be installed or read anew first would hold up all other executions.
            whose = (execution.id, asked.call.key)
            self._workers.submit("functions", whose, self._submit, asked, fields, answer)

    def _is_ready(self, asked: _Asked) -> bool:
        try:
            function, _ = self._lab.functions.prepared(asked.name, asked.qualifier)
        except FaaslabError:
            return True
        return function.status is FunctionStatus.ACTIVE and function.source_path is None

    def _submit(self, asked: _Asked, fields: Mapping[str, Any], answer: Callable[[Signal], None]) -> None:
        try:
            if asked.kind == "DryRun":
                self._lab.functions.prepared(asked.name, asked.qualifier)
                answer(
                    asked.answered(_result(b"", "$LATEST", 204, str(uuid.uuid4()), now=self._lab.clock.now()))
                )
                return
            future = self._lab.functions.submit(
                asked.name, asked.payload, qualifier=asked.qualifier, **fields
            )
        except Closed:
            return
        except FaaslabError as error:
            answer(self._failed(asked, error))
            return
        if asked.kind == "Event":
            identity = getattr(future, "request_id", None) or str(uuid.uuid4())
            answer(asked.answered(_result(b"", "$LATEST", 202, identity, now=self._lab.clock.now())))
            return
        future.add_done_callback(lambda done: self._ended(asked, done, answer))

    def _ended(self, asked: _Asked, done: Future[Execution], answer: Callable[[Signal], None]) -> None:
        try:
            execution = done.result()
        except Closed:
            return  # whoever takes the execution up calls again
        except FaaslabError as error:
            answer(self._failed(asked, error))
            return
        except Exception as error:  # noqa: BLE001 -- an execution that is never answered would hang
            answer(Failed(asked.call.key, "Lambda.SdkClientException", f"{type(error).__name__}: {error}"))
            return
        said = self._told(asked, execution)
        if execution.hidden and isinstance(said, Telling):
            said = dataclasses.replace(said, hide=execution.hidden)
        answer(said)

    def _told(self, asked: _Asked, execution: Execution) -> Signal:
        key, body = asked.call.key, execution.answer
        if execution.status is ExecutionStatus.THROTTLED:
            return self._refused(asked.call, "TooManyRequestsException", "Rate Exceeded.", 429)
        if not execution.ok:
            return failure(key, body)
        try:
            output = values.parsed(body)
        except InvalidValue as error:
            if len(body) <= LIMIT:
                return Failed(
                    key, RUNTIME, f"The function {asked.name} returned what is no JSON: {error.message}"
                )
            output = body.decode("utf-8", "replace")  # how large it is goes before what it is
        if not asked.invoked:
            return Succeeded(key, output)
        now = execution.ended_at or self._lab.clock.now()
        told = _result(
            body,
            execution.version,
            200,
            execution.request_id,
            now=now,
            output=output,
            trace_id=execution.trace_id,
            log=execution.log_tail if asked.call.parameters.get("LogType") == "Tail" else None,
        )
        return asked.answered(told)

    def _failed(self, asked: _Asked, error: FaaslabError) -> Failed:
        call = asked.call
        if isinstance(error, NotFound) and error.kind.partition(" of ")[0] in _ABSENT:
            name = asked.text
            if not name.startswith("arn:"):
                name = function_arn(asked.name, self._lab.region)
                name += f":{asked.qualifier}" if asked.qualifier else ""
            return self._refused(call, "ResourceNotFoundException", f"Function not found: {name}", 404)
        if isinstance(error, InvalidValue):
            return self._refused(call, "InvalidRequestContentException", error.message, 400)
        if isinstance(error, BackendError):
            return self._refused(call, "ServiceException", str(error), 500)
        return self._refused(call, "AWSLambdaException", str(error), 400)

    def _refused(self, call: Call, code: str, message: str, status: int) -> Failed:
        cause = sdk_calls.cause(message, service="Lambda", status=status, request_id=str(uuid.uuid4()))
        return Failed(call.key, f"Lambda.{code}", cause)


class _Asked:
    """A function that a task calls."""

    def __init__(
        self,
        call: Call,
        text: str,
        name: str,
        qualifier: str | None,
        payload: bytes,
        *,
        kind: str = "RequestResponse",
        invoked: bool = False,
    ) -> None:
        self.call = call
        self.text = text
        self.name = name
        self.qualifier = qualifier
        self.payload = payload
        self.kind = kind
        self.invoked = invoked

    def answered(self, output: Any) -> Signal:
        """It is done; with a task token it was only handed over."""
        signal = Submitted if self.call.pattern == "token" else Succeeded
        return signal(self.call.key, output)


def failure(key: str, body: bytes) -> Failed:
    """A function's error: the type that it names, and its whole payload as the cause."""
    text = body.decode("utf-8", "replace")
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    error = told.get("errorType") if isinstance(told, dict) else None
    if not isinstance(error, str) or not error:
        cause = (
            "The cause could not be determined because Lambda did not return an error type. "
            f"Returned payload: {text}"
        )
        return Failed(key, "Lambda.Unknown", cause)
    return Failed(key, error, values.text(told))  # compact, however the function wrote it (as recorded)


def _problem(given: Any) -> str | None:
    """Why the call cannot be made, in Step Functions' words."""
    if not isinstance(given, dict):
        return 'The field "FunctionName" is required but was missing'
    unknown = [name for name in given if name not in _MEMBERS]
    if unknown:
        return f'The field "{unknown[0]}" is not supported by Step Functions'
    if not isinstance(given.get("FunctionName"), str):
        return 'The field "FunctionName" is required but was missing'
    if given.get("InvocationType") not in (None, *_KINDS):
        return f'The value of "InvocationType" must be one of {", ".join(_KINDS)}'
    if not isinstance(given.get("Qualifier"), str | None):
        return 'The value of "Qualifier" must be a string'
    return None


def _payload(given: Any) -> bytes:
    """What the function gets: a text that is JSON goes as it is (as recorded), nothing stands for `{}`."""
    if given is None:
        return b"{}"
    if isinstance(given, str):
        try:
            values.parsed(given)
        except InvalidValue:
            return encode(given)
        return given.encode()
    return encode(given)


def _client_context(text: Any) -> str:
    try:
        return base64.b64decode(str(text), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidValue("Client context must be a valid Base64-encoded JSON object.") from None


def _result(
    body: bytes,
    version: str,
    status: int,
    request_id: str,
    *,
    now: datetime,
    output: Any = "",
    trace_id: str | None = None,
    log: str | None = None,
) -> dict[str, Any]:
    """What Lambda's API answers, as Step Functions tells it (as recorded)."""
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(len(body)),
        "Content-Type": "application/json",
        "Date": format_datetime(now.replace(tzinfo=UTC), usegmt=True),
        "X-Amz-Executed-Version": version,
        "x-amzn-Remapped-Content-Length": "0",
        "x-amzn-RequestId": request_id,
    }
    if trace_id is not None:
        headers["X-Amzn-Trace-Id"] = trace_id
    if log is not None:
        headers["X-Amz-Log-Result"] = log
    return {
        "ExecutedVersion": version,
        **({} if log is None else {"LogResult": log}),
        "Payload": output,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": status,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
        "StatusCode": status,
    }
