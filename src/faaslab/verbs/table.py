"""The one table of verbs, by name, and the help that is read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.errors import NotFound
from faaslab.verbs import (
    dashboard,
    executions,
    functions,
    invoking,
    layers,
    panel,
    queue,
    report_schedules,
    reports,
    serving,
    timelines,
    upkeep,
    versions,
    workflow_runs,
    workflows,
)
from faaslab.verbs.answers import TextAnswer
from faaslab.verbs.later import LATER
from faaslab.verbs.options import Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

__all__ = ["ALIASES", "LATER", "VERBS", "help_text"]


def _help(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    return TextAnswer(text=help_text(" ".join(call["verb"])))


HELP = Verb(
    name="help",
    summary="this list, or one verb with its options",
    run=_help,
    needs_lab=False,
    positionals=(Positional(name="verb", help="a verb", required=False, rest=True, completes="verb"),),
)

VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        *functions.VERBS,
        *invoking.VERBS,
        *panel.VERBS,
        *versions.VERBS,
        *layers.VERBS,
        *queue.VERBS,
        *workflows.VERBS,
        *workflow_runs.VERBS,
        *timelines.VERBS,
        *serving.VERBS,
        *executions.VERBS,
        *dashboard.VERBS,
        *reports.VERBS,
        *report_schedules.VERBS,
        *upkeep.VERBS,
        HELP,
    )
}
ALIASES = {"delete": "rm", "list": "ls"}


def help_text(name: str = "") -> str:
    """All verbs with a line each, or one verb (or a group such as `store`) whole."""
    if not name:
        width = max(map(len, VERBS))
        lines = [f"  {verb.name:<{width}}  {verb.summary}" for verb in VERBS.values()]
        return "\n".join(
            ["faaslab VERB …, or %faas VERB … in a notebook", "", *lines, "", "help VERB tells its options."]
        )
    name = ALIASES.get(name, name)
    if name in VERBS:
        return _verb_text(VERBS[name])
    group = [verb for verb in VERBS.values() if verb.name.startswith(name + " ")]
    if not group:
        raise NotFound("verb", name, VERBS)
    return "\n".join(f"  {verb.name:<20}  {verb.summary}" for verb in group)


def _verb_text(verb: Verb) -> str:
    words = [
        (f"{p.name.upper()}…" if p.rest else p.name.upper()) if p.required else f"[{p.name.upper()}]"
        for p in verb.positionals
    ]
    rows = [(p.name.upper(), p.help) for p in verb.positionals]
    rows += [(", ".join(o.flags) + (f" {o.metavar}" if o.metavar else ""), o.help) for o in verb.options]
    lines = [f"{verb.name} {' '.join(words)}".rstrip() + (" [options]" if verb.options else ""), verb.summary]
    if rows:
        width = min(max(len(left) for left, _ in rows), 34)
        lines += ["", *(f"  {left:<{width}}  {right}" for left, right in rows)]
    if verb.notes:
        lines += ["", *verb.notes]
    if verb.examples:
        lines += ["", *(f"  e.g. {example}" for example in verb.examples)]
    return "\n".join(lines)
