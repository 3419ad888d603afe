"""Making a Function out of what a caller gives: code, handler, configuration; and telling a change.

Nothing is written here: the answer is a Function without its number and revision, and the package's bytes.
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
from faaslab.lab import limits, runtimes, source
from faaslab.lab.secrets import looks_secret
from faaslab.model.function import (
    LATEST,
    Architecture,
    Code,
    Function,
    FunctionStatus,
    ImageCode,
    InlineCode,
    ZipCode,
)
from faaslab.model.quotas import UNZIPPED_BYTES
from faaslab.model.version import PublishedVersion

if TYPE_CHECKING:
    from datetime import datetime

Change = Literal["created", "updated", "unchanged"]
CodeGiven = str | Path | bytes | ImageCode | Callable[..., Any]
CONFIGURATION = (
    "memory_mb", "timeout_s", "ephemeral_storage_mb", "reserved_concurrency", "environment", "secrets",
    "requires", "preload", "log_format", "dead_letter_queue", "recursive_loop", "application_log_level",
    "system_log_level", "tracing", "snap_start", "tenancy", "layers",
)  # fmt: skip
OWN_RUNTIME = f"python3.{sys.version_info.minor}"
OPTIONS = (*CONFIGURATION, "runtime", "architecture", "description", "tags", "role", "aws_only", "handler")
"""What a function is defined with, beside its code."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a definition did. `notes` are things worth saying beside it."""

    function: Function
    change: Change
    notes: tuple[str, ...] = ()
    before: Function | None = None
    """The function as it was until then; None for a new one, and where nothing changed."""
    published: PublishedVersion | None = None
    """The version that it is, where it was to be published."""
    becoming: Function | None = None
    """What the function is to be when it is prepared, where it goes on as it was until then."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A function that is not written yet, and its deployment package."""

    function: Function
    data: bytes
    notes: tuple[str, ...]


def known_options(options: Mapping[str, Any]) -> None:
    """Complain about a keyword that nobody takes."""
    from faaslab.errors import nearest

    for option in options:
        if option not in OPTIONS:
            near = nearest(option, OPTIONS)
            raise InvalidValue(
                f"a function has no option {option!r}",
                hint=f"did you mean {near!r}?" if near else ", ".join(OPTIONS),
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
    notes = [
        f"the value of {key} is stored as it is; --secret {key} would not be"
        for key in configuration.environment
        if looks_secret(key)
    ]
    captured = check_capture(capture or {})
    if isinstance(code, (Path, bytes, ImageCode)) and (include or captured):
        what = "an image" if isinstance(code, ImageCode) else "a zip"
        raise InvalidValue(f"{what} is taken as it is", place="include" if include else "capture")
    wanted = given.get("runtime")
    asked = _Asked(name, given.get("handler"), None if wanted is None else runtimes.runtime(wanted))
    if isinstance(code, ImageCode):
        for place in ("layers", "requires", "preload"):
            if given.get(place):
                raise InvalidValue("an image brings all that it needs", place=place)
        made = _image(code, asked)
    elif isinstance(code, (Path, bytes)):
        made = _zip(code, asked)
    elif asked.runtime is None or asked.runtime in runtimes.PYTHONS:
        made = _inline(code, asked, include, captured)
    else:
        made = _other_language(code, asked, asked.runtime, include, captured)
    notes += made.notes
    if configuration.preload and made.runtime not in runtimes.PYTHONS:
        notes.append(f"preload is for Python: environments of {made.runtime} are new processes")
    data = made.data
    function = Function(
        id=name,
        name=name,
        runtime=made.runtime,
        handler=made.handler,
        code=made.code,
        configuration=configuration,
        code_sha256=made.sha256 or package.code_sha256(data),
        code_bytes=made.size or len(data),
        architecture=Architecture(given.get("architecture") or this_architecture()),
        region=region,
        source_path=source_path,
        description=given.get("description", ""),
        role=given.get("role"),
        tags=dict(given.get("tags", {})),
        aws_only=dict(given.get("aws_only", {})),
        created_at=now,
        updated_at=now,
    )
    return Draft(function=function, data=data, notes=tuple(notes))


def reconfigured(present: Function, options: Mapping[str, Any], *, now: datetime) -> Draft:
    """The same code with other options; all of them are given."""
    handler = options.get("handler") or present.handler
    runtime = present.runtime
    if options["runtime"] != runtime:
        runtime = runtimes.runtime(options["runtime"])
    handler = runtimes.handler(handler, runtime)
    function = dataclasses.replace(
        present,
        handler=handler,
        runtime=runtime,
        architecture=type(present.architecture)(options["architecture"]),
        description=options["description"],
        tags=dict(options["tags"]),
        role=options["role"],
        aws_only=dict(options["aws_only"]),
        configuration=dataclasses.replace(
            present.configuration,
            **dataclasses.asdict(
                limits.configuration(
                    **{key: options[key] for key in CONFIGURATION if options[key] is not None}
                ),
                dict_factory=lambda pairs: {key: value for key, value in pairs if key in CONFIGURATION},
            ),
        ),
        updated_at=now,
    )
    return Draft(function=function, data=b"", notes=())


def this_architecture() -> str:
    """The machine's own instruction set, in Lambda's words."""
    return "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"


@dataclass(frozen=True)
class _Asked:
    """What was asked for beside the code; None for what is to be found out."""

    name: str
    handler: str | None
    runtime: str | None


@dataclass(frozen=True, kw_only=True)
class _Made:
    code: Code
    runtime: str
    handler: str
    data: bytes = b""
    notes: Sequence[str] = ()
    sha256: str = ""
    size: int = 0


def _zip(given: Path | bytes, asked: _Asked) -> _Made:
    if isinstance(given, Path):
        data, place, filename = package.from_zip(given), str(given), given.name
    else:
        data, place, filename = given, "code", None
        # Such a zip may come out of a bucket, where only what is in it counts.
        package.check(data, place=place, limit=UNZIPPED_BYTES)
    runtime = asked.runtime
    if runtime is None:
        # A program of its own says by its presence what runs it.
        has_bootstrap = runtimes.BOOTSTRAP in package.check(data, place=place, limit=UNZIPPED_BYTES)
        runtime = runtimes.CUSTOM[0] if has_bootstrap and asked.handler is None else OWN_RUNTIME
    handler = asked.handler
    if handler is None and runtimes.family(runtime) == "provided":
        handler = runtimes.BOOTSTRAP
    if handler is None:
        raise InvalidValue(
            "a zip needs its handler", place="handler", hint="FILE.FUNCTION, such as app.handler"
        )
    handler = runtimes.handler(handler, runtime)
    return _Made(code=ZipCode(filename=filename), runtime=runtime, handler=handler, data=data)


def _image(code: ImageCode, asked: _Asked) -> _Made:
    from faaslab.backends.local.runtimes.images import described

    if asked.runtime is not None:
        raise InvalidValue("an image brings its own runtime", place="runtime")
    if asked.handler is not None and not code.command:
        # What AWS's base images take as their command is the handler.
        code = dataclasses.replace(code, command=(asked.handler,))
    image = described(code.uri)
    path = Path(image.path)
    uri = f"{path.resolve()}:{image.tag}" if image.tag else str(path.resolve())
    return _Made(
        code=dataclasses.replace(code, uri=uri),
        runtime=runtimes.IMAGE,
        handler="",
        sha256=image.digest,
        size=sum(each.stat().st_size for each in path.rglob("*")) if path.is_dir() else path.stat().st_size,
    )


def _other_language(
    code: str | Callable[..., Any],
    asked: _Asked,
    runtime: str,
    include: Sequence[str | Path],
    captured: Mapping[str, Any],
) -> _Made:
    if not isinstance(code, str):
        raise InvalidValue(
            f"a Python function does not run on {runtime}", place="runtime", hint="give source text or a zip"
        )
    if not code.strip():
        raise InvalidValue("the source is empty", place="code")
    filename, handler, notes = runtimes.cell_file(code, runtime, asked.handler)
    paths = _existing(include)
    data = package.from_source(
        code, filename, include=paths, capture=captured, executable=filename == runtimes.BOOTSTRAP
    )
    kind = InlineCode(source=code, filename=filename, files=tuple(path.name for path in paths))
    return _Made(code=kind, runtime=runtime, handler=handler, data=data, notes=notes)


def _existing(include: Sequence[str | Path]) -> tuple[Path, ...]:
    paths = tuple(Path(each).expanduser() for each in include)
    for path in paths:
        if not path.exists():
            raise InvalidValue(f"there is no {str(path)!r}", place="include")
    return paths


def _inline(
    code: str | Callable[..., Any],
    asked: _Asked,
    include: Sequence[str | Path],
    captured: Mapping[str, Any],
) -> _Made:
    notes: list[str] = []
    if isinstance(code, str):
        text, offered = code, source.handler_name(code, asked.name)
    elif callable(code):
        text, offered = source.of_callable(code)
    else:
        raise InvalidValue(
            f"a value of type {type(code).__name__} is no code",
            place="code",
            hint="give source text, the Path or the bytes of a zip, or a function",
        )
    if not text.strip():
        raise InvalidValue("the source is empty", place="code")
    handler = runtimes.handler(asked.handler or f"lambda_function.{offered or 'handler'}")
    filename = f"{runtimes.python_parts(handler)[0]}.py"
    wrong = source.syntax_error(text, PurePosixPath(filename).name)
    if wrong:
        notes.append(f"not Python: {wrong}; every invocation will fail")
    elif asked.handler is None and offered is None:
        notes.append("the code defines no function named handler; every invocation will fail until it does")
    missing = () if wrong else source.missing_names(text, captured)
    if missing:
        which = ", ".join(missing)
        notes.append(
            f"the code uses {which} but nothing there defines {'it' if len(missing) == 1 else 'them'}: "
            f"import or define within, or give --capture"
        )
    paths = _existing(include)
    data = package.from_source(text, filename, include=paths, capture=captured)
    kind = InlineCode(source=text, filename=filename, files=tuple(path.name for path in paths))
    return _Made(code=kind, runtime=asked.runtime or OWN_RUNTIME, handler=handler, data=data, notes=notes)


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
    """Whether two definitions run the same way: all but identity, numbers, times and statistics.

    What is reserved, and the tags, belong to the function, whatever its version.
    """
    return _substance(one) == _substance(other)


def publishes_the_same(one: Function, other: Function) -> bool:
    """Whether publishing `other` after `one` makes no new version; loops are the function's own affair."""
    loop = one.configuration.recursive_loop
    configuration = dataclasses.replace(other.configuration, recursive_loop=loop)
    return same(one, dataclasses.replace(other, configuration=configuration))


def with_reserved(function: Function, reserved: int | None) -> Function:
    """The same definition with another reserved concurrency."""
    configuration = function.configuration
    if configuration.reserved_concurrency == reserved:
        return function
    return dataclasses.replace(
        function, configuration=dataclasses.replace(configuration, reserved_concurrency=reserved)
    )


def with_whole(function: Function, wanted: Function) -> Function:
    """The same definition with what the function as a whole is to have: what is reserved, and tags."""
    changed = with_reserved(function, wanted.configuration.reserved_concurrency)
    return changed if changed.tags == wanted.tags else dataclasses.replace(changed, tags=wanted.tags)


def _substance(function: Function) -> Function:
    return dataclasses.replace(
        function,
        id="",
        version=LATEST,
        definition=0,
        revision_id="",
        code_digest="",
        created_at=function.created_at.min,
        updated_at=function.created_at.min,
        last_deployed_at=None,
        statistics=None,
        triggers=(),
        tags={},
        status=FunctionStatus.ACTIVE,
        status_reason=None,
        last_update_status="Successful",
        last_update_reason=None,
        configuration=with_reserved(function, None).configuration,
    )
