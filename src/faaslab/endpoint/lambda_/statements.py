"""What AddPermission and AddLayerVersionPermission say, as a statement of IAM. Pure.

Source: answers recorded from AWS; the service model for what there is.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.lambda_.settings import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ACCOUNT = re.compile(r"\d{12}")
_ARN = re.compile(r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:\S+")
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|amazon\.com)")
_EQUAL = {
    "SourceAccount": "AWS:SourceAccount",
    "EventSourceToken": "lambda:EventSourceToken",
    "PrincipalOrgID": "aws:PrincipalOrgID",
    "FunctionUrlAuthType": "lambda:FunctionUrlAuthType",
}


def statement(params: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """The statement that those parameters make about `resource`, an ARN."""
    conditions: dict[str, dict[str, str]] = {}
    equal = {key: str(params[member]) for member, key in _EQUAL.items() if params.get(member)}
    if equal:
        conditions["StringEquals"] = equal
    if params.get("InvokedViaFunctionUrl") is not None:
        conditions["Bool"] = {"lambda:InvokedViaFunctionUrl": str(params["InvokedViaFunctionUrl"]).lower()}
    if params.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    made: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": resource,
    }
    return {**made, "Condition": conditions} if conditions else made


def layer_statement(params: Mapping[str, Any], resource: str) -> dict[str, Any]:
    """The statement about a version of a layer."""
    who = params["Principal"]
    made: dict[str, Any] = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if who == "*" else {"AWS": f"arn:aws:iam::{who}:root" if who.isdigit() else who},
        "Action": params["Action"],
        "Resource": resource,
    }
    if params.get("OrganizationId"):
        made["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": params["OrganizationId"]}}
    return made


def principal(text: str) -> str | dict[str, str]:
    """Who may: everybody, a service, an account, or somebody in one."""
    if text == "*":
        return "*"
    if _ACCOUNT.fullmatch(text):
        return {"AWS": f"arn:aws:iam::{text}:root"}
    if _ARN.fullmatch(text):
        return {"AWS": text}
    if _SERVICE.fullmatch(text):
        return {"Service": text}
    raise invalid("The provided principal was invalid. Please check the principal and try again.")


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """A policy as AWS gives it: the text of a JSON document."""
    return json.dumps(
        {"Version": "2012-10-17", "Id": "default", "Statement": list(statements)}, separators=(",", ":")
    )


def text(statement: Mapping[str, Any]) -> str:
    """A statement as AWS gives it back."""
    return json.dumps(statement, separators=(",", ":"))


def read(document: str) -> tuple[dict[str, Any], ...]:
    """The statements of a whole policy, each with a `Sid`; raises the `Fault` for what is no policy."""
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError):
        raise invalid("The provided policy is not valid JSON.") from None
    statements = parsed.get("Statement") if isinstance(parsed, dict) else None
    statements = [statements] if isinstance(statements, dict) else statements
    if not isinstance(statements, list) or not statements:
        raise invalid("The provided policy has no Statement.")
    made = []
    for number, each in enumerate(statements, 1):
        if not isinstance(each, dict) or each.get("Effect") not in ("Allow", "Deny"):
            raise invalid(f"Statement {number} of the provided policy has no Effect of Allow or Deny.")
        made.append({"Sid": str(each.get("Sid") or f"statement-{number}"), **each})
    if len({each["Sid"] for each in made}) < len(made):
        raise invalid("Statement IDs (SID) in a single policy must be unique.")
    return tuple(made)
