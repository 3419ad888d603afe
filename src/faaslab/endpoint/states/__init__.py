"""The Step Functions API: what AWS's operations are in the words of the lab, a small file a family of them.

Rule: a handler reads its parameters, asks the lab, and shapes the answer. It decides nothing that the lab
would decide; what the lab refuses is put into AWS's words here and by `endpoint.faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.endpoint.states import (
    activities,
    aliases,
    executions,
    machines,
    map_runs,
    tagging,
    trials,
)

if TYPE_CHECKING:
    from faaslab.endpoint.call import Handler

OPERATIONS: dict[str, Handler] = {
    **machines.OPERATIONS,
    **aliases.OPERATIONS,
    **tagging.OPERATIONS,
    **executions.OPERATIONS,
    **activities.OPERATIONS,
    **map_runs.OPERATIONS,
    **trials.OPERATIONS,
}
"""Every operation of Step Functions' service model -> who carries it out."""
