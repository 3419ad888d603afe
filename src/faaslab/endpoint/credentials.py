"""Who asks for what: the credential scope of a signed request.

Rule: pure. A signature is not verified: on a loopback port nobody has a secret to verify it with; where a
token is asked for, it is the access key (see `guard`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

# `KEY/20261126/us-east-1/lambda/aws4_request`; a signature over several regions (SigV4A) names none.
_SCOPE = re.compile(
    r"(?P<key>[^/\s,]{1,128})/\d{8}/(?:(?P<region>[a-z0-9-]{1,32})/)?(?P<service>[A-Za-z0-9_.-]{1,64})/aws4_request"
)
_HEADER = re.compile(r"AWS4-[A-Z0-9-]{1,40}\s+(?:.{0,2048}?[,\s])??Credential=(?P<scope>[^,\s]{1,512})")


class Scope(NamedTuple):
    """The access key, the signing name of a service (`lambda`, `monitoring`), and the region or None."""

    key: str
    service: str
    region: str | None


def scope(headers: Mapping[str, str], query: str) -> Scope | None:
    """What a request is signed for: by its `Authorization`, or by `X-Amz-Credential` when it is presigned.

    `query` is as it came. None for a request that is not signed.
    """
    header = _HEADER.match(headers.get("authorization", ""))
    text = header["scope"] if header else _presigned(query)
    if text:
        return _read(text)
    key = _older(headers.get("authorization", ""), query)
    return Scope(key, "s3", None) if key else None


def header(scope: Scope) -> str:
    """The `Authorization` of what is said for somebody else, by which the cloud tells the service."""
    named = f"{scope.key}/20260101/{scope.region}/{scope.service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={named}, SignedHeaders=host, Signature=local"


@lru_cache(64)
def _read(text: str) -> Scope | None:
    """A scope, which is the same all day for a client."""
    found = _SCOPE.fullmatch(text)
    return Scope(found["key"], found["service"], found["region"]) if found else None


def _older(header: str, query: str) -> str | None:
    """The access key of S3's signature of before 2014, which boto3 presigns with for an `endpoint_url`."""
    if header.startswith("AWS "):
        return header[4:].partition(":")[0].strip()[:128]
    for part in query.split("&") if "AWSAccessKeyId=" in query else ():
        name, _, value = part.partition("=")
        if name == "AWSAccessKeyId":
            return unquote(value)[:128]
    return None


def _presigned(query: str) -> str | None:
    for part in query.split("&") if "X-Amz-Credential=" in query else ():
        name, _, value = part.partition("=")
        if name == "X-Amz-Credential":
            return unquote(value)
    return None
