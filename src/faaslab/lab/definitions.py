"""Making a Function out of what a caller gives: code, handler, configuration; and telling a change.

Nothing is written here: the answer is a Function without version and revision, and the package's bytes.
"""

from __future__ import annotations

import dataclasses
import json
import keyword
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from faaslab.deploy import package
from faaslab.errors import InvalidValue
from faaslab.lab import limits, source
from faaslab.lab.secrets import looks_secret
from faaslab.model.function import Architecture, Code, Function, FunctionStatus, InlineCode, ZipCode

if TYPE_CHECKING:
    from datetime import datetime

Change = Literal["created", "updated", "unchanged"]
CodeGiven = str | Path | Callable[..., Any]
CONFIGURATION = (
    "memory_mb", "timeout_s", "ephemeral_storage_mb", "reserved_concurrency", "environment", "secrets",
    "requires", "preload", "log_format", "dead_letter_queue", "recursive_loop", "application_log_level",
    "system_log_level", "tracing", "snap_start", "tenancy",
)  # fmt: skip
_OUTSIDE = ("runtime", "architecture", "description", "tags", "role")


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a definition did. `notes` are things worth saying beside it."""

    function: Function
    change: Change
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A function that is not written yet, and its deployment package."""

    function: Function
    data: bytes
    notes: tuple[str, ...]


def known_options(options: Mapping[str, Any]) -> None:
    """Complain about a keyword that nobody takes."""
    from faaslab.errors import nearest

    known = (*CONFIGURATION, *_OUTSIDE, "handler")
    for option in options:
        if option not in known:
            near = nearest(option, known)
            raise InvalidValue(
                f"a function has no option {option!r}",
                hint=f"did you mean {near!r}?" if near else ", ".join(known),
            )


def draft(
    name: str,
    code: CodeGiven,
    *,
    now: datetime,
    include: Sequence[str | Path] = (),
    capture: Mapping[str, Any] | None = None,
    region: str,
    source_path: str | None = None,
    **options: Any,
) -> Draft:
    """A new function from its code and options; every option that is None has Lambda's default."""
    limits.name(name)
    known_options(options)
    given = {key: value for key, value in options.items() if value is not None}
    configuration = limits.configuration(**{key: given[key] for key in CONFIGURATION if key in given})
    runtime = limits.runtime(given.get("runtime") or f"python3.{sys.version_info.minor}")
    notes = [
        f"the value of {key} is stored as it is; --secret {key} would not be"
        for key in configuration.environment
        if looks_secret(key)
    ]
    captured = check_capture(capture or {})
    if isinstance(code, Path):
        if include or captured:
            raise InvalidValue("a zip is taken as it is", place="include" if include else "capture")
        kind, handler, data = _zip(code, given.get("handler"))
    else:
        kind, handler, data, said = _inline(name, code, given.get("handler"), include, captured)
        notes += said
    function = Function(
        id=name,
        name=name,
        runtime=runtime,
        handler=handler,
        code=kind,
        configuration=configuration,
        code_sha256=package.code_sha256(data),
        code_bytes=len(data),
        architecture=Architecture(given.get("architecture") or this_architecture()),
        region=region,
        source_path=source_path,
        description=given.get("description", ""),
        role=given.get("role"),
        tags=dict(given.get("tags", {})),
        created_at=now,
        updated_at=now,
    )
    return Draft(function=function, data=data, notes=tuple(notes))


def this_architecture() -> str:
    """The machine's own instruction set, in Lambda's words."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


def _zip(path: Path, handler: str | None) -> tuple[Code, str, bytes]:
    if handler is None:
        raise InvalidValue(
            "a zip needs its handler", place="handler", hint="FILE.FUNCTION, such as app.handler"
        )
    limits.handler(handler)
    return ZipCode(filename=path.name), handler, package.from_zip(path)


def _inline(
    name: str,
    code: str | Callable[..., Any],
    handler: str | None,
    include: Sequence[str | Path],
    captured: Mapping[str, Any],
) -> tuple[Code, str, bytes, list[str]]:
    notes: list[str] = []
    if isinstance(code, str):
        text, offered = code, source.handler_name(code, name)
    elif callable(code):
        text, offered = source.of_callable(code)
    else:
        raise InvalidValue(
            f"a value of type {type(code).__name__} is no code",
            place="code",
            hint="give source text, the Path of a zip or a function",
        )
    if not text.strip():
        raise InvalidValue("the source is empty", place="code")
    module, function = limits.handler(handler or f"lambda_function.{offered or 'handler'}")
    filename = f"{module}.py"
    wrong = source.syntax_error(text, PurePosixPath(filename).name)
    if wrong:
        notes.append(f"not Python: {wrong}; every invocation will fail")
    elif handler is None and offered is None:
        notes.append("the code defines no function named handler; every invocation will fail until it does")
    missing = () if wrong else source.missing_names(text, captured)
    if missing:
        which = ", ".join(missing)
        notes.append(
            f"the code uses {which} but nothing there defines {'it' if len(missing) == 1 else 'them'}: "
            f"import or define within, or give --capture"
        )
    paths = tuple(Path(each).expanduser() for each in include)
    for path in paths:
        if not path.exists():
            raise InvalidValue(f"there is no {str(path)!r}", place="include")
    data = package.from_source(text, filename, include=paths, capture=captured)
    kind = InlineCode(source=text, filename=filename, files=tuple(path.name for path in paths))
    return kind, f"{module.replace('/', '.')}.{function}", data, notes


def check_capture(capture: Mapping[str, Any]) -> dict[str, Any]:
    """Captured values: names that code can use, values that JSON can hold."""
    for key, value in capture.items():
        if not key.isidentifier() or keyword.iskeyword(key):
            raise InvalidValue(f"{key!r} cannot be a name in the code", place="capture")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InvalidValue(
                f"{key} cannot be captured: {error}",
                place="capture",
                hint="capture what JSON can hold, or put it into the payload or a file",
            ) from None
    return dict(capture)


def same(one: Function, other: Function) -> bool:
    """Whether two definitions run the same way: all but identity, version, times and statistics.

    What is reserved belongs to the function, whatever its version.
    """
    return _substance(one) == _substance(other)


def with_reserved(function: Function, reserved: int | None) -> Function:
    """The same definition with another reserved concurrency."""
    configuration = function.configuration
    if configuration.reserved_concurrency == reserved:
        return function
    return dataclasses.replace(
        function, configuration=dataclasses.replace(configuration, reserved_concurrency=reserved)
    )


def _substance(function: Function) -> Function:
    return dataclasses.replace(
        function,
        id="",
        version="",
        revision_id="",
        code_digest="",
        created_at=function.created_at.min,
        updated_at=function.created_at.min,
        last_deployed_at=None,
        statistics=None,
        triggers=(),
        status=FunctionStatus.ACTIVE,
        status_reason=None,
        last_update_status="Successful",
        last_update_reason=None,
        configuration=with_reserved(function, None).configuration,
    )
