import os
import sys

import pytest

from faaslab.backends.local.runtimes.variables import check
from faaslab.errors import InvalidValue
from tests.backends.local.defining import OWN_RUNTIME

ALL = "import os\ndef handler(e, c):\n    return dict(os.environ)\n"


def test_the_variables_are_lambdas(define, invoke, tmp_path):
    function = define(ALL, memory_mb=256, environment={"STAGE": "dev", "LANG": "C"})
    execution = invoke(function)
    seen = execution.result
    root = str(tmp_path / "cache" / "code" / function.code_digest)
    assert (
        seen.items()
        >= {
            "_HANDLER": "lambda_function.handler",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{OWN_RUNTIME}",
            "AWS_LAMBDA_FUNCTION_NAME": "probe",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/probe",
            "AWS_LAMBDA_LOG_STREAM_NAME": execution.log_stream,
            "LAMBDA_TASK_ROOT": root,
            "PWD": root,
            "TZ": ":UTC",
            "SHLVL": "0",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "STAGE": "dev",
            "LANG": "C",
        }.items()
    )
    assert {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_RUNTIME_DIR",
        "_X_AMZN_TRACE_ID",
        "AWS_XRAY_DAEMON_ADDRESS",
    } <= seen.keys()
    assert seen["_X_AMZN_TRACE_ID"] == execution.trace_id
    assert seen["PATH"].split(os.pathsep)[0] == os.path.dirname(sys.executable)
    day = execution.started_at.strftime("%Y/%m/%d")
    assert execution.log_stream == f"{day}/[$LATEST]{execution.environment_id}"
    assert seen.keys() - {"STAGE", "HOME", "TMPDIR"} <= {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "TZ", "LANG", "LC_CTYPE", "PATH",
        "LD_LIBRARY_PATH", "PYTHONPATH", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS",
        "_AWS_XRAY_DAEMON_PORT", "PWD", "SHLVL",
    }  # fmt: skip


def test_a_setting_adds_variables_below_the_functions_own(define, invoke, backend_with):
    backend = backend_with(variables={"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "STAGE": "none"})
    seen = invoke(define(ALL, environment={"STAGE": "dev"}), on=backend).result
    assert (seen["AWS_ENDPOINT_URL"], seen["STAGE"]) == ("http://127.0.0.1:1", "dev")


@pytest.mark.parametrize(
    "given", [{"AWS_REGION": "x"}, {"_HANDLER": "x"}, {"BIG": "x" * 4096}, {"A=B": "x"}, {"A": "\0"}]
)
def test_what_lambda_refuses_is_refused(given, define, invoke, definer):
    with pytest.raises(InvalidValue):
        invoke(define(environment=given))
    assert definer.recorded == []


def test_four_kilobytes_are_allowed(define):
    check(define(environment={"BIG": "x" * 4093}))
