"""Answers that are not moto's: to what it should not be asked, does not know, or fails at.

Rule: what the caller can do better, and what is not there, is told in a sentence, as 4xx or as 501, which no
SDK tries again. A 500 is for what nobody foresaw. Each comes in the protocol that was asked in, by botocore's
models.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from faaslab.cloud.child.asked import Answer
from faaslab.cloud.child.changes import operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.cloud.child.asked import Asked


_MOTOS_OWN = ("/moto-api", "/latest/meta-data", "/latest/api")
_SIGNED_FOR = re.compile(r"Credential=[^/,\s]*/\d+/[^/,\s]*/([^/,\s]+)/aws4_request")
_NOWHERE = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>"
_MOST = 1000
NOT_THERE = 501
"""The status of what AWS has and the embedded cloud has not."""
# Where a service is not signed for under botocore's name of it.
_MODELS = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "email": "ses",
    "elasticloadbalancing": "elbv2",
}


class ServiceMissing(Exception):
    """Moto has no such service."""


class Reason(NamedTuple):
    """Why something was not done."""

    code: str
    message: str
    status: int = 400


def refused(asked: Asked) -> Answer | None:
    """The answer to what is no service of AWS: moto's own switches, by which it could be emptied."""
    if asked.target.startswith(_MOTOS_OWN):
        return Answer(status=403, headers=(("Content-Type", "text/plain"),), body=b"not a service of AWS\n")
    return None


def failure(asked: Asked, message: str) -> Answer:
    """InternalFailure in the protocol that was asked in."""
    return answer(asked, Reason("InternalFailure", message, 500))


def told(asked: Asked, given: Answer) -> Answer:
    """Moto's answer; where it has none for that address, not the page that its library makes of it."""
    empty = not given.body and any("text/html" in value for name, value in given.headers if len(name) == 12)
    if given.status != 404 or asked.method == "HEAD" or not (empty or given.body.startswith(_NOWHERE)):
        return given
    return answer(asked, _unknown(asked))


def reason(asked: Asked, error: Exception) -> Reason | None:
    """What the caller is told of an error of moto's; None for one that nobody foresaw."""
    if isinstance(error, ServiceMissing):
        return Reason(
            "NotImplemented", f"{service(asked) or 'That service'} is not in the embedded cloud.", NOT_THERE
        )
    unreadable = _unreadable(asked, error)
    if unreadable:
        return unreadable
    name = operation(asked)
    known = _operations(asked)
    if type(error).__name__ == "OperationNotFoundError" or (name and known and name not in known):
        return _unknown(asked)
    if asked.header("authorization").startswith("AWS4") and not service(asked):
        return Reason("IncompleteSignature", "The header Authorization names no Credential with its service.")
    if isinstance(error, NotImplementedError):
        what = f"{name or asked.method} of {service(asked) or 'that service'}"
        more = "" if "action has not been implemented" in str(error) else f": {str(error)[:_MOST]}"
        return Reason("NotImplemented", f"{what} is not in the embedded cloud{more}.", NOT_THERE)
    if isinstance(error, KeyError) and error.args == ("HTTP_X_AMZ_TARGET",):
        return _unknown(asked)
    missing = _ill_formed(asked, name)
    return Reason("ValidationException", missing) if missing else None


def service(asked: Asked) -> str:
    """What it was signed for, or nothing."""
    found = _SIGNED_FOR.search(asked.header("authorization"))
    return found[1].lower() if found else ""


def _unknown(asked: Asked) -> Reason:
    name = operation(asked)
    if not name and "x-www-form-urlencoded" in asked.header("content-type"):
        return Reason("MissingAction", "The request says no Action.")
    if not name and _speaks(asked) == "json":
        return Reason(
            "UnknownOperationException", "The request has no header X-Amz-Target that says what to do."
        )
    of = f" of {service(asked)}" if service(asked) else ""
    if name in _operations(asked):
        return Reason("NotImplemented", f"{name}{of} is not in the embedded cloud.", NOT_THERE)
    code = "InvalidAction" if _speaks(asked) == "query" else "UnknownOperationException"
    if name:
        return Reason(code, f"There is no operation {name}{of}.")
    place = f"{asked.method} {asked.target.partition('?')[0][:200]}"
    return Reason(code, f"Nothing in the embedded cloud answers to {place}{of}.", 404)


def _unreadable(asked: Asked, error: Exception) -> Reason | None:
    """A body that is not what it has to be."""
    if isinstance(error, ExpatError):
        return Reason("MalformedXML", f"The XML you provided was not well-formed: {error}")
    kind = asked.header("content-type")
    target = asked.header("x-amz-target")
    if target and kind and "json" not in kind:
        return Reason(
            "SerializationException",
            f"{target[:200]} takes JSON, and the Content-Type of the request is another "
            "(application/x-amz-json-1.0 or 1.1).",
        )
    if target or "json" in kind:
        try:
            read = json.loads(asked.body or b"{}")
        except ValueError as why:
            return Reason("SerializationException", f"The body of the request is no JSON: {why}")
        if target and not isinstance(read, dict):
            return Reason("SerializationException", "The body of the request is no JSON object.")
    elif isinstance(error, UnicodeDecodeError):
        try:
            asked.body.decode()
        except UnicodeDecodeError as why:
            return Reason(
                "SerializationException", f"The body of the request is no text in UTF-8: {why.reason}"
            )
    return None


def _ill_formed(asked: Asked, name: str | None) -> str:
    """What is missing or of another type than the model says; nothing where that cannot be said."""
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    description = _model(service(asked))
    if not asked.header("x-amz-target") or name is None or name not in _operations(asked):
        return ""
    shape = ServiceModel(description).operation_model(name).input_shape
    if shape is None:
        return ""
    report = ParamValidator().validate(json.loads(asked.body or b"{}"), shape)
    return str(report.generate_report())[:_MOST] if report.has_errors() else ""


def _operations(asked: Asked) -> Mapping[str, Any]:
    """Those that AWS has of the service."""
    found: Mapping[str, Any] = _model(service(asked)).get("operations", {})
    return found


def _speaks(asked: Asked) -> str:
    """The protocol: what the request shows, else what the service has."""
    if asked.header("smithy-protocol") == "rpc-v2-cbor":
        return "cbor"
    if asked.header("x-amz-target"):
        return "json"
    if asked.method == "POST" and "x-www-form-urlencoded" in asked.header("content-type"):
        return "query"
    signed = service(asked)
    if not signed:
        return "rest-json" if "json" in asked.header("content-type") else "rest-xml"
    protocol = str(_model(signed).get("metadata", {}).get("protocol", "rest-json"))
    return "query" if protocol == "ec2" else protocol


@cache
def _model(signed: str) -> Mapping[str, Any]:
    """Botocore's description of a service, or an empty one."""
    from botocore.exceptions import BotoCoreError
    from botocore.loaders import Loader

    name = _MODELS.get(signed, signed)
    if not re.fullmatch(r"[a-z][a-z0-9.-]*", name):
        return {}
    try:
        found: Mapping[str, Any] = Loader(include_default_search_paths=True).load_service_model(
            name, "service-2"
        )
    except (BotoCoreError, OSError, ValueError):
        return {}
    return found


def answer(asked: Asked, why: Reason) -> Answer:
    """It in the protocol that was asked in; what the request called its own type has no part in that."""
    speaks = _speaks(asked)
    kind = {"Content-Type": "application/xml"}
    if speaks in ("json", "rest-json"):
        version = "1.0" if "json-1.0" in asked.header("content-type") else "1.1"
        kind["Content-Type"] = f"application/x-amz-json-{version}" if speaks == "json" else "application/json"
        kind["X-Amzn-ErrorType"] = why.code
        body = json.dumps({"__type": why.code, "message": why.message}).encode()
    elif speaks == "cbor":
        kind = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        words = ("__type", why.code, "message", why.message)
        body = b"\xa2" + b"".join(_cbor(word) for word in words)
    else:
        text = f"<Code>{why.code}</Code><Message>{escape(why.message)}</Message>"
        error = f"<Error>{text}</Error>"
        body = (f"<ErrorResponse>{error}</ErrorResponse>" if speaks == "query" else error).encode()
    return Answer(status=why.status, headers=tuple(kind.items()), body=body)


def _cbor(text: str) -> bytes:
    """A text of up to 64 kB (RFC 8949, 3.1)."""
    data = text.encode()[:65535]
    return b"\x79" + len(data).to_bytes(2, "big") + data
