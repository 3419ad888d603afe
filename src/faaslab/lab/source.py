"""What source text says of itself: the handler it defines, the names that it lacks, a callable's own text.

A function sees its own source, what was included and what was captured; nothing of the notebook or the
module around it. Reading the text tells beforehand what would fail.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import textwrap
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_GIVEN = frozenset(
    {
        *dir(builtins),
        "__file__",
        "__name__",
        "__doc__",
        "__package__",
        "__spec__",
        "__loader__",
        "__builtins__",
    }
)
_USUAL = ("handler", "lambda_handler")


def syntax_error(source: str, filename: str) -> str | None:
    """Where the text is not Python, in a sentence."""
    try:
        ast.parse(source, filename)
    except SyntaxError as error:
        return f"{error.msg} ({filename}, line {error.lineno})"
    except ValueError as error:  # null bytes
        return f"{error} ({filename})"
    return None


def handler_name(source: str, name: str) -> str | None:
    """The function that the text offers: handler, lambda_handler, its namesake, or the only one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    defined = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    bound = {*defined, *_assigned(tree)}
    for usual in (*_USUAL, name):
        if usual in bound:
            return usual
    public = [function for function in defined if not function.startswith("_")]
    return public[0] if len(public) == 1 else None


def _assigned(tree: ast.Module) -> Iterable[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name for alias in node.names)


def missing_names(source: str, given: Iterable[str] = ()) -> tuple[str, ...]:
    """Names that the text uses and nobody gives it, in alphabetical order; () where that cannot be told."""
    try:
        top = symtable.symtable(source, "<source>", "exec")
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    if any(
        isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names) for node in ast.walk(tree)
    ):
        return ()
    bound = {
        symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()
    }
    used: set[str] = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_global() and symbol.is_assigned():
                bound.add(symbol.get_name())
            elif symbol.is_global() and symbol.is_referenced():
                used.add(symbol.get_name())
    return tuple(sorted(used - bound - _GIVEN - {*given}))


def of_callable(function: Callable[..., Any]) -> tuple[str, str]:
    """(source, name) of a plain Python function, without our decorator and what stands above it.

    Annotations are not evaluated where it runs, so that those which name things of its module do no harm.
    """
    function = inspect.unwrap(function)
    if not inspect.isfunction(function) or function.__name__ == "<lambda>":
        raise InvalidValue(
            "only a function written with def can be taken",
            place="code",
            hint="write def handler(event, context)",
        )
    if inspect.iscoroutinefunction(function):
        raise InvalidValue("a handler is not async", place="code", hint="call asyncio.run inside it")
    if function.__code__.co_freevars:
        names = ", ".join(function.__code__.co_freevars)
        raise InvalidValue(
            f"{function.__name__} uses {names} of the function around it",
            place="code",
            hint="give it in the payload or with capture",
        )
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise InvalidValue(
            f"the source of {function.__name__} cannot be found", place="code", hint="give its text instead"
        ) from None
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    ours = [index for index, each in enumerate(node.decorator_list) if _is_ours(each)]
    lines = text.splitlines(keepends=True)
    if ours:
        kept = node.decorator_list[ours[-1] + 1 :]
        first = kept[0].lineno if kept else node.lineno
        lines = lines[first - 1 :]
    return "from __future__ import annotations\n\n\n" + "".join(lines), function.__name__


def _is_ours(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return (isinstance(called, ast.Attribute) and called.attr == "function") or (
        isinstance(called, ast.Name) and called.id == "function"
    )
