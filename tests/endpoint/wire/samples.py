"""Requests and answers made from a service's model: what botocore sends, and values that fill its shapes."""

import re
from datetime import datetime
from functools import cache
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

from botocore.awsrequest import HeadersDict, create_request_object, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.response import StreamingBody
from botocore.serialize import create_serializer

from faaslab.endpoint.messages import Request
from faaslab.endpoint.wire import patterns

MOMENT = datetime(2026, 11, 26, 7, 8, 9)
DEEP = 5


@cache
def model(service):
    return ServiceModel(Loader().load_service_model(service, "service-2"), service_name=service)


def operations(*services):
    return [(service, name) for service in services for name in model(service).operation_names]


def sent(operation, params, protocol):
    """The request as botocore puts it on the wire."""
    made = create_serializer(protocol, include_validation=False).serialize_to_request(params, operation)
    prepare_request_dict(made, "http://127.0.0.1:4566", user_agent="test", context={})
    prepared = create_request_object(made).prepare()
    path, query = split(prepared.url)
    body = prepared.body or b""
    return Request(
        method=prepared.method,
        path=path,
        query=query,
        headers={
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in prepared.headers.items()
        },
        body=body if isinstance(body, bytes) else body.encode(),
    )


def split(url):
    """Path and query of an address, as a `Request` has them."""
    parts = urlsplit(url)
    return parts.path, tuple(parse_qsl(parts.query, keep_blank_values=True))


def parts_of(operation, response):
    """A response as botocore's parsers take it."""
    headers = HeadersDict(response.headers)
    body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
    if operation.has_streaming_output and response.status < 300:
        body = StreamingBody(BytesIO(body), None)
    return {"body": body, "headers": headers, "status_code": response.status, "context": {}}


def received(operation, response, protocol, shape=None):
    """What botocore reads from a response; of an error its `Error`."""
    parsed = create_parser(protocol).parse(parts_of(operation, response), shape or operation.output_shape)
    if isinstance(parsed, dict):
        parsed.pop("ResponseMetadata", None)
    return plain(parsed)


def plain(parsed):
    """Botocore's moments have a zone, and what streams is read."""
    if isinstance(parsed, dict):
        return {key: plain(one) for key, one in parsed.items()}
    if isinstance(parsed, list):
        return [plain(one) for one in parsed]
    if isinstance(parsed, StreamingBody):
        return parsed.read()
    return parsed.replace(tzinfo=None) if isinstance(parsed, datetime) else parsed


def value(shape, *, full, depth=0, seen=False):
    """A value that the shape allows: all members or only those that are required.

    `seen`: nothing is empty, for a protocol that does not carry what is empty.
    """
    kind = shape.type_name
    traits = shape.metadata
    fill = full and depth < DEEP
    if getattr(shape, "is_document_type", False):
        return {"a": [1, "b", None, {"c": True}]}
    if kind == "structure":
        members = shape.members
        names = list(members) if fill else list(shape.required_members)
        if getattr(shape, "is_tagged_union", False) or (seen and not names):
            names = list(members)[:1]
        return {name: value(members[name], full=full, depth=depth + 1, seen=seen) for name in names}
    if kind == "list":
        unseen = shape.serialization.get("location") == "querystring"  # an empty list in a query is none
        least = max(traits.get("min", 0), 1 if unseen or seen or fill else 0)
        return [value(shape.member, full=full, depth=depth + 1, seen=seen) for _ in range(least)]
    if kind == "map":
        least = max(traits.get("min", 0), 1 if seen or fill else 0)
        names = (
            [text(shape.key), *(shape.key.enum or ())] if least < 2 else [f"key{one}" for one in range(least)]
        )
        return {name: value(shape.value, full=full, depth=depth + 1, seen=seen) for name in names[:least]}
    if kind == "string":
        return text(shape)
    if kind == "blob":
        return b"\x00\xffblob"[: traits.get("max", 99)].ljust(traits.get("min", 0), b"x")
    if shape.serialization.get("location") == "statusCode":
        return 202
    if kind == "boolean":
        return full
    if kind == "timestamp":
        return MOMENT
    number = traits.get("min", min(7, traits.get("max", 7)))
    return number if kind in {"integer", "long"} else float(number) + (0.25 if "max" not in traits else 0)


def text(shape):
    traits = shape.metadata
    if shape.enum:
        return shape.enum[-1]
    named = shape.serialization.get("location") == "uri"  # in a path there is no empty name
    return matching(traits.get("pattern"), max(traits.get("min", 0), named), traits.get("max", 10_000))


@cache
def matching(pattern, shortest, longest):
    """A text that a pattern and the bounds allow."""
    if pattern is None:
        return "ü &/+%<text>"[:longest].ljust(shortest, "x")
    plain = pythons(pattern)
    tree = re._parser.parse(plain, re.ASCII)
    for more in range(120):
        for branch in range(3):
            made = _text(tree, more, branch)
            if shortest <= len(made) <= longest and re.fullmatch(plain, made, re.ASCII):
                return made
    raise AssertionError((pattern, shortest, longest))


def pythons(pattern):
    """A Java pattern for ASCII texts as Python has it."""
    plain = pattern.replace(r"\p{ASCII}", r"[\x00-\x7f]")
    plain = plain.replace(r"\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}", r"\x20-\x7e\u00a1-\u2027\u2030-\ud7ff")
    plain = re.sub(r"\\p\{[A-Z][a-z]?\}", "a-z ", plain).replace(r"\w-_", r"\w\-_")
    try:
        re.compile(plain)
    except re.error:
        return patterns._translated(pattern)
    return plain


def not_matching(pattern):
    """A text that a pattern does not allow, or None."""
    candidates = ("§ §", "€ \t", "\u2028", "\n", "\x01", "a" * 20)
    return next((one for one in candidates if not re.fullmatch(pythons(pattern), one, re.ASCII)), None)


def _text(tree, more, branch):
    made = ""
    for operator, argument in tree:
        name = str(operator)
        if name == "LITERAL":
            made += chr(argument)
        elif name == "NOT_LITERAL":
            made += "a" if argument != ord("a") else "b"
        elif name == "ANY":
            made += "a"
        elif name == "IN":
            made += _one_of(argument)
        elif name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            least, most, inner = argument
            times = min(max(least, 1 if more else least), most) if len(inner) > 1 else min(least + more, most)
            made += _text(inner, more if len(inner) == 1 else 1, branch) * int(times)
        elif name == "BRANCH":
            made += _text(argument[1][min(branch, len(argument[1]) - 1)], more, branch)
        elif name == "SUBPATTERN":
            made += _text(argument[-1], more, branch)
        elif name == "CATEGORY":
            made += _one_of([(operator, argument)])
    return made


def _one_of(choices):
    if str(choices[0][0]) == "NEGATE":
        return next(one for one in "ab1_ " if not any(_has(choice, one) for choice in choices[1:]))
    return next(
        one
        for one in "abcdef017_-:/. $@AZ{}[]!\t" + "".join(map(chr, range(33, 127)))
        if any(_has(choice, one) for choice in choices)
    )


def _has(choice, one):
    operator, argument = str(choice[0]), choice[1]
    if operator == "LITERAL":
        return ord(one) == argument
    if operator == "RANGE":
        return argument[0] <= ord(one) <= argument[1]
    return {
        "CATEGORY_DIGIT": one.isdigit(),
        "CATEGORY_WORD": one.isalnum() or one == "_",
        "CATEGORY_SPACE": one.isspace(),
        "CATEGORY_NOT_SPACE": not one.isspace(),
        "CATEGORY_NOT_DIGIT": not one.isdigit(),
        "CATEGORY_NOT_WORD": not (one.isalnum() or one == "_"),
    }[str(argument)]
