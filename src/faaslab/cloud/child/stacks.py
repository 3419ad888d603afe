"""Functions in CloudFormation's stacks: made, changed and deleted at the home, by its own Lambda API.

Rule: what a stack says it made is there. A type of Lambda that the home does not have fails the stack with
the sentence that the API has for it. While a journal is replayed nothing is asked for: the home has it.
Moto's CloudFormation imports all of moto, so it is not imported here before somebody uses it.
"""

from __future__ import annotations

import base64
import io
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from moto.core.common_models import CloudFormationModel

from faaslab.cloud.child import machines
from faaslab.cloud.child.at_home import AtHome, ask, take_over

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.cloud.child.bridge import Bridge

_FUNCTIONS = "/2015-03-31/functions"
_NUMBERS = frozenset({"MemorySize", "Timeout", "Size", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"})
_APART = ("FunctionName", "Code", "Tags", "ReservedConcurrentExecutions", "RecursiveLoop", "KmsKeyArn")
"""Properties of a function that CreateFunction does not take, or not in this form."""
_UNKNOWN = "0"
"""The number of a version that a replayed journal cannot tell: it stays at the home when its stack goes."""
_INLINE = {"nodejs": "index.js"}


def make_with(bridge: Bridge) -> None:
    """From now on stacks make functions and state machines at the home that `bridge` leads to."""
    from moto.awslambda import models as functions
    from moto.stepfunctions import models as state_machines

    take_over(bridge, functions.__name__, state_machines.__name__)


class Function(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::Function`."""

    attributes = ("Arn",)

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::Function"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Its name."""
        return "FunctionName"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> Function:
        """CreateFunction, and what is set apart from it."""
        name = name[:64]
        body = {"FunctionName": name, **_settings(properties), "Code": _code(properties)}
        if properties.get("Tags"):
            body["Tags"] = {each["Key"]: str(each["Value"]) for each in properties["Tags"]}
        ask("POST", _FUNCTIONS, body)
        made = cls(name, Arn=_arn(name))
        made.set_apart(properties)
        return made

    def changed(self, name: str, properties: dict[str, Any]) -> Function:
        """UpdateFunctionCode and UpdateFunctionConfiguration; the name of a function stays."""
        del name
        path = f"{_FUNCTIONS}/{self.physical_resource_id}"
        ask("PUT", f"{path}/code", _code(properties))
        ask("PUT", f"{path}/configuration", _settings(properties))
        self.set_apart(properties)
        return self

    def set_apart(self, properties: dict[str, Any]) -> None:
        """What has operations of its own."""
        name = self.physical_resource_id
        if (reserved := properties.get("ReservedConcurrentExecutions")) is not None:
            body = {"ReservedConcurrentExecutions": int(reserved)}
            ask("PUT", f"/2017-10-31/functions/{name}/concurrency", body)
        if properties.get("RecursiveLoop"):
            body = {"RecursiveLoop": properties["RecursiveLoop"]}
            ask("PUT", f"/2024-08-31/functions/{name}/recursion-config", body)

    def delete(self, *_: Any) -> None:
        """DeleteFunction."""
        ask("DELETE", f"{_FUNCTIONS}/{self.physical_resource_id}", missing=True)


class LayerVersion(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::LayerVersion`; one that changes is a version of its own."""

    attributes = ("LayerVersionArn",)

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::LayerVersion"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Its name."""
        return "LayerName"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> LayerVersion:
        """PublishLayerVersion."""
        body = {key: value for key, value in properties.items() if key != "LayerName"}
        answer = ask("POST", f"/2018-10-31/layers/{quote(name, safe='')}/versions", body)
        arn = answer.get("LayerVersionArn") or f"{_arn(name, 'layer')}:{_UNKNOWN}"
        return cls(arn, LayerVersionArn=arn)

    def delete(self, *_: Any) -> None:
        """DeleteLayerVersion."""
        name, number = self.physical_resource_id.split(":")[-2:]
        if number != _UNKNOWN:
            ask("DELETE", f"/2018-10-31/layers/{name}/versions/{number}", missing=True)


class Version(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::Version`."""

    attributes = ("Version", "FunctionArn")

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::Version"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> Version:
        """PublishVersion."""
        del name
        function = properties["FunctionName"]
        body: dict[str, Any] = {
            key: properties[key] for key in ("CodeSha256", "Description") if key in properties
        }
        answer = ask("POST", f"{_FUNCTIONS}/{quote(function, safe='')}/versions", body)
        number = answer.get("Version", _UNKNOWN)
        arn = answer.get("FunctionArn", f"{_arn(function.rpartition(':')[2])}:{number}")
        return cls(arn, Version=number, FunctionArn=arn)

    def delete(self, *_: Any) -> None:
        """DeleteFunction of the version."""
        if self.told["Version"] != _UNKNOWN:
            ask("DELETE", f"{_FUNCTIONS}/{quote(self.physical_resource_id, safe='')}", missing=True)


class Alias(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::Alias`."""

    attributes = ("AliasArn",)

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::Alias"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> Alias:
        """CreateAlias."""
        del name
        function, alias = properties["FunctionName"], properties["Name"]
        ask("POST", f"{_FUNCTIONS}/{quote(function, safe='')}/aliases", _alias(properties))
        arn = f"{_arn(function.rpartition(':')[2])}:{alias}"
        return cls(arn, AliasArn=arn)

    def changed(self, name: str, properties: dict[str, Any]) -> Alias:
        """UpdateAlias."""
        del name
        ask("PUT", self._path(), _alias(properties))
        return self

    def delete(self, *_: Any) -> None:
        """DeleteAlias."""
        ask("DELETE", self._path(), missing=True)

    def _path(self) -> str:
        function, alias = self.physical_resource_id.split(":")[-2:]
        return f"{_FUNCTIONS}/{function}/aliases/{alias}"


class Permission(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::Permission`."""

    attributes = ("Id",)

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::Permission"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> Permission:
        """AddPermission."""
        function = quote(properties["FunctionName"], safe="")
        statement = name[-100:]
        body = {key: value for key, value in properties.items() if key != "FunctionName"}
        ask("POST", f"{_FUNCTIONS}/{function}/policy", {**body, "StatementId": statement})
        made = cls(statement, Id=statement)
        made.path = f"{_FUNCTIONS}/{function}/policy/{statement}"
        return made

    def changed(self, name: str, properties: dict[str, Any]) -> Permission:
        """A statement has no change: the old one goes."""
        self.delete()
        return self.made(name, properties)

    def delete(self, *_: Any) -> None:
        """RemovePermission."""
        ask("DELETE", self.path, missing=True)

    path = ""


class EventInvokeConfig(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::EventInvokeConfig`."""

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::EventInvokeConfig"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> EventInvokeConfig:
        """PutFunctionEventInvokeConfig."""
        made = cls(name)
        function, qualifier = properties["FunctionName"], properties.get("Qualifier", "$LATEST")
        made.path = (
            f"/2019-09-25/functions/{quote(function, safe='')}/event-invoke-config"
            f"?Qualifier={quote(qualifier, safe='')}"
        )
        body = {key: value for key, value in properties.items() if key not in ("FunctionName", "Qualifier")}
        ask("PUT", made.path, _numbers(body))
        return made

    def delete(self, *_: Any) -> None:
        """DeleteFunctionEventInvokeConfig."""
        ask("DELETE", self.path, missing=True)

    path = ""


class Url(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::Url`, which the home refuses."""

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::Url"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> Url:
        """CreateFunctionUrlConfig."""
        function = quote(properties["TargetFunctionArn"], safe="")
        ask("POST", f"/2021-10-31/functions/{function}/url", {"AuthType": properties.get("AuthType", "NONE")})
        return cls(name)


class EventSourceMapping(AtHome, CloudFormationModel):  # type: ignore[misc]
    """`AWS::Lambda::EventSourceMapping`, which the home refuses."""

    @staticmethod
    def cloudformation_type() -> str:
        """Its type."""
        return "AWS::Lambda::EventSourceMapping"

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> EventSourceMapping:
        """CreateEventSourceMapping."""
        body: dict[str, Any] = {
            key: properties[key] for key in ("FunctionName", "EventSourceArn") if key in properties
        }
        ask("POST", "/2015-03-31/event-source-mappings", body)
        return cls(name)


_SERVERLESS = (
    "Api", "Application", "CapacityProvider", "Connector", "Function", "GraphQLApi", "HttpApi",
    "LayerVersion", "SimpleTable", "StateMachine", "WebSocketApi",
)  # fmt: skip


class _Untransformed(AtHome):
    """A type of SAM, which AWS replaces by others before it makes a stack; moto would leave it out."""

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> AtHome:
        """Refused: nothing would come of it."""
        del name, properties
        from moto.cloudformation.exceptions import ValidationError

        raise ValidationError(
            message="The transform AWS::Serverless-2016-10-31 is not there in faaslab: "
            f"{cls.__name__} is left as it is. Write what it stands for (AWS::Lambda::Function)."
        )


def _serverless(kind: str) -> type[Any]:
    name = f"AWS::Serverless::{kind}"
    kind_of_stacks = {"cloudformation_type": staticmethod(lambda: name)}
    return type(name, (_Untransformed, CloudFormationModel), kind_of_stacks)


# Kept, for a class knows its subclasses only as long as somebody does.
_UNTRANSFORMED = [*map(_serverless, _SERVERLESS), *machines.TYPES]


def _settings(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The members of CreateFunction that a template has under the same names."""
    body = {key: value for key, value in properties.items() if key not in _APART}
    if properties.get("KmsKeyArn"):
        body["KMSKeyArn"] = properties["KmsKeyArn"]
    variables = (properties.get("Environment") or {}).get("Variables")
    if variables:
        body["Environment"] = {"Variables": {key: _text(value) for key, value in variables.items()}}
    return dict(_numbers(body))


def _code(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The code; a text in a template is the file `index` of a zip."""
    code = dict(properties.get("Code") or {})
    if "ZipFile" in code:
        runtime = str(properties.get("Runtime", ""))
        name = next((file for family, file in _INLINE.items() if runtime.startswith(family)), "index.py")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, code["ZipFile"])
        code["ZipFile"] = base64.b64encode(buffer.getvalue()).decode()
    return code


def _alias(properties: Mapping[str, Any]) -> dict[str, Any]:
    body = _only(properties, "Name", "FunctionVersion", "Description")
    weights = (properties.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or []
    given = {each["FunctionVersion"]: float(each["FunctionWeight"]) for each in weights}
    return {**body, "RoutingConfig": {"AdditionalVersionWeights": given}}


def _only(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: properties[name] for name in names if name in properties}


def _numbers(value: Any, name: str = "") -> Any:
    """A template may write numbers as texts."""
    if isinstance(value, dict):
        return {key: _numbers(each, key) for key, each in value.items()}
    if name in _NUMBERS and isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _arn(name: str, kind: str = "function") -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:{kind}:{name}"
