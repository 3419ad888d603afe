"""Whether a value fits a JSON schema, in a sentence. Nothing is ever fetched for it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 160
_COUNTED = 50


def misfit(schema: Mapping[str, Any], value: Any) -> str | None:
    """What is wrong with it most, and where, and how much else is; None when it fits."""
    import jsonschema
    import referencing
    import referencing.exceptions

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    checker = kind(schema, registry=referencing.Registry())
    try:
        found = [*islice(checker.iter_errors(value), _COUNTED)]
        error = jsonschema.exceptions.best_match(found)
    except (referencing.exceptions.Unresolvable, RecursionError) as failed:
        return f"the schema cannot be followed: {failed}"[:_MOST]
    if error is None:
        return None
    place = "".join(f"/{step}" for step in error.absolute_path) or "the payload"
    said = error.message if len(error.message) <= _MOST else f"{error.message[:_MOST]}…"
    others = len(found) - 1
    more = "" if not others else f" (and {others} more)" if len(found) < _COUNTED else " (and many more)"
    return f"does not fit the schema, {place}: {said}{more}"
