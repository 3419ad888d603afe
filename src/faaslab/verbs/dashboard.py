"""The verb that shows how functions fare: live in a notebook, once in a shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.verbs.live_answers import DashboardAnswer
from faaslab.verbs.options import Option, Positional
from faaslab.verbs.verb import Verb

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.verbs.answers import Answer
    from faaslab.verbs.face import Face
    from faaslab.verbs.verb import Call

SINCE = "1h"


def dashboard(lab: Lab, call: Call, face: Face) -> Answer:  # noqa: ARG001
    """Figures of a window, by function and over time."""
    names = tuple(dict.fromkeys(call["names"]))
    return DashboardAnswer(
        dashboard=lab.monitoring.dashboard(names, since=call["since"]), since=call["since"]
    )


VERBS: tuple[Verb, ...] = (
    Verb(
        name="dashboard",
        summary="how functions fare: live in a notebook, once in a shell",
        run=dashboard,
        positionals=(
            Positional(
                name="names",
                help="functions (all without one)",
                required=False,
                rest=True,
                completes="function",
            ),
        ),
        options=(
            Option(
                flags=("--since",),
                name="since",
                metavar="WHEN",
                default=SINCE,
                help=f"15m, 24h, 7d, an instant, or all (default {SINCE})",
            ),
        ),
        examples=("dashboard", "dashboard score thumbnails --since 24h"),
    ),
)
