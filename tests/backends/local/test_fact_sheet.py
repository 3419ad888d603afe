"""The facts of Lambda's execution environment, one row a fact: errors, environment variables, limits.

Source of every row: what AWS's tests and users recorded of the real service (Developer Guide: runtimes-api,
configuration-envvars, gettingstarted-limits; error payloads as LocalStack recorded them from AWS).
"""

import json
import os
import re
import sys

import pytest

from faaslab.errors import InvalidValue
from faaslab.model.execution import ExecutionStatus
from faaslab.model.invocation import Invocation
from tests.backends.local.defining import OWN_RUNTIME, SANDBOX_FAULT

HANDLER = "import os, time\ndef handler(event, context):\n    {}\n"


def payload(kind, text):
    """Lambda's own error payload: the type first, and the request's id in the text."""
    return f'{{"errorType":"{kind}","errorMessage":"RequestId: ID Error: {text}"}}'


# --- the error table ----------------------------------------------------------------------------------

# cause: (source, type, payload to the byte or None where it tells of files, status)
FAILED, TIMEOUT = ExecutionStatus.FAILED, ExecutionStatus.TIMEOUT
ERRORS = {
    "timeout": (HANDLER.format("time.sleep(9)"), "Sandbox.Timedout", payload("Sandbox.Timedout", "Task timed out after 1.00 seconds"), TIMEOUT),
    "sys.exit()": (HANDLER.format("raise SystemExit"), "Runtime.ExitError", payload("Runtime.ExitError", "Runtime exited without providing a reason"), FAILED),
    "exit code": (HANDLER.format("os._exit(127)"), "Runtime.ExitError", payload("Runtime.ExitError", "Runtime exited with error: exit status 127"), FAILED),
    "signal": (HANDLER.format("os.kill(os.getpid(), 9)"), "Runtime.ExitError", payload("Runtime.ExitError", "Runtime exited with error: signal: killed"), FAILED),
    "out of memory": (HANDLER.format("bytearray(300 << 20)"), "Runtime.OutOfMemory", payload("Runtime.OutOfMemory", "Runtime exited with error: signal: killed"), FAILED),
    "segfault": (HANDLER.format("import ctypes; ctypes.string_at(0)"), "Runtime.ExitError", payload("Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"), FAILED),
    "segfault at init": ("import ctypes\nctypes.string_at(0)\n", "Sandbox.Timedout", payload("Sandbox.Timedout", "Task timed out after 1.00 seconds"), TIMEOUT),
    "exit at init": ("import os\nos._exit(1)\n", "Runtime.ExitError", payload("Runtime.ExitError", "Runtime exited with error: exit status 1"), FAILED),
    "response too large": (
        HANDLER.format("return 'x' * 6291555"), "Function.ResponseSizeTooLarge",
        '{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}', FAILED,
    ),
    "handler exception": (HANDLER.format("raise ValueError('boom')"), "ValueError", None, FAILED),
    "init exception": ("raise OSError('boom')\n", "OSError", None, FAILED),
    "import error": ("import nothing_like_it\n", "Runtime.ImportModuleError", None, FAILED),
    "syntax error": ("def handler(:\n", "Runtime.UserCodeSyntaxError", None, FAILED),
    "no handler": ("x = 1\n", "Runtime.HandlerNotFound", None, FAILED),
    "unmarshallable response": (HANDLER.format("return {1}"), "Runtime.MarshalError", None, FAILED),
}  # fmt: skip
MESSAGES = {
    "handler exception": "boom",
    "init exception": "boom",
    "import error": "Unable to import module 'lambda_function': No module named 'nothing_like_it'",
    "syntax error": "Syntax error in module 'lambda_function': invalid syntax (lambda_function.py, line 1)",
    "no handler": "Handler 'handler' missing on module 'lambda_function'",
    "unmarshallable response": "Unable to marshal response: Object of type set is not JSON serializable",
}


@pytest.mark.parametrize("cause", ERRORS)
def test_the_error_table(cause, define, invoke):
    source, kind, exact, status = ERRORS[cause]
    execution = invoke(define(source, timeout_s=1))
    assert (execution.error.type, execution.status) == (kind, status)
    text = execution.result_body.decode()
    if exact is not None:
        assert text.replace(execution.request_id, "ID") == exact
        return
    told = json.loads(text)
    assert list(told) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert told["errorMessage"] == MESSAGES[cause]
    at_init = cause not in ("handler exception", "unmarshallable response")
    assert told["requestId"] == ("" if at_init else execution.request_id)


# --- the environment variables ------------------------------------------------------------------------

OWN_BIN = re.escape(os.path.dirname(sys.executable))
# name: (on Lambda, in the open); where the second is missing it is the same.
VARIABLES = {
    "_HANDLER": ("lambda_function.handler",),
    "_X_AMZN_TRACE_ID": (r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0",),
    "AWS_REGION": ("us-east-1",),
    "AWS_DEFAULT_REGION": ("us-east-1",),
    "AWS_EXECUTION_ENV": (f"AWS_Lambda_{OWN_RUNTIME}",),
    "AWS_LAMBDA_FUNCTION_NAME": ("probe",),
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": ("256",),
    "AWS_LAMBDA_FUNCTION_VERSION": (r"\$LATEST",),
    "AWS_LAMBDA_INITIALIZATION_TYPE": ("on-demand",),
    "AWS_LAMBDA_LOG_GROUP_NAME": ("/aws/lambda/probe",),
    "AWS_LAMBDA_LOG_STREAM_NAME": (r"\d{4}/\d\d/\d\d/probe\[\$LATEST\][0-9a-f]{32}",),
    "AWS_LAMBDA_LOG_FORMAT": ("JSON",),
    "AWS_LAMBDA_LOG_LEVEL": ("WARN",),
    "AWS_ACCESS_KEY_ID": (".+",),
    "AWS_SECRET_ACCESS_KEY": (".+",),
    "AWS_SESSION_TOKEN": (".+",),
    "AWS_LAMBDA_RUNTIME_API": (r"127\.0\.0\.1:\d+",),
    "LAMBDA_TASK_ROOT": ("/var/task", ".*/code/[0-9a-f]{64}"),
    "LAMBDA_RUNTIME_DIR": ("/var/runtime", ".*/runtime/empty"),
    "TZ": (":UTC",),
    "LANG": (r"en_US\.UTF-8",),
    "LC_CTYPE": (r"C\.UTF-8",),
    # Where Lambda has /var/lang/bin the interpreter of this machine has its own folder.
    "PATH": (f"{OWN_BIN}:/usr/local/bin:/usr/bin:/bin:/opt/bin", f"{OWN_BIN}:/usr/local/bin:/usr/bin:/bin:.*/opt/bin"),
    "LD_LIBRARY_PATH": (".*/var/task:/var/task/lib:/opt/lib", ".*/code/[0-9a-f]{64}:.*/code/[0-9a-f]{64}/lib:.*/lib"),
    "PYTHONPATH": ("/var/runtime", ".*/runtime/empty"),
    "AWS_XRAY_CONTEXT_MISSING": ("LOG_ERROR",),
    "AWS_XRAY_DAEMON_ADDRESS": (r"127\.0\.0\.1:2000",),
    "_AWS_XRAY_DAEMON_ADDRESS": (r"127\.0\.0\.1",),
    "_AWS_XRAY_DAEMON_PORT": ("2000",),
    "PWD": ("/var/task", ".*/code/[0-9a-f]{64}"),
    "SHLVL": ("0",),
}  # fmt: skip


@pytest.mark.parametrize("place", ["in a sandbox", "in the open"])
def test_the_environment_variables(place, define, invoke, backend_with):
    contained = place == "in a sandbox"
    if contained and SANDBOX_FAULT:
        pytest.skip(SANDBOX_FAULT)
    backend = backend_with(sandbox="on" if contained else "off")
    function = define(
        HANDLER.format("return dict(os.environ)"),
        memory_mb=256,
        log_format="JSON",
        application_log_level="WARN",
    )
    seen = invoke(function, on=backend).result
    for name, expected in VARIABLES.items():
        pattern = expected[0 if contained else -1]
        assert re.fullmatch(pattern, seen.get(name, "(missing)")), (name, seen.get(name))
    # In the open HOME and TMPDIR stand for a home and a /tmp of its own.
    assert seen.keys() - VARIABLES.keys() <= (set() if contained else {"HOME", "TMPDIR"})


@pytest.mark.parametrize("name", ["AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"])
def test_the_variables_of_a_json_log_are_there_only_with_one(name, define, invoke):
    assert name not in invoke(define(HANDLER.format("return dict(os.environ)"))).result


# --- the limits, exceeded on purpose ------------------------------------------------------------------

# limit: (what is done, configuration, error type, what is said)
RECORDED = {
    "timeout, 1 to 900 s": ("time.sleep(9)", {"timeout_s": 1}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    "memory, 128 to 10,240 MB": ("bytearray(200 << 20)", {"memory_mb": 128}, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    "response, 6,291,556 bytes": ("return 'x' * 6291555", {}, "Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
    "open files, 1,024": ("keep = [open('/dev/null') for _ in range(1100)]", {}, "OSError", "[Errno 24] Too many open files: '/dev/null'"),
    "reserved concurrency": ("return 1", {"reserved_concurrency": 0}, "TooManyRequestsException", "Rate Exceeded."),
}  # fmt: skip


@pytest.mark.parametrize("limit", RECORDED)
def test_a_limit_that_is_exceeded_is_recorded_in_lambdas_words(limit, define, invoke):
    statement, configuration, kind, text = RECORDED[limit]
    execution = invoke(define(HANDLER.format(statement), **configuration))
    assert execution.error.type == kind
    assert execution.error.message.removeprefix(f"RequestId: {execution.request_id} Error: ") == text
    if kind == "Sandbox.Timedout":
        assert execution.duration_ms == 1000.0
    if kind == "Runtime.OutOfMemory":
        assert execution.max_memory_mb == execution.memory_mb
    if kind == "TooManyRequestsException":
        assert execution.status is ExecutionStatus.THROTTLED
        assert execution.result["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"


def exactly(size):
    return b'"' + b"x" * (size - 2) + b'"'


# limit: (payload, what is asked, configuration, place, what is said); one less is taken
REFUSED = {
    "request, 6 MB": (exactly(6 * 1024 * 1024 + 1), {}, {}, "payload", "RequestEntityTooLarge"),
    "asynchronous request, 1 MB": (exactly(1024 * 1024 + 1), {"invocation_type": "Event"}, {}, "payload", "RequestEntityTooLarge"),
    "client context, 3,583 bytes": (b"{}", {"client_context": json.dumps({"k": "x" * 2680})}, {}, "client_context", "3583 bytes"),
    "environment variables, 4 KB": (
        b"{}", {}, {"environment": {"BIG": "x" * 4094}}, "probe: environment",
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit",
    ),
    "no JSON": (b"{", {}, {}, "payload", "Could not parse request body into json"),
}  # fmt: skip


@pytest.mark.parametrize("limit", REFUSED)
def test_a_request_above_a_limit_is_refused_before_anything_runs(limit, define, invoke, definer):
    body, asked, configuration, place, text = REFUSED[limit]
    with pytest.raises(InvalidValue, match=re.escape(text)) as caught:
        invoke(define(**configuration), body, request=Invocation(**asked))
    assert caught.value.place == place
    assert definer.recorded == []


TAKEN = {
    "request, 6 MB": (exactly(6 * 1024 * 1024), {}, {}),
    "asynchronous request, 1 MB": (exactly(1024 * 1024), {"invocation_type": "Event"}, {}),
    "environment variables, 4 KB": (b"{}", {}, {"environment": {"BIG": "x" * 4093}}),
    "response, 6,291,556 bytes": (exactly(6_291_456), {}, {}),
}


@pytest.mark.parametrize("limit", TAKEN)
def test_what_is_just_at_a_limit_is_taken(limit, define, invoke):
    body, asked, configuration = TAKEN[limit]
    execution = invoke(define(**configuration), body, request=Invocation(**asked))
    assert execution.ok
    assert execution.result_bytes == len(body)


def test_an_init_of_more_than_its_limit_is_run_again_and_told(define, invoke, backend_with):
    source = (
        "import os, pathlib, time\nmark = pathlib.Path(os.environ.get('TMPDIR', '/tmp'), 'm')\n"
        "if not mark.exists():\n    mark.touch(); time.sleep(60)\ndef handler(e, c): return 1\n"
    )
    execution = invoke(define(source), on=backend_with(init_timeout_s=0.5))
    assert execution.ok
    (told,) = [line.message for line in execution.logs if line.message.startswith("INIT_REPORT")]
    assert re.fullmatch(r"INIT_REPORT Init Duration: \d+\.\d\d ms\tPhase: init\tStatus: timeout", told)
