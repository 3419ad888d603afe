"""Runs of distributed Map states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.states import executions, names, paging, shapes
from faaslab.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.model.workflow import MapRun


def describe_map_run(call: Call) -> Mapping[str, Any]:
    """DescribeMapRun."""
    return shapes.described_map_run(_found(call))


def list_map_runs(call: Call) -> Mapping[str, Any]:
    """ListMapRuns of an execution, in the order in which they began."""
    execution = executions.found(call, call.params["executionArn"])
    runs = sorted(call.lab.workflows.map_runs.list(execution.id), key=_place)
    given, more = paging.page(runs, call.params, _place)
    return {"mapRuns": [shapes.map_run(each) for each in given], **more}


def update_map_run(call: Call) -> None:
    """UpdateMapRun of one that runs; what is not given stays."""
    params = call.params
    call.lab.workflows.map_runs.update(
        _found(call).id,
        max_concurrency=params.get("maxConcurrency"),
        tolerated_failure_count=params.get("toleratedFailureCount"),
        tolerated_failure_percentage=params.get("toleratedFailurePercentage"),
    )


def _place(run: MapRun) -> list[str]:
    return [run.started_at.isoformat(), run.id]


def _found(call: Call) -> MapRun:
    arn = call.params["mapRunArn"]
    names.named(arn, "mapRun")
    try:
        return call.lab.workflows.map_runs.get(arn)
    except NotFound:
        raise names.no_resource(arn) from None


OPERATIONS: dict[str, Handler] = {
    "DescribeMapRun": describe_map_run,
    "ListMapRuns": list_map_runs,
    "UpdateMapRun": update_map_run,
}
