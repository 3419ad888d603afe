"""What a function may be: Lambda's limits, checked before anything is written. Pure.

Every complaint's `place` is the keyword of `lab.functions.create`; a face puts its option in its stead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from faaslab.errors import InvalidValue, nearest
from faaslab.model.function import FunctionConfiguration
from faaslab.model.quotas import LAYERS, RESERVED_VARIABLES, VARIABLES_BYTES

_CHOICES = {
    "log_format": ("Text", "JSON"),
    "application_log_level": ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
    "system_log_level": ("DEBUG", "INFO", "WARN"),
    "tracing": ("PassThrough", "Active"),
    "snap_start": ("None", "PublishedVersions"),
    "tenancy": ("PER_TENANT",),
}
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_SECRET_PLACE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|(?:keyring|ssm|secretsmanager):\S.*")
_SECRET = re.compile(r"(?P<name>[a-zA-Z][a-zA-Z0-9_]*)(?:=(?P<reference>\S.*))?")
_QUEUE_OR_TOPIC = re.compile(r"arn:aws[a-z-]*:(?:sqs|sns):[a-z0-9-]*:\d{12}:[\w-]{1,256}(?:\.fifo)?")
_MODULE = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*(?:[<>=!~;@(].*)?", re.DOTALL)


_RANGES = (
    ("memory_mb", 128, 10240, "MB"),
    ("timeout_s", 1, 900, "seconds"),
    ("ephemeral_storage_mb", 512, 10240, "MB"),
)


def name(text: Any) -> str:
    """A function's name, as CreateFunction takes it."""
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise InvalidValue(
            f"{text!r} cannot be a function's name",
            place="name",
            hint="1 to 64 letters, digits, hyphens and underscores",
        )
    return str(text)


def configuration(**values: Any) -> FunctionConfiguration:
    """The configuration, when every value is within Lambda's limits."""
    _all_within(values, _RANGES)
    reserved(values.get("reserved_concurrency"))
    for place, choices in _CHOICES.items():
        _one_of(place, values.get(place), choices)
    if values.get("snap_start") == "PublishedVersions" and (values.get("ephemeral_storage_mb") or 512) > 512:
        # Developer Guide, snapstart: supported features and limitations.
        raise InvalidValue(
            "SnapStart does not support ephemeral storage greater than 512 MB",
            place="ephemeral_storage_mb",
            hint="leave it at 512 MB, or give --snap-start None",
        )
    for place in ("application_log_level", "system_log_level"):
        if values.get(place) and values.get("log_format") != "JSON":
            raise InvalidValue(
                "levels are of JSON logs only, as on Lambda",
                place=place,
                hint="give --log-format JSON as well",
            )
    if "environment" in values:
        values["environment"] = environment(values["environment"])
    if "secrets" in values:
        values["secrets"] = secrets(values["secrets"])
    if "requires" in values:
        values["requires"] = requires(values["requires"])
    if "dead_letter_queue" in values:
        values["dead_letter_queue"] = dead_letter_queue(values["dead_letter_queue"])
    if values.get("recursive_loop", "Terminate") not in ("Terminate", "Allow"):
        raise InvalidValue(
            f"{values['recursive_loop']!r} is neither Terminate nor Allow", place="recursive_loop"
        )
    if "layers" in values:
        values["layers"] = layers(values["layers"])
    if "preload" in values:
        values["preload"] = preload(values["preload"])
    both = {reference.split("=")[0] for reference in values.get("secrets", ())} & {
        *values.get("environment", ())
    }
    if both:
        raise InvalidValue(f"{', '.join(sorted(both))} is an environment variable as well", place="secrets")
    return FunctionConfiguration(**values)


def layers(arns: Sequence[str]) -> tuple[str, ...]:
    """Layers by the ARNs of their versions, lowest first."""
    if len(arns) > LAYERS:
        raise InvalidValue(
            f"Cannot reference more than {LAYERS} layers.", place="layers", hint="merge some of them"
        )
    names = [arn.rpartition(":")[0] for arn in arns]
    if len({*names}) < len(names):
        raise InvalidValue(
            "Two different versions of the same layer are not allowed to be referenced in the same function.",
            place="layers",
        )
    return tuple(arns)


def reserved(executions: Any) -> None:
    """Reserved concurrency, as PutFunctionConcurrency takes it; None for nothing."""
    _within("reserved_concurrency", executions, 0, 1000, "executions at once")


def _one_of(place: str, value: Any, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        near = nearest(str(value), choices)
        raise InvalidValue(
            f"{value!r} is none of {', '.join(choices)}",
            place=place,
            hint=f"did you mean {near!r}?" if near else None,
        )


def _all_within(values: dict[str, Any], ranges: tuple[tuple[str, int, int, str], ...]) -> None:
    """Raise InvalidValue at the first that is out of its range; its message tells of the others too."""
    wrong = []
    for place, low, high, unit in ranges:
        try:
            _within(place, values.get(place), low, high, unit)
        except InvalidValue as error:
            wrong.append(error)
    if wrong:
        first, *others = wrong
        said = "; ".join([first.message, *map(str, others)])
        raise InvalidValue(said, place=first.place)


def _within(place: str, value: Any, low: int, high: int, unit: str) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"{value!r} is not a whole number of {unit}", place=place)
    if not low <= value <= high:
        raise InvalidValue(f"{value} is out of range: {low} to {high} {unit}", place=place)


def environment(variables: Any) -> dict[str, str]:
    """Environment variables: keys that Lambda takes and does not set itself, 4 KB all together."""
    if not isinstance(variables, Mapping):
        raise InvalidValue("a mapping of names to texts is needed", place="environment")
    for key, value in variables.items():
        if not isinstance(key, str) or not _VARIABLE.fullmatch(key):
            raise InvalidValue(
                f"{key!r} cannot be the name of an environment variable",
                place="environment",
                hint="a letter, then letters, digits and underscores, two or more in all",
            )
        if key in RESERVED_VARIABLES:
            raise InvalidValue(f"{key} is set by Lambda itself", place="environment", hint="use another name")
        if not isinstance(value, str) or "\0" in value:
            raise InvalidValue(
                f"the value of {key} is not a text", place="environment", hint="put str() around it"
            )
    size = sum(
        len(key.encode()) + len(value.encode("utf-8", "surrogatepass")) for key, value in variables.items()
    )
    if size > VARIABLES_BYTES:
        raise InvalidValue(
            f"the environment variables are {size} bytes; Lambda takes {VARIABLES_BYTES} in all",
            place="environment",
            hint="put large values into a file (--include) or the payload",
        )
    return dict(variables)


def secrets(references: Sequence[Any]) -> tuple[str, ...]:
    """Secrets as `NAME` or `NAME=REFERENCE`."""
    for reference in references:
        found = _SECRET.fullmatch(reference) if isinstance(reference, str) else None
        if found is None:
            raise InvalidValue(
                "a secret is NAME or NAME=REFERENCE",
                place="secrets",
                hint="such as TOKEN, TOKEN=env:MY_TOKEN or TOKEN=keyring:service/user",
            )
        if found["name"] in RESERVED_VARIABLES:
            raise InvalidValue(f"{found['name']} is set by Lambda itself", place="secrets")
        name, equals, place = reference.partition("=")
        if equals and not _SECRET_PLACE.fullmatch(place):
            # What stands there may well be the secret itself: it is neither kept nor repeated.
            raise InvalidValue(
                f"what follows {name}= is no reference to a secret",
                place="secrets",
                hint=f"{name} alone, {name}=env:VARIABLE or {name}=keyring:SERVICE/USER, never the value",
            )
    return tuple(references)


def dead_letter_queue(text: Any) -> str | None:
    """A dead-letter queue: the ARN of a standard queue or topic; `none` for none."""
    if text in (None, "", "none"):
        return None
    if not isinstance(text, str) or not _QUEUE_OR_TOPIC.fullmatch(text) or text.endswith(".fifo"):
        raise InvalidValue(
            f"{text!r} is not the ARN of a standard queue or topic",
            place="dead_letter_queue",
            hint="arn:aws:sqs:REGION:ACCOUNT:NAME; a function can be told of failures with on_failure",
        )
    return text


def requires(packages: Any) -> tuple[str, ...]:
    """Packages as pip requirement specifiers; pip's own options are not taken."""
    if isinstance(packages, str):
        packages = [packages]
    for package in packages:
        if not isinstance(package, str) or not _REQUIREMENT.fullmatch(package.strip()) or "\n" in package:
            raise InvalidValue(
                f"{package!r} is not a package requirement",
                place="requires",
                hint="such as 'pandas>=3' or 'requests[socks]==2.32.5'",
            )
    return tuple(package.strip() for package in packages)


def preload(modules: Any) -> tuple[str, ...]:
    """Names of modules that a template imports; whether there are such is found out there."""
    if isinstance(modules, str):
        modules = [modules]
    for module in modules:
        if not isinstance(module, str) or not _MODULE.fullmatch(module.strip()):
            raise InvalidValue(
                f"{module!r} is not the name of a module",
                place="preload",
                hint="as after `import`: pandas, or pyarrow.parquet",
            )
    return tuple(module.strip() for module in modules)
