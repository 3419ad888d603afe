"""What stands around functions: tags, the account, and how a function is kept up to date and out of loops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.lambda_ import settings
from faaslab.endpoint.lambda_.found import Found, found, present
from faaslab.endpoint.lambda_.names import Named, named, read, unqualified
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.model.function import LATEST, Function
from faaslab.model.quotas import UNZIPPED_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler

_ALL_CODE_BYTES = 80_530_636_800
_ZIPPED_BYTES = 52_428_800
_UPDATES = "RuntimeManagementConfig"
"""Under which of the settings for AWS only the runtime's updates are kept."""
_NO_QUALIFIER = "Tags on function aliases and versions are not supported. Please specify a function ARN."


def tag_resource(call: Call) -> None:
    """TagResource."""
    name, given = _tagged(call), dict(call.params["Tags"])
    call.lab.updates.tag(name, lambda present: settings.tags(present, given))


def untag_resource(call: Call) -> None:
    """UntagResource."""
    name, gone = _tagged(call), set(call.params["TagKeys"])
    call.lab.updates.tag(name, lambda tags: {key: value for key, value in tags.items() if key not in gone})


def list_tags(call: Call) -> Mapping[str, Any]:
    """ListTags."""
    return {"Tags": dict(present(call.lab, _tagged(call)).tags)}


def get_account_settings(call: Call) -> Mapping[str, Any]:
    """GetAccountSettings: Lambda's quotas, this lab's concurrency, and what is defined in it."""
    functions, account = call.lab.store.definitions.list(Function), call.lab.account()
    layers = sum(each.code_bytes for each in call.lab.layers.list())
    return {
        "AccountLimit": {
            "TotalCodeSize": _ALL_CODE_BYTES,
            "CodeSizeUnzipped": UNZIPPED_BYTES,
            "CodeSizeZipped": _ZIPPED_BYTES,
            "ConcurrentExecutions": account.limit,
            "UnreservedConcurrentExecutions": max(account.limit - sum(account.reserved.values()), 0),
        },
        "AccountUsage": {
            "TotalCodeSize": sum(each.code_bytes for each in functions) + layers,
            "FunctionCount": len(functions),
        },
    }


def get_runtime_management_config(call: Call) -> Mapping[str, Any]:
    """GetRuntimeManagementConfig."""
    return _updates(found(call, named(call)))


def put_runtime_management_config(call: Call) -> Mapping[str, Any]:
    """PutRuntimeManagementConfig: kept for the function itself; what runs is what this machine has."""
    asked, wanted = named(call), dict(call.params)
    mode, version = wanted["UpdateRuntimeOn"], wanted.get("RuntimeVersionArn")
    if mode == "Manual" and not version:
        raise invalid("A valid RuntimeVersionArn must be provided when UpdateRuntimeOn is set to Manual.")
    if mode != "Manual" and version:
        raise invalid(f"RuntimeVersionArn must not be provided when UpdateRuntimeOn is set to {mode}.")
    it = found(call, asked)
    if asked.qualifier not in (None, LATEST):
        if mode != "Auto":
            raise invalid(
                "A published version runs with the runtime that this machine has: UpdateRuntimeOn of one can "
                "be Auto only in faaslab."
            )
        return _updates(it)
    before = {key: value for key, value in it.function.aws_only.items() if key != _UPDATES}
    kept = {"UpdateRuntimeOn": mode, **({"RuntimeVersionArn": version} if version else {})}
    after = before if mode == "Auto" else {**before, _UPDATES: kept}
    function = it.function
    if after != dict(function.aws_only):
        function = call.lab.functions.redefine(function.name, aws_only=after, wait=False).function
    return _updates(Found(function=function, qualifier=asked.qualifier))


def get_function_recursion_config(call: Call) -> Mapping[str, Any]:
    """GetFunctionRecursionConfig."""
    return {"RecursiveLoop": present(call.lab, unqualified(call)).configuration.recursive_loop}


def put_function_recursion_config(call: Call) -> Mapping[str, Any]:
    """PutFunctionRecursionConfig."""
    name, wanted = unqualified(call), call.params["RecursiveLoop"]
    if present(call.lab, name).configuration.recursive_loop != wanted:
        call.lab.functions.redefine(name, recursive_loop=wanted, wait=False)
    return {"RecursiveLoop": wanted}


def _updates(it: Found) -> dict[str, Any]:
    kept = it.function.aws_only.get(_UPDATES) or {"UpdateRuntimeOn": "Auto"}
    return {"FunctionArn": it.arn, **kept}


def _tagged(call: Call) -> str:
    """The function that `Resource`, an ARN, names; one that is not there is refused."""
    regions = (call.region, call.lab.region)
    asked = read(call.params["Resource"], regions=regions, operation=call.operation)
    if asked.qualifier is not None:
        raise invalid(_NO_QUALIFIER)
    return present(call.lab, asked.function, asked=Named(function=asked.function)).name


OPERATIONS: dict[str, Handler] = {
    "GetAccountSettings": get_account_settings,
    "GetFunctionRecursionConfig": get_function_recursion_config,
    "GetRuntimeManagementConfig": get_runtime_management_config,
    "ListTags": list_tags,
    "PutFunctionRecursionConfig": put_function_recursion_config,
    "PutRuntimeManagementConfig": put_runtime_management_config,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
