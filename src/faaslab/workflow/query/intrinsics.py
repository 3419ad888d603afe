"""The intrinsic functions of JSONPath states, evaluated.

Rule: a text is read once; whatever a function is given, it answers or fails the state with the function's
text and what is wrong, and what it makes is bounded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.query import intrinsic_functions
from faaslab.workflow.query.intrinsic_functions import BadArgument
from faaslab.workflow.query.intrinsic_grammar import Call, InvalidCall, Literal, Reference, parsed
from faaslab.workflow.query.jsonpath import PathMissing, read
from faaslab.workflow.query.values import json_text

if TYPE_CHECKING:
    from faaslab.workflow.scope import Scope

__all__ = ["InvalidCall", "check", "compiled", "evaluate"]


_kept = lru_cache(maxsize=4096)(parsed)
_LONGEST_KEPT = 2_000


def compiled(text: str) -> Call:
    """The call that `text` is, read once but where it is too long to be kept. Raises `InvalidCall`."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else parsed(text)


def check(text: str) -> str | None:
    """Why `text` is no call of an intrinsic function, None when it is one."""
    try:
        compiled(text)
    except InvalidCall as error:
        return error.reason
    return None


def evaluate(text: str, scope: Scope) -> Any:
    """What the function gives. Raises `StateFailure`."""
    try:
        call = compiled(text)
    except InvalidCall as error:
        raise _failure(text, error.reason) from None
    try:
        return _called(call, scope)
    except PathMissing as error:
        path = error.path[1:] if error.path.startswith("$$") else error.path
        reason = error.reason
        if error.why != "no list":
            reason = (
                f"The JsonPath argument for the field '{path}' could not be found in the input "
                f"'{json_text(scope.input)}'"
            )
        raise _failure(text, reason) from None
    except BadArgument as error:
        raise _failure(text, str(error)) from None


def _called(call: Call, scope: Scope) -> Any:
    """At most ten calls deep, as the grammar holds."""
    given: list[Any] = []
    for argument in call.arguments:
        if isinstance(argument, Literal):
            given.append(argument.value)
        elif isinstance(argument, Reference):
            given.append(read(argument.path, scope))
        else:
            given.append(_called(argument, scope))
    if call.name == "States.Format":
        first = call.arguments[0]
        return intrinsic_functions.formatted(first.raw if isinstance(first, Literal) else None, given)
    try:
        return intrinsic_functions.BY_NAME[call.name](given, scope.chance)
    except BadArgument as error:
        raise BadArgument(f"Invalid arguments in {call.name}: {error}") from None


def _failure(text: str, reason: str) -> StateFailure:
    """The whole text is quoted, also where a function within it failed."""
    return StateFailure(RUNTIME, f"The function '{text}' had the following error: {reason}", framed=True)
