"""Which Python runs a function: the one its runtime names, where this machine has it.

Rule: never silently another one; which one ran is recorded.
"""

from __future__ import annotations

import glob
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.errors import RuntimeNotFound, Unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN_RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PLACES = (
    "~/.local/share/uv/python/cpython-{v}*/bin/python{v}",
    "~/.pyenv/versions/{v}*/bin/python{v}",
    "~/miniconda3/envs/*/bin/python{v}",
    "~/miniforge3/envs/*/bin/python{v}",
    "~/anaconda3/envs/*/bin/python{v}",
    "~/.conda/envs/*/bin/python{v}",
    "/opt/conda/envs/*/bin/python{v}",
    "/opt/homebrew/bin/python{v}",
    "/usr/local/bin/python{v}",
)


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """One Python of this machine. `runtime` is what it is (`python3.12`), whatever was asked for."""

    path: Path
    runtime: str
    version: str
    modules: frozenset[str] = field(default=frozenset())
    prefixes: tuple[Path, ...] = ()
    """The folders that it lives in: its own (a virtual environment) and that of the Python below."""

    @property
    def own(self) -> bool:
        """Whether it is the one that runs faaslab."""
        return self.path == Path(sys.executable)

    @property
    def tag(self) -> str:
        """Names a folder of packages that were installed for it."""
        return f"{self.runtime}-{sys.platform}-{os.uname().machine}"

    def has_module(self, name: str) -> bool:
        """Whether it can import one of the modules that matter here (pip, awslambdaric)."""
        if self.own:
            return importlib.util.find_spec(name) is not None
        return name in self.modules


def own() -> Interpreter:
    """The interpreter that runs faaslab."""
    path = Path(sys.executable)
    return Interpreter(
        path=path,
        runtime=OWN_RUNTIME,
        version=".".join(map(str, sys.version_info[:3])),
        prefixes=_prefixes(path, sys.prefix, sys.base_prefix),
    )


def _prefixes(path: Path, *told: str) -> tuple[Path, ...]:
    """A link that it was called by may lead to another folder than the ones that it tells."""
    return tuple(dict.fromkeys((*map(Path, told), path.resolve().parent.parent)))


def find(runtime: str, *, own_interpreter: bool = False) -> Interpreter:
    """The interpreter of a runtime such as `python3.13`.

    Raises Unsupported for what is not Python, RuntimeNotFound where this machine has none; with
    `own_interpreter` the one that runs faaslab takes its place then.
    """
    match = re.fullmatch(r"python(3\.\d+)", runtime)
    if match is None:
        raise Unsupported(
            f"the local backend does not run {runtime!r}",
            place="runtime",
            hint=f"use a Python runtime, such as {OWN_RUNTIME!r}",
        )
    if runtime == OWN_RUNTIME:
        return own()
    for path in _candidates(match.group(1)):
        found = _asked(path, match.group(1))
        if found is not None:
            return found
    if own_interpreter:
        return own()
    raise RuntimeNotFound(
        f"no {runtime} was found on this machine",
        place="runtime",
        hint=f"install it (`uv python install {match.group(1)}`), use {OWN_RUNTIME!r}, or allow it with the "
        "setting own_interpreter=True of the local backend",
    )


def _candidates(version: str) -> Iterator[Path]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield Path(on_path)
    prefix = os.environ.get("CONDA_PREFIX")
    patterns = [pattern.format(v=version) for pattern in _PLACES]
    if prefix:
        patterns.append(f"{prefix}/bin/python{version}")
    for pattern in patterns:
        for name in sorted(glob.glob(os.path.expanduser(pattern)), reverse=True):  # noqa: PTH111, PTH207
            yield Path(name)


_QUESTION = (
    "import sys, importlib.util as u;"
    "print(sys.executable); print('.'.join(map(str, sys.version_info[:3])));"
    "print(*[n for n in ('pip', 'awslambdaric') if u.find_spec(n)]);"
    "print(sys.prefix); print(sys.base_prefix)"
)


def _asked(path: Path, version: str) -> Interpreter | None:
    """What a candidate says of itself; a shim on the PATH may lead nowhere."""
    try:
        done = subprocess.run(
            [str(path), "-c", _QUESTION],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.splitlines()
    if done.returncode != 0 or len(lines) < 5 or not lines[1].startswith(version + "."):
        return None
    return Interpreter(
        path=Path(lines[0]),
        runtime=f"python{version}",
        version=lines[1],
        modules=frozenset(lines[2].split()),
        prefixes=_prefixes(Path(lines[0]), *lines[3:5]),
    )


def runtime_client_folder() -> Path | None:
    """Where this interpreter has awslambdaric (it may be a per-user folder, which HOME would hide)."""
    spec = importlib.util.find_spec("awslambdaric")
    return Path(spec.origin).parent.parent if spec and spec.origin else None


def not_newer(name: str) -> str:
    """The same package for another interpreter, or the newest before it that an old one can run."""
    try:
        return f"{name}<={importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name
