"""Resource policies: who may use a function or a layer on AWS. Kept and given back; they refuse nothing.

What writes them (Terraform, `aws lambda add-permission`) does so before it makes a trigger, and reads them
again; here whoever reaches the port may run what is in the lab.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.lambda_ import layers
from faaslab.endpoint.lambda_.found import Found, found
from faaslab.endpoint.lambda_.names import Named, named, read
from faaslab.endpoint.lambda_.settings import invalid
from faaslab.endpoint.lambda_.statements import document, layer_statement, statement, text
from faaslab.endpoint.lambda_.statements import read as read_policy
from faaslab.endpoint.messages import Fault
from faaslab.errors import NotFound
from faaslab.lab.policies import of_function, of_layer
from faaslab.model.function import LATEST
from faaslab.model.version import REVISION_MISMATCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.policy import ResourcePolicy

_NO_POLICY = "No policy is associated with the given resource."
_NOTHING = "The resource you requested does not exist."


def add_permission(call: Call) -> Mapping[str, Any]:
    """AddPermission."""
    asked = named(call)
    if asked.qualifier == LATEST:
        raise invalid("We currently do not support adding policies for $LATEST.")
    it = found(call, asked)
    made = statement(call.params, asked.arn(call.lab.region))
    resource = of_function(asked.function, asked.qualifier)
    call.lab.policies.add(resource, made, revision_id=_expected(call, resource, it))
    return {"Statement": text(made)}


def remove_permission(call: Call) -> None:
    """RemovePermission."""
    asked = named(call)
    it = found(call, asked)
    resource = of_function(asked.function, asked.qualifier)
    if call.lab.policies.get(resource) is None:
        raise _missing(_NO_POLICY)
    _remove(call, resource, revision_id=_expected(call, resource, it))


def get_policy(call: Call) -> Mapping[str, Any]:
    """GetPolicy."""
    asked = named(call)
    found(call, asked)
    return _shown(call.lab.policies.get(of_function(asked.function, asked.qualifier)), _NOTHING)


def add_layer_version_permission(call: Call) -> Mapping[str, Any]:
    """AddLayerVersionPermission."""
    version = _layer(call)
    made = layer_statement(call.params, version.arn)
    revision = call.lab.policies.add(of_layer(version), made, revision_id=call.params.get("RevisionId"))
    return {"Statement": text(made), "RevisionId": revision}


def remove_layer_version_permission(call: Call) -> None:
    """RemoveLayerVersionPermission."""
    resource = of_layer(_layer(call))
    if call.lab.policies.get(resource) is None:
        raise _missing(_NO_POLICY)
    _remove(call, resource, revision_id=call.params.get("RevisionId"))


def get_layer_version_policy(call: Call) -> Mapping[str, Any]:
    """GetLayerVersionPolicy."""
    return _shown(call.lab.policies.get(of_layer(_layer(call))), _NO_POLICY)


def get_resource_policy(call: Call) -> Mapping[str, Any]:
    """GetResourcePolicy: the whole policy by the ARN of a function, a version or an alias."""
    asked = _resource(call)
    return _shown(call.lab.policies.get(of_function(asked.function, asked.qualifier)), _NOTHING)


def put_resource_policy(call: Call) -> Mapping[str, Any]:
    """PutResourcePolicy: the whole policy anew."""
    asked = _resource(call)
    resource = of_function(asked.function, asked.qualifier)
    statements = read_policy(call.params["Policy"])
    revision = call.lab.policies.put(resource, statements, revision_id=call.params.get("RevisionId"))
    return {"Policy": document(statements), "RevisionId": revision}


def delete_resource_policy(call: Call) -> None:
    """DeleteResourcePolicy."""
    asked = _resource(call)
    resource = of_function(asked.function, asked.qualifier)
    if call.lab.policies.get(resource) is None:
        raise _missing(_NOTHING)
    call.lab.policies.put(resource, (), revision_id=call.params.get("RevisionId"))


def _resource(call: Call) -> Named:
    asked = read(call.params["ResourceArn"], regions=(call.region, call.lab.region), operation=call.operation)
    found(call, asked)
    return asked


def _layer(call: Call) -> Any:
    try:
        return layers.version(call)
    except Fault as fault:
        if fault.status != 404:
            raise
        name = call.params["LayerName"].rpartition(":")[2]
        arn = f"arn:aws:lambda:{call.lab.region}:000000000000:layer:{name}:{call.params['VersionNumber']}"
        raise _missing(f"Layer version {arn} does not exist.") from None


def _expected(call: Call, resource: str, it: Found) -> str | None:
    """The revision that a policy must have; before there is one, the revision of what it is of."""
    revision: str | None = call.params.get("RevisionId")
    if revision is None or call.lab.policies.get(resource) is not None:
        return revision
    if revision != it.revision_id:
        raise Fault("PreconditionFailedException", REVISION_MISMATCH, status=412, fields={"Type": "User"})
    return None


def _remove(call: Call, resource: str, *, revision_id: str | None) -> None:
    wanted = call.params["StatementId"]
    try:
        call.lab.policies.remove(resource, wanted, revision_id=revision_id)
    except NotFound:
        raise _missing(f"Statement {wanted} is not found in resource policy.") from None


def _shown(policy: ResourcePolicy | None, missing: str) -> dict[str, Any]:
    if policy is None:
        raise _missing(missing)
    return {"Policy": document(policy.statements), "RevisionId": policy.revision_id}


def _missing(message: str) -> Fault:
    return Fault("ResourceNotFoundException", message, status=404, fields={"Type": "User"})


OPERATIONS: dict[str, Handler] = {
    "AddLayerVersionPermission": add_layer_version_permission,
    "AddPermission": add_permission,
    "DeleteResourcePolicy": delete_resource_policy,
    "GetLayerVersionPolicy": get_layer_version_policy,
    "GetPolicy": get_policy,
    "GetResourcePolicy": get_resource_policy,
    "PutResourcePolicy": put_resource_policy,
    "RemoveLayerVersionPermission": remove_layer_version_permission,
    "RemovePermission": remove_permission,
}
