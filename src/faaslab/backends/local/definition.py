"""What all environments of one function version share: unpacked, installed and found once.

Rule: what fails here fails before any process exists, and is the caller's to mend: an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends import report_line
from faaslab.backends.local.custom_program import custom_program
from faaslab.backends.local.packages import Packages
from faaslab.backends.local.programs import Program
from faaslab.backends.local.python_program import python_program
from faaslab.backends.local.variables import check
from faaslab.errors import Unsupported
from faaslab.model.function import LATEST, Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.processes import Keeper
    from faaslab.backends.local.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One function version, ready to start environments of. The folders are the real ones."""

    function: Function
    version: str
    """As the function sees it: `$LATEST`, or a number when it was asked for by a qualifier."""
    program: Program
    task_root: Path
    opt: Path
    runtime_root: Path

    @property
    def runtime_version_arn(self) -> str:
        """What stands for the ARN of the runtime's release."""
        return f"arn:aws:lambda:{self.function.region}::runtime:local-{self.program.version}"

    @property
    def init_start(self) -> str:
        """The line before an init: `python:3.13.v12` is Lambda's way to write 3.13.12."""
        return report_line.init_start_line(self.program.label, self.runtime_version_arn)


class Definer:
    """Makes definitions; slow the first time (unpacks, installs), quick from then on."""

    def __init__(
        self,
        root: Path,
        *,
        code_of: Callable[[Function], Path],
        layer_of: Callable[[str], tuple[Path, str]],
        settings: LocalSettings,
        keeper: Keeper,
    ) -> None:
        self._root = root
        self._code_of = code_of
        self._layer_of = layer_of
        self._settings = settings
        self._packages = Packages(root, pip_arguments=settings.pip_arguments, keeper=keeper)

    def define(self, function: Function, *, numbered: bool) -> Definition:
        """Raises InvalidValue (code, variables, requirements), RuntimeNotFound, RequirementsFailed."""
        check(function)
        task_root = self._packages.code(self._code_of(function), function.code_digest)
        layers = [self._layer_of(layer) for layer in function.configuration.layers]
        opt = self._packages.layers(layers, task_root) if layers else self._empty("opt")
        return Definition(
            function=function,
            version=function.version if numbered else LATEST,
            program=self._program(function, task_root, opt),
            task_root=task_root,
            opt=opt,
            runtime_root=self._empty("empty"),
        )

    def _program(self, function: Function, task_root: Path, opt: Path) -> Program:
        """What serves its runtime: the one place that knows all of them."""
        if function.runtime.startswith("python"):
            return python_program(function, packages=self._packages, settings=self._settings, root=self._root)
        if function.runtime.startswith("provided"):
            return custom_program(function, task_root=task_root, opt=opt)
        raise Unsupported(
            f"the local backend does not run {function.runtime!r}",
            place="runtime",
            hint="a zip with a bootstrap (provided.al2023) or a container image runs it",
        )

    def _empty(self, name: str) -> Path:
        folder = self._root / "runtime" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
