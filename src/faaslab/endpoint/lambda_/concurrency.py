"""Reserved concurrency of functions, provisioned concurrency of their versions and aliases.

Rule: provisioning answers at once and goes on by itself; who wants to know how it ended asks again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.faults import USER
from faaslab.endpoint.lambda_.names import Named, named, not_found, unqualified
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.messages import Fault
from faaslab.errors import NotFound
from faaslab.model.function import LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.concurrency import Provision, ProvisionedConcurrency
    from faaslab.model.function import Function

_NOT_PUBLISHED = "The function resource provided must be an alias or a published version."
_NOT_PROVISIONED = "No Provisioned Concurrency Config found for this function"


def put_function_concurrency(call: Call) -> Mapping[str, Any]:
    """Reserve concurrency for a function; 0 lets nothing of it run."""
    name, executions = _function(call).name, call.params["ReservedConcurrentExecutions"]
    call.lab.functions.reserve(name, executions)
    return {"ReservedConcurrentExecutions": executions}


def get_function_concurrency(call: Call) -> Mapping[str, Any]:
    """What is reserved; nothing where nothing is."""
    reserved = _function(call).configuration.reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_function_concurrency(call: Call) -> None:
    """Give back what was reserved."""
    call.lab.functions.reserve(_function(call).name, None)


def put_provisioned_concurrency_config(call: Call) -> Mapping[str, Any]:
    """Begin to keep environments ready."""
    target = _qualified(
        call, "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    executions = call.params["ProvisionedConcurrentExecutions"]
    kept = call.lab.versions.provision(target.function, target.qualifier or "", executions, wait=False)
    return {
        "RequestedProvisionedConcurrentExecutions": executions,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "AvailableProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
        "LastModified": _instant(kept.updated_at),
    }


def get_provisioned_concurrency_config(call: Call) -> Mapping[str, Any]:
    """How many are asked for, started and idle, and how it stands."""
    target = _qualified(call, _NOT_PUBLISHED)
    try:
        kept = call.lab.provisioned.get(target.function, target.qualifier or "")
        return _told(kept, call.lab.provisioned.state(kept.function, kept.qualifier))
    except NotFound:
        raise Fault(
            "ProvisionedConcurrencyConfigNotFoundException", _NOT_PROVISIONED, status=404, fields=USER
        ) from None


def delete_provisioned_concurrency_config(call: Call) -> None:
    """End them; that there were none is no error."""
    target = _qualified(call, _NOT_PUBLISHED)
    try:
        call.lab.versions.unprovision(target.function, target.qualifier or "")
    except NotFound:
        return


def list_provisioned_concurrency_configs(call: Call) -> Mapping[str, Any]:
    """All of a function, by version and alias."""
    name = _function(call).name
    given, more = page(call.lab.provisioned.list(name), call.params, lambda each: each.qualifier)
    configs = [
        {
            "FunctionArn": Named(function=name, qualifier=each.qualifier).arn(call.lab.region),
            **_told(each, call.lab.provisioned.state(name, each.qualifier)),
        }
        for each in given
    ]
    return {"ProvisionedConcurrencyConfigs": configs, **more}


def _told(kept: ProvisionedConcurrency, state: Provision) -> dict[str, Any]:
    told: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": state.requested,
        "AllocatedProvisionedConcurrentExecutions": state.allocated,
        "AvailableProvisionedConcurrentExecutions": state.available,
        "Status": state.status,
        "LastModified": _instant(kept.updated_at),
    }
    if state.reason:
        told["StatusReason"] = state.reason
    return told


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}+0000"


def _function(call: Call) -> Function:
    """The function that an operation on a function as a whole is about."""
    name = unqualified(call)
    try:
        return call.lab.functions.prepared(name)[0]
    except NotFound:
        raise not_found(Named(function=name).arn(call.lab.region)) from None


def _qualified(call: Call, otherwise: str) -> Named:
    """A published version or an alias that is there; `otherwise` is what else gets told."""
    target = named(call)
    if target.qualifier in (None, LATEST):
        raise Fault("InvalidParameterValueException", otherwise, fields=USER)
    try:
        call.lab.functions.prepared(target.function, target.qualifier)
    except NotFound:
        raise not_found(target.arn(call.lab.region)) from None
    return target


OPERATIONS: dict[str, Handler] = {
    "DeleteFunctionConcurrency": delete_function_concurrency,
    "DeleteProvisionedConcurrencyConfig": delete_provisioned_concurrency_config,
    "GetFunctionConcurrency": get_function_concurrency,
    "GetProvisionedConcurrencyConfig": get_provisioned_concurrency_config,
    "ListProvisionedConcurrencyConfigs": list_provisioned_concurrency_configs,
    "PutFunctionConcurrency": put_function_concurrency,
    "PutProvisionedConcurrencyConfig": put_provisioned_concurrency_config,
}
