"""The environment variables of a function: Lambda's, with the paths of this machine, and none of ours.

Rule: nothing is inherited. The credentials are dummies, and outside of a sandbox HOME is a private folder, so
that no library finds the ones of whoever runs faaslab.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes.programs import INSIDE
from faaslab.errors import InvalidValue, NotFound
from faaslab.model.quotas import RESERVED_VARIABLES, VARIABLES_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.backends.local.runtimes.programs import Places, Start
    from faaslab.model.function import Function


def check(function: Function) -> None:
    """Raise InvalidValue where Lambda would refuse the function's variables."""
    given = function.configuration.environment
    taken = sorted(RESERVED_VARIABLES & given.keys())
    if taken:
        raise InvalidValue(
            f"{', '.join(taken)}: Lambda reserves this name",
            place=f"{function.name}: environment",
            hint="choose another name",
        )
    if sum(len(name.encode()) + len(value.encode()) for name, value in given.items()) > VARIABLES_BYTES:
        raise InvalidValue(
            "Lambda was unable to configure your environment variables because the environment variables "
            "you have provided exceeded the 4KB limit",
            place=f"{function.name}: environment",
            hint="put large values into a file of the package",
        )
    for name, value in given.items():
        if not name or "=" in name or "\0" in name + value:
            raise InvalidValue(
                f"{name!r} cannot be an environment variable", place=f"{function.name}: environment"
            )


def variables(
    function: Function,
    start: Start,
    places: Places,
    *,
    address: str,
    version: str,
    log_stream: str,
    init_type: str,
    more: Mapping[str, str],
    secrets: Mapping[str, str],
    endpoint: str | None = None,
) -> dict[str, str]:
    """All variables of one environment: the function's own beat Lambda's defaults, reserved names all.

    `endpoint` is where its SDK finds AWS's services, unless the function says something else.
    """
    configuration = function.configuration
    own = dict(start.variables)
    reserved = {name: own.pop(name) for name in RESERVED_VARIABLES & own.keys()}
    defaults = {
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "PWD": str(places.task_root),
        "SHLVL": "0",
    }
    if places.temporary != INSIDE.temporary:
        # Lambda has neither: its home folder is that of the account, and does not exist.
        defaults |= {"HOME": str(places.temporary), "TMPDIR": str(places.temporary)}
    if endpoint is not None:
        # For some operations (StartSyncExecution, StartLiveTail) SDKs put a word before the name of the host,
        # and there is no host of that name here.
        defaults |= {"AWS_ENDPOINT_URL": endpoint, "AWS_DISABLE_HOST_PREFIX_INJECTION": "true"}
    reserved |= {
        "_HANDLER": function.handler,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": init_type,
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_LAMBDA_RUNTIME_API": address,
        "LAMBDA_TASK_ROOT": str(places.task_root),
        "LAMBDA_RUNTIME_DIR": str(places.runtime_root),
    }
    if configuration.log_format == "JSON":
        reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
    if configuration.application_log_level or configuration.log_format == "JSON":
        reserved["AWS_LAMBDA_LOG_LEVEL"] = configuration.application_log_level or "INFO"
    return defaults | own | dict(more) | dict(configuration.environment) | dict(secrets) | reserved


# Of a function's variables an extension has all but these (Developer Guide, "Lambda Extensions API"). The log
# stream stays: by its name whatever belongs to an environment is found and ended.
_NOT_OF_EXTENSIONS = frozenset({
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT", "_HANDLER",
})  # fmt: skip


def extension_variables(told: Mapping[str, str]) -> dict[str, str]:
    """What an external extension of the environment has of them."""
    return {name: value for name, value in told.items() if name not in _NOT_OF_EXTENSIONS}


def from_process(reference: str) -> str:
    """A secret's value out of the variables of this process. Raises NotFound."""
    try:
        return os.environ[reference]
    except KeyError:
        raise NotFound(
            "secret", reference, hint=f"set the environment variable {reference} of this process"
        ) from None
