"""Operations of AWS's services as Step Functions names them: `aws-sdk:sqs:sendMessage`, PascalCase inside.

Step Functions calls services through the Java SDK, so that its names are those of that SDK made of the same
models that botocore has. Rule: what is asked is read by the operation's own shapes and nothing is guessed:
a member that no shape has is refused by its name.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from faaslab.cloud.clients import models
from faaslab.errors import InvalidValue, NotFound, nearest

if TYPE_CHECKING:
    from botocore.model import Shape

_DEEPEST = 100
_MOST_ODD = 100
_LEADING = re.compile(r"[A-Z]+(?![a-z])|[A-Z]")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_JAVA_NAMES = {"NULL": "Nul"}
"""Members that the Java SDK names otherwise, since the word is one of the language."""
_OLD_CODES = {"NonExistentQueue": "QueueDoesNotExist"}
"""What a service still answers with -> how its model calls it."""


@dataclass(frozen=True, slots=True)
class Failed(Exception):
    """A service refused: `error` and `cause` as Step Functions tells them."""

    error: str
    cause: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One operation. `service` and `name` are botocore's, `prefix` is what Step Functions calls the service.

    The names of an `optimised` integration are those of the service's own API; errors have its own prefix.
    """

    service: str
    name: str
    prefix: str
    model: Any
    optimised: bool = False

    def parameters(self, given: Any) -> dict[str, Any]:
        """What botocore takes. Raises InvalidValue for what the operation has not, or lacks."""
        shape = self.model.input_shape
        given = {} if given is None else given
        if not isinstance(given, Mapping):
            raise InvalidValue("the parameters of a service are an object")
        if shape is None:
            return {}
        taken = _asked(shape, given, (), 0)
        lacking = [name for name in shape.required_members if name not in taken]
        if lacking:
            raise InvalidValue(
                ", ".join(f'The field "{_pascal(n)}" is required but was missing' for n in lacking)
            )
        return dict(taken)

    def result(self, answer: Mapping[str, Any], *, request_id: str) -> dict[str, Any]:
        """The answer as JSON; an optimised integration tells of the request as well."""
        shape = self.model.output_shape
        told: dict[str, Any] = {}
        if shape is not None:
            told = _told(
                shape, {k: v for k, v in answer.items() if k != "ResponseMetadata"}, java=not self.optimised
            )
        if self.optimised:
            told |= metadata(request_id, told)
        return told

    def failure(self, code: str, message: str, *, status: int, request_id: str) -> Failed:
        """What a task fails with when the service refused."""
        name = _exception(self.model.service_model, code, self.prefix, optimised=self.optimised)
        service = _service_word(self.model.service_model.service_id)
        told = cause(message, service=service, status=status, request_id=request_id)
        return Failed(f"{self.prefix}.{name}", told)


def cause(message: str, *, service: str, status: int, request_id: str) -> str:
    """What the SDK says of a request that was refused."""
    return (
        f"{message} (Service: {service}, Status Code: {status}, Request ID: {request_id}) "
        "(SDK Attempt Count: 1)"
    )


def metadata(request_id: str, body: Any) -> dict[str, Any]:
    """What the result of an optimised integration tells of the request."""
    length = len(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())
    headers = {
        "Connection": "keep-alive",
        "Content-Length": str(length),
        "Content-Type": "application/x-amz-json-1.0",
        "x-amzn-RequestId": request_id,
    }
    return {
        "SdkHttpMetadata": {
            "AllHttpHeaders": {name: [value] for name, value in headers.items()},
            "HttpHeaders": headers,
            "HttpStatusCode": 200,
        },
        "SdkResponseMetadata": {"RequestId": request_id},
    }


@lru_cache(maxsize=512)
def operation(service: str, action: str, *, optimised: bool = False) -> Operation:
    """The operation that `aws-sdk:SERVICE:ACTION` names. Raises `NotFound` for one that AWS has not."""
    name = _services().get(service.lower())
    if name is None:
        raise NotFound("service of AWS", service, _services())
    model = _service_model(name)
    known = {each.casefold(): each for each in model.operation_names}
    found = known.get(action.casefold())
    if found is None or not action[:1].islower():
        raise NotFound(
            f"operation of {service}", action, [_uncapital(each) for each in model.operation_names]
        )
    prefix = _OPTIMISED.get(service.lower()) if optimised else None
    return Operation(
        service=name,
        name=found,
        prefix=prefix or _service_word(model.service_id),
        model=model.operation_model(found),
        optimised=optimised,
    )


def odd(service: str, action: str, given: Any, *, optimised: bool = False) -> list[tuple[str, str]]:
    """(place, what is odd) of a template of parameters, by the models; what is filled in later is not seen.

    The place is as in `/Entries[0]/Detail`, empty for the whole. Of an optimised integration whose action is
    no operation of its service nothing is said.
    """
    try:
        asked = operation(service, action, optimised=optimised)
    except NotFound as error:
        return [] if optimised else [("", str(error))]
    shape, found = asked.model.input_shape, list[tuple[str, str]]()
    if shape is not None and isinstance(given, Mapping):
        there = {_member_names(shape).get(str(key).removesuffix(".$").casefold()) for key in given}
        lacking = [
            name
            for name in shape.required_members
            if name not in there and not shape.members[name].metadata.get("idempotencyToken")
        ]
        found += [("", f"{asked.name} needs {_pascal(name)!r}") for name in lacking]
        _note_odd(asked, shape, given, "", found)
    return found


def _note_odd(asked: Operation, shape: Any, given: Any, at: str, found: list[tuple[str, str]]) -> None:
    if at.count("/") + at.count("[") > _DEEPEST or len(found) > _MOST_ODD:
        return
    if shape.type_name == "structure" and isinstance(given, Mapping):
        if getattr(shape, "is_document_type", False):
            return
        names = _member_names(shape)
        for key, item in given.items():
            bare = str(key).removesuffix(".$")
            name = names.get(bare.casefold())
            if name is None:
                near = nearest(bare[:100], map(_pascal, shape.members))
                meant = f"; did you mean {near!r}?" if near else ""
                found.append((f"{at}/{key}", f"{asked.name} takes no {bare[:100]!r}{meant}"))
                continue
            proper = {_pascal(name), name[:1].upper() + name[1:]} if asked.optimised else {_pascal(name)}
            if bare not in proper:
                found.append((f"{at}/{key}", f"Step Functions writes {bare!r} as {_pascal(name)!r}"))
            _note_odd(asked, shape.members[name], item, f"{at}/{key}", found)
    elif shape.type_name == "list" and isinstance(given, list):
        for index, item in enumerate(given):
            _note_odd(asked, shape.member, item, f"{at}[{index}]", found)
    elif shape.type_name == "map" and isinstance(given, Mapping):
        for key, item in given.items():
            _note_odd(asked, shape.value, item, f"{at}/{key}", found)


_OPTIMISED = {
    "sqs": "SQS", "sns": "SNS", "dynamodb": "DynamoDB", "events": "EventBridge", "ecs": "ECS",
    "batch": "Batch", "glue": "Glue", "codebuild": "CodeBuild", "athena": "Athena", "sagemaker": "SageMaker",
    "eks": "EKS", "elasticmapreduce": "ElasticMapReduce", "mediaconvert": "MediaConvert",
    "databrew": "DataBrew",
    "emr-serverless": "EmrServerless", "emr-containers": "EMRContainers", "bedrock": "Bedrock",
}  # fmt: skip
"""Service of an optimised integration -> what its errors begin with."""
_BASES = {"SQS": "AmazonSQSException", "SNS": "AmazonSNSException", "DynamoDB": "AmazonDynamoDBException"}
"""What an error that the model does not name is called by those that came before the present SDK."""


@cache
def _services() -> Mapping[str, str]:
    """Step Functions' name of a service -> botocore's."""
    from botocore.utils import EVENT_ALIASES

    names: dict[str, str] = {}
    for name in models().list_available_services("service-2"):
        java = EVENT_ALIASES.get(name, name).replace("-", "")
        for form in (java, java.removesuffix("service"), name):
            names.setdefault(form, name)
    return names | {"events": "events", "states": "stepfunctions", "elasticmapreduce": "emr"}


@cache
def _service_model(name: str) -> Any:
    from botocore.model import ServiceModel

    return ServiceModel(models().load_service_model(name, "service-2"), service_name=name)


# -- names


def _uncapital(name: str) -> str:
    """As the Java SDK begins a member: `DBName` is dbName, `ETag` is eTag."""
    found = _LEADING.match(name)
    if found is None:
        return name
    # The last capital of a run begins the next word; a run of one is that word.
    run = found[0]
    return run.lower() + name[len(run) :]


@lru_cache(maxsize=8192)
def _pascal(name: str) -> str:
    """As Step Functions names a member."""
    if name in _JAVA_NAMES:
        return _JAVA_NAMES[name]
    lower = _uncapital(name)
    return lower[:1].upper() + lower[1:]


def _service_word(service_id: str) -> str:
    """`SQS` is Sqs, `DynamoDB` DynamoDb, `Secrets Manager` SecretsManager."""
    return "".join(word[:1].upper() + word[1:].lower() for word in _WORDS.findall(service_id))


def _exception(model: Any, code: str, prefix: str, *, optimised: bool) -> str:
    shape = _error_shape(model, code)
    if shape is None:
        if optimised and prefix in _BASES:
            return _BASES[prefix]
        return f"{_service_word(model.service_id)}Exception"
    words = "".join(word[:1].upper() + word[1:].lower() for word in _WORDS.findall(shape))
    for ending in ("Exception", "Fault", "Error"):
        if words.endswith(ending):
            return words if ending == "Exception" else f"{words.removesuffix(ending)}Exception"
    return f"{words}Exception"


def _error_shape(model: Any, code: str) -> str | None:
    """The name of the modelled error that a service answered with `code`."""
    code = code.rpartition("#")[2].rpartition(".")[2]
    code = _OLD_CODES.get(code, code)
    for shape in model.error_shapes:
        told = shape.metadata.get("error", {}).get("code")
        if code in (shape.name, told):
            return str(shape.name)
    return None


# -- values


def _asked(shape: Shape, value: Any, at: tuple[str, ...], depth: int) -> Any:
    if depth > _DEEPEST:
        raise InvalidValue("the parameters are nested too deep", place="/".join(at))
    model: Any = shape
    match shape.type_name:
        case "structure":
            if getattr(model, "is_document_type", False):
                return value
            if not isinstance(value, Mapping):
                raise _misfit("an object", at)
            names = _member_names(model)
            taken = {}
            for key, item in value.items():
                name = names.get(key) or names.get(key.casefold())
                if name is None:
                    raise InvalidValue(
                        f'The field "{".".join((*at, key))}" is not supported by Step Functions'
                    )
                if item is not None:
                    taken[name] = _asked(model.members[name], item, (*at, key), depth + 1)
            return taken
        case "list":
            if not isinstance(value, list):
                raise _misfit("an array", at)
            return [_asked(model.member, item, (*at, str(n)), depth + 1) for n, item in enumerate(value)]
        case "map":
            if not isinstance(value, Mapping):
                raise _misfit("an object", at)
            return {key: _asked(model.value, item, (*at, key), depth + 1) for key, item in value.items()}
        case "blob":
            return value.encode() if isinstance(value, str) else _text(value).encode()
        case "string":
            return value if isinstance(value, str) else _text(value)
        case "boolean":
            if not isinstance(value, bool):
                raise _misfit("a boolean", at)
            return value
        case "integer" | "long":
            return _whole(value, at)
        case "timestamp":
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return value
            raise _misfit("a timestamp", at)
        case _:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise _misfit("a number", at)
            return value


def _whole(value: Any, at: tuple[str, ...]) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _misfit("a whole number", at)
    return int(value)


def _misfit(wanted: str, at: tuple[str, ...]) -> InvalidValue:
    return InvalidValue(f'The field "{".".join(at)}" must be {wanted}')


def _text(value: Any) -> str:
    """An object where a service takes text is that object as JSON, as Step Functions has it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=4096)
def _names_of(members: tuple[str, ...]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for member in members:
        for form in (member, _pascal(member), member.casefold(), _pascal(member).casefold()):
            names.setdefault(form, member)
    return names


def _member_names(shape: Any) -> Mapping[str, str]:
    return _names_of(tuple(shape.members))


def _told(shape: Shape, value: Any, *, java: bool, depth: int = 0) -> Any:
    model: Any = shape
    if depth > _DEEPEST:
        return None
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            members = model.members
            return {
                (_pascal(name) if java else name[:1].upper() + name[1:]): _told(
                    members[name], item, java=java, depth=depth + 1
                )
                if name in members
                else _plain(item)
                for name, item in value.items()
                if item is not None
            }
        case "list" if isinstance(value, list | tuple):
            return [_told(model.member, item, java=java, depth=depth + 1) for item in value]
        case "map" if isinstance(value, Mapping):
            return {key: _told(model.value, item, java=java, depth=depth + 1) for key, item in value.items()}
        case _:
            return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        naive = value.replace(tzinfo=None) - (value.utcoffset() or timedelta())
        return naive.isoformat(timespec="milliseconds" if naive.microsecond else "seconds") + "Z"
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes | bytearray):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
