"""Python: the interpreter that the runtime names, with AWS's runtime client in it.

Rule: where AWS's cannot be installed faaslab's own takes its place, and the record says so.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local import interpreters, preloading
from faaslab.backends.local.programs import Places, Program, Start, Warm
from faaslab.errors import RequirementsFailed, Unsupported
from faaslab.model.function import ImageCode

if TYPE_CHECKING:
    from faaslab.backends.local.interpreters import Interpreter
    from faaslab.backends.local.packages import Packages
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.model.function import Function

# Replaces `-m awslambdaric`, which costs runpy and a search more. The first entry of the path is the task
# root, as on Lambda; the folder of the runtime client comes last, so that it hides nothing of the user's.
_BOOTSTRAP = (
    "import os, sys\n"
    "sys.argv = ['bootstrap', os.environ['_HANDLER']]\n"
    "sys.path[0:1] = [os.environ['LAMBDA_TASK_ROOT'], *{layers!r}]\n"
    "if {client!r} not in sys.path: sys.path.append({client!r})\n"
    "from awslambdaric.__main__ import main\n"
    "main(sys.argv)\n"
)


# The same for our own. It is found by its folder and not on the path: it hides nothing, and nothing hides it.
_OWN_BOOTSTRAP = (
    "import os, sys, types\n"
    "sys.argv = ['bootstrap', os.environ['_HANDLER']]\n"
    "sys.path[0:1] = [os.environ['LAMBDA_TASK_ROOT'], *{layers!r}]\n"
    "sys.path.append({client!r} + '/provided')\n"
    "client = sys.modules['faaslab_runtime_client'] = types.ModuleType('faaslab_runtime_client')\n"
    "client.__path__ = [{client!r}]\n"
    # Its own compiled files may be kept, for the next cold start.
    "sys.dont_write_bytecode = False\n"
    "from faaslab_runtime_client.main import main\n"
    "sys.dont_write_bytecode = True\n"
    "main()\n"
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
    client, bootstrap = (OWN_CLIENT, _OWN_BOOTSTRAP) if official is None else (official, _BOOTSTRAP)
    requirements = packages.requirements(function.configuration.requires, interpreter)
    own = [] if requirements is None else [requirements]
    # `-B`: the task root is read-only, also for root.
    command = (str(interpreter.path), "-B", "-c")
    has_layers = bool(function.configuration.layers)
    programs = (str(interpreter.path.parent), "/usr/local/bin", "/usr/bin", "/bin")
    ctype = "C.UTF-8" if sys.platform == "linux" else "UTF-8"

    def warm(modules: tuple[str, ...]) -> Warm:
        base = {"PATH": os.pathsep.join(programs), "LANG": "en_US.UTF-8", "TZ": ":UTC", "LC_CTYPE": ctype}
        given = {**settings.variables, **function.configuration.environment}
        return Warm(
            interpreter=str(interpreter.path),
            path=tuple(map(str, own)),
            last="" if official is None else str(client),
            modules=(*(() if official is None else _CLIENT_MODULES), *modules),
            variables=preloading.variables(given, base),
        )

    def start(places: Places) -> Start:
        layers = layer_folders(places.opt, interpreter.runtime) if has_layers else []
        script = bootstrap.format(client=str(client), layers=layers)
        return Start(
            command=(*command, script),
            variables={
                "PATH": os.pathsep.join((*programs, f"{places.opt}/bin")),
                "LD_LIBRARY_PATH": os.pathsep.join(
                    (str(places.task_root), str(places.task_root / "lib"), str(places.opt / "lib"))
                ),
                "PYTHONPATH": os.pathsep.join(map(str, (places.runtime_root, *own))),
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
        needs=(*interpreter.prefixes, client, *own),
        warm=warm,
    )


def layer_folders(opt: Path, runtime: str) -> list[str]:
    """Where Python finds what is in layers.

    Source: Developer Guide, python-layers: in this order, between the code and what the runtime brings.
    """
    return [str(opt / "python/lib" / runtime / "site-packages"), str(opt / "python")]


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
            root / "runtime" / interpreter.tag, [interpreters.runtime_client_requirement()], interpreter
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
    spec = importlib.util.find_spec("debugpy")
    if interpreter.own and spec is not None and spec.origin:
        return Path(spec.origin).parent.parent
    try:
        wanted = f"debugpy<={importlib.metadata.version('debugpy')}"
    except importlib.metadata.PackageNotFoundError:
        wanted = "debugpy"
    try:
        return packages.installed(root / "debugger" / interpreter.tag, [wanted], interpreter)
    except RequirementsFailed as error:
        raise RequirementsFailed(
            f"debugpy could not be installed for {interpreter.path}: {error.message}",
            place="--attach",
            hint=f"give the function the runtime {interpreters.OWN_RUNTIME!r}, or install debugpy there once",
        ) from error
