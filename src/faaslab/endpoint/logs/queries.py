"""Queries of CloudWatch Logs Insights over the logs of our functions.

A query is answered while it is started, by DuckDB, so that it is always complete when it is asked for; the
last hundred of a lab are kept in memory. Groups of the cloud are asked by the cloud, and not together.
"""

from __future__ import annotations

import threading
import time
import uuid
import weakref
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.call import Theirs
from faaslab.endpoint.logs import insights, naming, tokens
from faaslab.endpoint.logs.scanning import Malformed
from faaslab.endpoint.messages import Fault
from faaslab.errors import MissingExtra, RequestError
from faaslab.store.questions import insights as questions
from faaslab.store.questions.insights import Answer
from faaslab.store.questions.logs import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.lab import Lab

KEPT = 100
_IN_MILLISECONDS = 10**11
"""A moment above this is told in milliseconds, as some clients do, and no seconds."""


@dataclass(frozen=True, kw_only=True)
class _Query:
    """One that was answered."""

    id: str
    text: str
    groups: tuple[str, ...]
    began: datetime
    took_ms: int
    answer: Answer


_lock = threading.Lock()
_answered: weakref.WeakKeyDictionary[Lab, OrderedDict[str, _Query]] = weakref.WeakKeyDictionary()


def start_query(call: Call) -> Mapping[str, Any]:
    """Answer a query; the id is what its results are asked for by."""
    params = call.params
    groups = _groups(params)
    writers = {name: naming.writers(call.lab, name) for name in groups}
    if not any(writers.values()):
        raise Theirs
    for name, functions in writers.items():
        if not functions:
            raise Fault(
                "InvalidParameterException",
                f"{name} is no log of local functions: it is queried by itself, and not together with those.",
            )
    if params.get("queryLanguage", "CWLI") != "CWLI":
        raise Fault("InvalidParameterException", "Local functions' logs are queried in CWLI only.")
    since, until = _moment(params["startTime"]), _moment(params["endTime"])
    if since > until:
        raise Fault("MalformedQueryException", "Query's end date and time is before its start.")
    group_of = {function: name for name, functions in writers.items() for function in functions}
    floors = naming.floors(call.lab, group_of)
    wanted = Wanted(functions=tuple(group_of), floors=floors, since=since, until=until + timedelta(seconds=1))
    began, clock = call.lab.clock.now(), time.perf_counter()
    try:
        commands = insights.read(params["queryString"])
        with call.lab.store.connect() as connection:
            answer = questions.ask(
                connection,
                wanted,
                group_of,
                commands,
                account=naming.ACCOUNT,
                limit=min(params.get("limit") or insights.ROWS, insights.ROWS),
            )
    except Malformed as error:
        raise _malformed(str(error)) from None
    except RequestError as error:
        raise _malformed(error.message) from None
    query = _Query(
        id=str(uuid.uuid4()),
        text=params["queryString"],
        groups=groups,
        began=began,
        took_ms=int((time.perf_counter() - clock) * 1000),
        answer=answer,
    )
    with _lock:
        kept = _answered.setdefault(call.lab, OrderedDict())
        kept[query.id] = query
        while len(kept) > KEPT:
            kept.popitem(last=False)
    return {"queryId": query.id}


def get_query_results(call: Call) -> Mapping[str, Any]:
    """The rows; a field that a row has not is left out of it."""
    answer = _query(call).answer
    rows = [
        [
            {"field": name, "value": value}
            for name, value in zip(answer.columns, row, strict=True)
            if value is not None
        ]
        for row in answer.rows
    ]
    return {
        "queryLanguage": "CWLI",
        "results": rows,
        "statistics": {
            "recordsMatched": float(answer.matched),
            "recordsScanned": float(answer.scanned),
            "bytesScanned": float(answer.scanned_bytes),
        },
        "status": "Complete",
    }


def stop_query(call: Call) -> Mapping[str, Any]:
    """It has ended already, which AWS refuses as well."""
    _query(call)
    raise Fault("InvalidParameterException", f"Query {call.params['queryId']} is not in Running state.")


def describe_queries(call: Call) -> Mapping[str, Any]:
    """The latest first; the cloud's behind ours."""
    params = call.params
    with _lock:
        kept = list(_answered.get(call.lab, {}).values())[::-1]
    group, most = params.get("logGroupName"), int(params.get("maxResults") or 1000)
    told = [
        {
            "queryLanguage": "CWLI",
            "queryId": query.id,
            "queryString": query.text,
            "status": "Complete",
            "createTime": tokens.milliseconds(query.began),
            "logGroupName": query.groups[0],
            "queryDuration": query.took_ms,
            "bytesScanned": float(query.answer.scanned_bytes),
        }
        for query in kept
        if group in (None, *query.groups) and params.get("status") in (None, "Complete")
    ]
    try:
        told += call.cloud("DescribeQueries", params).get("queries") or ()
    except (MissingExtra, Fault):
        if not told:
            raise
    return {"queries": told[:most]}


def _groups(params: Mapping[str, Any]) -> tuple[str, ...]:
    name = [params["logGroupName"]] if params.get("logGroupName") else []
    names = [*name, *(params.get("logGroupNames") or ()), *(params.get("logGroupIdentifiers") or ())]
    if not names:
        raise Fault(
            "InvalidParameterException",
            "You must specify one of logGroupName, logGroupNames and logGroupIdentifiers.",
        )
    return tuple(dict.fromkeys(map(naming.plain, names)))


def _moment(value: int) -> datetime:
    at = tokens.instant(value if value > _IN_MILLISECONDS else value * 1000)
    assert at is not None
    return min(at, datetime(9999, 1, 1))


def _query(call: Call) -> _Query:
    with _lock:
        found = _answered.get(call.lab, {}).get(call.params["queryId"])
    if found is None:
        raise Theirs
    return found


def _malformed(why: str) -> Fault:
    return Fault("MalformedQueryException", why, fields={"queryCompileError": {"message": why}})


OPERATIONS: dict[str, Handler] = {
    "DescribeQueries": describe_queries,
    "GetQueryResults": get_query_results,
    "StartQuery": start_query,
    "StopQuery": stop_query,
}
