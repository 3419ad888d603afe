"""What CloudWatch counts of Lambda functions, by period. Asked with a `store.connect()`.

Source of the definitions: Lambda Developer Guide, "Types of metrics for Lambda functions". An invocation is
stamped with the minute it began in. Rows of the source `local` only, and none that ran under a debugger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.store.questions.window import MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.store.reading import Connection

NAMESPACE = "AWS/Lambda"
_LOCAL = f"source = 'local' AND {MEASURED}"
_RAN = f"{_LOCAL} AND status IN ('completed', 'failed', 'timeout')"
# An event that was given up without a run is recorded as turned away, and is no throttle.
_THROTTLED = "status = 'throttled' AND error_type = 'TooManyRequestsException'"
_PROVISIONED = "init_type = 'provisioned-concurrency'"
_LONGEST_RUN = timedelta(minutes=16)
_LONGEST_EVENT = timedelta(hours=6)
_COUNTED = {
    "Invocations": ("1", _RAN),
    "Errors": ("CAST(status <> 'completed' AS INTEGER)", _RAN),
    "Duration": ("duration_ms", f"{_RAN} AND duration_ms IS NOT NULL"),
    "Throttles": (
        "CAST(status = 'throttled' AS INTEGER)",
        f"{_LOCAL} AND (status IN ('completed', 'failed', 'timeout') OR {_THROTTLED})",
    ),
    "ProvisionedConcurrencyInvocations": ("1", f"{_RAN} AND {_PROVISIONED}"),
}
_CONCURRENT = {
    "ConcurrentExecutions": _RAN,
    "UnreservedConcurrentExecutions": f"{_RAN} AND NOT list_contains($reserved, function)",
    "ProvisionedConcurrentExecutions": f"{_RAN} AND {_PROVISIONED}",
}
UNITS = {"Duration": "Milliseconds"}
"""Of the metrics that do not count."""


class Point(NamedTuple):
    """What was counted in one period; `start` is naive UTC, `percentiles` are those that were asked for."""

    start: datetime
    samples: int
    sum: float
    minimum: float
    maximum: float
    percentiles: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Whose figures: of all functions, of one, of what was asked for by a qualifier (None: by none), and of
    one version among that. `resource` says whether the qualifier counts.
    """  # noqa: D205

    function: str | None = None
    resource: bool = False
    qualifier: str | None = None
    version: str | None = None

    def condition(self, parameters: dict[str, Any]) -> str:
        """The condition of a row of `executions`; adds its parameters."""
        found = []
        if self.function is not None:
            parameters["function"] = self.function
            found.append("function = $function")
        if self.resource and self.qualifier is None:
            found.append("qualifier IS NULL")
        elif self.resource:
            parameters["qualifier"] = self.qualifier
            found.append("qualifier = $qualifier")
        if self.version is not None:
            parameters["version"] = self.version
            found.append("version = $version")
        return " AND ".join(found) or "true"


@dataclass(frozen=True, kw_only=True)
class Periods:
    """From `since` on, before `until` (whole minutes, naive UTC), in periods of `seconds` from `origin`."""

    since: datetime
    until: datetime
    seconds: int
    origin: datetime


class Seen(NamedTuple):
    """Functions as they were invoked; `received` and `provisioned`: whether any run was of that kind."""

    function: str
    qualifier: str | None
    version: str
    received: bool
    provisioned: bool


def points(
    connection: Connection,
    name: str,
    subject: Subject,
    periods: Periods,
    *,
    percentiles: Sequence[float] = (),
    reserved: Sequence[str] = (),
) -> list[Point]:
    """A metric of `AWS/Lambda` by period, where there was anything; `percentiles` are from 0 to 1.

    `reserved` names the functions with reserved concurrency, which UnreservedConcurrentExecutions leaves out.
    """
    parameters: dict[str, Any] = {}
    whose = subject.condition(parameters)
    if name in _COUNTED:
        value, which = _COUNTED[name]
        text = f"""SELECT started_at AS at_, {value} AS value FROM executions WHERE {which} AND {whose}
            AND started_at >= $since AND started_at < $until"""
    elif name in _CONCURRENT:
        parameters["early"] = periods.since - _LONGEST_RUN
        if "$reserved" in _CONCURRENT[name]:
            parameters["reserved"] = list(reserved)
        text = _concurrent(f"{_CONCURRENT[name]} AND {whose}")
    elif name == "AsyncEventsReceived":
        parameters["early"] = periods.since - _LONGEST_EVENT
        text = f"""SELECT min(started_at) AS at_, 1 AS value FROM executions
            WHERE {_LOCAL} AND invocation_type = 'Event' AND {whose}
              AND started_at >= $early AND started_at < $until GROUP BY request_id"""
    elif subject.resource:
        return []
    else:
        parameters |= {"namespace": NAMESPACE, "name": name}
        text = _recorded("function = $function" if subject.function is not None else "true")
    return _by_period(connection, text, parameters, periods, percentiles)


def recorded(
    connection: Connection,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    periods: Periods,
    *,
    percentiles: Sequence[float] = (),
) -> list[Point]:
    """A metric that was recorded as such, with exactly those dimensions."""
    parameters: dict[str, Any] = {"namespace": namespace, "name": name, "count": len(dimensions)}
    found = ["len(coalesce(json_keys(dimensions), [])) = $count"]
    for number, (key, value) in enumerate(dimensions.items()):
        parameters |= {f"key_{number}": _path(key), f"value_{number}": value}
        found.append(f"json_extract_string(dimensions, $key_{number}) = $value_{number}")
    return _by_period(connection, _recorded(" AND ".join(found)), parameters, periods, percentiles)


def seen(connection: Connection, since: datetime) -> list[Seen]:
    """The functions that ran, or were turned away, since then, each as it was invoked."""
    return [
        Seen(*row)
        for row in connection.execute(
            f"""SELECT function, qualifier, coalesce(version, '$LATEST'), bool_or(invocation_type = 'Event'),
                       coalesce(bool_or({_PROVISIONED}), false)
                FROM executions WHERE {_LOCAL} AND status <> 'running' AND started_at >= $since
                GROUP BY 1, 2, 3 ORDER BY ALL""",
            {"since": since},
        ).fetchall()
    ]


def recorded_names(connection: Connection, since: datetime) -> list[tuple[str, str, str]]:
    """(namespace, name, dimensions as JSON) of what was recorded since then."""
    return connection.execute(
        """SELECT DISTINCT namespace, name, coalesce(CAST(dimensions AS VARCHAR), '{}') FROM metrics
           WHERE source = 'local' AND "timestamp" >= $since ORDER BY ALL""",
        {"since": since},
    ).fetchall()


def embedded(
    connection: Connection, since: datetime, until: datetime, *, namespace: str | None, limit: int
) -> list[str]:
    """Log messages that tell metrics in the embedded format, the newest `limit` of them."""
    parameters: dict[str, Any] = {"since": since, "until": until, "limit": limit}
    which = ""
    if namespace is not None:
        parameters["namespace"] = namespace
        which = " AND contains(message, $namespace)"
    return [
        row[0]
        for row in connection.execute(
            f"""SELECT message FROM logs WHERE source = 'local' AND stream = 'function'
                AND "timestamp" >= $since AND "timestamp" < $until
                AND contains(message, '"CloudWatchMetrics"'){which}
                ORDER BY "timestamp" DESC LIMIT $limit""",
            parameters,
        ).fetchall()
    ]


def _concurrent(condition: str) -> str:
    """How many ran at each start, and at each full minute that something ran in."""
    return f"""WITH e AS (SELECT started_at AS s,
                   greatest(coalesce(ended_at, started_at), started_at + INTERVAL 1 MICROSECOND) AS t
               FROM executions WHERE {condition} AND started_at >= $early AND started_at < $until),
        d AS (SELECT s AS at_, 1 AS delta, 1 AS turn FROM e
              UNION ALL SELECT t, -1, 0 FROM e
              UNION ALL SELECT unnest(range(date_trunc('minute', s) + minute, t, minute)), 0, 2
                  FROM e, (SELECT INTERVAL 1 MINUTE AS minute)),
        r AS (SELECT at_, delta, sum(delta) OVER (ORDER BY at_, turn ROWS UNBOUNDED PRECEDING) AS value
              FROM d)
        SELECT at_, value FROM r WHERE delta >= 0"""


def _recorded(condition: str) -> str:
    return f"""SELECT "timestamp" AS at_, value FROM metrics WHERE source = 'local' AND namespace = $namespace
        AND name = $name AND {condition} AND "timestamp" >= $since AND "timestamp" < $until"""


def _by_period(
    connection: Connection,
    samples: str,
    parameters: dict[str, Any],
    periods: Periods,
    percentiles: Sequence[float],
) -> list[Point]:
    parameters |= {
        "since": periods.since,
        "until": periods.until,
        "seconds": periods.seconds,
        "origin": periods.origin,
    }
    quantiles = f"quantile_cont(value, {[float(each) for each in percentiles]})" if percentiles else "[]"
    rows = connection.execute(
        f"""SELECT time_bucket(to_seconds($seconds), date_trunc('minute', at_), $origin) AS start,
                   count(value), sum(value), min(value), max(value), {quantiles}
            FROM ({samples}) WHERE at_ >= $since AND at_ < $until GROUP BY 1 ORDER BY 1""",
        parameters,
    ).fetchall()
    return [
        Point(start, samples, float(total), float(least), float(most), tuple(map(float, found or ())))
        for start, samples, total, least, most, found in rows
    ]


def _path(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")
