"""Which answers are live, and what shows them. Widgets are imported with the first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.verbs import DashboardAnswer, FollowAnswer, PanelAnswer

if TYPE_CHECKING:
    from faaslab.lab import Lab
    from faaslab.notebook.display import Surroundings
    from faaslab.notebook.widgets.live import LiveWidget
    from faaslab.verbs import Answer


def live_of(answer: Answer, lab: Lab | None, around: Surroundings) -> LiveWidget | None:
    """The live thing that an answer is; None for all that is shown once."""
    match answer:
        case DashboardAnswer() if lab is not None:
            from faaslab.notebook.widgets.dashboard import DashboardWidget

            return DashboardWidget(answer, lab, around)
        case PanelAnswer(kind="function") if lab is not None:
            from faaslab.notebook.widgets.function_panel import FunctionPanel

            return FunctionPanel(lab, around, answer)
        case FollowAnswer() if lab is not None:
            from faaslab.notebook.widgets.log_follower import LogFollower

            return LogFollower(lab, around, answer)
        case PanelAnswer(kind="workflow") if lab is not None:
            from faaslab.notebook.widgets.workflow_panel import WorkflowPanel

            return WorkflowPanel(lab, around, answer)
        case _:
            return None
