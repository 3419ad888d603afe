"""How asynchronous invocations of a function, a version or an alias are handled: retries, age, destinations.

Source of the complaints: answers recorded from AWS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.faults import USER
from faaslab.endpoint.lambda_.names import Named, named
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.messages import Fault
from faaslab.errors import InvalidValue, NotFound
from faaslab.model.function import LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.asynchronous import EventInvokeConfig

_SETTINGS = {
    "MaximumRetryAttempts": "maximum_retry_attempts",
    "MaximumEventAgeInSeconds": "maximum_event_age_s",
}
_DESTINATIONS = {"OnSuccess": "on_success", "OnFailure": "on_failure"}
_FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:[^:]*:[^:]*:function:(?P<name>[^:]+)(?::.*)?")


def put_function_event_invoke_config(call: Call) -> Mapping[str, Any]:
    """Configure it anew: what is not given has its default."""
    target, settings = _there(call), _settings(call)
    try:
        kept = call.lab.asynchronous.configs.put(target.function, target.qualifier, **settings)
    except InvalidValue as error:
        raise _refused(error, call, target) from None
    return _told(kept, call)


def update_function_event_invoke_config(call: Call) -> Mapping[str, Any]:
    """Change what is given and leave the rest."""
    target, settings = _there(call), _settings(call)
    _kept(call, target)
    try:
        kept = call.lab.asynchronous.configs.update(target.function, target.qualifier, **settings)
    except InvalidValue as error:
        raise _refused(error, call, target) from None
    return _told(kept, call)


def get_function_event_invoke_config(call: Call) -> Mapping[str, Any]:
    """What was configured."""
    return _told(_kept(call, named(call)), call)


def delete_function_event_invoke_config(call: Call) -> None:
    """Back to the defaults."""
    kept = _kept(call, named(call))
    call.lab.asynchronous.configs.delete(kept.function, kept.qualifier)


def list_function_event_invoke_configs(call: Call) -> Mapping[str, Any]:
    """All of a function, by version and alias."""
    target = _there(call)
    configs = call.lab.asynchronous.configs.list(target.function)
    given, more = page(configs, call.params, lambda each: each.qualifier)
    return {"FunctionEventInvokeConfigs": [_told(each, call) for each in given], **more}


def _settings(call: Call) -> dict[str, Any]:
    """What is asked for, by the lab's names; an empty destination takes one away."""
    params = call.params
    if not any(params.get(name) is not None for name in (*_SETTINGS, "DestinationConfig")):
        raise Fault(
            "InvalidParameterValueException",
            "You must specify at least one of error handling or destination setting.",
            fields=USER,
        )
    settings = {ours: params[name] for name, ours in _SETTINGS.items() if params.get(name) is not None}
    if params.get("DestinationConfig") is not None:
        for name, ours in _DESTINATIONS.items():
            settings[ours] = _destination(params, name)
    return settings


def _destination(params: Mapping[str, Any], name: str) -> str | None:
    given = ((params.get("DestinationConfig") or {}).get(name) or {}).get("Destination")
    return given or None


def _there(call: Call) -> Named:
    """The function, version or alias, which must be there."""
    target = named(call)
    try:
        call.lab.functions.prepared(target.function, target.qualifier)
    except NotFound:
        raise Fault(
            "ResourceNotFoundException", "The function doesn't exist.", status=404, fields=USER
        ) from None
    return target


def _kept(call: Call, target: Named) -> EventInvokeConfig:
    kept = call.lab.asynchronous.configs.get(target.function, target.qualifier)
    if kept is None:
        arn = Named(function=target.function, qualifier=target.qualifier or LATEST).arn(call.lab.region)
        raise Fault(
            "ResourceNotFoundException",
            f"The function {arn} doesn't have an EventInvokeConfig",
            status=404,
            fields=USER,
        )
    return kept


def _refused(error: InvalidValue, call: Call, target: Named) -> Exception:
    """What AWS says of a destination that the lab refused."""
    if error.place not in _DESTINATIONS.values():
        return error
    given = {name: _destination(call.params, name) for name in _DESTINATIONS}
    refused = next(given[name] for name, ours in _DESTINATIONS.items() if ours == error.place)
    function = _FUNCTION.fullmatch(refused or "")
    if function is None:
        shown = {name: "null" if arn is None else f"{name}(destination={arn})" for name, arn in given.items()}
        message = (
            f"The provided destination config DestinationConfig(onSuccess={shown['OnSuccess']}, "
            f"onFailure={shown['OnFailure']}) is invalid."
        )
    elif function["name"] == target.function:
        message = "You can't specify the function as a destination for itself."
    else:
        message = f"The destination ARN {refused} is invalid."
    return Fault("InvalidParameterValueException", message, fields=USER)


def _told(config: EventInvokeConfig, call: Call) -> dict[str, Any]:
    told: dict[str, Any] = {
        "LastModified": config.updated_at,
        "FunctionArn": Named(function=config.function, qualifier=config.qualifier).arn(call.lab.region),
        "DestinationConfig": {
            name: {"Destination": arn} if (arn := getattr(config, ours)) else {}
            for name, ours in _DESTINATIONS.items()
        },
    }
    for name, ours in _SETTINGS.items():
        if (value := getattr(config, ours)) is not None:
            told[name] = value
    return told


OPERATIONS: dict[str, Handler] = {
    "DeleteFunctionEventInvokeConfig": delete_function_event_invoke_config,
    "GetFunctionEventInvokeConfig": get_function_event_invoke_config,
    "ListFunctionEventInvokeConfigs": list_function_event_invoke_configs,
    "PutFunctionEventInvokeConfig": put_function_event_invoke_config,
    "UpdateFunctionEventInvokeConfig": update_function_event_invoke_config,
}
