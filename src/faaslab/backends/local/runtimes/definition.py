"""What all environments of one function version share: unpacked, installed and found once.

Rule: what fails here fails before any process exists, and is the caller's to mend: an exception.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends import report_line
from faaslab.backends.local.runtimes import preloading, rootfs
from faaslab.backends.local.runtimes.custom_program import custom_program
from faaslab.backends.local.runtimes.image_program import image_program
from faaslab.backends.local.runtimes.node_program import node_program
from faaslab.backends.local.runtimes.packages import Packages
from faaslab.backends.local.runtimes.programs import Program, Warm
from faaslab.backends.local.runtimes.python_program import debugpy_folder, python_program
from faaslab.backends.local.runtimes.variables import check
from faaslab.errors import Unsupported
from faaslab.model.function import LATEST, Function, ImageCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.host.machine import Machine
    from faaslab.backends.local.host.processes import Keeper
    from faaslab.backends.local.settings import LocalSettings


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One function version, ready to start environments of. The folders are the real ones."""

    function: Function
    program: Program
    task_root: Path
    opt: Path
    runtime_root: Path
    warm: Warm | None = None
    """What its environments may be forked from."""
    own_modules: frozenset[str] = frozenset()
    """Modules that its code brings along; a template that has another of such a name is none for it."""

    @property
    def version(self) -> str:
        """As the function sees it."""
        return self.function.version

    @property
    def snaps(self) -> bool:
        """Whether its environments are restored from a snapshot (SnapStart): of published versions only."""
        return self.version != LATEST and self.function.configuration.snap_start == "PublishedVersions"

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
        machine: Machine,
    ) -> None:
        self._machine = machine
        self._root = root
        self._code_of = code_of
        self._layer_of = layer_of
        self._settings = settings
        self._packages = Packages(root, pip_arguments=settings.pip_arguments, keeper=keeper)

    def stop(self) -> None:
        """End what is being installed."""
        self._packages.stop()

    def define(self, function: Function) -> Definition:
        """Raises InvalidValue (code, variables, requirements), RuntimeNotFound, RequirementsFailed."""
        check(function)
        if isinstance(function.code, ImageCode):
            return self._of_image(function, function.code)
        task_root = self._packages.code(self._code_of(function), function.code_digest)
        layers = [self._layer_of(layer) for layer in function.configuration.layers]
        opt = self._packages.layers(layers, task_root) if layers else self._empty("opt")
        program = self._program(function, task_root, opt)
        warm, own = self._warm(function, program, task_root, opt)
        return Definition(
            function=function,
            program=program,
            task_root=task_root,
            opt=opt,
            runtime_root=program.runtime_folder or self._empty("empty"),
            warm=warm,
            own_modules=own,
        )

    def _of_image(self, function: Function, code: ImageCode) -> Definition:
        program = image_program(code, function.code_sha256, self._root)
        assert program.root is not None
        # Its extensions are files of the image.
        opt = rootfs.inside(program.root, "/opt")
        return Definition(
            function=function,
            program=program,
            task_root=program.root,
            opt=opt if opt.is_dir() else self._empty("opt"),
            runtime_root=self._empty("empty"),
        )

    def may_fork(self, function: Function) -> bool:
        """Whether its environments may begin as forks of a template, as far as its definition tells."""
        return (
            self._machine.fork_server
            and not isinstance(function.code, ImageCode)
            and function.runtime.startswith("python")
            and preloading.wanted(function, self._settings.templates, self._settings.variables)
        )

    def _warm(
        self, function: Function, program: Program, task_root: Path, opt: Path
    ) -> tuple[Warm | None, frozenset[str]]:
        """What its environments may be forked from (None when each is to be a new process), own modules."""
        mode = self._settings.templates
        nothing = frozenset[str]()
        if program.warm is None or not self._machine.fork_server:
            return None, nothing
        if not preloading.wanted(function, mode, self._settings.variables):
            return None, nothing
        if preloading.ships_libraries(path.name for folder in (task_root, opt) for path in folder.iterdir()):
            return None, nothing
        layers = opt / "python"
        folders = (task_root, layers, *layers.glob("lib/*/site-packages"))
        own = preloading.own_modules(
            path.name for folder in folders if folder.is_dir() for path in folder.iterdir()
        )
        learned: tuple[str, ...] = ()
        if mode == "on":
            module = function.handler.rpartition(".")[0].replace(".", "/")
            with contextlib.suppress(OSError, UnicodeDecodeError):
                learned = preloading.imported((task_root / f"{module}.py").read_text("utf-8"), own)
        return program.warm(preloading.modules(function.configuration.preload, learned, own)), own

    def debugpy(self, function: Function) -> Path:
        """The folder with debugpy for a function's interpreter; see `python_program.debugpy_folder`."""
        return debugpy_folder(function, packages=self._packages, settings=self._settings, root=self._root)

    def _program(self, function: Function, task_root: Path, opt: Path) -> Program:
        """What serves its runtime: the one place that knows all of them."""
        if function.runtime.startswith("python"):
            return python_program(function, packages=self._packages, settings=self._settings, root=self._root)
        if function.runtime.startswith("provided"):
            return custom_program(function, task_root=task_root, opt=opt)
        if function.runtime.startswith("nodejs"):
            return node_program(function, packages=self._packages, root=self._root)
        raise Unsupported(
            f"the local backend does not run {function.runtime!r}",
            place="runtime",
            hint="a zip with a bootstrap (provided.al2023) or a container image runs it",
        )

    def _empty(self, name: str) -> Path:
        folder = self._root / "runtime" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder
