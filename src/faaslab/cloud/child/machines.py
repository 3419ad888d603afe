"""State machines and activities in CloudFormation's stacks: made, changed and deleted at the home.

Rule: as in `stacks`. Moto has no words for a `Definition` that is no text, for substitutions and for one that
lies in S3; here all of them become the text that CreateStateMachine takes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from moto.core.common_models import CloudFormationModel

from faaslab.cloud.child.at_home import AtHome, ask

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARN = "arn:aws:states:us-east-1:000000000000"
_LONGEST = 80
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_UNKNOWN = "0"
"""The number of a version that a replayed journal cannot tell: it stays at the home when its stack goes."""


class StateMachine(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::StepFunctions::StateMachine`."""

    attributes = ("Arn", "Name", "StateMachineRevisionId")

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::StepFunctions::StateMachine"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Its name."""
        return "StateMachineName"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> StateMachine:
        """CreateStateMachine."""
        name = name[:_LONGEST]
        body = {
            "name": name,
            "type": properties.get("StateMachineType", "STANDARD"),
            "tags": _tags(properties),
            **_settings(properties),
        }
        arn = _ask("CreateStateMachine", body).get("stateMachineArn", f"{_ARN}:stateMachine:{name}")
        return cls(arn, Arn=arn, Name=name, StateMachineRevisionId="INITIAL")

    def changed(self, name: str, properties: dict[str, Any]) -> StateMachine:
        """UpdateStateMachine; one with another name or of another type is made anew, and the old one goes."""
        if (name := properties.get("StateMachineName", self.told["Name"])) != self.told["Name"]:
            self.delete()
            return self.made(name, properties)
        arn = self.physical_resource_id
        answer = _ask("UpdateStateMachine", {"stateMachineArn": arn, **_settings(properties)})
        _ask("TagResource", {"resourceArn": arn, "tags": _tags(properties)})
        self.told["StateMachineRevisionId"] = answer.get("revisionId", self.told["StateMachineRevisionId"])
        return self

    def delete(self, *_: Any) -> None:
        """DeleteStateMachine."""
        _ask("DeleteStateMachine", {"stateMachineArn": self.physical_resource_id})


class StateMachineVersion(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::StepFunctions::StateMachineVersion`."""

    attributes = ("Arn",)

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::StepFunctions::StateMachineVersion"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> StateMachineVersion:
        """PublishStateMachineVersion."""
        del name
        machine = properties["StateMachineArn"]
        body = {"stateMachineArn": machine}
        if "Description" in properties:
            body["description"] = properties["Description"]
        answer = _ask("PublishStateMachineVersion", body)
        arn = answer.get("stateMachineVersionArn", f"{machine}:{_UNKNOWN}")
        return cls(arn, Arn=arn)

    def delete(self, *_: Any) -> None:
        """DeleteStateMachineVersion."""
        if not self.physical_resource_id.endswith(f":{_UNKNOWN}"):
            _ask("DeleteStateMachineVersion", {"stateMachineVersionArn": self.physical_resource_id})


class StateMachineAlias(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::StepFunctions::StateMachineAlias`; a DeploymentPreference shifts all starts at once."""

    attributes = ("Arn",)

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::StepFunctions::StateMachineAlias"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> StateMachineAlias:
        """CreateStateMachineAlias."""
        name, routes = properties.get("Name", name[:_LONGEST]), _routes(properties)
        body = {"name": name, "routingConfiguration": routes, **_described(properties)}
        machine = routes[0]["stateMachineVersionArn"].rpartition(":")[0]
        arn = _ask("CreateStateMachineAlias", body).get("stateMachineAliasArn", f"{machine}:{name}")
        return cls(arn, Arn=arn)

    def changed(self, name: str, properties: dict[str, Any]) -> StateMachineAlias:
        """UpdateStateMachineAlias."""
        del name
        body = {"routingConfiguration": _routes(properties), **_described(properties)}
        _ask("UpdateStateMachineAlias", {"stateMachineAliasArn": self.physical_resource_id, **body})
        return self

    def delete(self, *_: Any) -> None:
        """DeleteStateMachineAlias."""
        _ask("DeleteStateMachineAlias", {"stateMachineAliasArn": self.physical_resource_id})


class Activity(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::StepFunctions::Activity`."""

    attributes = ("Arn", "Name")

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::StepFunctions::Activity"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Its name."""
        return "Name"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> Activity:
        """CreateActivity."""
        name = name[:_LONGEST]
        body = {"name": name, "tags": _tags(properties)}
        arn = _ask("CreateActivity", body).get("activityArn", f"{_ARN}:activity:{name}")
        return cls(arn, Arn=arn, Name=name)

    def changed(self, name: str, properties: dict[str, Any]) -> Activity:
        """Its tags; one with another name is made anew, and the old one goes."""
        if (name := properties.get("Name", self.told["Name"])) != self.told["Name"]:
            self.delete()
            return self.made(name, properties)
        _ask("TagResource", {"resourceArn": self.physical_resource_id, "tags": _tags(properties)})
        return self

    def delete(self, *_: Any) -> None:
        """DeleteActivity."""
        _ask("DeleteActivity", {"activityArn": self.physical_resource_id})


TYPES = (StateMachine, StateMachineVersion, StateMachineAlias, Activity)


def _ask(operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
    return ask("POST", "/", body, operation=operation)


def _settings(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The members that CreateStateMachine and UpdateStateMachine have in common."""
    body: dict[str, Any] = {"definition": _definition(properties), "roleArn": properties.get("RoleArn", "")}
    if logging := properties.get("LoggingConfiguration"):
        groups = [each["CloudWatchLogsLogGroup"]["LogGroupArn"] for each in logging.get("Destinations", ())]
        body["loggingConfiguration"] = {
            "level": logging.get("Level", "OFF"),
            "includeExecutionData": _true(logging.get("IncludeExecutionData", False)),
            "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": each}} for each in groups],
        }
    if tracing := properties.get("TracingConfiguration"):
        body["tracingConfiguration"] = {"enabled": _true(tracing.get("Enabled", False))}
    if encryption := properties.get("EncryptionConfiguration"):
        body["encryptionConfiguration"] = {
            f"{key[0].lower()}{key[1:]}": int(value) if key.endswith("Seconds") else value
            for key, value in encryption.items()
        }
    return body


def _definition(properties: Mapping[str, Any]) -> str:
    """The definition as one text, with what stands for `${name}` in its place."""
    if "DefinitionString" in properties:
        text = properties["DefinitionString"]
    elif "DefinitionS3Location" in properties:
        text = _of_s3(properties["DefinitionS3Location"])
    else:
        text = properties.get("Definition", "")
    if not isinstance(text, str):
        text = json.dumps(text)
    put = properties.get("DefinitionSubstitutions") or {}
    return _SUBSTITUTED.sub(lambda found: _text(put[found[1]]) if found[1] in put else found[0], text)


def _of_s3(location: Mapping[str, Any]) -> str:
    from moto.cloudformation.exceptions import ValidationError
    from moto.s3.exceptions import S3ClientError
    from moto.s3.models import s3_backends

    s3, bucket, key = s3_backends["000000000000"]["aws"], location["Bucket"], location["Key"]
    try:
        kept = s3.get_object(bucket, key, version_id=location.get("Version"))
    except S3ClientError as error:
        raise ValidationError(message=f"s3://{bucket}/{key}: {error}") from None
    if kept is None:
        raise ValidationError(message=f"There is no object s3://{bucket}/{key}")
    return str(kept.value.decode("utf-8", "replace"))


def _routes(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    preference = properties.get("DeploymentPreference")
    if preference is not None:
        return [{"stateMachineVersionArn": preference["StateMachineVersionArn"], "weight": 100}]
    return [
        {"stateMachineVersionArn": each["StateMachineVersionArn"], "weight": int(each["Weight"])}
        for each in properties["RoutingConfiguration"]
    ]


def _described(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": properties["Description"]} if "Description" in properties else {}


def _tags(properties: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"key": each["Key"], "value": str(each["Value"])} for each in properties.get("Tags") or ()]


def _true(value: Any) -> bool:
    """A template may write truth as a text."""
    return value is True or value == "true"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
