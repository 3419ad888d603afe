"""The Lambda API: what AWS's operations are in the words of the lab, one small file a family of them.

Rule: a handler reads its parameters, asks the lab, and shapes the answer. It decides nothing that the lab
would decide; what the lab refuses is put into AWS's words by `endpoint.faults`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from faaslab.endpoint.lambda_ import (
    aliases,
    around,
    concurrency,
    event_invoke,
    functions,
    invoke,
    later,
    layers,
    policies,
)

if TYPE_CHECKING:
    from faaslab.endpoint.call import Handler

OPERATIONS: dict[str, Handler] = {
    **functions.OPERATIONS,
    **aliases.OPERATIONS,
    **layers.OPERATIONS,
    **policies.OPERATIONS,
    **around.OPERATIONS,
    **invoke.OPERATIONS,
    **concurrency.OPERATIONS,
    **event_invoke.OPERATIONS,
    **later.OPERATIONS,
}
"""Every operation of Lambda's service model -> who carries it out."""
