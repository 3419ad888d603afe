"""What an operation is about: names and ARNs of Step Functions, read. Pure.

Source of the complaints: answers recorded from AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from faaslab.endpoint.messages import Fault

_ROLE = re.compile(r"arn:[^:]+:iam::[0-9]{12}:role/.+", re.DOTALL)
Kind = Literal["stateMachine", "execution", "express", "mapRun", "activity"]

# What a name may not have in it (StartExecution's `name`).
_UNNAMEABLE = re.compile(
    '[\\s<>{}\\[\\]?*"#%\\\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]'
)
_ARN = re.compile(
    r"arn:(?P<partition>[^:]*):states:(?P<region>[^:]*):(?P<account>[^:]*):(?P<rest>.+)", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A resource by its ARN.

    `name` is the state machine's or the activity's; `label` a distributed Map's; `qualifier` a version's
    number, or an alias; of an execution it is the execution's name and of a map run its id.
    """

    arn: str
    kind: Kind
    name: str
    label: str | None = None
    qualifier: str | None = None

    @property
    def unqualified(self) -> str:
        """The ARN of the state machine itself."""
        return self.arn if self.qualifier is None else self.arn.removesuffix(f":{self.qualifier}")


def named(arn: str, *kinds: Kind) -> Named:
    """The resource of one of `kinds` that an ARN names. Raises the `Fault` InvalidArn for anything else."""
    if not arn.startswith("arn:"):
        raise invalid_arn(f"Invalid ARN prefix: {arn}")
    found = _ARN.fullmatch(arn)
    if found is None:
        raise invalid_arn(f"Invalid ARN: {arn}")
    kind, *parts = found["rest"].split(":")
    if kind not in kinds:
        raise invalid_arn(f"Resource type not valid in this context: {kind}")
    if not _fits(kind, parts):
        raise invalid_arn(f"Invalid ARN: {arn}")
    name, _, label = parts[0].partition("/")
    qualifier = parts[1] if len(parts) > 1 else None
    for each in kinds:
        if each == kind:
            return Named(arn=arn, kind=each, name=name, label=label or None, qualifier=qualifier)
    raise AssertionError(kind)


def _fits(kind: str, parts: list[str]) -> bool:
    if not all(parts) or not parts:
        return False
    lengths = {"stateMachine": (1, 2), "activity": (1,), "execution": (2,), "mapRun": (2,), "express": (3,)}
    return len(parts) in lengths[kind]


def machine(arn: str) -> Named:
    """The state machine, version or alias that an ARN names; a distributed Map's is refused."""
    found = named(arn, "stateMachine")
    if found.label is not None:
        raise Fault(
            "ValidationException",
            f"The ARN of a Distributed Map state is not valid in this context: {arn}",
        )
    return found


def check_name(name: str) -> None:
    """Raise the `Fault` for what can be no name of a state machine, an execution or an activity."""
    if _UNNAMEABLE.search(name):
        raise Fault("InvalidName", f"Invalid Name: '{name}'")


def check_role(arn: str) -> None:
    """Raise the `Fault` for what can be no ARN of a role."""
    if not _ROLE.fullmatch(arn):
        raise Fault("InvalidArn", f"Invalid Role Arn: '{arn}'")


def invalid_arn(reason: str) -> Fault:
    """The `Fault` for an ARN that is none, or not of what it has to be."""
    return Fault("InvalidArn", f"Invalid Arn: '{reason}'")


def no_machine(arn: str) -> Fault:
    """There is no such state machine."""
    return Fault("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def no_execution(arn: str) -> Fault:
    """There is no such execution."""
    return Fault("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")


def no_activity(arn: str) -> Fault:
    """There is no such activity."""
    return Fault("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")


def no_resource(arn: str) -> Fault:
    """There is nothing that has that ARN."""
    return Fault("ResourceNotFound", f"Resource not found: '{arn}'", fields={"resourceName": arn})


def no_alias() -> Fault:
    """There is no such alias, or version."""
    return Fault("ResourceNotFound", "Request references a resource that does not exist.")


def type_not_supported() -> Fault:
    """It is not for state machines of this type."""
    return Fault(
        "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
    )
