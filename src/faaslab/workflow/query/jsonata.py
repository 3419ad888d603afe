"""JSONata of Step Functions: `{% … %}` texts evaluated over `$states` and the variables, with AWS's messages.

Rule: whatever an expression does, it gives a plain JSON value or a `StateFailure` named
`States.QueryEvaluationError`; it changes nothing that it is given, and it always ends (`jsonata_bounds`). The
library is loaded when the first expression needs more than a path of names.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

from faaslab.workflow.failure import QUERY_EVALUATION, StateFailure
from faaslab.workflow.query.jsonata_bounds import TOO_DEEP, OutOfBounds
from faaslab.workflow.query.jsonata_plain import settled
from faaslab.workflow.scope import ABSENT, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

Kind = Literal["array", "object", "string", "number", "boolean", "null"]
_LONGEST_TEXT = 262_144
_KINDS: dict[type, str] = {
    list: "array", dict: "object", str: "string", int: "number", float: "number", bool: "boolean",
    type(None): "null",
}  # fmt: skip
_PLAIN_PATH = re.compile(
    r"\s*\$[A-Za-z_]\w*(\s*\.\s*(?!(?:and|or|in|true|false|null)\b)[A-Za-z_]\w*)*\s*", re.ASCII
)


def is_expression(value: Any) -> bool:
    """Whether a value of a definition is a JSONata expression: a text between `{%` and `%}`."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}") and len(value) >= 4


def evaluate(text: str, scope: Scope, field: str, *, expected: Kind | None = None) -> Any:
    """The JSON value of a whole `{% … %}` text.

    `field` is where it stands, as Step Functions names it (`Output/total`, `Items`).

    Raises:
        StateFailure: `States.QueryEvaluationError`: the expression fails, gives nothing, or not what is
            `expected`.

    """
    expression = _compiled(text[2:-2].strip())
    value = ABSENT if expression.path is None else _followed(expression.path, scope)
    if value is ABSENT:
        value = _evaluated(expression, scope, field)
    else:
        try:
            value = settled(value)
        except (OutOfBounds, OverflowError) as exceeded:
            raise _threw(expression, field, None, str(exceeded)) from exceeded
    if expected is not None and (kind := _KINDS[type(value)]) != expected:
        shown = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        raise _failure(
            expression,
            field,
            f"returned an unexpected result type. Expected '{expected}', but was '{kind}' for value: {shown}",
        )
    return value


def rendered(value: Any, scope: Scope, field: str) -> Any:
    """A value of a definition with every `{% … %}` in it evaluated; the rest is as it is.

    Raises:
        StateFailure: As `evaluate`; its location is `field` with the way to the expression
            (`Arguments/Payload/ids[0]`).

    """
    if isinstance(value, str):
        return evaluate(value, scope, field) if is_expression(value) else value
    if isinstance(value, dict):
        return {key: rendered(item, scope, f"{field}/{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [rendered(item, scope, f"{field}[{index}]") for index, item in enumerate(value)]
    return value


def check(text: str) -> str | None:
    """Why a whole `{% … %}` text is no JSONata expression, in the words of JSONata; None when it is one."""
    expression = _compiled(text[2:-2].strip())
    if expression.path is None:
        expression.tree()
    return expression.wrong


def variables_of(text: str) -> set[str]:
    """The variables of the state machine that a whole `{% … %}` text reads: none it binds itself."""
    expression = _compiled(text[2:-2].strip())
    if expression.path is not None:
        return {expression.path[0]} - {"states"}
    tree = expression.tree()
    if tree is None:
        return set()
    names = set(_free(tree, frozenset()))
    known: set[str] = set(_engine().jsonata_functions.FUNCTIONS)
    return names - known - {"states", "", "$"}


def names_without_context(text: str) -> list[str]:
    """The names that a whole `{% … %}` text reads from a context item: at its top level there is none.

    Step Functions refuses such an expression (`total` where `$states.input.total` is meant). What stands in
    a function's body or behind the first step of a path is read from what those are given, and is not told.
    """
    expression = _compiled(text[2:-2].strip())
    names: dict[str, None] = {}
    pending: list[Any] = [] if expression.path is not None else [expression.tree()]
    while pending:
        node = pending.pop()
        if isinstance(node, (list, tuple)):
            pending += reversed(node)
            continue
        kind = getattr(node, "type", None)
        if node is None:
            continue
        if kind == "path":
            pending += node.steps[:1]
        elif kind == "name":
            names[str(node.value)] = None
        elif kind not in ("lambda", "transform"):
            pending += [getattr(node, part, None) for part in reversed(_OPERANDS)]
    return list(names)


@dataclass
class _Expression:
    """A text and what was found out about it; `path` where it is but a variable and names."""

    text: str
    path: tuple[str, ...] | None
    wrong: str | None = None
    code: str | None = None
    _tree: Any = None

    def tree(self) -> Any:
        """The compiled tree, None where the text is no JSONata (`wrong` says why)."""
        if self._tree is None and self.wrong is None:
            engine = _engine()
            try:
                if len(self.text) > _LONGEST_TEXT:
                    raise ValueError
                self._tree = _parsed(self.text)
            except engine.JException as refused:
                self.code, self.wrong = _described(refused)
            except RecursionError:
                self.wrong = TOO_DEEP
            except Exception:  # noqa: BLE001 - the parser stumbles over some texts instead of refusing them
                self.code, self.wrong = "S0201", f"Syntax error: {json.dumps(self.text[:100])}"
        return self._tree


@lru_cache(maxsize=4096)
def _compiled(text: str) -> _Expression:
    path = None
    if _PLAIN_PATH.fullmatch(text):
        path = tuple(name.strip() for name in text.strip()[1:].split("."))
    return _Expression(text, path)


@cache
def _engine() -> ModuleType:
    """The evaluator. The library raises Python's recursion limit for everybody as it is loaded: undone."""
    limit = sys.getrecursionlimit()
    from faaslab.workflow.query import jsonata_engine

    sys.setrecursionlimit(limit)
    return jsonata_engine


def _parsed(text: str) -> Any:
    from faaslab.workflow.query import jsonata_parsing

    return jsonata_parsing.compiled(text)


def _described(wrong: Exception) -> tuple[str | None, str]:
    from faaslab.workflow.query import jsonata_errors

    return jsonata_errors.described(wrong)


def _states(scope: Scope) -> dict[str, Any]:
    states: dict[str, Any] = {"input": scope.input, "context": scope.context}
    if scope.result is not ABSENT:
        states["result"] = scope.result
    if scope.error_output is not ABSENT:
        states["errorOutput"] = scope.error_output
    return states


def _followed(path: tuple[str, ...], scope: Scope) -> Any:
    """What a path of names leads to through objects; `ABSENT` where the evaluator has to say."""
    value = _states(scope) if path[0] == "states" else scope.variables.get(path[0], ABSENT)
    for name in path[1:]:
        if type(value) is not dict or name not in value:
            return ABSENT
        value = value[name]
    return value


def _evaluated(expression: _Expression, scope: Scope, field: str) -> Any:
    engine = _engine()
    tree = expression.tree()
    if tree is None:
        raise _threw(expression, field, expression.code, str(expression.wrong))
    evaluation = engine.Evaluation(_states(scope), scope.variables, scope.chance, scope.now)
    try:
        value = evaluation.result(tree)
    except OutOfBounds as exceeded:
        raise _threw(expression, field, None, str(exceeded)) from exceeded
    except RecursionError as exceeded:
        raise _threw(expression, field, None, TOO_DEEP) from exceeded
    except engine.JException as failed:
        raise _threw(expression, field, *_described(failed)) from failed
    except (
        Exception
    ) as failed:  # the library raises what Python raises, where JSONata has an error of its own
        raise _failure(expression, field, "threw an internal error during evaluation.") from failed
    if value is ABSENT:
        raise _failure(expression, field, "returned nothing (undefined).")
    return value


def _threw(expression: _Expression, field: str, code: str | None, message: str) -> StateFailure:
    reason = f". {code}: {message}" if code else f": {message}"
    return _failure(expression, field, f"threw an error during evaluation{reason}")


def _failure(expression: _Expression, field: str, what: str) -> StateFailure:
    cause = f"The JSONata expression '{expression.text}' specified for the field '{field}' {what}"
    return StateFailure(QUERY_EVALUATION, cause, location=field, framed=True)


def _free(tree: Any, bound: frozenset[str]) -> Iterator[str]:
    """The names a tree reads that are bound by nothing in it."""
    pending: list[tuple[Any, frozenset[str]]] = [(tree, bound)]
    while pending:
        node, known = pending.pop()
        if isinstance(node, (list, tuple)):
            pending += [(part, known) for part in node]
            continue
        kind = getattr(node, "type", None)
        if kind == "variable" and node.value not in known:
            yield str(node.value)
        elif kind == "lambda":
            known |= {str(argument.value) for argument in node.arguments}
            pending.append((node.body, known))
            continue
        elif kind == "bind":
            pending.append((node.rhs, known | {str(node.lhs.value)}))
            continue
        elif kind == "block":
            known |= {str(part.lhs.value) for part in node.expressions if part.type == "bind"}
        elif kind == "path":
            known |= {str(name) for step in node.steps for name in (step.focus, step.index) if name}
        for part in _PARTS:
            child = getattr(node, part, None)
            if child is not None and not isinstance(child, str):
                pending.append((child, known))


_PARTS = (
    "steps", "stages", "predicate", "expr", "group", "lhs", "rhs", "lhs_object", "expression", "expressions",
    "terms", "arguments", "procedure", "body", "condition", "then", "_else", "pattern", "update", "delete",
)  # fmt: skip
_OPERANDS = (
    "lhs", "rhs", "lhs_object", "expression", "expressions", "arguments", "procedure", "condition", "then",
    "_else",
)  # fmt: skip
