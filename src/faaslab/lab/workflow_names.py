"""Names and ARNs of workflows, their executions and what belongs to them. Pure.

Rule: what counts is the name; region and account of an ARN that is asked for are not looked at, so that a
definition that was written for AWS finds the same things here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from faaslab.errors import FaaslabError, InvalidValue

E = TypeVar("E", bound=FaaslabError)

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/faaslab"
"""The role of a workflow that was made without one: nobody checks it here."""
# What Step Functions refuses in a name (CreateStateMachine, `name`).
_UNNAMEABLE = re.compile(
    '[\\s<>{}\\[\\]?*"#%\\\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\U0010ffff]'
)
_ALIAS = re.compile(r"(?=.*[A-Za-z_.-])[A-Za-z0-9_.-]{1,80}")
_MACHINE = re.compile(
    r"(?:arn:aws[a-z-]*:states:[^:]*:[^:]*:stateMachine:)?(?P<name>[^:/]+)(?:/(?P<label>[^:]+))?(?::(?P<qualifier>[^:]+))?"
)
_EXECUTION = re.compile(
    r"arn:aws[a-z-]*:states:(?P<region>[^:]*):[^:]*:(?P<kind>execution|express):(?P<machine>[^:]+)"
    r":(?P<name>[^:]+)(?::(?P<run>[^:]+))?"
)
_ACTIVITY = re.compile(r"(?:arn:aws[a-z-]*:states:[^:]*:[^:]*:activity:)?(?P<name>[^:]+)")
ACTIVITY_WORD = "activity:"
"""What the short form of an activity's ARN begins with."""


@dataclass(frozen=True, slots=True)
class Named:
    """A workflow, and the version's number or the alias that was asked for."""

    name: str
    qualifier: str | None = None


def checked(name: Any, *, what: str = "workflow") -> str:
    """The name, if Step Functions would take it: 1 to 80 characters, without white space, `<>{}[]?*"#`…"""
    if not isinstance(name, str) or not 1 <= len(name) <= 80 or _UNNAMEABLE.search(name):
        article = "an" if what[:1] in "aeiou" else "a"
        raise coded(
            InvalidValue(
                f"Invalid Name: {str(name)[:200]!r}",
                place="name",
                hint=f"the name of {article} {what} has 1 to 80 letters, digits, '-' and '_'",
            ),
            "InvalidName",
        )
    return name


def alias(name: Any) -> str:
    """The name of an alias, when Step Functions would take it: no number, `[A-Za-z0-9_.-]{1,80}`."""
    if not isinstance(name, str) or not _ALIAS.fullmatch(name):
        raise coded(
            InvalidValue(
                f"{str(name)[:200]!r} is no name of an alias",
                place="alias",
                hint="up to 80 letters, digits, '-', '_' and '.', not digits alone",
            ),
            "ValidationException",
        )
    return name


def machine(text: str) -> Named:
    """What `NAME`, `NAME:VERSION`, `NAME:ALIAS` or an ARN of such stands for. Raises InvalidValue."""
    found = _MACHINE.fullmatch(text) if type(text) is str else None
    if found is None:
        raise coded(
            InvalidValue(
                f"{str(text)[:200]!r} is no workflow",
                hint="give its name, NAME:ALIAS, NAME:VERSION or its ARN",
            ),
            "InvalidArn",
        )
    return Named(found["name"], found["qualifier"])


def activity(text: str) -> str:
    """The name of the activity that a name or an ARN stands for."""
    found = _ACTIVITY.fullmatch(text.removeprefix(ACTIVITY_WORD)) if type(text) is str else None
    if found is None:
        raise coded(InvalidValue(f"{str(text)[:200]!r} is no activity"), "InvalidArn")
    return found["name"]


def machine_of(execution: str) -> str | None:
    """The name of the workflow that an execution's ARN is of; None for what is no such ARN."""
    found = _EXECUTION.fullmatch(execution)
    return None if found is None else found["machine"].partition("/")[0]


def is_execution(text: str) -> bool:
    """Whether it is the ARN of an execution."""
    return _EXECUTION.fullmatch(text) is not None


def local(execution: str, region: str) -> str:
    """An execution's ARN of whatever region and account as one of this lab."""
    found = _EXECUTION.fullmatch(execution)
    if found is None:
        return execution
    rest = ":".join(filter(None, (found["machine"], found["name"], found["run"])))
    return f"arn:aws:states:{region}:{ACCOUNT}:{found['kind']}:{rest}"


def machine_arn(name: str, region: str) -> str:
    """The ARN of a workflow."""
    return f"arn:aws:states:{region}:{ACCOUNT}:stateMachine:{name}"


def activity_arn(name: str, region: str) -> str:
    """The ARN of an activity."""
    return f"arn:aws:states:{region}:{ACCOUNT}:activity:{name}"


def execution_arn(
    machine_arn: str, name: str, kind: Literal["STANDARD", "EXPRESS"], run: str | None = None
) -> str:
    """The ARN of an execution of the workflow with that ARN; an express one has `run` to tell it apart."""
    start, _, machine = machine_arn.partition(":stateMachine:")
    if kind == "EXPRESS":
        return f"{start}:express:{machine}:{name}:{run}"
    return f"{start}:execution:{machine}:{name}"


def coded(error: E, code: str) -> E:
    """The error with Step Functions' name of it as `code`, for whoever answers in its words."""
    error.code = code  # type: ignore[attr-defined]
    return error
