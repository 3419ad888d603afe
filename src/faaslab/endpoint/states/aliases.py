"""Aliases of state machines: names for a version, or for two that share the starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states import names, paging, shapes
from faaslab.errors import AlreadyExists, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.endpoint.call import Call, Handler


def create_state_machine_alias(call: Call) -> Mapping[str, Any]:
    """CreateStateMachineAlias; the same again is the one that is there."""
    params = call.params
    machine, routes = _routes(params["routingConfiguration"])
    try:
        made = call.lab.workflows.versions.create_alias(
            machine, params["name"], routes, description=params.get("description", "")
        )
    except AlreadyExists:
        raise Fault(
            "ConflictException",
            "Failed to create alias because an alias with the same name and a different routing "
            "configuration already exists.",
        ) from None
    except NotFound:
        raise names.no_alias() from None
    return shapes.alias(made)


def update_state_machine_alias(call: Call) -> Mapping[str, Any]:
    """UpdateStateMachineAlias; what is not given stays."""
    params = call.params
    asked = _alias(params["stateMachineAliasArn"])
    routes = None
    if "routingConfiguration" in params:
        machine, routes = _routes(params["routingConfiguration"])
        if machine != asked.name:
            raise _invalid("Routing configuration must contain versions of the alias's own state machine.")
    if routes is None and "description" not in params:
        raise _invalid("Either the description or the routing configuration must be specified")
    try:
        changed = call.lab.workflows.versions.update_alias(
            asked.name, asked.qualifier, routes=routes, description=params.get("description")
        )
    except NotFound:
        raise names.no_alias() from None
    return {"updateDate": changed.updated_at}


def describe_state_machine_alias(call: Call) -> Mapping[str, Any]:
    """DescribeStateMachineAlias."""
    asked = _alias(call.params["stateMachineAliasArn"])
    try:
        return shapes.described_alias(call.lab.workflows.versions.alias(asked.name, asked.qualifier))
    except NotFound:
        raise names.no_alias() from None


def delete_state_machine_alias(call: Call) -> None:
    """DeleteStateMachineAlias; one that is not there is gone already."""
    asked = _alias(call.params["stateMachineAliasArn"])
    try:
        call.lab.workflows.versions.delete_alias(asked.name, asked.qualifier)
    except NotFound:
        return


def list_state_machine_aliases(call: Call) -> Mapping[str, Any]:
    """ListStateMachineAliases, of one version those that lead to it."""
    arn = call.params["stateMachineArn"]
    asked = names.machine(arn)
    try:
        found = call.lab.workflows.versions.aliases(asked.name, version=asked.qualifier)
    except NotFound:
        raise names.no_machine(arn) from None
    by_name = sorted(found, key=lambda each: each.name)
    given, more = paging.page(by_name, call.params, lambda each: each.name)
    return {"stateMachineAliases": [shapes.alias(each) for each in given], **more}


def _alias(arn: str) -> names.Named:
    asked = names.machine(arn)
    if asked.qualifier is None or asked.qualifier.isdecimal():
        raise _invalid(f"State machine alias ARN is required. Received: {arn}")
    return asked


def _routes(configuration: Sequence[Mapping[str, Any]]) -> tuple[str, dict[str, int]]:
    """The state machine's name, and the weight of each version's number."""
    arns = [each["stateMachineVersionArn"] for each in configuration]
    received = f"Received: [{', '.join(arns)}]"
    asked = [names.machine(arn) for arn in arns]
    if not all((each.qualifier or "").isdecimal() for each in asked):
        raise _invalid(f"Routing configuration must contain state machine version ARNs. {received}")
    if len({(each.name, each.qualifier) for each in asked}) < len(asked):
        raise _invalid(f"Routing configuration must contain distinct state machine version ARNs. {received}")
    if len({each.name for each in asked}) > 1:
        raise _invalid(f"Routing configuration must contain versions of one state machine. {received}")
    weights = [each["weight"] for each in configuration]
    if sum(weights) != 100:
        raise _invalid(f"Sum of routing configuration weights must equal 100. Received: {weights}")
    return asked[0].name, {each.qualifier or "": weight for each, weight in zip(asked, weights, strict=True)}


def _invalid(message: str) -> Fault:
    return Fault("ValidationException", message)


OPERATIONS: dict[str, Handler] = {
    "CreateStateMachineAlias": create_state_machine_alias,
    "DeleteStateMachineAlias": delete_state_machine_alias,
    "DescribeStateMachineAlias": describe_state_machine_alias,
    "ListStateMachineAliases": list_state_machine_aliases,
    "UpdateStateMachineAlias": update_state_machine_alias,
}
