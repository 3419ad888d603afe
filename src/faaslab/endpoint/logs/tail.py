"""Live tail: events of our functions as they are recorded, in a stream that stays open.

Looked at every half second, as `faaslab logs --follow` does. boto3 puts `streaming-` before the host of this
operation: `Config(inject_host_prefix=False)` keeps it from that.
"""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from faaslab.endpoint.call import Theirs
from faaslab.endpoint.logs import events, naming, tokens
from faaslab.endpoint.messages import Fault
from faaslab.store.questions import logs as questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faaslab.endpoint.call import Call, Handler
    from faaslab.store.questions.logs import LogEvent, Place

LOOK_S = 0.5
LONGEST = timedelta(hours=3)
"""A session ends after so long (StartLiveTail)."""
SHOWN = 500
"""Events of one update at most; when there are more they are marked as sampled."""
_OVERLAP = timedelta(seconds=60)
"""A log is there when its invocation has ended, and so long after that at most."""


def start_live_tail(call: Call) -> Mapping[str, Any]:
    """A stream of updates; the first says what is followed."""
    params = call.params
    groups = [naming.plain(each) for each in params["logGroupIdentifiers"]]
    writers = {name: naming.writers(call.lab, name) for name in groups}
    if not any(writers.values()):
        raise Theirs
    for name, functions in writers.items():
        if not functions:
            raise Fault(
                "InvalidParameterException",
                f"{name} is no log of local functions: it is followed by itself, not with those.",
            )
    names, prefixes = params.get("logStreamNames") or (), params.get("logStreamNamePrefixes") or ()
    if (names and prefixes) or ((names or prefixes) and len(groups) > 1):
        raise Fault(
            "InvalidParameterException",
            "Log streams are chosen by names or by prefixes, and of one log group only.",
        )
    group_of = {function: name for name, functions in writers.items() for function in functions}
    events.selected(params.get("logEventFilterPattern"), tuple(group_of))  # refused now, if it is none
    return {"responseStream": _Session(call, group_of, groups).updates()}


class _Session:
    """One client that follows."""

    def __init__(self, call: Call, group_of: dict[str, str], groups: list[str]) -> None:
        self._call = call
        self._group_of = group_of
        self._groups = groups
        self._began = call.lab.clock.now()
        self._seen: dict[Place, None] = {}

    def updates(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """(member of the stream, what it holds) until the session ends, or the client goes."""
        params, clock, never = self._call.params, self._call.lab.clock, threading.Event()
        region = self._call.region
        told = {
            name: params[name]
            for name in ("logStreamNames", "logStreamNamePrefixes", "logEventFilterPattern")
            if params.get(name)
        }
        yield (
            "sessionStart",
            {
                "requestId": self._call.request_id,
                "sessionId": str(uuid.uuid4()),
                "logGroupIdentifiers": [naming.group_arn(name, region) for name in self._groups],
                **told,
            },
        )
        since = self._began
        while clock.now() - self._began < LONGEST:
            found = self._look(since)
            shown = found[-SHOWN:]
            yield (
                "sessionUpdate",
                {
                    "sessionMetadata": {"sampled": len(found) > len(shown)},
                    "sessionResults": [self._result(each) for each in shown],
                },
            )
            since = max(self._began, clock.now() - _OVERLAP)
            clock.wait(never, LOOK_S)
        raise Fault("SessionTimeoutException", "The session has ended after 3 hours.")

    def _look(self, since: Any) -> list[LogEvent]:
        params = self._call.params
        wanted, pattern = events.selected(
            params.get("logEventFilterPattern"),
            tuple(self._group_of),
            floors=naming.floors(self._call.lab, self._group_of),
            streams=params.get("logStreamNames") or (),
            ended_since=since,
        )
        prefixes = tuple(params.get("logStreamNamePrefixes") or ())
        with self._call.lab.store.connect() as connection:
            found, _ = questions.events(
                connection, wanted, rows=events.EVENTS, most_bytes=events.ANSWER_BYTES, newest=True
            )
        known = {each.place for each in found}
        self._seen = {place: None for place in self._seen if place in known}
        fresh = [
            each
            for each in found
            if each.place not in self._seen
            and (not prefixes or each.log_stream.startswith(prefixes))
            and (pattern.test is None or pattern.test(each.message))
        ]
        self._seen.update(dict.fromkeys(each.place for each in fresh))
        return fresh

    def _result(self, event: LogEvent) -> dict[str, Any]:
        group = naming.group_arn(self._group_of[event.function], self._call.region)
        return {
            "logStreamName": event.log_stream,
            "logGroupIdentifier": group,
            "message": f"{event.message}\n",
            "timestamp": tokens.milliseconds(event.timestamp),
            "ingestionTime": tokens.milliseconds(event.timestamp),
        }


OPERATIONS: dict[str, Handler] = {"StartLiveTail": start_live_tail}
