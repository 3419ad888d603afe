"""What a user's function does wrong: recorded in Lambda's words, and the next invocation works."""

import json

import pytest

from faaslab.backends import report_line
from faaslab.model.execution import ExecutionStatus

FLAKY = """
import os, pathlib, tempfile
mark = pathlib.Path(tempfile.gettempdir()) / "mark"
def handler(event, context):
    if event.get("fail"):
        {statement}
    return "fine"
"""

IN_THE_HANDLER = {
    "exception": ("raise ValueError('boom')", "ValueError", "boom"),
    "os._exit": ("os._exit(3)", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: exit status 3"),
    "sys.exit": ("raise SystemExit", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited without providing a reason"),
    "killed": ("os.kill(os.getpid(), 9)", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: signal: killed"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: signal: segmentation fault"),
    "abort": ("os.abort()", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: signal: aborted"),
    "unserialisable": ("return {1}", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"),
    "too large": ("return 'x' * 6291557", "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
    "timeout": ("import time; time.sleep(30)", "Sandbox.Timedout", "RequestId: {id} Error: Task timed out after 1.00 seconds"),
    "memory": ("x = bytearray(200 << 20)", "Runtime.OutOfMemory", "RequestId: {id} Error: Runtime exited with error: signal: killed"),
    "memory of a child": (
        "import subprocess, sys; return subprocess.run([sys.executable, '-c', 'x = bytearray(200 << 20)']).returncode",
        "Runtime.OutOfMemory",
        "RequestId: {id} Error: Runtime exited with error: signal: killed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_THE_HANDLER)
def test_a_handler_that_fails_is_recorded_and_the_next_invocation_works(name, define, invoke, definer):
    statement, kind, message = IN_THE_HANDLER[name]
    function = define(FLAKY.format(statement=statement), timeout_s=1)
    assert invoke(function).result == "fine"
    failed = invoke(function, b'{"fail": true}')
    message = message.format(id=failed.request_id)
    assert (failed.error.type, failed.error.message) == (kind, message)
    assert failed.status is (ExecutionStatus.TIMEOUT if name == "timeout" else ExecutionStatus.FAILED)
    told = failed.result
    assert (told["errorType"], told["errorMessage"]) == (kind, message)
    assert failed.cold_start is False
    after = invoke(function)
    assert after.result == "fine"
    assert after.environment_id == failed.environment_id
    assert after.billed_ms >= after.duration_ms
    assert definer.recorded[-2:] == [failed, after]


def test_the_payload_of_an_exception_has_lambdas_keys_in_lambdas_order(define, invoke):
    function = define(
        "def handler(event, context):\n    return inner()\n\ndef inner():\n    raise KeyError('é')\n"
    )
    failed = invoke(function)
    told = json.loads(failed.result_body)
    assert list(told) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert told["requestId"] == failed.request_id == failed.error.request_id
    assert [line.split("/")[-1] for line in told["stackTrace"]] == [
        'lambda_function.py", line 2, in handler\n    return inner()\n',
        "lambda_function.py\", line 5, in inner\n    raise KeyError('é')\n",
    ]
    assert failed.error.stack_trace == tuple(told["stackTrace"])
    text = next(line for line in failed.logs if line.level == "ERROR").message
    assert text.startswith("[ERROR] KeyError: 'é'\nTraceback (most recent call last):\n\u00a0\u00a0File")


def test_the_payload_of_a_timeout_is_lambdas_to_the_byte(define, invoke):
    failed = invoke(define("import time\ndef handler(e, c):\n    time.sleep(9)\n", timeout_s=1))
    assert failed.result_body == (
        b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %s Error: Task timed out after 1.00 seconds"}'
        % failed.request_id.encode()
    )
    assert failed.duration_ms == 1000
    said = [line.message for line in failed.logs if line.stream == "platform"]
    assert said[-3].endswith(f"Z {failed.request_id} Task timed out after 1.00 seconds")
    assert said[-1].endswith("\tStatus: timeout")


IN_THE_INIT = {
    "import error": ("import nothing_like_this", "Runtime.ImportModuleError", "Unable to import module 'lambda_function': No module named 'nothing_like_this'"),
    "syntax error": ("def handler(:", "Runtime.UserCodeSyntaxError", "Syntax error in module 'lambda_function': invalid syntax (lambda_function.py, line 1)"),
    "no handler": ("x = 1", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'lambda_function'"),
    "exception": ("raise OSError('no disk')", "OSError", "no disk"),
    "exit": ("import os; os._exit(7)", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited with error: exit status 7"),
    "exit 0": ("raise SystemExit(0)", "Runtime.ExitError", "RequestId: {id} Error: Runtime exited without providing a reason"),
    "memory": ("x = bytearray(200 << 20)", "Runtime.OutOfMemory", "RequestId: {id} Error: Runtime exited with error: signal: killed"),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_THE_INIT)
def test_an_init_that_fails_is_run_again_inside_the_invocation(name, define, invoke, definer):
    source, kind, message = IN_THE_INIT[name]
    failed = invoke(define(source))
    assert (failed.error.type, failed.error.message) == (kind, message.format(id=failed.request_id))
    if "RequestId" not in message:
        assert failed.result["requestId"] == ""
    assert failed.cold_start
    assert failed.init_ms is None
    assert failed.billed_ms >= failed.duration_ms > 0
    inits = [
        (line.phase, line.status, line.error_type)
        for line in map(
            report_line.parse, (line.message for line in failed.logs if line.stream == "platform")
        )
        if line is not None and line.kind == "initReport"
    ]
    assert inits == [("init", "error", kind), ("invoke", "error", kind)]
    assert failed.logs[-1].message.endswith(f"\tStatus: error\tError Type: {kind}")
    assert invoke(define()).ok


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        ("handler", "Runtime.MalformedHandlerName", "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
        ("sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
        ("other.handler", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"),
    ],
)  # fmt: skip
def test_a_handler_that_cannot_be_found(handler, kind, message, define, invoke):
    failed = invoke(define(handler=handler))
    assert (failed.error.type, failed.error.message) == (kind, message)


ONCE = """
import os, pathlib, tempfile, time
mark = pathlib.Path(tempfile.gettempdir()) / "tried"
if not mark.exists():
    mark.touch()
    {statement}
def handler(event, context):
    return "second time"
"""


def test_an_init_that_works_the_second_time_answers(define, invoke):
    execution = invoke(define(ONCE.format(statement="raise OSError('first')")))
    assert execution.result == "second time"
    assert execution.init_ms is None
    assert execution.duration_ms > 5, "the second init counts as part of the invocation"


def test_an_init_that_takes_too_long_is_run_again(define, invoke, backend_with):
    backend = backend_with(init_timeout_s=0.5)
    execution = invoke(define(ONCE.format(statement="time.sleep(60)")), on=backend)
    assert execution.result == "second time"
    (told,) = [line for line in execution.logs if line.message.startswith("INIT_REPORT")]
    assert told.message.endswith(" ms\tPhase: init\tStatus: timeout")
    assert 499 <= report_line.parse(told.message).init_ms < 3000


def test_an_init_that_never_ends_is_a_timeout(define, invoke, backend_with):
    backend = backend_with(init_timeout_s=0.3)
    execution = invoke(define("import time\ntime.sleep(60)\n", timeout_s=1), on=backend)
    assert execution.error.type == "Sandbox.Timedout"
    assert execution.duration_ms == 1000
    assert [
        line.message.split("\t", 1)[1] for line in execution.logs if line.message.startswith("INIT_REPORT")
    ] == [
        "Phase: init\tStatus: timeout",
        "Phase: invoke\tStatus: timeout",
    ]


def test_a_segmentation_fault_in_the_init_runs_into_the_timeout_as_on_lambda(define, invoke):
    execution = invoke(define("import ctypes\nctypes.string_at(0)\n", timeout_s=1))
    assert execution.error.type == "Sandbox.Timedout"
    assert any("segmentation fault" in line.message for line in execution.logs), (
        "the true cause is in the log"
    )


def test_a_crash_starts_the_process_again_inside_the_next_invocation(define, invoke):
    source = (
        "import os, time\ntime.sleep(0.05)\ndef handler(e, c):\n    return os._exit(1) if e.get('x') else 1\n"
    )
    function = define(source)
    first = invoke(function)
    invoke(function, b'{"x": 1}')
    again = invoke(function)
    assert first.init_ms > 50
    assert (again.result, again.init_ms, again.cold_start) == (1, None, True)
    assert again.duration_ms > 50
    assert again.start_method == "spawn suppressed"
    assert again.environment_id == first.environment_id


def test_files_in_tmp_outlive_a_crash(define, invoke):
    source = (
        "import os, pathlib, tempfile\n"
        "def handler(e, c):\n"
        "    file = pathlib.Path(tempfile.gettempdir(), 'kept')\n"
        "    if file.exists(): return file.read_text()\n"
        "    file.write_text('still here'); os._exit(1)\n"
    )
    function = define(source)
    invoke(function)
    assert invoke(function).result == "still here"


def test_a_child_that_was_left_behind_dies_with_the_timeout(define, invoke):
    import random

    from tests.backends.local.defining import alive, commanded, eventually

    source = (
        "import subprocess, sys, time\n"
        "def handler(e, c):\n"
        "    print('started')\n"
        f"    child = subprocess.Popen(['sleep', '{(seconds := random.randrange(10**8, 10**9))}'], start_new_session=True)\n"
        "    time.sleep(60)\n"
    )
    execution = invoke(define(source, timeout_s=1))
    assert "started" in [line.message for line in execution.logs]
    eventually(lambda: not any(map(alive, commanded(seconds))))
