"""Lambda's quotas and reserved names that more than one room holds, so that no two can hold different ones.

Source: Developer Guide, gettingstarted-limits and configuration-envvars.
"""

from __future__ import annotations

REQUEST_BYTES = 6 * 1024 * 1024
"""The payload of a synchronous invocation."""
EVENT_BYTES = 1024 * 1024
"""The payload of an asynchronous one."""
CLIENT_CONTEXT_BYTES = 3583
"""The client context of an invocation, in base64 (Invoke)."""
LOG_TAIL_BYTES = 4096
"""Of its log that an invocation gives back when asked (Invoke, LogType)."""
UNZIPPED_BYTES = 262_144_000
"""Code and layers together, unzipped."""
LAYERS = 5
"""Layers of a function."""
IMAGE_BYTES = 10 * 1024 * 1024 * 1024
"""A container image with all its layers, unpacked."""
VARIABLES_BYTES = 4096
"""All environment variables of a function, names and values."""
RESERVED_VARIABLES = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
})  # fmt: skip
"""Variables that Lambda sets itself and refuses from users."""
