"""An outside for the interpreter: carries its effects out in memory, with functions in Python and stepped time."""

import heapq
import json
import random
import uuid
from datetime import datetime, timedelta

from faaslab.workflow.effects import (
    Begun,
    Call,
    ChildEnded,
    Continue,
    Ended,
    Failed,
    Fired,
    Forget,
    MapRunState,
    More,
    ReadItems,
    StartChild,
    Started,
    Submitted,
    Succeeded,
    Timer,
    WriteResults,
)
from faaslab.workflow.failure import StateFailure
from faaslab.workflow.interpret import Run
from faaslab.workflow.items.item import told
from faaslab.workflow.items.reading import read_items
from faaslab.workflow.items.writing import write_results

BEGIN = datetime(2026, 1, 1)
MACHINE = "machine"


class FunctionError(Exception):
    """A function of a case failed; `error` is its type, the text is its payload."""


def behaviour(name, event):
    """What a function of that behaviour answers: the bytes of its payload, and the seconds it took."""
    if name in {"identity", "echo_function"}:
        return json.dumps(event).encode(), 0.01
    if name == "raise_exception":
        return (
            "Exception",
            "Some exception was raised.",
            [
                '  File "/var/task/handler.py", line 2, in handler\n    raise Exception("Some exception was raised.")\n'
            ],
        ), 0.01
    if name == "raise_custom_exception":
        return (
            "CustomException",
            "",
            ['  File "/var/task/handler.py", line 9, in handler\n    raise CustomException()\n'],
        ), 0.01
    if name == "sleep_60":
        return b"null", 60
    if name == "large_output":
        return b'"' + b"a" * (257 * 1024) + b'"', 0.01
    if name == "return_bytes":
        return b'"HelloWorld!"', 0.01
    if name == "return_decorated_input":
        return json.dumps(f"input-event-{event}").encode(), 0.01
    raise AssertionError(name)


class Outside:
    """Runs one machine to its end. `signals` has what was told, `events` what came of it."""

    def __init__(
        self,
        machine,
        given,
        functions=None,
        objects=(),
        *,
        express=False,
        seed=1,
        answers=None,
        context=None,
        written=None,
    ):
        self.functions = functions or {}
        self.objects = {(item["bucket"], item["key"]): item["body"] for item in objects}
        self.express = express
        self.answers = answers
        self.now = BEGIN
        self.events = []
        self.effects = []
        self.signals = []
        self.ended = None
        self.map_runs = []
        self._queue = []
        self._order = 0
        name = str(uuid.UUID(int=seed))
        arn = f"arn:aws:states:us-east-1:111111111111:execution:{MACHINE}:{name}"
        if express:
            arn = f"arn:aws:states:us-east-1:111111111111:express:{MACHINE}:{name}:{uuid.UUID(int=seed + 1)}"
        self.arn = arn
        execution = {
            "Id": arn,
            "Input": given,
            "StartTime": "2026-01-01T00:00:00.000Z",
            "Name": name,
            "RoleArn": "arn:aws:iam::111111111111:role/sfn_role",
        }
        if not express:
            execution["RedriveCount"] = 0
        self.made = {
            "machine": machine,
            "input": given,
            "context": {
                "Execution": execution,
                "StateMachine": {
                    "Id": f"arn:aws:states:us-east-1:111111111111:stateMachine:{MACHINE}",
                    "Name": MACHINE,
                },
                **(context or {}),
            },
            "arn": arn,
            "express": express,
            "input_text": written,
        }
        self.seed = seed
        self.run = self.fresh()

    def fresh(self):
        """The same execution, not begun."""
        made = dict(self.made)
        return Run(made.pop("machine"), chance=random.Random(self.seed), **made)

    def tell(self, signal):
        self.signals.append((signal, self.now))
        step = self.run.step(signal, self.now)
        self.events += step.events
        self.effects += step.effects
        for effect in step.effects:
            self._carry(effect)
        return step

    def later(self, signal, seconds=0.0):
        self._order += 1
        heapq.heappush(self._queue, (self.now + timedelta(seconds=seconds), self._order, signal))

    def to_the_end(self, most=200_000):
        self.tell(Started())
        return self.on(most)

    def on(self, most=200_000):
        """Go on until nothing is left to come."""
        while self._queue and self.ended is None and most:
            most -= 1
            due, _, signal = heapq.heappop(self._queue)
            self.now = max(self.now, due)
            self.tell(signal)
        return self.ended

    # -- carrying out

    def _carry(self, effect):
        match effect:
            case Ended():
                self.ended = effect
            case More():
                self.later(Continue())
            case Timer(key, due):
                self.later(Fired(key), (due - self.now).total_seconds())
            case Forget(key):
                self._queue = [item for item in self._queue if getattr(item[2], "key", None) != key]
                heapq.heapify(self._queue)
            case Call():
                if self.answers is not None:
                    for signal, seconds in self.answers(effect):
                        self.later(signal, seconds)
                else:
                    self._call(effect)
            case ReadItems(key, reader):
                self.later(self._read(key, reader))
            case StartChild():
                self._child(effect)
            case WriteResults(key, writer, map_run_arn, results):
                self.later(Succeeded(key, write_results(writer, map_run_arn, results, self._put)))
            case MapRunState():
                self.map_runs.append(effect)

    def _call(self, call):
        if call.kind == "lambda":
            name, event = call.resource.rpartition(":")[2], call.parameters
        elif call.resource.startswith("arn:aws:states:::lambda:invoke"):
            name = call.parameters["FunctionName"].rpartition(":")[2]
            event = call.parameters.get("Payload", {})
            if isinstance(event, str):  # a text is sent as it is
                event = parsed(event)
            event = {} if event is None else event
        else:
            raise AssertionError(call.resource)
        answer, seconds = behaviour(self.functions[name]["behaviour"], event)
        if isinstance(answer, tuple):
            error, message, trace = answer
            payload = {
                "errorMessage": message,
                "errorType": error,
                "requestId": str(uuid.UUID(int=len(self.signals))),
                "stackTrace": trace,
            }
            separators = None if call.kind == "lambda" else (",", ":")
            self.later(Failed(call.key, error, json.dumps(payload, separators=separators)), seconds)
        elif call.kind == "lambda":
            self.later(Succeeded(call.key, json.loads(answer)), seconds)
        else:
            result = invoked(json.loads(answer), len(answer))
            if call.parameters.get("LogType") == "Tail":
                result["LogResult"] = log = "TG9ncw=="
                result["SdkHttpMetadata"]["AllHttpHeaders"]["X-Amz-Log-Result"] = [log]
                result["SdkHttpMetadata"]["HttpHeaders"]["X-Amz-Log-Result"] = log
            self.later(Succeeded(call.key, result), seconds)

    def _put(self, bucket, key, body):
        self.objects[bucket, key] = body.decode()

    def _read(self, key, reader):
        def fetch(_, parameters):
            return {"Body": self.objects[parameters["Bucket"], parameters["Key"]]}

        try:
            return Succeeded(key, told(read_items(reader, fetch)))
        except StateFailure as failure:
            return Failed(key, failure.error, failure.cause)

    def _child(self, start):
        context = dict(start.item_context.items())
        child = Outside(
            start.processor,
            start.input,
            self.functions,
            seed=uuid.UUID(start.name).int >> 64,
            context=context,
            answers=self.answers,
            express=start.type == "EXPRESS",
        )
        child.now = self.now
        ended = child.to_the_end()
        if ended is None:  # it waits for an answer that never comes
            return
        output = ended.output if ended.status == "SUCCEEDED" else None
        self.later(
            ChildEnded(start.key, ended.status, output, ended.error, ended.cause),
            (child.now - self.now).total_seconds(),
        )


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def invoked(payload, size):
    """The answer of `lambda:invoke`."""
    request = str(uuid.UUID(int=7))
    headers = {
        "X-Amz-Executed-Version": "$LATEST",
        "x-amzn-Remapped-Content-Length": "0",
        "Connection": "keep-alive",
        "x-amzn-RequestId": request,
        "Content-Length": str(size),
        "Date": "Thu, 01 Jan 2026 00:00:00 GMT",
        "X-Amzn-Trace-Id": "root=1",
        "Content-Type": "application/json",
    }
    return {
        "ExecutedVersion": "$LATEST",
        "Payload": payload,
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request},
        "StatusCode": 200,
    }


def token_answers(call):
    """An outside that takes every task and answers it with what it was given."""
    if call.kind == "activity":
        return [(Begun(call.key, "worker"), 1), (Succeeded(call.key, call.parameters), 2)]
    if call.pattern != "request":
        return [(Submitted(call.key, {"taken": True}), 1), (Succeeded(call.key, call.parameters), 2)]
    return [(Succeeded(call.key, call.parameters), 1)]


__all__ = ["BEGIN", "Outside", "invoked", "token_answers"]
