"""One metric by period, from wherever it is: the store's figures, what functions printed, or the cloud.

A series of a namespace of one's own that functions print in the embedded metric format is told from that;
what was put with PutMetricData under the very same name is not added to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.cloudwatch import embedded, periods
from faaslab.endpoint.logs import metric_filters
from faaslab.lab import Lab
from faaslab.store import Connection
from faaslab.store.log_groups import MetricFilter
from faaslab.store.questions import metrics as questions
from faaslab.store.questions.metrics import NAMESPACE, Point, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


DOCUMENTS = 50_000
"""Documents of the embedded metric format that are read for one answer, the newest."""
_LATE = timedelta(minutes=16)
"""A function's log is there when it has ended, so much after what it told at most."""
RECENT = timedelta(days=14)
"""Metrics without data for so long are not listed (ListMetrics)."""
_OF_AWS = "AWS/"
_ALWAYS = ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions")

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric by its namespace, name and dimensions (in the order of their names)."""

    namespace: str
    name: str
    dimensions: Dimensions = ()

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Metric:
        """That of a request."""
        dimensions = tuple(sorted((each["Name"], each["Value"]) for each in told.get("Dimensions") or ()))
        return cls(namespace=told["Namespace"], name=told["MetricName"], dimensions=dimensions)


@dataclass(frozen=True, kw_only=True)
class Span:
    """From `since`, before `until`, in periods of `seconds`; `origin` is where one of them begins."""

    since: datetime
    until: datetime
    seconds: int
    origin: datetime = periods.EPOCH

    def asked(self) -> questions.Periods:
        """The whole minutes of it: a value is stamped with its minute, and counts if that is in the span."""
        return questions.Periods(
            since=periods.floor(self.since, periods.MINUTE),
            until=periods.ceiling(self.until, periods.MINUTE),
            seconds=max(self.seconds, periods.MINUTE),
            origin=self.origin,
        )


@dataclass
class Reader:
    """Reads series with one connection to the store; what it had to parse is kept for the next one."""

    lab: Lab
    connection: Connection
    _printed: dict[Any, list[embedded.Sample]] = field(default_factory=dict)
    _counted: list[MetricFilter] | None = None

    def points(self, metric: Metric, span: Span, percentiles: Sequence[float]) -> list[Point] | None:
        """The points of a metric; None for one of which the store has nothing, and the cloud might."""
        asked = span.asked()
        subject = _subject(dict(metric.dimensions))
        if metric.namespace == NAMESPACE and subject is not None:
            return questions.points(
                self.connection,
                metric.name,
                subject,
                asked,
                percentiles=percentiles,
                reserved=tuple(self.lab.store.definitions.reserved()),
            )
        found = questions.recorded(
            self.connection,
            metric.namespace,
            metric.name,
            dict(metric.dimensions),
            asked,
            percentiles=percentiles,
        )
        if found or metric.namespace == NAMESPACE:
            return found
        if metric.namespace.startswith(_OF_AWS):
            return None
        printed: list[tuple[datetime, float]] = [
            (sample.at, value)
            for sample in self._samples(metric.namespace, asked)
            if (sample.name, sample.dimensions) == (metric.name, metric.dimensions)
            and asked.since <= sample.at < asked.until
            for value in sample.values
        ]
        for each in self._filters():
            if (each.namespace, each.metric) == (metric.namespace, metric.name) and not metric.dimensions:
                printed += metric_filters.samples(self.lab, self.connection, each, asked.since, asked.until)
        if not printed:
            return None
        return periods.counted(printed, seconds=asked.seconds, origin=asked.origin, percentiles=percentiles)

    def unit(self, metric: Metric, span: Span) -> str:
        """The unit of a metric that the store has."""
        if metric.namespace == NAMESPACE:
            return questions.UNITS.get(metric.name, "Count")
        for sample in self._samples(metric.namespace, span.asked()):
            if sample.name == metric.name:
                return sample.unit
        for each in self._filters():
            if (each.namespace, each.metric) == (metric.namespace, metric.name):
                return each.unit
        return "None"

    def known(self, now: datetime, since: timedelta = RECENT) -> list[Metric]:
        """The metrics that the store has data of, of the last two weeks."""
        found: set[Metric] = set()
        for each in questions.seen(self.connection, now - since):
            names = [*_ALWAYS]
            if each.received:
                names.append("AsyncEventsReceived")
            if each.provisioned:
                names += ["ProvisionedConcurrencyInvocations", "ProvisionedConcurrentExecutions"]
            found.update(
                Metric(namespace=NAMESPACE, name=name, dimensions=dimensions)
                for name in names
                for dimensions in _dimensions(each)
            )
        for namespace, name, told in questions.recorded_names(self.connection, now - since):
            dimensions = tuple(sorted((key, str(value)) for key, value in json.loads(told).items()))
            found.add(Metric(namespace=namespace, name=name, dimensions=dimensions))
        for sample in self._read(now - since, datetime.max, None):
            found.add(Metric(namespace=sample.namespace, name=sample.name, dimensions=sample.dimensions))
        found.update(Metric(namespace=each.namespace, name=each.metric) for each in self._filters())
        return sorted(found, key=lambda each: (each.namespace, each.name, each.dimensions))

    def _filters(self) -> list[MetricFilter]:
        if self._counted is None:
            self._counted = self.lab.store.log_groups.metric_filters()
        return self._counted

    def _samples(self, namespace: str, asked: questions.Periods) -> list[embedded.Sample]:
        return self._read(asked.since, asked.until + _LATE, namespace)

    def _read(self, since: datetime, until: datetime, namespace: str | None) -> list[embedded.Sample]:
        key = since, until, namespace
        if key not in self._printed:
            messages: Iterable[str] = questions.embedded(
                self.connection, since, until, namespace=namespace, limit=DOCUMENTS
            )
            self._printed[key] = [
                sample
                for message in messages
                for sample in embedded.samples(message)
                if namespace in (None, sample.namespace) and not sample.namespace.startswith(_OF_AWS)
            ]
        return self._printed[key]


def _subject(dimensions: dict[str, str]) -> Subject | None:
    """Whose figures those dimensions of Lambda's metrics ask for; None where Lambda has no such set."""
    function, resource = dimensions.get("FunctionName"), dimensions.get("Resource")
    names = frozenset(dimensions)
    if names == frozenset():
        return Subject()
    if function is None or not names <= {"FunctionName", "Resource", "ExecutedVersion"}:
        return None
    if resource is None:
        return Subject(function=function) if len(names) == 1 else None
    name, _, qualifier = resource.partition(":")
    if name != function:
        return None
    return Subject(
        function=function,
        resource=True,
        qualifier=qualifier or None,
        version=dimensions.get("ExecutedVersion"),
    )


def _dimensions(seen: questions.Seen) -> list[Dimensions]:
    """The sets of dimensions that a run counts in; the version is told of what came by an alias."""
    resource = seen.function if seen.qualifier is None else f"{seen.function}:{seen.qualifier}"
    function = ("FunctionName", seen.function)
    sets: list[Dimensions] = [(), (function,), (function, ("Resource", resource))]
    if seen.qualifier is not None and seen.qualifier != "$LATEST" and not seen.qualifier.isdigit():
        sets.append((("ExecutedVersion", seen.version), function, ("Resource", resource)))
    return sets
