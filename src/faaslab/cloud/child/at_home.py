"""A resource of a CloudFormation stack that is at the home, and the way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from moto.core.common_models import CloudFormationModel

from faaslab.cloud.child.bridge import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.cloud.child.bridge import Bridge

_bridge: Bridge | None = None


def take_over(bridge: Bridge, *modules: str) -> None:
    """From now on `bridge` makes what is at the home, and moto's classes of `modules` make nothing."""
    global _bridge  # noqa: PLW0603 - what is kept of a stack is pickled, and must not hold it
    _bridge = bridge
    for each in CloudFormationModel.__subclasses__():
        if each.__module__ in modules:
            each.cloudformation_type = staticmethod(lambda: "Nothing::That::Stacks::Have")


def ask(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    missing: bool = False,
    operation: str | None = None,
) -> dict[str, Any]:
    """What the home answers; with `missing` what is not there is no error.

    It is Lambda's API that is asked, or Step Functions' for an `operation` of it.
    """
    assert _bridge is not None
    try:
        return _bridge.carry_out(method, path, body, operation=operation)
    except Refused as refused:
        if missing and refused.status == 404:
            return {}
        from moto.cloudformation.exceptions import ValidationError

        raise ValidationError(message=str(refused)) from None


class AtHome:
    """A resource of a stack that is at the home: what it is called there, and what `GetAtt` gives."""

    attributes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, **told: str) -> None:
        self.physical_resource_id = name
        self.told = told

    @staticmethod
    def cloudformation_name_type() -> str:
        """None of its properties names it, unless it says so."""
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether `GetAtt` has it."""
        return attr in cls.attributes

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """What `GetAtt` gives."""
        from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

        if attribute_name not in self.told:
            raise UnformattedGetAttTemplateException
        return self.told[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], *_: Any, **__: Any
    ) -> Any:
        """Make it."""
        return cls.made(resource_name, cloudformation_json.get("Properties", {}))

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        *_: Any,
        **__: Any,
    ) -> Any:
        """Change it; what has no change of its own is made anew beside."""
        return original_resource.changed(new_resource_name, cloudformation_json.get("Properties", {}))

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        """Nothing: `delete` did it."""

    @classmethod
    def made(cls, name: str, properties: dict[str, Any]) -> AtHome:
        """What came of making it."""
        raise NotImplementedError

    def changed(self, name: str, properties: dict[str, Any]) -> AtHome:
        """What came of changing it."""
        return self.made(name, properties)

    def delete(self, *_: Any) -> None:
        """Take it away; what is gone already is."""
