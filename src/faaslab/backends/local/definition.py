"""What all environments of one function version share: unpacked, installed and found once.

Rule: what fails here fails before any process exists, and is the caller's to mend: an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends import report_line
from faaslab.backends.local import interpreters
from faaslab.backends.local.interpreters import Interpreter
from faaslab.backends.local.packages import Packages
from faaslab.backends.local.variables import check
from faaslab.model.function import LATEST, Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.processes import Keeper
    from faaslab.backends.local.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One function version, ready to start environments of."""

    function: Function
    version: str
    """As the function sees it: `$LATEST`, or a number when it was asked for by a qualifier."""
    interpreter: Interpreter
    command: tuple[str, ...]
    task_root: Path
    runtime_root: Path
    packages: tuple[Path, ...]

    @property
    def init_start(self) -> str:
        """The line before an init: `python:3.13.v12` is Lambda's way to write 3.13.12."""
        release = self.interpreter.version.rpartition(".")
        return report_line.init_start_line(
            f"python:{release[0]}.v{release[2]}",
            f"arn:aws:lambda:{self.function.region}::runtime:local-{self.interpreter.version}",
        )


class Definer:
    """Makes definitions; slow the first time (unpacks, installs), quick from then on."""

    def __init__(
        self, root: Path, *, code_of: Callable[[Function], Path], settings: LocalSettings, keeper: Keeper
    ) -> None:
        self._root = root
        self._code_of = code_of
        self._settings = settings
        self._packages = Packages(root, pip_arguments=settings.pip_arguments, keeper=keeper)

    def define(self, function: Function, *, numbered: bool) -> Definition:
        """Raises InvalidValue (code, variables, requirements), RuntimeNotFound, RequirementsFailed."""
        check(function)
        interpreter = interpreters.find(function.runtime, own_interpreter=self._settings.own_interpreter)
        client = interpreters.runtime_client_folder() if interpreter.own else None
        if client is None:
            client = self._packages.installed(
                self._root / "runtime" / interpreter.tag,
                [interpreters.runtime_client_requirement()],
                interpreter,
            )
        requirements = self._packages.requirements(function.configuration.requires, interpreter)
        runtime_root = self._root / "runtime" / "empty"
        runtime_root.mkdir(parents=True, exist_ok=True)
        return Definition(
            function=function,
            version=function.version if numbered else LATEST,
            interpreter=interpreter,
            command=tuple(interpreters.bootstrap(interpreter, client)),
            task_root=self._packages.code(self._code_of(function), function.code_digest),
            runtime_root=runtime_root,
            packages=(requirements,) if requirements is not None else (),
        )
