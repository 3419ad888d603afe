"""Python: the interpreter that the runtime names, with AWS's runtime client in it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from faaslab.backends.local import interpreters
from faaslab.backends.local.programs import Places, Program, Start

if TYPE_CHECKING:
    from pathlib import Path

    from faaslab.backends.local.packages import Packages
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.model.function import Function

# Replaces `-m awslambdaric`, which costs runpy and a search more. The first entry of the path is the task
# root, as on Lambda; the folder of the runtime client comes last, so that it hides nothing of the user's.
_BOOTSTRAP = (
    "import os, sys\n"
    "sys.argv = ['bootstrap', os.environ['_HANDLER']]\n"
    "sys.path[0] = os.environ['LAMBDA_TASK_ROOT']\n"
    "if {client!r} not in sys.path: sys.path.append({client!r})\n"
    "from awslambdaric.__main__ import main\n"
    "main(sys.argv)\n"
)


def python_program(function: Function, *, packages: Packages, settings: LocalSettings, root: Path) -> Program:
    """Raises RuntimeNotFound, RequirementsFailed, InvalidValue (requirements)."""
    interpreter = interpreters.find(function.runtime, own_interpreter=settings.own_interpreter)
    client = interpreters.runtime_client_folder() if interpreter.own else None
    if client is None:
        client = packages.installed(
            root / "runtime" / interpreter.tag, [interpreters.runtime_client_requirement()], interpreter
        )
    requirements = packages.requirements(function.configuration.requires, interpreter)
    own = [] if requirements is None else [requirements]
    # `-B`: the task root is read-only, also for root.
    command = (str(interpreter.path), "-B", "-c", _BOOTSTRAP.format(client=str(client)))

    def start(places: Places) -> Start:
        return Start(
            command=command,
            variables={
                "PATH": os.pathsep.join(
                    (str(interpreter.path.parent), "/usr/local/bin", "/usr/bin", "/bin", "/opt/bin")
                ),
                "LD_LIBRARY_PATH": os.pathsep.join(
                    (str(places.task_root), str(places.task_root / "lib"), str(places.opt / "lib"))
                ),
                "PYTHONPATH": os.pathsep.join(map(str, (places.runtime_root, *own))),
                "LC_CTYPE": "C.UTF-8" if sys.platform == "linux" else "UTF-8",
                "AWS_EXECUTION_ENV": f"AWS_Lambda_{interpreter.runtime}",
            },
        )

    release = interpreter.version.rpartition(".")
    return Program(
        runtime=interpreter.runtime,
        version=interpreter.version,
        label=f"python:{release[0]}.v{release[2]}",
        start=start,
        needs=(interpreter.path.parent.parent, client, *own),
    )
