"""What CreateFunction and UpdateFunctionConfiguration ask for, in the words of `lab.functions`. Pure.

What has no effect here is kept and given back. What would change how the function runs, and is not there
yet, is refused: a function that quietly ran otherwise would be worse.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.lambda_.shapes import HANDLER, KEPT, LOG_GROUP
from faaslab.endpoint.messages import Fault
from faaslab.model.quotas import RESERVED_VARIABLES, VARIABLES_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

_TAGS = 50
_PLAIN = {
    "Description": "description",
    "Timeout": "timeout_s",
    "MemorySize": "memory_mb",
    "Role": "role",
    "Handler": "handler",
    "Runtime": "runtime",
}
_NESTED = {
    ("TracingConfig", "Mode"): "tracing",
    ("EphemeralStorage", "Size"): "ephemeral_storage_mb",
    ("SnapStart", "ApplyOn"): "snap_start",
    ("LoggingConfig", "LogFormat"): "log_format",
    ("LoggingConfig", "ApplicationLogLevel"): "application_log_level",
    ("LoggingConfig", "SystemLogLevel"): "system_log_level",
    ("TenancyConfig", "TenantIsolationMode"): "tenancy",
}
_NOT_YET = {
    "DurableConfig": "durable functions come with a later release; until then leave DurableConfig out",
    "CapacityProviderConfig": (
        "there are no capacity providers: functions run in environments of this machine"
    ),
    "AcceleratorConfig": "there are no accelerators in faaslab's environments",
    "RuntimeConfig": "a runtime of one's own comes as a zip with a bootstrap (provided.al2023) or an image",
    "PublishTo": "versions are published by number (Publish, PublishVersion)",
    "CodeSigningConfigArn": "code is not signed in faaslab; its CodeSha256 says what it is",
}


def invalid(message: str) -> Fault:
    """AWS's InvalidParameterValueException."""
    return Fault("InvalidParameterValueException", message, fields={"Type": "User"})


def options(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options of `lab.functions` that are given; what is not given is not among them."""
    for member, instead in _NOT_YET.items():
        if params.get(member):
            raise invalid(f"{member} is not supported by faaslab: {instead}.")
    given: dict[str, Any] = {
        keyword: params[member] for member, keyword in _PLAIN.items() if params.get(member) is not None
    }
    for (member, inner), keyword in _NESTED.items():
        value = (params.get(member) or {}).get(inner)
        if value is not None:
            given[keyword] = value
    if params.get("Environment") is not None:
        given["environment"] = environment(params["Environment"].get("Variables") or {})
    if params.get("DeadLetterConfig") is not None:
        given["dead_letter_queue"] = params["DeadLetterConfig"].get("TargetArn") or "none"
    if params.get("Layers") is not None:
        given["layers"] = list(params["Layers"])
    if params.get("Architectures"):
        given["architecture"] = params["Architectures"][0]
    return given


def kept(params: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What has no effect here, beside what was kept `before`; what is given as empty goes."""
    after = dict(before)
    given = {member: params[member] for member in KEPT if params.get(member) is not None}
    group = (params.get("LoggingConfig") or {}).get("LogGroup")
    given |= {LOG_GROUP: group} if group is not None else {}
    given |= {HANDLER: params["Handler"]} if params.get("Handler") else {}
    for member, value in given.items():
        if _says_something(value):
            after[member] = value
        else:
            after.pop(member, None)
    return after


def _says_something(value: Any) -> bool:
    """A VpcConfig without subnets takes the function out of its network."""
    return any(map(_says_something, value.values())) if isinstance(value, dict) else bool(value)


def tags(present: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Tags with those that are `given`; refused in AWS's words where AWS would."""
    if any(key.lower().startswith("aws:") for key in given):
        raise invalid("Tag keys starting with aws: are reserved for system use.")
    after = {**present, **given}
    if len(after) > _TAGS:
        raise invalid("Number of tags exceeds resource tag limit.")
    return after


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Environment variables, refused in AWS's words where AWS would."""
    reserved = sorted(set(variables) & RESERVED_VARIABLES)
    if reserved:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you "
            "have provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(dict(variables), separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode("utf-8", "surrogatepass")) > VARIABLES_BYTES:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment variables you "
            f"have provided exceeded the 4KB limit. String measured: {len(measured)} characters"
        )
    return dict(variables)
