"""Metric filters of functions' groups: kept, and counted when CloudWatch is asked for the metric.

The cloud keeps them as well, and describes them. Dimensions are refused; a metric has the events of the log
as they are in the store, also those of before the filter was made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faaslab.endpoint.call import Theirs
from faaslab.endpoint.logs import events, naming, patterns
from faaslab.endpoint.messages import Fault
from faaslab.store.log_groups import MetricFilter
from faaslab.store.questions import logs as questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from faaslab.endpoint.call import Call
    from faaslab.lab import Lab
    from faaslab.store import Connection
    from faaslab.store.questions.logs import Place

COUNTED = 200_000
"""Events that are counted for one answer at most."""


def put(call: Call, mirror: Callable[[Call, str], None]) -> None:
    """PutMetricFilter: checked, noted, and kept by the cloud, for which `mirror` makes the group."""
    params = call.params
    group = params["logGroupName"]
    if not naming.writers(call.lab, group):
        raise Theirs
    transformations = params["metricTransformations"]
    if len(transformations) != 1:
        raise Fault("InvalidParameterException", "A metric filter has one transformation.")
    [told] = transformations
    if told.get("dimensions"):
        raise Fault(
            "InvalidParameterException", f"Metrics of {group} have no dimensions in this release of faaslab."
        )
    try:
        patterns.read(params["filterPattern"])
        patterns.number(params["filterPattern"], told["metricValue"])
    except patterns.Malformed as wrong:
        raise Fault("InvalidParameterException", f"Invalid metric filter: {wrong}") from None
    mirror(call, group)
    call.lab.store.log_groups.put_metric_filter(
        MetricFilter(
            group=group,
            name=params["filterName"],
            pattern=params["filterPattern"],
            namespace=told["metricNamespace"],
            metric=told["metricName"],
            value=told["metricValue"],
            default=told.get("defaultValue"),
            unit=told.get("unit") or "None",
        )
    )
    raise Theirs


def delete(call: Call) -> None:
    """DeleteMetricFilter."""
    call.lab.store.log_groups.delete_metric_filter(call.params["logGroupName"], call.params["filterName"])
    raise Theirs


def test(call: Call) -> Mapping[str, Any]:
    """TestMetricFilter: which of some messages match, and what the pattern names in them."""
    text, messages = call.params["filterPattern"], call.params["logEventMessages"]
    wanted, pattern = events.selected(text, ())
    told = patterns.extracted(text)
    with call.lab.store.connect() as connection:
        places = questions.matching(connection, messages, wanted)
    return {
        "matches": [
            {
                "eventNumber": place + 1,
                "eventMessage": messages[place],
                "extractedValues": told(messages[place]),
            }
            for place in places
            if pattern.test is None or pattern.test(messages[place])
        ]
    }


def samples(
    lab: Lab, connection: Connection, each: MetricFilter, since: datetime, until: datetime
) -> Iterator[tuple[datetime, float]]:
    """What a filter counts from `since` on, before `until`."""
    functions = naming.writers(lab, each.group)
    if not functions:
        return
    floors = naming.floors(lab, dict.fromkeys(functions, each.group))
    wanted, pattern = events.selected(each.pattern, functions, floors=floors, since=since, until=until)
    number = patterns.number(each.pattern, each.value)
    counted: set[datetime] = set()
    after: Place | None = None
    looked, more = 0, True
    while more and looked < COUNTED:
        page, more = questions.events(
            connection, wanted, rows=events.EVENTS, most_bytes=8 * events.ANSWER_BYTES, after=after
        )
        looked += len(page)
        for event in page:
            after = event.place
            if pattern.test is not None and not pattern.test(event.message):
                continue
            value = number(event.message)
            if value is not None:
                counted.add(event.timestamp.replace(second=0, microsecond=0))
                yield event.timestamp, value
    if each.default is not None:
        every = questions.Wanted(functions=functions, floors=floors, since=since, until=until)
        for minute in questions.minutes(connection, every):
            if minute not in counted:
                yield minute, each.default
