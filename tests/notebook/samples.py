"""Entities to show, each field of which can be made hostile."""

from datetime import datetime, timedelta

from faaslab.lab.maps import MapResult
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, LogLine, LogStream
from faaslab.model.function import Function, FunctionConfiguration, FunctionStatistics, InlineCode

NOW = datetime(2026, 11, 23, 21, 0, 0, 123_456)
SOURCE = "def inner(x):\n    return 1 / x\n\n\ndef handler(event, context):\n    return inner(event['x'])\n"


def frame(line: int, name: str, code: str, path: str = "/var/task/lambda_function.py") -> str:
    return f'  File "{path}", line {line}, in {name}\n    {code}\n'


def execution(**changes) -> Execution:
    fields = {
        "id": "3dcf9f389736093415ae18e7b55d2a0c",
        "function": "score",
        "request_id": "b6c21e92-de07-4181-97ae-729e3e44dd25",
        "status": ExecutionStatus.COMPLETED,
        "version": "3",
        "definition": 5,
        "runtime": "python3.11",
        "architecture": "x86_64",
        "memory_mb": 128,
        "timeout_s": 3.0,
        "started_at": NOW,
        "ended_at": NOW + timedelta(milliseconds=60),
        "duration_ms": 12.345,
        "billed_ms": 61,
        "init_ms": 48.339,
        "cold_start": True,
        "max_memory_mb": 38,
        "payload_body": b'{"x":2}',
        "result_body": b'{"y": 0.5}',
        "logs": (
            LogLine(at=NOW, message="START RequestId: x", stream=LogStream.PLATFORM),
            LogLine(at=NOW, message="hello"),
        ),
    }
    return Execution(**(fields | changes))


def failure(text: str = "division by zero", **changes) -> Execution:
    error = ExecutionError(
        type="ZeroDivisionError",
        message=text,
        stack_trace=(
            frame(6, "handler", "return inner(event['x'])"),
            frame(2, "inner", "return 1 / x"),
        ),
    )
    return execution(
        status=ExecutionStatus.FAILED, error=error, result_body=b'{"errorMessage": "x"}', **changes
    )


def function(text: str = "scores", **changes) -> Function:
    fields = {
        "id": "score",
        "name": "score",
        "runtime": "python3.11",
        "handler": "lambda_function.handler",
        "code": InlineCode(source=SOURCE),
        "configuration": FunctionConfiguration(
            memory_mb=512, timeout_s=10, environment={"STAGE": text, "API_TOKEN": "abc123"}, requires=("six",)
        ),
        "statistics": FunctionStatistics(
            invocations=2000, errors=3, cold_starts=20, mean_duration_ms=8.0, last_invoked_at=NOW
        ),
        "definition": 3,
        "code_sha256": "CSUNppfbWu0GAs4iexs9qlLJjT0nI07GkMGmoJob1dU=",
        "code_bytes": 2350,
        "description": text,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Function(**(fields | changes))


def mapped(
    count: int, failed: tuple[int, ...] = (), text: str = "no", *, total: int | None = None
) -> MapResult:
    executions = tuple(
        failure(text, id=f"{n:032x}") if n in failed else execution(id=f"{n:032x}", cold_start=n == 0)
        for n in range(count)
    )
    return MapResult(
        function="score",
        batch_id="a0b1",
        total=count if total is None else total,
        executions=executions,
        inputs=tuple({"x": n} for n in range(count)),
        interrupted=total is not None,
    )
