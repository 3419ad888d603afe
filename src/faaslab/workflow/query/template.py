"""Payload templates: JSON in which the value of a key that ends in `.$` is a path or an intrinsic function.

Rule: a template is compiled once, into a program for a stack, so that no depth of nesting is a recursion.
What is constant in it is shared by all that is made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.query import intrinsics
from faaslab.workflow.query.identity import MadeOnce
from faaslab.workflow.query.jsonpath import PathMissing, read
from faaslab.workflow.query.values import json_text

if TYPE_CHECKING:
    from faaslab.workflow.scope import Scope

_Instruction = tuple[Literal["put", "path", "function", "object", "list"], Any]


def rendered(template: Any, scope: Scope, field: str) -> Any:  # noqa: ARG001 - both query languages are asked alike
    """What the template makes of what `scope` has.

    `field` is the state's field that holds the template. Raises `StateFailure` with AWS's wording for a path
    that finds nothing and for a function that fails.
    """
    made: list[Any] = []
    for kind, what in _program(template):
        if kind == "put":
            made.append(what)
        elif kind == "path":
            key, path = what
            made.append(_found(key, path, scope))
        elif kind == "function":
            made.append(intrinsics.evaluate(what, scope))
        else:
            count = what if kind == "list" else len(what)
            inner = made[len(made) - count :]
            del made[len(made) - count :]
            made.append(inner if kind == "list" else dict(zip(what, inner, strict=True)))
    return made[0]


def _found(key: str, path: str, scope: Scope) -> Any:
    if scope.input is None and (path == "$" or path[:2] in ("$.", "$[")):
        raise StateFailure(
            RUNTIME, "Unable to apply Path transformation to null or empty input.", framed=True
        )
    try:
        return read(path, scope)
    except PathMissing as error:
        if error.why == "past the end":
            return None
        raise _missing(error, scope, key) from None


def _missing(error: PathMissing, scope: Scope, key: str) -> StateFailure:
    if error.why == "no list":
        return StateFailure(RUNTIME, error.reason, framed=True)
    document = scope.context if error.path.startswith("$$") else scope.input
    return StateFailure(
        RUNTIME,
        f"The JSONPath '{error.path}' specified for the field '{key}' could not be found in the input "
        f"'{json_text(document)}'",
        framed=True,
    )


def _compiled(template: Any) -> tuple[_Instruction, ...]:
    """Children before what holds them. A part without any `.$` is one constant."""
    program: list[_Instruction] = []
    # What is still to be visited; or an instruction, with the part of the template that it makes.
    todo: list[tuple[_Instruction | None, Any]] = [(None, template)]
    # Of each part that holds others: where its children begin, and whether any of them is not constant.
    open_parts: list[list[Any]] = []
    while todo:
        instruction, part = todo.pop()
        if instruction is not None:
            if instruction[0] in ("object", "list"):
                begin, is_dynamic = open_parts.pop()
                if not is_dynamic:
                    program[begin:] = [("put", part)]
                    continue
            if open_parts:
                open_parts[-1][1] = True
            program.append(instruction)
        elif isinstance(part, dict):
            open_parts.append([len(program), False])
            keys = tuple(key[:-2] if _is_dynamic(key, value) else key for key, value in part.items())
            todo.append((("object", keys), part))
            for key, value in reversed(part.items()):
                if not _is_dynamic(key, value):
                    todo.append((None, value))
                elif value.startswith("$"):
                    todo.append((("path", (key, value)), value))
                else:
                    todo.append((("function", value), value))
        elif isinstance(part, list):
            open_parts.append([len(program), False])
            todo.append((("list", len(part)), part))
            todo += [(None, value) for value in reversed(part)]
        else:
            program.append(("put", part))
    return tuple(program)


def _is_dynamic(key: str, value: Any) -> bool:
    return key.endswith(".$") and isinstance(value, str)


_program = MadeOnce(_compiled)
