"""Answers that are not moto's: to what it should not be asked, does not know, or fails at.

Rule: what the caller can do better, and what is not there, is told in a sentence, as 4xx or as 501, which no
SDK tries again. A 500 is for what nobody foresaw. Each comes in the protocol that was asked in, by botocore's
models.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from faaslab.cloud.child.asked import Answer
from faaslab.cloud.child.changes import operation
from faaslab.cloud.child.models import is_known, model, named, service, wrong

if TYPE_CHECKING:
    from faaslab.cloud.child.asked import Asked


_MOTOS_OWN = ("/moto-api", "/latest/meta-data", "/latest/api")
_NOWHERE = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>"
_MOST = 1000
NOT_THERE = 501
"""The status of what AWS has and the embedded cloud has not."""


class ServiceMissing(Exception):
    """Moto has no such service."""


class Reason(NamedTuple):
    """Why something was not done."""

    code: str
    message: str
    status: int = 400


def refused(asked: Asked) -> Answer | None:
    """The answer to what moto is not asked.

    That is no service of AWS (moto's own switches, by which it could be emptied), or what cannot be read:
    moto takes a body that is no JSON for an empty one.
    """
    if asked.target.startswith(_MOTOS_OWN):
        return Answer(status=403, headers=(("Content-Type", "text/plain"),), body=b"not a service of AWS\n")
    if asked.header("x-amz-target") and not asked.header("content-encoding"):
        why = _no_json(asked)
        return answer(asked, why) if why else None
    return None


def failure(asked: Asked, message: str) -> Answer:
    """InternalFailure in the protocol that was asked in."""
    return answer(asked, Reason("InternalFailure", message, 500))


def told(asked: Asked, given: Answer) -> Answer:
    """Moto's answer; where it has none for that address, not the page that its library makes of it."""
    if given.status != 404 or asked.method == "HEAD":
        return given
    if given.body.startswith(_NOWHERE):
        return answer(asked, _not_there(asked) if is_known(asked) else _unknown(asked))
    empty = not given.body and any("text/html" in value for name, value in given.headers if len(name) == 12)
    return answer(asked, _unknown(asked)) if empty else given


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
    found = model(asked)
    known = () if found is None else found.operation_names
    if type(error).__name__ == "OperationNotFoundError" or (name and known and name not in known):
        return _unknown(asked)
    if asked.header("authorization").startswith("AWS4") and not service(asked):
        return Reason("IncompleteSignature", "The header Authorization names no Credential with its service.")
    if isinstance(error, NotImplementedError):
        return _not_there(asked, "" if "action has not been implemented" in str(error) else f": {error}")
    if isinstance(error, KeyError) and error.args == ("HTTP_X_AMZ_TARGET",):
        return _unknown(asked)
    if isinstance(error, KeyError) and not name and error.args[:1] and error.args[0] in _pieces(asked):
        return Reason("NotFoundException", f"There is no {error.args[0]!r}.", 404)
    said = wrong(asked)
    code = "MissingParameter" if _speaks(asked) == "query" else "ValidationException"
    return Reason(code, said) if said else None


def _not_there(asked: Asked, more: str = "") -> Reason:
    what = f"{named(asked) or asked.method} of {service(asked) or 'that service'}"
    return Reason("NotImplemented", f"{what} is not in the embedded cloud{more[:_MOST]}.", NOT_THERE)


def _pieces(asked: Asked) -> set[str]:
    """Of the path, as they came and as they are meant: what it names is one of them."""
    pieces = asked.target.partition("?")[0].split("/")
    return {*pieces, *map(unquote, pieces)} - {""}


def _unknown(asked: Asked) -> Reason:
    name = operation(asked)
    if not name and "x-www-form-urlencoded" in asked.header("content-type"):
        return Reason("MissingAction", "The request says no Action.")
    if not name and _speaks(asked) == "json":
        return Reason(
            "UnknownOperationException", "The request has no header X-Amz-Target that says what to do."
        )
    of = f" of {service(asked)}" if service(asked) else ""
    if name and is_known(asked):
        return _not_there(asked)
    code = "InvalidAction" if _speaks(asked) == "query" else "UnknownOperationException"
    if name:
        return Reason(code, f"There is no operation {name}{of}.")
    place = f"{asked.method} {asked.target.partition('?')[0][:200]}"
    return Reason(code, f"Nothing in the embedded cloud answers to {place}{of}.", 404)


def _unreadable(asked: Asked, error: Exception) -> Reason | None:
    """A body that is not what it has to be."""
    if isinstance(error, ExpatError):
        return Reason("MalformedXML", f"The XML you provided was not well-formed: {error}")
    if asked.header("x-amz-target") or "json" in asked.header("content-type"):
        return _no_json(asked)
    if isinstance(error, UnicodeDecodeError):
        try:
            asked.body.decode()
        except UnicodeDecodeError as why:
            return Reason(
                "SerializationException", f"The body of the request is no text in UTF-8: {why.reason}"
            )
    return None


def _no_json(asked: Asked) -> Reason | None:
    kind = asked.header("content-type")
    target = asked.header("x-amz-target")
    if target and kind and "json" not in kind:
        return Reason(
            "SerializationException",
            f"{target[:200]} takes JSON, and the Content-Type of the request is another "
            "(application/x-amz-json-1.0 or 1.1).",
        )
    try:
        read = json.loads(asked.body or b"{}")
    except (ValueError, RecursionError) as why:
        return Reason("SerializationException", f"The body of the request is no JSON: {why}")
    if target and not isinstance(read, dict):
        return Reason("SerializationException", "The body of the request is no JSON object.")
    return None


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
    found = model(asked)
    protocol = "rest-json" if found is None else str(found.metadata["protocol"])
    return "query" if protocol == "ec2" else protocol


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
