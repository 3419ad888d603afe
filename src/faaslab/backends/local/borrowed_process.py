"""This process made to look like an execution environment for a while: paths, variables, modules, log.

Rule: everything is put back, in the opposite order, also after an exception. What cannot be put back (modules
of others that were loaded for the first time, a thread that still runs) stays.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import pdb  # noqa: T100 - its set_trace is what is replaced
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO

from faaslab.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from faaslab.backends.local.runtimes.runtime_client.logs import Logs

# A terminal and a debugger need these; a function is not hurt by them.
_KEPT = ("TERM", "COLUMNS", "LINES", "PYTHONBREAKPOINT", "NO_COLOR")
_DEBUGGERS = ("pdb", "bdb", "cmd", "IPython.core.debugger", "IPython.terminal.debugger")
_borrowed = threading.Lock()


@contextlib.contextmanager
def borrowed(
    *,
    variables: Mapping[str, str],
    path: Sequence[Path],
    argv: Sequence[str],
    breakpoints: bool,
    hook: Callable[..., Any] | None,
    say: Callable[[str], None],
) -> Iterator[None]:
    """Within the body this process is an environment; one body at a time.

    `path` are the folders of the function's own code: the first is where it runs, and nothing that was loaded
    from them before or under their names is seen. `say` is told what could not be done.
    """
    if not _borrowed.acquire(blocking=False):
        raise Conflict(
            "a function is being debugged in this process already", hint="finish that first: c, or q to leave"
        )
    try:
        with contextlib.ExitStack() as put_back:
            _change_variables(put_back, variables)
            _change_folder(put_back, path[0])
            _change_modules(put_back, path, say)
            _change(put_back, sys, "argv", list(argv))
            _change(put_back, sys, "dont_write_bytecode", new=True)
            if not breakpoints:
                # Nobody can answer: go on instead of waiting, or failing, for want of somebody.
                _change(put_back, sys, "breakpointhook", _go_on)
                _change(put_back, pdb, "set_trace", _go_on)
            elif hook is not None:
                _change(put_back, sys, "breakpointhook", hook)
            yield
    finally:
        _borrowed.release()


@contextlib.contextmanager
def logging_to(logs: Logs, hear: Callable[[str], None]) -> Iterator[None]:
    """Within the body the root logger writes to `logs`, and `hear` is told what is printed, also as it is."""
    with contextlib.ExitStack() as put_back:
        root = logging.getLogger()
        put_back.callback(root.setLevel, root.level)
        _change(put_back, root, "handlers", [logs.handler()])
        root.setLevel(logs.level() or logging.WARNING)
        for name in ("stdout", "stderr"):
            _change(put_back, sys, name, Overheard(getattr(sys, name), hear))
        yield


class Overheard:
    """A stream whose text is heard as well, but for what a debugger says."""

    def __init__(self, stream: TextIO, hear: Callable[[str], None]) -> None:
        self._stream = stream
        self._hear = hear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write it where it belongs, at once."""
        written = self._stream.write(text)
        self._stream.flush()
        if sys._getframe(1).f_globals.get("__name__") not in _DEBUGGERS:  # noqa: SLF001 - documented
            self._hear(text)
        return written

    def writelines(self, lines: Sequence[str]) -> None:
        """Write them all."""
        for line in lines:
            self.write(line)


def _go_on(*_: Any, **__: Any) -> None:
    return


def _change(put_back: contextlib.ExitStack, owner: Any, name: str, new: Any) -> None:
    put_back.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, new)


def _change_variables(put_back: contextlib.ExitStack, variables: Mapping[str, str]) -> None:
    before = dict(os.environ)

    def set_all(values: Mapping[str, str]) -> None:
        os.environ.clear()
        os.environ.update(values)
        if hasattr(time, "tzset"):
            time.tzset()

    put_back.callback(set_all, before)
    set_all({name: before[name] for name in _KEPT if name in before} | dict(variables))
    # The folder for temporary files is found once a process, from the variables.
    _change(put_back, tempfile, "tempdir", None)


def _change_folder(put_back: contextlib.ExitStack, folder: Path) -> None:
    try:
        put_back.callback(os.chdir, os.getcwd())  # noqa: PTH109 - goes with chdir
    except FileNotFoundError:
        # Whoever stands in a folder that is gone cannot be put back there.
        put_back.callback(os.chdir, "/")
    os.chdir(folder)


def _change_modules(put_back: contextlib.ExitStack, path: Sequence[Path], say: Callable[[str], None]) -> None:
    """The function's own modules are loaded anew, and are gone afterwards."""
    own = [str(folder) for folder in path]
    here = {"", os.getcwd(), *own}  # noqa: PTH109 - compared with entries of sys.path
    usual = [entry for entry in sys.path if entry not in here]
    hidden = _hidden(path, say)

    def restore() -> None:
        for name, module in list(sys.modules.items()):
            if _is_of(module, own):
                del sys.modules[name]
        sys.modules.update(hidden)
        for entry in own:
            sys.path_importer_cache.pop(entry, None)

    put_back.callback(restore)
    _change(put_back, sys, "path", [*own, *usual])
    importlib.invalidate_caches()


def _hidden(path: Sequence[Path], say: Callable[[str], None]) -> dict[str, ModuleType]:
    """Modules of this process that have the name of one of the function's, taken out of sight."""
    names: dict[str, bool] = {}
    for folder in path:
        for name, compiled in _offered(folder):
            names.setdefault(name, compiled)
    kept = sorted(
        name
        for name, compiled in names.items()
        if name in sys.modules and (compiled or name in sys.stdlib_module_names or name == "faaslab")
    )
    if kept:
        say(f"loaded before, so as this process has it: {', '.join(kept)}")
    gone = names.keys() - set(kept)
    taken = {name: module for name, module in list(sys.modules.items()) if name.partition(".")[0] in gone}
    taken.pop("__main__", None)
    for name in taken:
        del sys.modules[name]
    return taken


def _offered(folder: Path) -> Iterator[tuple[str, bool]]:
    """(name, whether it has compiled code) of what can be imported from a folder.

    Compiled code can mostly be loaded once a process, so what is there already has to serve.
    """
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        name, _, kind = entry.name.partition(".")
        if entry.is_dir() and not kind:
            yield name, any(entry.rglob("*.so"))
        elif kind == "py" or entry.suffix == ".so":
            yield name, entry.suffix == ".so"


def _is_of(module: Any, folders: Sequence[str]) -> bool:
    places = [getattr(module, "__file__", None)]
    with contextlib.suppress(Exception):  # a namespace package's path may be anything
        places += list(getattr(module, "__path__", ()))
    return any(
        isinstance(place, str) and place.startswith(f"{folder}{os.sep}")
        for place in places
        for folder in folders
    )
