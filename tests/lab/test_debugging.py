"""Debugging through a lab: recorded, told apart, left out of statistics."""

import pytest

from faaslab.errors import Unsupported

SOURCE = "def handler(event, context):\n    return 10 / event['x']\n"


def test_it_is_recorded_and_no_statistic_counts_it(lab):
    lab.functions.create("score", SOURCE)
    measured = lab.functions.invoke("score", {"x": 2})
    debugged = lab.functions.debug("score", {"x": 5})
    failed = lab.functions.debug("score", {"x": 0})
    assert (debugged.result, failed.error.type) == (2, "ZeroDivisionError")
    kept = lab.executions.get(failed.id)
    assert (kept.start_method, kept.error.type, kept.duration_ms) == ("in-process", "ZeroDivisionError", None)
    assert set(lab.executions.list("score")["id"]) == {measured.id, debugged.id, failed.id}
    assert lab.monitoring.stats("score")[["invocations", "errors"]].values.tolist() == [[1, 0]]
    seen = lab.functions.get("score").statistics
    assert (seen.invocations, seen.errors, seen.cold_starts) == (1, 0, 1)
    assert lab.functions.table()["invocations"].tolist() == [1]
    assert lab.monitoring.system_metrics().invocations == 1


def test_a_recorded_execution_is_replayed_under_a_debugger(lab):
    lab.functions.create("score", SOURCE)
    failed = lab.functions.invoke("score", {"x": 0})
    again = lab.executions.debug(failed.id, breakpoints=False)
    assert (again.replay_of, again.payload, again.start_method) == (failed.id, {"x": 0}, "in-process")
    assert again.error.type == "ZeroDivisionError"


def test_another_python_is_refused(lab):
    lab.functions.create("other", SOURCE, runtime="python3.9")
    with pytest.raises(Unsupported, match="python3.9"):
        lab.functions.debug("other", {"x": 1})
