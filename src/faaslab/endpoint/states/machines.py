"""State machines: made, changed, described, checked, published in versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.endpoint.states import logging, names, paging, shapes
from faaslab.errors import AlreadyExists, Conflict, NotFound
from faaslab.lab.workflow_definitions import InvalidDefinition
from faaslab.model.json import to_json
from faaslab.workflow import validate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.workflow import Workflow

_NOTHING_TO_CHANGE = (
    "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
    "specified"
)
_CHANGES = (
    "definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration",
)  # fmt: skip


def create_state_machine(call: Call) -> Mapping[str, Any]:
    """CreateStateMachine: the same again is the one that is there, whatever its role and tags are."""
    params, workflows = call.params, call.lab.workflows
    name = params["name"]
    names.check_name(name)
    names.check_role(params["roleArn"])
    publish = _publish(params)
    wanted: dict[str, Any] = {
        "type": params.get("type", "STANDARD"),
        "logging": logging.given(call),
        "tracing": _traced(params) or False,
        "encryption": encryption(params),
    }
    try:
        made = workflows.define(
            name,
            params["definition"],
            role=params["roleArn"],
            tags=tags(params),
            publish=publish,
            description=params.get("versionDescription"),
            exist_ok=False,
            short_forms=False,
            **wanted,
        )
    except InvalidDefinition as error:
        raise invalid_definition(error) from None
    except AlreadyExists:
        there = workflows.kept(name)
        if not _is_same(there, params["definition"], wanted):
            raise Fault("StateMachineAlreadyExists", f"State Machine Already Exists: '{there.arn}'") from None
        version = workflows.versions.publish(name).id if publish else None
        return {
            "stateMachineArn": there.arn,
            "creationDate": there.created_at,
            "stateMachineVersionArn": version,
        }
    return {
        "stateMachineArn": made.workflow.arn,
        "creationDate": made.workflow.created_at,
        "stateMachineVersionArn": made.published and made.published.id,
    }


def _is_same(there: Workflow, definition: str, wanted: Mapping[str, Any]) -> bool:
    kept = there.configuration
    return (there.definition, there.type, kept.logging, kept.tracing, to_json(kept.encryption)) == (
        definition,
        wanted["type"],
        wanted["logging"],
        wanted["tracing"],
        to_json(wanted["encryption"]),
    )


def update_state_machine(call: Call) -> Mapping[str, Any]:
    """UpdateStateMachine; what is not given stays."""
    params = call.params
    arn = params["stateMachineArn"]
    name = unqualified(arn).name
    publish = _publish(params)
    if not publish and not any(change in params for change in _CHANGES):
        raise Fault("MissingRequiredParameter", _NOTHING_TO_CHANGE)
    changes: dict[str, Any] = {}
    if "definition" in params:
        changes["definition"] = params["definition"]
    if "roleArn" in params:
        names.check_role(params["roleArn"])
        changes["role"] = params["roleArn"]
    if "loggingConfiguration" in params:
        changes["logging"] = logging.given(call)
    if "tracingConfiguration" in params:
        changes["tracing"] = _traced(params)
    if "encryptionConfiguration" in params:
        changes["encryption"] = encryption(params)
    try:
        made = call.lab.workflows.update(
            name, publish=publish, description=params.get("versionDescription"), short_forms=False, **changes
        )
    except InvalidDefinition as error:
        raise invalid_definition(error) from None
    except NotFound:
        raise names.no_machine(arn) from None
    return {
        "updateDate": made.workflow.updated_at,
        "revisionId": shapes.revision(made.workflow),
        "stateMachineVersionArn": made.published and made.published.id,
    }


def describe_state_machine(call: Call) -> Mapping[str, Any]:
    """DescribeStateMachine; a version is as it was published, an alias the version that it leads to."""
    arn = call.params["stateMachineArn"]
    asked = names.machine(arn)
    workflows, description, made_at = call.lab.workflows, None, None
    try:
        workflow = workflows.defined(f"{asked.name}:{asked.qualifier}" if asked.qualifier else asked.name)
        if asked.qualifier is not None and asked.qualifier.isdecimal():
            version = workflows.versions.get(asked.name, asked.qualifier)
            description, made_at = version.description, version.published_at
    except NotFound:
        raise names.no_machine(arn) from None
    return shapes.described(
        workflow,
        arn=f"{workflow.arn}:{asked.qualifier}" if asked.qualifier else workflow.arn,
        created_at=made_at,
        description=description,
        references=references(workflow),
        metadata_only=call.params.get("includedData") == "METADATA_ONLY",
    )


def delete_state_machine(call: Call) -> None:
    """DeleteStateMachine; one that is not there is gone already."""
    try:
        call.lab.workflows.delete(unqualified(call.params["stateMachineArn"]).name)
    except NotFound:
        return


def list_state_machines(call: Call) -> Mapping[str, Any]:
    """ListStateMachines."""
    found = sorted(call.lab.workflows.list(), key=lambda each: each.name)
    given, more = paging.page(found, call.params, lambda each: each.name)
    return {"stateMachines": [shapes.state_machine(each) for each in given], **more}


def validate_state_machine_definition(call: Call) -> Mapping[str, Any]:
    """ValidateStateMachineDefinition."""
    params = call.params
    found = validate.diagnostics(params["definition"], params.get("type", "STANDARD"))
    return validate.validation(
        found, severity=params.get("severity", "ERROR"), most=params.get("maxResults", 0)
    )


# -- versions


def publish_state_machine_version(call: Call) -> Mapping[str, Any]:
    """PublishStateMachineVersion."""
    params, workflows = call.params, call.lab.workflows
    arn = params["stateMachineArn"]
    name, revision = unqualified(arn).name, params.get("revisionId")
    try:
        version = workflows.versions.publish(name, description=params.get("description"), revision=revision)
    except NotFound:
        raise names.no_machine(arn) from None
    except Conflict as error:
        present = workflows.kept(name).revision
        if getattr(error, "code", None) != "ConflictException":
            raise
        raise Fault(
            "ConflictException",
            f"Failed to publish the State Machine version for revision {revision}. "
            f"The current State Machine revision is {present}.",
        ) from None
    return {"stateMachineVersionArn": version.id, "creationDate": version.published_at}


def list_state_machine_versions(call: Call) -> Mapping[str, Any]:
    """ListStateMachineVersions, the latest first; one that is not there has none."""
    try:
        found = call.lab.workflows.versions.list(unqualified(call.params["stateMachineArn"]).name)
    except NotFound:
        found = ()
    latest_first = sorted(found, key=lambda each: -int(each.version))
    given, more = paging.page(latest_first, call.params, lambda each: -int(each.version))
    return {"stateMachineVersions": [shapes.version(each) for each in given], **more}


def delete_state_machine_version(call: Call) -> None:
    """DeleteStateMachineVersion; one that is not there is gone already."""
    asked = names.machine(call.params["stateMachineVersionArn"])
    if asked.qualifier is None or not asked.qualifier.isdecimal():
        raise Fault("ValidationException", f"State machine version ARN is required. Received: {asked.arn}")
    versions = call.lab.workflows.versions
    try:
        versions.delete(asked.name, asked.qualifier)
    except Conflict:
        users = [each.name for each in versions.aliases(asked.name, version=asked.qualifier)]
        raise Fault(
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. "
            f"Current list of aliases referencing this version: [{', '.join(users)}]",
        ) from None


# -- what a request says


def unqualified(arn: str) -> names.Named:
    """The state machine itself that an ARN names; the `Fault` for a version's or an alias's."""
    asked = names.machine(arn)
    if asked.qualifier is not None:
        raise Fault(
            "ValidationException", f"The ARN of a version or an alias is not valid in this context: {arn}"
        )
    return asked


def references(workflow: Workflow) -> Mapping[str, list[str]]:
    """The variables that each state reads; none of a draft, which may be anything."""
    definition = shapes.parsed(workflow.definition)
    return validate.variable_references(definition) if isinstance(definition, dict) else {}


def invalid_definition(error: InvalidDefinition) -> Fault:
    """All that is wrong with a definition, in one message."""
    return Fault("InvalidDefinition", validate.refusal(error.diagnostics) or error.message)


def tags(params: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a request by their keys."""
    return {each["key"]: each.get("value", "") for each in params.get("tags") or () if each.get("key")}


def encryption(params: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The encryption that a request asks for; None for the one that everybody has."""
    asked = params.get("encryptionConfiguration")
    if not asked or asked.get("type") == "AWS_OWNED_KEY":
        if asked and len(asked) > 1:
            raise _no_encryption("a key is named where the type is AWS_OWNED_KEY")
        return None
    if not asked.get("kmsKeyId"):
        raise _no_encryption("KmsKeyId is required where the type is CUSTOMER_MANAGED_KMS_KEY")
    return dict(asked)


def _no_encryption(why: str) -> Fault:
    return Fault("InvalidEncryptionConfiguration", f"Invalid Encryption Configuration: {why}")


def _publish(params: Mapping[str, Any]) -> bool:
    publish = bool(params.get("publish"))
    if not publish and params.get("versionDescription"):
        raise Fault("ValidationException", "Version description can only be set when publish is true")
    return publish


def _traced(params: Mapping[str, Any]) -> bool:
    return bool((params.get("tracingConfiguration") or {}).get("enabled"))


OPERATIONS: dict[str, Handler] = {
    "CreateStateMachine": create_state_machine,
    "DeleteStateMachine": delete_state_machine,
    "DeleteStateMachineVersion": delete_state_machine_version,
    "DescribeStateMachine": describe_state_machine,
    "ListStateMachineVersions": list_state_machine_versions,
    "ListStateMachines": list_state_machines,
    "PublishStateMachineVersion": publish_state_machine_version,
    "UpdateStateMachine": update_state_machine,
    "ValidateStateMachineDefinition": validate_state_machine_definition,
}
