"""Operations of Lambda whose things do not exist in faaslab, or not yet.

Rule: a list of them is truthfully empty, so that tools which look around go on; what would make one says what
there is in its stead. Nothing is accepted and then not done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.lambda_.found import present
from faaslab.endpoint.lambda_.names import named, unqualified
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.endpoint.messages import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler

_MAPPINGS = (
    "Event source mappings come to faaslab with a later release; until then a program reads the queue or the "
    "stream and invokes the function."
)
_URLS = (
    "Function URLs come to faaslab with a later release; until then a function is run with Invoke or "
    "InvokeWithResponseStream."
)
_DURABLE = (
    "Durable functions come to faaslab with a later release; until then events wait in its queue "
    "(InvocationType Event)."
)
_SIGNING = "Code is not signed in faaslab; CodeSha256 says what the code of a function is."
_CAPACITY = (
    "There are no capacity providers in faaslab: functions run in environments of this machine, as many as "
    "the setting `concurrency` and reserved and provisioned concurrency allow."
)

# What each operation makes or changes -> what there is in its stead.
_REFUSED = {
    "CheckpointDurableExecution": _DURABLE,
    "CreateCapacityProvider": _CAPACITY,
    "CreateCodeSigningConfig": _SIGNING,
    "CreateEventSourceMapping": _MAPPINGS,
    "CreateFunctionUrlConfig": _URLS,
    "GetDurableExecutionState": _DURABLE,
    "PutFunctionScalingConfig": _CAPACITY,
}
# What each operation looks for, which cannot be there -> what there is in its stead.
_NOWHERE = {
    "DeleteCapacityProvider": _CAPACITY,
    "DeleteCodeSigningConfig": _SIGNING,
    "DeleteDurableExecution": _DURABLE,
    "DeleteEventSourceMapping": _MAPPINGS,
    "DeleteFunctionUrlConfig": _URLS,
    "GetCapacityProvider": _CAPACITY,
    "GetCodeSigningConfig": _SIGNING,
    "GetDurableExecution": _DURABLE,
    "GetDurableExecutionHistory": _DURABLE,
    "GetEventSourceMapping": _MAPPINGS,
    "GetFunctionUrlConfig": _URLS,
    "ListFunctionVersionsByCapacityProvider": _CAPACITY,
    "ListFunctionsByCodeSigningConfig": _SIGNING,
    "PauseDurableExecution": _DURABLE,
    "ResumeDurableExecution": _DURABLE,
    "SendDurableExecutionCallbackFailure": _DURABLE,
    "SendDurableExecutionCallbackHeartbeat": _DURABLE,
    "SendDurableExecutionCallbackSuccess": _DURABLE,
    "StopDurableExecution": _DURABLE,
    "UpdateCapacityProvider": _CAPACITY,
    "UpdateCodeSigningConfig": _SIGNING,
    "UpdateEventSourceMapping": _MAPPINGS,
    "UpdateFunctionUrlConfig": _URLS,
}
# Lists -> the member that is empty.
_EMPTY = {
    "ListCapacityProviders": "CapacityProviders",
    "ListCodeSigningConfigs": "CodeSigningConfigs",
    "ListEventSourceMappings": "EventSourceMappings",
}
_EMPTY_OF_A_FUNCTION = {
    "ListDurableExecutionsByFunction": "DurableExecutions",
    "ListFunctionUrlConfigs": "FunctionUrlConfigs",
}


def refuse(call: Call) -> Mapping[str, Any]:
    """What cannot be made here."""
    raise invalid(f"{call.operation} is not supported. {_REFUSED[call.operation]}")


def miss(call: Call) -> Mapping[str, Any]:
    """What cannot have been made here."""
    raise Fault(
        "ResourceNotFoundException",
        f"The resource you requested does not exist. {_NOWHERE[call.operation]}",
        status=404,
        fields={"Type": "User"},
    )


def list_nothing(call: Call) -> Mapping[str, Any]:
    """None of them."""
    return {_EMPTY[call.operation]: []}


def list_nothing_of_a_function(call: Call) -> Mapping[str, Any]:
    """None of them, of a function that is there."""
    asked = named(call)
    present(call.lab, asked.function, asked=asked)
    return {_EMPTY_OF_A_FUNCTION[call.operation]: []}


def get_function_scaling_config(call: Call) -> Mapping[str, Any]:
    """GetFunctionScalingConfig of a function that runs without a capacity provider: nothing is set."""
    asked = named(call)
    present(call.lab, asked.function, asked=asked)
    return {"FunctionArn": asked.arn(call.lab.region)}


def get_function_code_signing_config(call: Call) -> Mapping[str, Any]:
    """GetFunctionCodeSigningConfig of a function without one, as every function here is."""
    name = unqualified(call)
    present(call.lab, name)
    return {"FunctionName": name}


def put_function_code_signing_config(call: Call) -> Mapping[str, Any]:
    """PutFunctionCodeSigningConfig: there is no configuration that it could name."""
    present(call.lab, unqualified(call))
    raise Fault(
        "CodeSigningConfigNotFoundException",
        f"The code signing configuration cannot be found. {_SIGNING}",
        status=404,
        fields={"Type": "User"},
    )


def delete_function_code_signing_config(call: Call) -> None:
    """DeleteFunctionCodeSigningConfig: gone already."""
    present(call.lab, unqualified(call))


OPERATIONS: dict[str, Handler] = {
    **dict.fromkeys(_REFUSED, refuse),
    **dict.fromkeys(_NOWHERE, miss),
    **dict.fromkeys(_EMPTY, list_nothing),
    **dict.fromkeys(_EMPTY_OF_A_FUNCTION, list_nothing_of_a_function),
    "DeleteFunctionCodeSigningConfig": delete_function_code_signing_config,
    "GetFunctionCodeSigningConfig": get_function_code_signing_config,
    "GetFunctionScalingConfig": get_function_scaling_config,
    "PutFunctionCodeSigningConfig": put_function_code_signing_config,
}
