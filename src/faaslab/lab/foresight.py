"""What a definition can be told beforehand: that this machine cannot run it as it is, and what would help.

Rule: never an error. What is missing today may be there when the function is invoked, and what its code does
wrong is told by the execution. Whatever runs on the Python of this process costs no process here.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.errors import FaaslabError
from faaslab.lab import runtimes
from faaslab.lab.definitions import OWN_RUNTIME
from faaslab.model.function import InlineCode

if TYPE_CHECKING:
    from faaslab.model.function import Function

_CHECK_S = 10.0
_WHERE = re.compile(r"^(?:file://)?[^\n]*?(?P<file>[^/\n]+):(?P<line>\d+)$", re.MULTILINE)
_SAID = re.compile(r"^SyntaxError: (?P<said>.+)$", re.MULTILINE)


def foreseen(function: Function, *, own_interpreter: bool = False) -> tuple[str, ...]:
    """Notes about what every invocation of it will fail with on this machine."""
    found = []
    missing = _no_runtime(function.runtime, own_interpreter=own_interpreter)
    if missing:
        found.append(f"{missing}; every invocation will fail until then")
    elif runtimes.family(function.runtime) == "nodejs" and isinstance(function.code, InlineCode):
        wrong = _not_javascript(function.code, function.runtime)
        if wrong:
            found.append(f"not JavaScript: {wrong}; every invocation will fail")
    unknown = _unknown_modules(function)
    if unknown:
        names = ", ".join(unknown)
        found.append(
            f"--preload {names}: nothing of that name can be imported here (--requires installs a package)"
        )
    return tuple(found)


def _no_runtime(runtime: str, *, own_interpreter: bool) -> str | None:
    """Why this machine cannot run it, with the remedy; None where it can."""
    family = runtimes.family(runtime)
    if runtime == OWN_RUNTIME or family not in ("python", "nodejs"):
        return None
    try:
        if family == "nodejs":
            _node(runtime)
        else:
            from faaslab.backends.local.runtimes import interpreters

            interpreters.find(runtime, own_interpreter=own_interpreter)
    except FaaslabError as error:
        return str(error)
    return None


@functools.lru_cache
def _node(runtime: str) -> Path:
    from faaslab.backends.local.runtimes.node_program import find

    return find(runtime)[0]


def _not_javascript(code: InlineCode, runtime: str) -> str | None:
    """What `node --check` says against it, with the file and the line; None where it says nothing."""
    with tempfile.TemporaryDirectory(prefix="faaslab-check-") as folder:
        file = Path(folder, Path(code.filename).name)
        file.write_text(code.source, "utf-8", errors="replace")
        try:
            done = subprocess.run(
                [str(_node(runtime)), "--check", str(file)],
                capture_output=True,
                timeout=_CHECK_S,
                check=False,
                stdin=subprocess.DEVNULL,
                cwd=folder,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    told = done.stderr.decode("utf-8", "replace")
    said = _SAID.search(told)
    if done.returncode == 0 or said is None:
        return None
    where = _WHERE.search(told)
    return said["said"] + (f" ({where['file']}, line {where['line']})" if where else "")


def _unknown_modules(function: Function) -> list[str]:
    """Modules to preload that are certainly not there: what it sees beside its own is what this Python sees.

    Packages of its own and layers may bring any module, and another interpreter has others.
    """
    setup, code = function.configuration, function.code
    if not setup.preload or setup.requires or setup.layers or function.runtime != OWN_RUNTIME:
        return []
    if not isinstance(code, InlineCode) or function.source_path is not None:
        return []
    brought = {name.partition(".")[0] for name in (code.filename, *code.files)}
    return [name for name in setup.preload if not _is_there(name.partition(".")[0], brought)]


def _is_there(top: str, brought: set[str]) -> bool:
    if top in brought or top in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
