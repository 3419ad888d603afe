"""Which function an operation is about: a name, `name:qualifier`, a partial ARN or a whole one. Pure.

Source of the forms: the Lambda API's FunctionName; of the complaints: answers recorded from AWS.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from faaslab.endpoint.messages import Fault
from faaslab.model.function import function_arn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.endpoint.call import Call

ACCOUNT = "000000000000"
"""Whose functions the lab's are."""

_FUNCTION = re.compile(
    r"(?:arn:aws[a-zA-Z-]*:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9_.-]+)"
    r"(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]+))?"
)
_LONGEST_NAME = 64
_ONLY_FUNCTIONS = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
    "operation. Please specify either a function name or an unqualified function ARN."
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """A function of the lab, and the version or alias of it that was named; None where none was."""

    function: str
    qualifier: str | None = None

    def arn(self, region: str) -> str:
        """Its ARN, qualified as it was named."""
        plain = function_arn(self.function, region, ACCOUNT)
        return plain if self.qualifier is None else f"{plain}:{self.qualifier}"


def named(call: Call) -> Named:
    """What `FunctionName` and `Qualifier` say together; raises the `Fault` that AWS answers otherwise."""
    found = read(
        call.params["FunctionName"],
        regions=(call.region, call.lab.region),
        operation=call.operation,
    )
    asked = call.params.get("Qualifier") or None
    if asked and found.qualifier and asked != found.qualifier:
        raise Fault(
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
            fields={"Type": "User"},
        )
    return Named(function=found.function, qualifier=asked or found.qualifier)


def unqualified(call: Call) -> str:
    """The name of the function that an operation on a function as a whole is about."""
    found = named(call)
    if found.qualifier is not None and found.qualifier != "$LATEST":
        raise Fault("InvalidParameterValueException", _ONLY_FUNCTIONS, fields={"Type": "User"})
    return found.function


def read(text: str, *, regions: Sequence[str], operation: str = "Invoke") -> Named:
    """The function and the qualifier that stand in `text`, a name or an ARN in one of `regions`."""
    match = _FUNCTION.fullmatch(text)
    if match is None:
        raise _invalid(text, f"Member must satisfy regular expression pattern: {_PATTERN}")
    region, account, name = match["region"], match["account"], match["name"]
    if account is not None and account != ACCOUNT:
        raise Fault(
            "AccessDeniedException",
            f"User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: lambda:{operation} on "
            f"resource: {text} because no resource-based policy allows the lambda:{operation} action. "
            f"Functions here are of account {ACCOUNT}",
            status=403,
        )
    if region is not None and region not in regions:
        raise Fault(
            "ResourceNotFoundException",
            f"Functions from '{region}' are not reachable in this region ('{regions[0]}')",
            status=404,
            fields={"Type": "User"},
        )
    if len(name) > _LONGEST_NAME:
        raise _invalid(text, f"Member must have length less than or equal to {_LONGEST_NAME}")
    return Named(function=name, qualifier=match["qualifier"])


def not_found(what: str) -> Fault:
    """What AWS answers for a function, a version or an alias of that ARN that is not there."""
    return Fault(
        "ResourceNotFoundException",
        f"Function not found: {what}",
        status=404,
        fields={"Type": "User"},
    )


_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)


def _invalid(text: str, wrong: str) -> Fault:
    return Fault(
        "ValidationException",
        f"1 validation error detected: Value '{text}' at 'functionName' failed to satisfy constraint: "
        f"{wrong}",
    )
