"""The names an expression sees: `$states`, the variables of the state machine, the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jsonata import jsonata

from faaslab.workflow.query import jsonata_functions
from faaslab.workflow.query.jsonata_values import inside

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Any = object()


class Names(jsonata.Jsonata.Frame):  # type: ignore[misc]
    """The outermost names: `$states`, the variables, the functions; each marked for nulls when first used."""

    def __init__(self, states: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        super().__init__(None)
        self.raw: dict[str, Any] = {**variables, "states": states}

    def lookup(self, name: str) -> Any:
        """The value of a name, None where there is none; null is `NULL`."""
        found = self.bindings.get(name, NOTHING)
        if found is not NOTHING:
            return found
        if name in self.raw:
            found = self.bindings[name] = inside(self.raw[name])
            return found
        return jsonata_functions.FUNCTIONS.get(name)


def is_plain_name(step: Any) -> bool:
    """Whether a step of a path is a name and nothing else."""
    return step.type == "name" and not (
        step.stages or step.predicate or step.group or step.tuple or step.focus or step.index or step.ancestor
    )


def names_of(expr: Any) -> tuple[str, ...]:
    """The names that follow the variable which begins a path; none where it does not begin with one."""
    names = getattr(expr, "plain_names", None)
    if names is None:
        first = expr.steps[0]
        names = ()
        if (
            first.type == "variable"
            and first.value != ""
            and not (
                first.stages or first.predicate or first.group or first.tuple or first.focus or first.index
            )
            and not any(step.tuple for step in expr.steps)
        ):
            found = [str(first.value)]
            for step in expr.steps[1:]:
                if not is_plain_name(step):
                    break
                found.append(str(step.value))
            names = tuple(found)
        expr.plain_names = names
    return names
