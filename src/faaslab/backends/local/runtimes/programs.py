"""What serves a runtime: a program, and where the code that it runs sees its folders. Values only.

Rule: a program is told its places and answers with a command and variables; it starts nothing itself. So the
same program runs in the open, in a sandbox, or from a warm template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Places:
    """The folders of an environment as its own processes see them.

    In a sandbox `/var/task`, `/opt`, `/var/runtime`, `/tmp`, as on Lambda; else the real ones.
    """

    task_root: Path
    opt: Path
    runtime_root: Path
    temporary: Path


TMP = "/tmp"  # noqa: S108 - the function's own
INSIDE = Places(
    task_root=Path("/var/task"), opt=Path("/opt"), runtime_root=Path("/var/runtime"), temporary=Path(TMP)
)
"""Where Lambda has them."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """A command to start, and what its variables say beside those that every runtime has."""

    command: tuple[str, ...]
    variables: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Warm:
    """What a process must be, and have imported, to be forked into environments. Equal ones share one.

    It holds nothing of a function: neither code nor secrets. A function's own variables belong to it, because
    modules may look at them when they are imported.
    """

    interpreter: str
    options: tuple[str, ...]
    """The interpreter's."""
    path: tuple[str, ...]
    """Folders with packages that come before the interpreter's own."""
    last: tuple[str, ...]
    """Folders that come after all, with what Lambda brings along."""
    modules: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Program:
    """One runtime of this machine. `runtime` is what it is (`python3.12`), whatever was asked for."""

    runtime: str
    version: str
    """The release of what runs, such as `3.12.1`; recorded in the log."""
    label: str
    """How Lambda writes that in INIT_START, such as `python:3.12.v1`."""
    start: Callable[[Places], Start]
    runtime_folder: Path | None = None
    """What stands at /var/runtime; an empty folder when None."""
    needs: tuple[Path, ...] = ()
    """Folders of this machine that it reads, at the same place in a sandbox too."""
    fault: str | None = None
    """Why there is nothing to start, in Lambda's words; every init then ends as Runtime.InvalidEntrypoint."""
    wraps: bool = True
    """Whether AWS_LAMBDA_EXEC_WRAPPER goes before it; a custom runtime sees to that itself."""
    warm: Callable[[tuple[str, ...]], Warm] | None = None
    """What to fork environments from when it has imported these modules; None where nothing can be."""
    root: Path | None = None
    """The unpacked container image that it lives in, in place of this machine's programs; sandbox only."""
    directory: str | None = None
    """Where it starts, when that is not the task root."""


# The runtime's own shell script does this on Lambda, so that a wrapper that is missing is an exit with 127.
_WRAPPED = (
    '[ -f "$0" ] || { echo "$0: does not exist"; exit 127; }; '
    '[ -x "$0" ] || { echo "$0: is not an executable"; exit 126; }; '
    'exec "$0" "$@"'
)


WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"


def wrapped(command: tuple[str, ...], wrapper: str, places: Places) -> tuple[str, ...]:
    """The command behind a wrapper script, which is named by its path on Lambda.

    Source: Developer Guide, runtimes-modify (wrapper scripts).
    """
    for lambda_path, place in (("/opt", places.opt), ("/var/task", places.task_root)):
        if wrapper.startswith(f"{lambda_path}/"):
            wrapper = f"{place}{wrapper.removeprefix(lambda_path)}"
            break
    return ("/bin/sh", "-c", _WRAPPED, wrapper, *command)
