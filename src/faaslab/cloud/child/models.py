"""What AWS's own models say of a request: the service's operations, and what one of them needs.

Rule: only for a request that moto failed at, so that its caller is told why. Botocore brings the models.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from faaslab.cloud.child.changes import operation

if TYPE_CHECKING:
    from botocore.model import ServiceModel, StructureShape

    from faaslab.cloud.child.asked import Asked

_SIGNED_FOR = re.compile(r"Credential=[^/,\s]*/\d+/[^/,\s]*/([^/,\s]+)/aws4_request")
# Where a service is not signed for under botocore's name of it.
_NAMES = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "email": "ses",
    "elasticloadbalancing": "elbv2",
}
_MOST = 1000


def service(asked: Asked) -> str:
    """What it was signed for, or nothing."""
    found = _SIGNED_FOR.search(asked.header("authorization"))
    return found[1].lower() if found else ""


def model(asked: Asked) -> ServiceModel | None:
    """That of the service; None for one that botocore does not know."""
    name = service(asked)
    if name == "ses" and asked.target.startswith("/v2/"):
        return _loaded("sesv2")
    return _loaded(_NAMES.get(name, name))


@cache
def _loaded(name: str) -> ServiceModel | None:
    from botocore.exceptions import BotoCoreError
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    if not re.fullmatch(r"[a-z][a-z0-9.-]*", name):
        return None
    try:
        return ServiceModel(Loader(include_default_search_paths=True).load_service_model(name, "service-2"))
    except (BotoCoreError, OSError, ValueError):
        return None


def is_known(asked: Asked) -> bool:
    """Whether AWS has the operation."""
    found = model(asked)
    return found is not None and named(asked) in found.operation_names


def wrong(asked: Asked) -> str:
    """What the operation needs and did not get, or got of another type; nothing where that cannot be said."""
    found, name = model(asked), named(asked)
    if found is None or not is_known(asked):
        return ""
    shape = found.operation_model(name).input_shape
    if shape is None:
        return ""
    if asked.header("x-amz-target"):
        return _against(json.loads(asked.body or b"{}"), shape)
    return ", ".join(_missing(asked, shape, rest="rest" in str(found.metadata["protocol"])))


def _against(given: Any, shape: StructureShape) -> str:
    from botocore.validate import ParamValidator

    report = ParamValidator().validate(given, shape)
    return str(report.generate_report())[:_MOST] if report.has_errors() else ""


def _missing(asked: Asked, shape: StructureShape, *, rest: bool) -> list[str]:
    """A sentence for each member that has to be in the body and is not."""
    if not rest:
        fields = {
            name.partition(".")[0] for name, _ in parse_qsl(asked.body.decode(), keep_blank_values=True)
        }
    elif "json" in asked.header("content-type") and "payload" not in shape.serialization:
        read = json.loads(asked.body or b"{}")
        fields = set(read) if isinstance(read, dict) else set()
    else:
        return []
    return [
        f"The request must contain the parameter {member}"
        for member in shape.required_members
        if "location" not in shape.members[member].serialization
        and shape.members[member].serialization.get("name", member) not in fields
    ]


def named(asked: Asked) -> str:
    """The operation that the request names, or the one of a REST protocol that has its method and path."""
    said = operation(asked)
    found = model(asked)
    if said or found is None:
        return said or ""
    path = asked.target.partition("?")[0]
    for name in found.operation_names if "rest" in str(found.metadata["protocol"]) else ():
        http = found.operation_model(name).http
        if http.get("method") == asked.method and _pattern(http["requestUri"]).fullmatch(path):
            return str(name)
    return ""


@cache
def _pattern(uri: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{[^}]+\})", uri.partition("?")[0])
    return re.compile("".join(_piece(piece) for piece in pieces))


def _piece(piece: str) -> str:
    if not piece.startswith("{"):
        return re.escape(piece)
    return ".+" if piece.endswith("+}") else "[^/]+"
