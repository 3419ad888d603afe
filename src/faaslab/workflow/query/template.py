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
            made.append(found_at(path, scope, key))
        elif kind == "function":
            made.append(intrinsics.evaluate(what, scope))
        else:
            count = what if kind == "list" else len(what)
            inner = made[len(made) - count :]
            del made[len(made) - count :]
            made.append(inner if kind == "list" else dict(zip(what, inner, strict=True)))
    return made[0]


def found_at(path: str, scope: Scope, field: str) -> Any:
    """What `path` finds for `field`. Raises `StateFailure` in the words of a template's field."""
    if scope.input is None and path[:2] in ("$", "$.", "$["):
        raise StateFailure(
            RUNTIME, "Unable to apply Path transformation to null or empty input.", framed=True
        )
    try:
        return read(path, scope)
    except PathMissing:
        raise StateFailure(
            RUNTIME,
            f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input "
            f"'{json_text(scope.input)}'",
            framed=True,
        ) from None


def _compiled(template: Any) -> tuple[_Instruction, ...]:
    """Children before what holds them. A part without any `.$` is one constant."""
    program: list[_Instruction] = []
    # What is still to be visited; or an instruction, with the part of the template that it makes.
    todo: list[tuple[_Instruction | None, Any]] = [(None, template)]
    begins: list[int] = []
    while todo:
        instruction, part = todo.pop()
        if instruction is not None:
            if instruction[0] in ("object", "list"):
                begin = begins.pop()
                if all(kind == "put" for kind, _ in program[begin:]):
                    program[begin:] = [("put", part)]
                    continue
            program.append(instruction)
        elif isinstance(part, dict):
            begins.append(len(program))
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
            begins.append(len(program))
            todo.append((("list", len(part)), part))
            todo += [(None, value) for value in reversed(part)]
        else:
            program.append(("put", part))
    return tuple(program)


def _is_dynamic(key: str, value: Any) -> bool:
    return key.endswith(".$") and isinstance(value, str)


_program = MadeOnce(_compiled)
