"""Paths read and written: `$…` of the input, `$$…` of the context, `$name…` of a variable.

Rule: a path is compiled once for its text; a document is never changed, as states share what is in it; and
no path and no document, however deep or large, takes more than a bounded number of steps.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from faaslab.workflow.failure import RUNTIME, StateFailure
from faaslab.workflow.query import path_walk
from faaslab.workflow.query.path_grammar import InvalidPath, parsed
from faaslab.workflow.query.path_steps import Index, Name, Path, fragment
from faaslab.workflow.query.path_walk import PathMissing, TooManySteps
from faaslab.workflow.query.values import json_text
from faaslab.workflow.scope import ABSENT, Scope

__all__ = ["InvalidPath", "PathMissing", "check", "compiled", "exists", "is_definite", "read", "written"]


_kept = lru_cache(maxsize=8192)(parsed)
_LONGEST_KEPT = 2_000


def compiled(text: str) -> Path:
    """The path that `text` is, read once but where it is too long to be kept. Raises `InvalidPath`."""
    return _kept(text) if len(text) <= _LONGEST_KEPT else parsed(text)


def read(path: str, scope: Scope) -> Any:
    """What `path` names: the value of a definite path, the list of what an indefinite one finds.

    Raises `PathMissing` with AWS's reason where a definite path finds nothing, `StateFailure` where the text
    is no path at all or takes too long.
    """
    try:
        found = compiled(path)
    except InvalidPath as error:
        raise _illegal(path, error) from None
    if found.plain is not None:
        try:
            value: Any = path_walk.document(found, scope)
            for step in found.plain:
                # A number is no key of an object, a name no place in a list, and a text has neither.
                kind: object = dict if type(step) is str else list
                if type(value) is not kind:
                    break
                value = value[step]
            else:
                return value
        except (KeyError, IndexError):
            pass  # the long way says what is missing
    try:
        return path_walk.value(found, scope)
    except TooManySteps:
        raise StateFailure(
            RUNTIME, f"Invalid path '{path}': it takes more than {path_walk.MOST_STEPS} steps", framed=True
        ) from None


def exists(path: str, scope: Scope) -> bool:
    """Whether `path` finds something; null is something, an indefinite path's empty list is not."""
    try:
        found = read(path, scope)
    except PathMissing:
        return False
    return bool(found) or is_definite(path)


def is_definite(path: str) -> bool:
    """Whether `path` names one place. Raises `InvalidPath`."""
    return compiled(path).definite


def check(path: str, *, reference: bool) -> str | None:
    """Why `path` is not legal, None when it is; `reference` for paths of names and single indices only."""
    try:
        found = compiled(path)
    except InvalidPath as error:
        return error.reason
    if reference and not found.is_reference:
        step = next(step for step in found.steps if not isinstance(step, Name | Index))
        return f"{fragment(step)} does not belong in a reference path, which has names and indices only"
    return None


def written(path: str, document: Any, value: Any) -> Any:
    """`document` with `value` at the reference path: a copy along the path, all else shared.

    Objects that are missing on the way are made; an index must be one that the list has. Raises
    `StateFailure` where a list or a plain value stands in the way.
    """
    try:
        found = compiled(path)
    except InvalidPath as error:
        raise _illegal(path, error) from None
    if found.root != "$" or not found.is_reference:
        reason = check(path, reference=True) or "only a path of the input can be written"
        raise StateFailure(RUNTIME, f"Invalid path '{path}': {reason}", framed=True)
    # Down along the path, with what stands at each step; then up again with the copies.
    standing, places = document, []
    for step in found.steps:
        places.append((step, standing))
        if isinstance(step, Name):
            if standing is ABSENT:
                standing = ABSENT
            elif isinstance(standing, dict):
                standing = standing.get(step.name, ABSENT)
            else:
                raise _unwritable(path, document)
        elif isinstance(step, Index) and isinstance(standing, list):
            if not -len(standing) <= step.index < len(standing):
                raise _unwritable(path, document)
            standing = standing[step.index]
        else:
            raise _unwritable(path, document)
    for step, before in reversed(places):
        if isinstance(step, Name):
            value = {step.name: value} if before is ABSENT else {**before, step.name: value}
        elif isinstance(step, Index):
            copy = list(before)
            copy[step.index] = value
            value = copy
    return value


def _unwritable(path: str, document: Any) -> StateFailure:
    return StateFailure(
        "States.ResultPathMatchFailure",
        f"Unable to apply ReferencePath {path} to input {json_text(document)}",
        framed=True,
    )


def _illegal(path: str, error: InvalidPath) -> StateFailure:
    return StateFailure(RUNTIME, f"Invalid path '{path}': {error.reason}", framed=True)
