"""Aliases: names that lead to a version, or share their traffic between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.lambda_ import shapes
from faaslab.endpoint.lambda_.found import present
from faaslab.endpoint.lambda_.names import Named, unqualified
from faaslab.endpoint.lambda_.paging import page
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.endpoint.messages import Fault
from faaslab.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.alias import Alias


def create_alias(call: Call) -> Mapping[str, Any]:
    """CreateAlias."""
    params, lab, name = call.params, call.lab, unqualified(call)
    version = _number(params["FunctionVersion"])
    present(lab, name, asked=Named(function=name, qualifier=version))
    made = lab.versions.create_alias(
        name,
        params["Name"],
        version,
        weights=_weights(params) or {},
        description=params.get("Description", ""),
    )
    return shapes.alias(made, lab.region)


def get_alias(call: Call) -> Mapping[str, Any]:
    """GetAlias."""
    return shapes.alias(_alias(call), call.lab.region)


def update_alias(call: Call) -> Mapping[str, Any]:
    """UpdateAlias; an empty RoutingConfig takes the second version out."""
    params, lab, before = call.params, call.lab, _alias(call)
    version = params.get("FunctionVersion")
    changed = lab.versions.update_alias(
        before.function,
        before.name,
        version=None if version is None else _number(version),
        weights=_weights(params),
        description=params.get("Description"),
        revision_id=params.get("RevisionId"),
    )
    return shapes.alias(changed, lab.region)


def delete_alias(call: Call) -> None:
    """DeleteAlias; one that is not there is gone already."""
    name = unqualified(call)
    present(call.lab, name)
    try:
        call.lab.versions.delete_alias(name, call.params["Name"])
    except NotFound:
        return


def list_aliases(call: Call) -> Mapping[str, Any]:
    """ListAliases, of one version those that lead to it."""
    params, lab, name = call.params, call.lab, unqualified(call)
    present(lab, name)
    aliases = lab.versions.aliases(name, version=params.get("FunctionVersion"))
    given, more = page(aliases, params, lambda alias: alias.name)
    return {"Aliases": [shapes.alias(each, lab.region) for each in given], **more}


def _alias(call: Call) -> Alias:
    name, alias = unqualified(call), call.params["Name"]
    try:
        return call.lab.versions.alias(name, alias)
    except NotFound:
        arn = Named(function=name, qualifier=alias).arn(call.lab.region)
        raise Fault(
            "ResourceNotFoundException",
            f"Cannot find alias arn: {arn}",
            status=404,
            fields={"Type": "User"},
        ) from None


def _weights(params: Mapping[str, Any]) -> Mapping[str, float] | None:
    """What a RoutingConfig says; None where none was given."""
    routing = params.get("RoutingConfig")
    return None if routing is None else dict(routing.get("AdditionalVersionWeights") or {})


def _number(version: str) -> str:
    if version == "$LATEST.PUBLISHED":
        raise invalid("$LATEST.PUBLISHED is of Lambda Managed Instances, which faaslab does not have.")
    return version


OPERATIONS: dict[str, Handler] = {
    "CreateAlias": create_alias,
    "DeleteAlias": delete_alias,
    "GetAlias": get_alias,
    "ListAliases": list_aliases,
    "UpdateAlias": update_alias,
}
