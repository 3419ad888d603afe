"""Python: the interpreter that the runtime names, with AWS's runtime client in it.

Rule: where AWS's cannot be installed faaslab's own takes its place, and the record says so. A function can
import what Lambda brings and what it requires, nothing else that this machine has.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.runtimes import distributions, interpreters, preloading
from faaslab.backends.local.runtimes.links import leads_to, linked
from faaslab.backends.local.runtimes.programs import Places, Program, Start, Warm
from faaslab.errors import RequirementsFailed, Unsupported
from faaslab.model.function import ImageCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.backends.local.runtimes.interpreters import Interpreter
    from faaslab.backends.local.runtimes.packages import Packages
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.model.function import Function

# Replaces `-m awslambdaric`, which costs runpy and a search more. The first entry of the path is the task
# root, as on Lambda; what Lambda brings comes last, so that it hides nothing of the user's.
_PATH = (
    "import os, sys\n"
    "{site}"
    "sys.argv = ['bootstrap', os.environ['_HANDLER']]\n"
    "sys.path[0:1] = [os.environ['LAMBDA_TASK_ROOT'], *{layers!r}]\n"
    "sys.path += [folder for folder in {last!r} if folder not in sys.path]\n"
)
_BOOTSTRAP = f"{_PATH}from awslambdaric.__main__ import main\nmain(sys.argv)\n"
# The same for our own. It is found by its folder and not on the path: it hides nothing, and nothing hides it.
_OWN_BOOTSTRAP = (
    f"{_PATH}"
    "import types\n"
    "client = sys.modules['faaslab_runtime_client'] = types.ModuleType('faaslab_runtime_client')\n"
    "client.__path__ = [{client!r}]\n"
    # Its own compiled files may be kept, for the next cold start.
    "sys.dont_write_bytecode = False\n"
    "from faaslab_runtime_client.main import main\n"
    "sys.dont_write_bytecode = True\n"
    "main()\n"
)
# What `site` would have done but for its folders: `exit` and `help` are there, so is a sitecustomize where
# the function, or its wrapper script, says in which folders Python finds modules.
_SITE = (
    "import site\n"
    "site.setquit(); site.setcopyright(); site.sethelper()\n"
    "if os.environ.get('PYTHONPATH') != {usual!r}:\n"
    "    first = sys.path.pop(0); site.execsitecustomize(); sys.path.insert(0, first)\n"
)
# What of AWS's client a template may import; `bootstrap` and `runtime_client` read variables when they are
# imported, so those it may not.
_CLIENT_MODULES = tuple(
    f"awslambdaric.{name}"
    for name in (
        "lambda_config",
        "lambda_context",
        "lambda_runtime_exception",
        "lambda_runtime_log_utils",
        "lambda_runtime_marshaller",
    )
)
OWN_CLIENT = Path(__file__).parent / "runtime_client"
# Interpreters for which AWS's client could not be installed: asked once a process, for it takes seconds.
_without: set[str] = set()


def python_program(function: Function, *, packages: Packages, settings: LocalSettings, root: Path) -> Program:
    """Raises RuntimeNotFound, RequirementsFailed, InvalidValue (requirements)."""
    interpreter = interpreters.find(function.runtime, own_interpreter=settings.own_interpreter)
    official = _official_client(interpreter, packages=packages, settings=settings, root=root)
    brought = _brought(interpreter, official, packages=packages, settings=settings, root=root)
    requirements = packages.requirements(function.configuration.requires, interpreter)
    own = [] if requirements is None else [requirements]
    # `-B`: the task root is read-only, also for root. `-S`: no folder of installed packages.
    options = ("-B",) if settings.kernel_packages else ("-B", "-S")
    last = tuple(map(str, brought if official else (OWN_CLIENT / "provided", *brought)))
    has_layers = bool(function.configuration.layers)
    programs = (str(interpreter.path.parent), "/usr/local/bin", "/usr/bin", "/bin")
    ctype = "C.UTF-8" if sys.platform == "linux" else "UTF-8"

    def warm(modules: tuple[str, ...]) -> Warm:
        base = {"PATH": os.pathsep.join(programs), "LANG": "en_US.UTF-8", "TZ": ":UTC", "LC_CTYPE": ctype}
        given = {**settings.variables, **function.configuration.environment}
        return Warm(
            interpreter=str(interpreter.path),
            options=options,
            path=tuple(map(str, own)),
            last=tuple(map(str, brought)),
            modules=(*(() if official is None else _CLIENT_MODULES), *modules),
            variables=preloading.variables(given, base),
        )

    def start(places: Places) -> Start:
        layers = layer_folders(places.opt, interpreter.runtime) if has_layers else []
        usual = os.pathsep.join(map(str, (places.runtime_root, *own)))
        site = "" if settings.kernel_packages else _SITE.format(usual=usual)
        bootstrap = _BOOTSTRAP if official else _OWN_BOOTSTRAP
        script = bootstrap.format(client=str(OWN_CLIENT), layers=layers, last=last, site=site)
        return Start(
            command=(str(interpreter.path), *options, "-c", script),
            variables={
                "PATH": os.pathsep.join((*programs, f"{places.opt}/bin")),
                "LD_LIBRARY_PATH": os.pathsep.join(
                    (str(places.task_root), str(places.task_root / "lib"), str(places.opt / "lib"))
                ),
                "PYTHONPATH": usual,
                "LC_CTYPE": ctype,
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{interpreter.runtime}",
            },
        )

    release = interpreter.version.rpartition(".")
    return Program(
        runtime=interpreter.runtime,
        version=interpreter.version if official else f"{interpreter.version}-faaslab",
        label=f"python:{release[0]}.v{release[2]}",
        start=start,
        needs=(*interpreter.prefixes, *map(Path, last), *_with_targets((*brought, *own)), OWN_CLIENT),
        warm=warm,
    )


def layer_folders(opt: Path, runtime: str) -> list[str]:
    """Where Python finds what is in layers.

    Source: Developer Guide, python-layers: in this order, between the code and what the runtime brings.
    """
    return [str(opt / "python/lib" / runtime / "site-packages"), str(opt / "python")]


def _with_targets(folders: Sequence[Path]) -> tuple[Path, ...]:
    """The folders, and those that links in them lead to: a sandbox needs both."""
    return (*folders, *(target for folder in folders for target in leads_to(folder)))


def _brought(
    interpreter: Interpreter,
    official: Path | None,
    *,
    packages: Packages,
    settings: LocalSettings,
    root: Path,
) -> tuple[Path, ...]:
    """The folders with what Lambda brings along: the runtime client, boto3 and what it requires."""
    client = () if official is None else (official,)
    if interpreter.own:
        if settings.kernel_packages:
            return client
        found = distributions.brought_along()
        folder = linked(root / "runtime", interpreter.tag, found)
        # It is not there where it was not installed as packages are, but put on the path.
        return (folder,) if (folder / "awslambdaric").exists() else (folder, *client)
    if f"{interpreter.tag} boto3" in _without:
        return client
    try:
        wanted = interpreters.not_newer("boto3")
        boto3 = packages.installed(root / "runtime" / f"{interpreter.tag}-boto3", [wanted], interpreter)
    except RequirementsFailed:
        _without.add(f"{interpreter.tag} boto3")
        return client
    return (*client, boto3)


def _official_client(
    interpreter: Interpreter, *, packages: Packages, settings: LocalSettings, root: Path
) -> Path | None:
    """The folder of awslambdaric for an interpreter; None where ours serves."""
    if settings.runtime_client == "ours":
        return None
    required = settings.runtime_client == "official"
    here = interpreters.runtime_client_folder() if interpreter.own else None
    # Its wheels are for Linux; to build it takes a compiler, CMake and minutes.
    if here is not None or (not required and (interpreter.own or sys.platform != "linux")):
        return here
    if interpreter.tag in _without and not required:
        return None
    try:
        return packages.installed(
            root / "runtime" / interpreter.tag, [interpreters.not_newer("awslambdaric")], interpreter
        )
    except RequirementsFailed:
        if required:
            raise
        _without.add(interpreter.tag)
        return None


def debugpy_folder(function: Function, *, packages: Packages, settings: LocalSettings, root: Path) -> Path:
    """The folder that has debugpy for the function's interpreter; installed there where it is another's.

    Raises Unsupported for what is not Python, RuntimeNotFound, RequirementsFailed with the remedy.
    """
    if isinstance(function.code, ImageCode) or not function.runtime.startswith("python"):
        what = "is a container image" if isinstance(function.code, ImageCode) else f"runs {function.runtime}"
        raise Unsupported(
            f"{function.name!r} {what}: only Python functions can be attached to",
            place="--attach",
            hint="read its log: invoke with --tail",
        )
    interpreter = interpreters.find(function.runtime, own_interpreter=settings.own_interpreter)
    here = distributions.satisfying(["debugpy"]) if interpreter.own else None
    if here:
        return linked(root / "debugger", interpreter.tag, here)
    wanted = interpreters.not_newer("debugpy")
    try:
        return packages.installed(root / "debugger" / interpreter.tag, [wanted], interpreter)
    except RequirementsFailed as error:
        raise RequirementsFailed(
            f"debugpy could not be installed for {interpreter.path}: {error.message}",
            place="--attach",
            hint=f"give the function the runtime {interpreters.OWN_RUNTIME!r}, or install debugpy there once",
        ) from error
