"""What `invoke` and `replay` share where a function is debugged."""

from __future__ import annotations

import bdb
import json
from typing import TYPE_CHECKING, Any

from faaslab.verbs.options import Option, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.protocol import Debugger, Listening
    from faaslab.verbs.face import Face

DEBUG = Option(
    flags=("--debug",),
    name="debug",
    help="run it in this process and stop at its first line: pdb's commands, c goes on; no limits hold",
)


ATTACH = Option(
    flags=("--attach",),
    name="attach",
    metavar="PORT",
    read=whole_number,
    bare=0,
    help="run it in an environment that waits for a debugger (VS Code); without PORT a free one is taken",
)


def listening_at(face: Face) -> Callable[[Listening], None]:
    """Tells the face where an environment waits for a debugger, and what VS Code wants to know."""

    def tell(where: Listening) -> None:
        face.tell(f"waiting for a debugger at {where.host}:{where.port}; Ctrl-C gives up")
        face.tell(f"the files that run: {where.task_root}")
        face.tell("VS Code, in .vscode/launch.json under configurations:")
        face.tell(json.dumps(where.configuration, indent=2))

    return tell


def call_under(debugger: bdb.Bdb, function: Callable[..., Any], *arguments: Any) -> Any:
    """`runcall`, but that the user left is not swallowed. Raises bdb.BdbQuit then."""
    left = False
    set_quit = debugger.set_quit

    def leave() -> None:
        nonlocal left
        left = True
        set_quit()

    setattr(debugger, "set_quit", leave)  # noqa: B010 - of this one object
    result = debugger.runcall(function, *arguments)
    if left:
        raise bdb.BdbQuit
    return result


def debugger_of(face: Face) -> Debugger | None:
    """The face's debugger; where it has none that is said."""
    debugger = face.debugger()
    if debugger is None:
        face.note("nobody can answer a debugger here, so it ran through without one")
    return debugger
