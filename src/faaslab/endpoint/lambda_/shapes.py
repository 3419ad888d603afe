"""Functions, aliases and layers in the shapes of AWS's answers. Pure.

Source: the service model; which members are there when, and their order, from answers recorded from AWS.
Values of environment variables are in sight of the API, as on AWS; those of secrets never are, for the store
has none.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from faaslab.errors import FaaslabError
from faaslab.lab import runtimes
from faaslab.model.function import Function, FunctionStatus, ImageCode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from faaslab.endpoint.lambda_.found import Found
    from faaslab.model.alias import Alias
    from faaslab.model.layer import LayerVersion

KEPT = ("VpcConfig", "KMSKeyArn", "FileSystemConfigs")
"""Members of a configuration that have no effect here and are given back as they came."""
HANDLER, LOG_GROUP, SOURCE_KEY = "Handler", "LogGroup", "SourceKMSKeyArn"
"""More of what is kept: the handler as it was written, the name of a log group, the key of the code."""

_STATES = {
    FunctionStatus.PENDING: "Pending",
    FunctionStatus.ACTIVE: "Active",
    FunctionStatus.INACTIVE: "Inactive",
    FunctionStatus.FAILED: "Failed",
}
_IN_PROGRESS = "Creating"  # of an update as well, in every answer that was recorded


def modified(moment: datetime) -> str:
    """A moment as Lambda writes it: `2026-11-26T21:00:00.000+0000`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def configuration(found: Found, layer_bytes: Mapping[str, int], *, listed: bool = False) -> dict[str, Any]:
    """A FunctionConfiguration; in a list (`listed`) it has no state.

    `layer_bytes` gives the size of a layer's zip by its ARN.
    """
    function, settings = found.function, found.function.configuration
    published = found.published
    is_image = isinstance(function.code, ImageCode)
    answer: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": found.arn,
        **({} if is_image else {"Runtime": function.runtime, "Handler": handler(function)}),
        **({"Role": function.role} if function.role else {}),
        "CodeSize": function.code_bytes,
        "Description": published.description if published is not None else function.description,
        "Timeout": settings.timeout_s,
        "MemorySize": settings.memory_mb,
        "LastModified": modified(function.updated_at),
        "CodeSha256": function.code_sha256,
        "Version": found.version,
        "TracingConfig": {"Mode": settings.tracing},
        "RevisionId": found.revision_id,
        "PackageType": "Image" if is_image else "Zip",
        "Architectures": [str(function.architecture)],
        "EphemeralStorage": {"Size": settings.ephemeral_storage_mb},
        "SnapStart": snap_start(found),
        "LoggingConfig": logging(function),
    }
    answer |= {member: function.aws_only[member] for member in KEPT if member in function.aws_only}
    if settings.environment:
        answer["Environment"] = {"Variables": dict(settings.environment)}
    if settings.dead_letter_queue:
        answer["DeadLetterConfig"] = {"TargetArn": settings.dead_letter_queue}
    if settings.layers:
        answer["Layers"] = [{"Arn": arn, "CodeSize": layer_bytes.get(arn, 0)} for arn in settings.layers]
    if settings.tenancy:
        answer["TenancyConfig"] = {"TenantIsolationMode": settings.tenancy}
    if image := image_config(function):
        answer["ImageConfigResponse"] = {"ImageConfig": image}
    if not listed:
        answer |= state(found)
        if not is_image:
            answer["RuntimeVersionConfig"] = {
                "RuntimeVersionArn": runtime_version(function.runtime, function.region)
            }
    return answer


def handler(function: Function) -> str:
    """The handler as it was written: `src/app.main` may stand for what is run as `src.app.main`."""
    written = function.aws_only.get(HANDLER)
    if isinstance(written, str) and written != function.handler:
        try:
            if runtimes.handler(written, function.runtime) == function.handler:
                return written
        except FaaslabError:
            pass
    return function.handler


def state(found: Found) -> dict[str, Any]:
    """Where it stands. What was published can run; of the function itself its update is told as well."""
    function = found.function
    if found.published is not None:
        return {"State": "Active", "LastUpdateStatus": "Successful"}
    answer: dict[str, Any] = {"State": _STATES[function.status]}
    if function.status is not FunctionStatus.ACTIVE:
        answer["StateReason"] = function.status_reason or "The function is being created."
        answer["StateReasonCode"] = {
            FunctionStatus.PENDING: "Creating",
            FunctionStatus.INACTIVE: "Idle",
        }.get(function.status, _why(function))
    if function.status is FunctionStatus.PENDING:
        return answer
    answer["LastUpdateStatus"] = function.last_update_status
    if function.last_update_status != "Successful":
        answer["LastUpdateStatusReason"] = function.last_update_reason or "The function is being created."
        failed = function.last_update_status == "Failed"
        answer["LastUpdateStatusReasonCode"] = _why(function) if failed else _IN_PROGRESS
    return answer


def _why(function: Function) -> str:
    return "InvalidImage" if function.code.kind == "image" else "DependencyError"


def snap_start(found: Found) -> dict[str, str]:
    """What it asks for, and whether it is done: of published versions only."""
    wanted = found.function.configuration.snap_start
    done = wanted == "PublishedVersions" and found.published is not None
    return {"ApplyOn": wanted, "OptimizationStatus": "On" if done else "Off"}


def logging(function: Function) -> dict[str, str]:
    """Where it logs to, and how; levels are of JSON logs only and INFO unless others were asked for."""
    settings = function.configuration
    answer: dict[str, str] = {"LogFormat": settings.log_format}
    if settings.log_format == "JSON":
        answer["ApplicationLogLevel"] = settings.application_log_level or "INFO"
        answer["SystemLogLevel"] = settings.system_log_level or "INFO"
    return {**answer, "LogGroup": function.aws_only.get(LOG_GROUP) or f"/aws/lambda/{function.name}"}


def image_config(function: Function) -> dict[str, Any]:
    """What of an image's own settings the function has others for."""
    code = function.code
    if not isinstance(code, ImageCode):
        return {}
    asked = {
        "EntryPoint": list(code.entry_point),
        "Command": list(code.command),
        "WorkingDirectory": code.working_directory,
    }
    return {member: value for member, value in asked.items() if value}


def runtime_version(runtime: str, region: str) -> str:
    """The ARN of a runtime's version. There is one version of each here: what this machine has."""
    return f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(runtime.encode()).hexdigest()}"


def alias(alias: Alias, region: str) -> dict[str, Any]:
    """An AliasConfiguration."""
    from faaslab.endpoint.lambda_.names import Named

    answer: dict[str, Any] = {
        "AliasArn": Named(function=alias.function, qualifier=alias.name).arn(region),
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        answer["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return answer


def layer_version(version: LayerVersion) -> dict[str, Any]:
    """A version of a layer as lists show it."""
    answer: dict[str, Any] = {
        "LayerVersionArn": version.arn,
        "Version": version.number,
        "Description": version.description,
        "CreatedDate": modified(version.created_at),
    }
    if version.compatible_runtimes:
        answer["CompatibleRuntimes"] = list(version.compatible_runtimes)
    if version.compatible_architectures:
        answer["CompatibleArchitectures"] = list(version.compatible_architectures)
    if version.license_info:
        answer["LicenseInfo"] = version.license_info
    return answer
