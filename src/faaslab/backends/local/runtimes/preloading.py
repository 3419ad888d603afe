"""Whether an environment may be forked from a template, and which modules that one imports. Pure.

Rule: a template imports what is installed (standard library, what Lambda brings, `--requires`), never
what a function brings along; and where a fork could be told from a new process, a new process it is.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from faaslab.model.function import Function


def wanted(function: Function, mode: str, more: Iterable[str] = ()) -> bool:
    """Whether the function may be forked at all; `mode` is the setting `templates`.

    `more` are the names of variables that it is given beside its own.
    """
    configuration = function.configuration
    if mode == "off" or not (configuration.preload or mode == "on"):
        return False
    # Read when an interpreter or the dynamic linker starts, which is past in a template.
    early = ("PYTHON", "LD_", "AWS_LAMBDA_EXEC_WRAPPER")
    return not any(name.startswith(early) for name in (*configuration.environment, *more))


def ships_libraries(names: Iterable[str]) -> bool:
    """Whether a folder of code may hold shared libraries that the dynamic linker finds by its path."""
    return any(name == "lib" or ".so" in name for name in names)


def own_modules(names: Iterable[str]) -> frozenset[str]:
    """The modules that files and folders of these names would be; they come before any installed one."""
    return frozenset(name.partition(".")[0] for name in names)


def imported(source: str, own: frozenset[str]) -> tuple[str, ...]:
    """Modules that a source imports whenever it is imported itself, but for those of its own folder.

    `import a.b` and `from a.b import c` at the top level, also below `if` and `try`; nothing of a source that
    does not parse.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    found: dict[str, None] = {}
    waiting: list[ast.stmt] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module and not node.level:
                found[node.module] = None
        elif isinstance(node, (ast.If, ast.Try)):
            inner = [*node.body, *node.orelse]
            waiting += reversed(inner)
    return tuple(name for name in found if name.partition(".")[0] not in own)


def modules(preload: Sequence[str], learned: Sequence[str], own: frozenset[str]) -> tuple[str, ...]:
    """What a template imports, in order, each once; what the function asks for comes first."""
    both = dict.fromkeys((*preload, *learned))
    return tuple(name for name in both if name.partition(".")[0] not in own)


def variables(given: Mapping[str, str], base: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables of a template: those that all environments have, below the function's own."""
    return tuple(sorted({**base, **given}.items()))
