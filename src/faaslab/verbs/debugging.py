"""What `invoke` and `replay` share where a function is debugged."""

from __future__ import annotations

import bdb
from typing import TYPE_CHECKING, Any

from faaslab.verbs.options import Option

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.protocol import Debugger
    from faaslab.verbs.face import Face

DEBUG = Option(
    flags=("--debug",),
    name="debug",
    help="run it in this process and stop at its first line: pdb's commands, c goes on; no limits hold",
)


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
