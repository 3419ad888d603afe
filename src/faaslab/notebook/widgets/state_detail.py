"""What is shown of the state that somebody chose: which visit, which iteration, and their blocks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from faaslab.notebook import panel_view
from faaslab.notebook.markup import Html, box, joined
from faaslab.notebook.state_view import (
    CLIPPED,
    WHOLE,
    definition_fold,
    inside_block,
    is_clipped,
    state_block,
    texts_of,
    untouched_block,
)
from faaslab.workflow.graph import stays as told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from faaslab.lab.workflow_states import History, States
    from faaslab.workflow.graph.stays import Stay
    from faaslab.workflow.graph.visits import Visit

MOST_CHOICES = 300
"""So many visits, and so many iterations, are in a list: those that did not succeed, then the last ones."""
_LOOKED_INTO = 40
"""Children of distributed Maps whose states are looked for."""

VisitKey = tuple[str, int]


@dataclass(frozen=True)
class Chosen:
    """What somebody looks at: a state (None: the execution), one visit of it, one iteration in that.

    `visit` is (the execution's ARN, the visit's number), None for the one that tells most. `inside` is the
    number of an iteration, or the ARN of a child of a distributed Map.
    """

    state: str | None = None
    visit: VisitKey | None = None
    inside: int | str | None = None
    most: int = CLIPPED

    def at(self, state: str | None) -> Chosen:
        """Another state, or the same in another execution."""
        return Chosen(state, most=self.most)

    def of(self, **changed: Any) -> Chosen:
        """The same but for that; another visit has other iterations."""
        if "visit" in changed:
            changed["inside"] = None
        return replace(self, **changed)

    @property
    def whole(self) -> bool:
        """Whether what is long is shown to its end."""
        return self.most == WHOLE


@dataclass(frozen=True)
class Detail:
    """The block, and what there is to choose from: (label, value) each."""

    html: Html
    visits: tuple[tuple[str, Any], ...] = ()
    visit: VisitKey | None = None
    insides: tuple[tuple[str, Any], ...] = ()
    inside: int | str | None = None
    clipped: bool = False


def detail_of(states: States, chosen: Chosen) -> Detail:
    """What is to be shown of what was chosen."""
    own = states.own()
    if chosen.state is None:
        execution = own.execution
        texts = [execution.input, execution.output, execution.error.cause if execution.error else None]
        return Detail(panel_view.whole_block(execution, most=chosen.most), clipped=is_clipped(texts))
    found = _candidates(states, own, chosen.state)
    if not found:
        return Detail(untouched_block(chosen.state, states.defined(chosen.state), most=chosen.most))
    history, visit = _the_one(found, chosen.visit)
    (stay,) = history.stays([visit])
    blocks = [state_block(stay, states.ran(stay, history.execution), most=chosen.most)]
    texts = texts_of(stay)
    insides = _insides(states, stay)
    if chosen.inside is not None or stay.kind == "Parallel":
        title, inner = _inside(states, history, visit, chosen.inside)
        texts += [text for each in inner for text in texts_of(each)]
        blocks.append(inside_block(title, inner, most=chosen.most))
    blocks.append(box(definition_fold(states.defined(chosen.state), most=chosen.most)))
    return Detail(
        joined(*blocks),
        visits=_visit_options(found, own) if len(found) > 1 else (),
        visit=(history.execution.id, visit.number),
        insides=(("choose an iteration …", None), *insides) if insides else (),
        inside=chosen.inside,
        clipped=is_clipped(texts),
    )


def _candidates(states: States, own: History, state: str) -> list[tuple[History, Visit]]:
    """The visits of a state, in the execution or in the children of its distributed Maps."""
    found = [(own, visit) for visit in told.visits_of(own.visits, state)]
    if found:
        return _some(found, lambda each: each[1].standing == "succeeded")
    for child in states.children()[:_LOOKED_INTO]:
        history = states.child(child)
        found += [(history, visit) for visit in told.visits_of(history.visits, state)]
    return _some(found, lambda each: each[1].standing == "succeeded")


def _some(found: list[Any], succeeded: Any) -> list[Any]:
    """No more than may be chosen from, in their order."""
    if len(found) <= MOST_CHOICES:
        return found
    bad = [place for place, each in enumerate(found) if not succeeded(each)][:MOST_CHOICES]
    left = MOST_CHOICES - len(bad)
    last = [place for place, each in enumerate(found) if succeeded(each)]
    return [found[place] for place in sorted([*bad, *(last[-left:] if left else [])])]


def _the_one(found: list[tuple[History, Visit]], wanted: VisitKey | None) -> tuple[History, Visit]:
    for history, visit in found:
        if (history.execution.id, visit.number) == wanted:
            return history, visit
    most_telling = told.telling([visit for _, visit in found])
    return next(each for each in found if each[1] is most_telling)


def _visit_options(found: list[tuple[History, Visit]], own: History) -> tuple[tuple[str, Any], ...]:
    options = []
    for place, (history, visit) in enumerate(found, 1):
        (stay,) = told.stays(history.visits, (), [visit])
        child = None if history.execution.id == own.execution.id else history.execution.name
        options.append((panel_view.stay_label(stay, place, child), (history.execution.id, visit.number)))
    return tuple(options)


def _insides(states: States, stay: Stay) -> list[tuple[str, Any]]:
    """The iterations of a Map to choose from; those of a distributed one are executions."""
    if stay.kind != "Map":
        return []
    if stay.map_runs:
        return [
            (panel_view.run_label(each), each.id)
            for each in states.children()
            if each.map_run in stay.map_runs
        ]
    known = {each.index: each for each in stay.insides if each.index is not None}
    some = _some([*known.values()], lambda each: each.standing == "succeeded")
    return [(panel_view.inside_label(each), each.index) for each in some]


def _inside(
    states: States, history: History, visit: Visit, inside: int | str | None
) -> tuple[str, Sequence[Stay]]:
    """(a title, the visits in an iteration, in a child, or in the branches of a Parallel)."""
    if isinstance(inside, str):
        child = next((each for each in states.children() if each.id == inside), None)
        if child is None:
            return "this iteration is gone", ()
        of_child = states.child(child)
        return f"iteration {child.name}", of_child.stays(of_child.visits.root.visits)
    title = "the branches" if inside is None else f"iteration {inside}"
    return title, history.stays(told.visits_inside(visit, inside))
