"""The figures of one workflow."""

import pytest

from faaslab.errors import NotFound


def test_the_figures_of_a_workflow_count_what_ran_in_the_window(lab):
    machine = {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}
    lab.workflows.create("etl", machine)
    assert lab.monitoring.workflow_metrics("etl").executions == 0
    lab.workflows.start("etl").wait()
    lab.workflows.start("etl").wait()
    seen = lab.monitoring.workflow_metrics("etl", since="1h")
    assert (seen.executions, seen.succeeded, seen.failed, seen.running) == (2, 2, 0, 0)
    assert seen.mean_duration_ms is not None
    assert lab.monitoring.workflow_metrics("etl", until="1h").executions == 0
    with pytest.raises(NotFound, match="did you mean 'etl'"):
        lab.monitoring.workflow_metrics("etll")
