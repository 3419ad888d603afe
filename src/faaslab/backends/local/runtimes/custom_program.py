"""A custom runtime: the executable `bootstrap` of the package, or of a layer.

Rule: what is wrong with it is the user's, so it is found out here and said in Lambda's words, not raised.
Source: Developer Guide, runtimes-custom.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes.programs import Places, Program, Start

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.model.function import Function

# `e_machine` of an ELF file (elf.h).
_MACHINES = {"x86_64": 62, "amd64": 62, "aarch64": 183, "arm64": 183}


def custom_program(function: Function, *, task_root: Path, opt: Path) -> Program:
    """The `bootstrap` of the task root, else the one of the layers; the handler is for it to read."""
    of_layers = not (task_root / "bootstrap").is_file() and (opt / "bootstrap").is_file()
    folder, shown = (opt, "/opt/bootstrap") if of_layers else (task_root, "/var/task/bootstrap")

    def start(places: Places) -> Start:
        return Start(
            command=(str((places.opt if of_layers else places.task_root) / "bootstrap"),),
            variables={
                "PATH": os.pathsep.join(("/usr/local/bin", "/usr/bin", "/bin", f"{places.opt}/bin")),
                "LD_LIBRARY_PATH": os.pathsep.join(
                    (str(places.task_root), str(places.task_root / "lib"), str(places.opt / "lib"))
                ),
            },
        )

    release = function.runtime.partition(".")[2] or "al2023"
    return Program(
        runtime=function.runtime,
        version=release,
        label=f"provided:{release}.v0",
        start=start,
        fault=fault(folder / "bootstrap", shown),
        wraps=False,
    )


def fault(path: Path, shown: str) -> str | None:
    """What Lambda says when it cannot start this file, named `shown` there; None when it can be started."""
    if not path.is_file():
        return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    return unstartable(path, shown)


def unstartable(path: Path, shown: str, at: Callable[[str], Path] = Path) -> str | None:
    """Why the kernel would not start a file, as Lambda says it; `at` finds the interpreter of a script."""
    wrong = _wrong(path, at)
    return f"fork/exec {shown}: {wrong}" if wrong else None


def _wrong(path: Path, at: Callable[[str], Path]) -> str | None:
    if not path.is_file():
        return "no such file or directory"
    if not os.access(path, os.X_OK):
        return "permission denied"
    with path.open("rb") as file:
        head = file.read(512)
    if head[:2] == b"#!":
        # A carriage return belongs to the name, as it does for the kernel.
        name = head[2:].partition(b"\n")[0].strip(b" \t").partition(b" ")[0]
        return None if at(os.fsdecode(name)).is_file() else "no such file or directory"
    if head[:4] == b"\x7fELF" and sys.platform == "linux" and len(head) >= 20:
        machine = int.from_bytes(head[18:20], "little")
        return None if machine == _MACHINES.get(platform.machine().lower(), machine) else "exec format error"
    if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe") and sys.platform == "darwin":
        return None
    return "exec format error"
