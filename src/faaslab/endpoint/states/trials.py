"""TestState: one state is tried by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.messages import Fault
from faaslab.lab import trials
from faaslab.workflow.testing import answering, asking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler


def test_state(call: Call) -> Mapping[str, Any]:
    """TestState."""
    params = call.params
    try:
        question = asking.question(params, trials.form_of)
    except asking.Refused as refused:
        raise Fault(refused.code, refused.message) from None
    found, exchange = trials.tried(call.lab, question, secrets=bool(params.get("revealSecrets")))
    return answering.answer(found, params.get("inspectionLevel") or "INFO", exchange=exchange)


OPERATIONS: dict[str, Handler] = {"TestState": test_state}
