"""The metrics of CloudWatch: which there are, statistics of one, and series of many with metric math."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.call import Theirs
from faaslab.endpoint.cloudwatch import expressions, periods, searching
from faaslab.endpoint.cloudwatch.expressions import Context, Series
from faaslab.endpoint.cloudwatch.series import Metric, Reader, Span
from faaslab.endpoint.logs import tokens
from faaslab.endpoint.logs.scanning import Malformed
from faaslab.endpoint.messages import Fault
from faaslab.errors import MissingExtra
from faaslab.store.questions.metrics import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.endpoint.call import Call, Handler
    from faaslab.endpoint.cloudwatch.expressions import Value
    from faaslab.store.questions.metrics import Point

LISTED = 500
"""Metrics of one answer of ListMetrics."""
STATISTICS_POINTS = 1_440
DATA_POINTS = 100_800
FOUND = 100
"""Series of one SEARCH at most."""
_RECENTLY = timedelta(hours=3)
_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")


def list_metrics(call: Call) -> Mapping[str, Any]:
    """What there was data of in the last two weeks (`RecentlyActive`: three hours), and the cloud's."""
    params = call.params
    now = call.lab.clock.now()
    with call.lab.store.connect() as connection:
        reader = Reader(lab=call.lab, connection=connection)
        known = reader.known(now, _RECENTLY) if params.get("RecentlyActive") else reader.known(now)
    wanted = params.get("Dimensions") or ()
    metrics = [
        metric
        for metric in dict.fromkeys((*known, *_of_cloud(call)))
        if params.get("Namespace") in (None, metric.namespace)
        and params.get("MetricName") in (None, metric.name)
        and all(_has(metric, each) for each in wanted)
    ]
    begin = _offset(params)
    told: dict[str, Any] = {
        "Metrics": [
            {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
            }
            for metric in metrics[begin : begin + LISTED]
        ]
    }
    if len(metrics) > begin + LISTED:
        told["NextToken"] = tokens.written(begin + LISTED)
    return told


def get_metric_statistics(call: Call) -> Mapping[str, Any]:
    """Statistics of one metric by period; a period begins at `StartTime`, in whole minutes."""
    params = call.params
    asked, more = tuple(params.get("Statistics") or ()), tuple(params.get("ExtendedStatistics") or ())
    metric, seconds = Metric.of(params), int(params["Period"])
    _check_statistics(params, (*asked, *more), seconds)
    percentiles = sorted({share for each in more if (share := periods.percentile(each)) is not None})
    origin = periods.floor(periods.clipped(params["StartTime"]), periods.MINUTE)
    span = Span(since=origin, until=periods.clipped(params["EndTime"]), seconds=seconds, origin=origin)
    with call.lab.store.connect() as connection:
        reader = Reader(lab=call.lab, connection=connection)
        found = reader.points(metric, span, percentiles)
        if found is None:
            raise Theirs
        unit = reader.unit(metric, span)
    if params.get("Unit") not in (None, unit):
        found = []
    return {
        "Label": metric.name,
        "Datapoints": [_datapoint(point, asked, more, percentiles, unit) for point in found],
    }


def get_metric_data(call: Call) -> Mapping[str, Any]:
    """Series by period, of metrics and of expressions."""
    queries = _checked(call.params)
    with call.lab.store.connect() as connection:
        return _Answer(call, queries, Reader(lab=call.lab, connection=connection)).told()


class _Answer:
    """One answer of GetMetricData."""

    def __init__(self, call: Call, queries: Sequence[Mapping[str, Any]], reader: Reader) -> None:
        self._call = call
        self._queries = {each["Id"]: each for each in queries}
        self._reader = reader
        self._values: dict[str, Value] = {}
        self._underway: set[str] = set()

    def told(self) -> Mapping[str, Any]:
        self._read_metrics()
        shown = [
            (query, series)
            for name, query in self._queries.items()
            if query.get("ReturnData") is not False
            for series in self._series(name)
        ]
        params = self._call.params
        begin = _offset(params)
        most = max(min(params.get("MaxDatapoints") or DATA_POINTS, DATA_POINTS) // max(len(shown), 1), 1)
        newest_first = params.get("ScanBy", "TimestampDescending") == "TimestampDescending"
        results, more = [], False
        for query, series in shown:
            points = sorted(series.points.items(), reverse=newest_first)
            page = points[begin : begin + most]
            more = more or len(points) > begin + most
            results.append(
                {
                    "Id": query["Id"],
                    "Label": series.label,
                    "Timestamps": [at for at, _ in page],
                    "Values": [value for _, value in page],
                    "StatusCode": "PartialData" if len(points) > begin + most else "Complete",
                }
            )
        answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
        if more:
            answer["NextToken"] = tokens.written(begin + most)
        return answer

    def _read_metrics(self) -> None:
        theirs = []
        for name, query in self._queries.items():
            if "MetricStat" not in query:
                continue
            series = self._ours(query)
            if series is None:
                theirs.append({**query, "ReturnData": True})
            else:
                self._values[name] = series
        if theirs:
            self._ask_cloud(theirs)

    def _ours(self, query: Mapping[str, Any]) -> Series | None:
        stat = query["MetricStat"]
        metric, statistic = Metric.of(stat["Metric"]), stat["Stat"]
        share = periods.percentile(statistic)
        percentiles = () if share is None else (share,)
        span = self._span(int(stat["Period"]))
        found = self._reader.points(metric, span, percentiles)
        if found is None:
            return None
        if not periods.is_statistic(statistic):
            raise _validation(
                f"The statistic {statistic} of query {query['Id']} is not there in faaslab: Sum, Average, "
                "Minimum, Maximum, SampleCount and percentiles such as p99 are"
            )
        if found and stat.get("Unit") not in (None, self._reader.unit(metric, span)):
            found = []
        points = {point.start: periods.told(point, statistic, percentiles) for point in found}
        return self._labelled(query, points, metric.name)

    def _labelled(self, query: Mapping[str, Any], points: Mapping[datetime, float], otherwise: str) -> Series:
        stat = query["MetricStat"]
        label = query.get("Label") or otherwise
        return Series(points, int(stat["Period"]), label, query["Id"], metric=True)

    def _ask_cloud(self, queries: list[dict[str, Any]]) -> None:
        begin, end = self._call.params["StartTime"], self._call.params["EndTime"]
        asked = {
            "MetricDataQueries": queries,
            "StartTime": begin.replace(tzinfo=UTC),
            "EndTime": end.replace(tzinfo=UTC),
        }
        try:
            told = self._call.cloud("GetMetricData", asked)
        except MissingExtra:
            told = {}
        found = {each["Id"]: each for each in told.get("MetricDataResults") or ()}
        for query in queries:
            result = found.get(query["Id"], {})
            times = (_naive(at) for at in result.get("Timestamps") or ())
            points = dict(zip(times, result.get("Values") or (), strict=False))
            self._values[query["Id"]] = self._labelled(
                query, points, query["MetricStat"]["Metric"]["MetricName"]
            )

    def _span(self, seconds: int) -> Span:
        params = self._call.params
        since = periods.floor(periods.clipped(params["StartTime"]), max(seconds, periods.MINUTE))
        return Span(since=since, until=periods.clipped(params["EndTime"]), seconds=seconds)

    def _value(self, name: str) -> Value:
        """What an id stands for; expressions are evaluated when they are first named."""
        if name in self._values:
            return self._values[name]
        query = self._queries.get(name)
        if query is None:
            raise Malformed(f"no query has the id {name}")
        if name in self._underway:
            raise Malformed(f"{name} needs its own result")
        self._underway.add(name)
        context = Context(
            value=self._value, metrics=self._metrics, instants=self._instants, search=self._search
        )
        value = self._values[name] = expressions.evaluate(query["Expression"], context)
        return value

    def _series(self, name: str) -> list[Series]:
        query = self._queries[name]
        try:
            value = self._value(name)
            if isinstance(value, (int, float)):
                raise Malformed("it gives a number, and no series")
        except Malformed as wrong:
            raise _validation(f"Error in expression '{name}': {wrong}") from None
        if "MetricStat" in query:
            return [value] if isinstance(value, Series) else value
        label = query.get("Label")
        if isinstance(value, Series):
            return [Series(value.points, value.seconds, label or name, name)]
        return [
            Series(each.points, each.seconds, f"{label} {each.label}" if label else each.label, name)
            for each in value
        ]

    def _metrics(self) -> list[Series]:
        return [each for each in self._values.values() if isinstance(each, Series) and each.metric]

    def _search(self, text: str, statistic: str, seconds: int) -> list[Series]:
        """The series of what is found, by the name of what tells them apart; the store's metrics only."""
        if not periods.is_period(seconds) or not periods.is_statistic(statistic):
            raise Malformed(f"SEARCH cannot tell {statistic!r} by {seconds} seconds")
        found = searching.read(text)
        share = periods.percentile(statistic)
        percentiles = () if share is None else (share,)
        listed = self._reader.known(self._call.lab.clock.now())
        metrics = [metric for metric in listed if found(metric)][:FOUND]
        names = {metric.name for metric in metrics}
        series = []
        for metric in metrics:
            points = self._reader.points(metric, self._span(seconds), percentiles) or []
            label = " ".join(
                [*(value for _, value in metric.dimensions), metric.name][: None if len(names) > 1 else -1]
            )
            series.append(
                Series(
                    {point.start: periods.told(point, statistic, percentiles) for point in points},
                    seconds,
                    label or metric.name,
                )
            )
        return series

    def _instants(self, seconds: int) -> list[datetime]:
        span = self._span(seconds)
        step = timedelta(seconds=max(seconds, periods.MINUTE))
        count = -((span.since - span.until) // step)
        if count > DATA_POINTS:
            raise Malformed(f"it would have more than {DATA_POINTS} datapoints")
        return [span.since + number * step for number in range(count)]


def _checked(params: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The queries, each with one of a metric and an expression. Raises the Fault of what is wrong."""
    queries: Sequence[Mapping[str, Any]] = params["MetricDataQueries"]
    if params["StartTime"] >= params["EndTime"]:
        raise _validation("The parameter EndTime must be greater than StartTime.")
    ids = set()
    for number, query in enumerate(queries, 1):
        place = f"MetricDataQueries.member.{number}"
        if not _ID.fullmatch(query["Id"]):
            raise _validation(
                f"The value {query['Id']} for parameter {place}.Id is not matching the expected pattern "
                "^[a-z][a-zA-Z0-9_]*$."
            )
        if query["Id"] in ids:
            raise _validation(f"The values for parameter Id in {place} are not unique.")
        ids.add(query["Id"])
        if ("MetricStat" in query) == ("Expression" in query):
            raise _validation(f"The parameter {place} must have either MetricStat or Expression.")
        for name in ("Namespace", "MetricName") if "MetricStat" in query else ():
            if not query["MetricStat"]["Metric"].get(name):
                raise _validation(f"The parameter {place}.MetricStat.Metric.{name} is required.")
        if "MetricStat" in query and not periods.is_period(int(query["MetricStat"]["Period"])):
            raise _validation(
                f"Period must be 1, 5, 10, 20, 30 or a multiple of 60, at {place}.MetricStat.Period."
            )
    return queries


def _check_statistics(params: Mapping[str, Any], statistics: Sequence[str], seconds: int) -> None:
    if not statistics:
        raise Fault(
            "InvalidParameterCombination",
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        )
    for each in statistics:
        if not periods.is_statistic(each):
            raise Fault(
                "InvalidParameterValue",
                f"The value {each} for parameter ExtendedStatistics is not supported: percentiles such as "
                "p99 are.",
            )
    if not periods.is_period(seconds):
        raise Fault(
            "InvalidParameterValue", "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        )
    begin, end = params["StartTime"], params["EndTime"]
    if begin >= end:
        raise Fault(
            "InvalidParameterCombination",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    count = -((begin - end) // timedelta(seconds=seconds))
    if count > STATISTICS_POINTS:
        raise Fault(
            "InvalidParameterCombination",
            f"You have requested up to {count:,} datapoints, which exceeds the limit of "
            f"{STATISTICS_POINTS:,}. You may reduce the datapoints requested by increasing Period, or "
            "decreasing the time range.",
        )


def _datapoint(
    point: Point, asked: Sequence[str], more: Sequence[str], percentiles: Sequence[float], unit: str
) -> dict[str, Any]:
    told: dict[str, Any] = {"Timestamp": point.start, "Unit": unit}
    told |= {each: periods.told(point, each, percentiles) for each in asked}
    if more:
        told["ExtendedStatistics"] = {each: periods.told(point, each, percentiles) for each in more}
    return told


def _of_cloud(call: Call) -> list[Metric]:
    asked = {name: value for name, value in call.params.items() if name != "NextToken"}
    found: list[Metric] = []
    if asked.get("Namespace") == NAMESPACE:
        return found  # the store's alone: nothing has to be started for it
    try:
        while True:
            told = call.cloud("ListMetrics", asked)
            found += [Metric.of(each) for each in told.get("Metrics") or ()]
            if not told.get("NextToken"):
                return found
            asked["NextToken"] = told["NextToken"]
    except MissingExtra:
        return []


def _has(metric: Metric, wanted: Mapping[str, Any]) -> bool:
    value = dict(metric.dimensions).get(wanted["Name"])
    return value is not None and wanted.get("Value") in (None, value)


def _offset(params: Mapping[str, Any]) -> int:
    if not params.get("NextToken"):
        return 0
    try:
        value = tokens.read(params["NextToken"])
    except Fault:
        value = None
    if not isinstance(value, int) or not 0 <= value < 2**53:
        raise Fault("InvalidNextToken", "The next token specified is invalid.")
    return value


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _validation(message: str) -> Fault:
    return Fault("ValidationError", message)


OPERATIONS: dict[str, Handler] = {
    "GetMetricData": get_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
}
