"""Executions out of saved logs: START, what the function wrote, END and REPORT joined by their request id.

Rules. Memory stays bounded: an execution leaves as soon as its REPORT and a small look-ahead were seen.
Where there is a REPORT there is an execution, and nowhere else. Every line ends in an execution or comes
out as `Unreadable` with the reason. What the log does not tell is
`None`; the version, the invocation type and the function's name, which may not be, are then `""`, `""` and
`"unknown"`. The id of an execution is made of its request id, of its REPORT's figures and second, so that
the same invocation has the same id in whatever file and form it comes again.

`started_at` is, in this order: the time of the START; of the REPORT less the duration; of the first line of
the invocation; of the REPORT or END; what the X-Ray id or a request id of version 1 holds; of the line seen
before it in that stream or file; and where no line has a time at all, when the file was saved. With one of
the last two the execution counts as undated: it was not later than that, in this order, and no more is known.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends import log_errors
from faaslab.backends.log_events import LogEvent, Unreadable, events
from faaslab.backends.log_invocation import UUID, Environment, Invocation
from faaslab.backends.report_line import LineKind
from faaslab.errors import InvalidValue
from faaslab.model.execution import Execution, LogStream

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

# Events that are read on after a REPORT before its execution leaves: X-Ray and late lines come within these.
LOOK_AHEAD = 200
# Invocations without their REPORT yet, over all streams; Lambda's default concurrency is 1,000.
OPEN_LIMIT = 10_000
# Characters of log lines kept with one execution.
LOG_LIMIT = 16 * 1024 * 1024
_WAITING_LIMIT = 1_000
_STREAM_LIMIT = 10_000
_REMEMBERED = 200_000

_OUTSIDE = "stands outside of any invocation"
_NO_REPORT = "the log ends before the REPORT of its invocation"


def read(*paths: str | os.PathLike[str], function: str | None = None, region: str | None = None) -> Reading:
    """The executions in these files and folders, and what could not be read.

    `function` names the function of lines that do not name one themselves. Raises `InvalidValue` for a
    path that is not there, before anything is read.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files += sorted(file for file in path.rglob("*") if file.is_file() and _is_log(file, path))
        elif path.exists():
            files.append(path)
        else:
            raise InvalidValue("no such file or folder", place=str(path))
    return Reading(files, function, region)


def _is_log(file: Path, root: Path) -> bool:
    # An export to S3 leaves a test file in the bucket.
    parts = file.relative_to(root).parts
    return file.name != "aws-logs-write-test" and not any(part.startswith(".") for part in parts)


class Reading:
    """An iterator over `Execution` and `Unreadable`; the counts are whole when it has ended."""

    def __init__(self, files: list[Path], function: str | None, region: str | None) -> None:
        self._files = files
        self._assembly = _Assembly(function, region)
        self.files = 0
        self.events = 0

    @property
    def undated(self) -> int:
        """Executions whose `started_at` is only the latest that it can have been."""
        return self._assembly.undated

    def __iter__(self) -> Iterator[Execution | Unreadable]:
        for path in self._files:
            self.files += 1
            try:
                saved = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None, microsecond=0)
                self._assembly.next_file(saved)
                for item in events(path):
                    if isinstance(item, Unreadable):
                        yield item
                    else:
                        self.events += 1
                        yield from self._assembly.add(item)
            except OSError as error:
                yield Unreadable(path, 0, "", f"cannot be read: {error.strerror}")
        yield from self._assembly.end()


class _Assembly:
    """Joins events to executions, over all streams and files of one reading."""

    def __init__(self, function: str | None, region: str | None) -> None:
        self._function = function
        self._region = region
        self._open: OrderedDict[str, Invocation] = OrderedDict()
        self._closed: OrderedDict[str, Invocation] = OrderedDict()
        """Those whose REPORT was seen, until the look-ahead has passed."""
        self._attempts: OrderedDict[str, int] = OrderedDict()
        self._environments: OrderedDict[str, Environment] = OrderedDict()
        self._same: dict[str, int] = {}
        self._count = 0
        self._saved = datetime(1970, 1, 1)
        self.undated = 0

    def next_file(self, saved: datetime) -> None:
        self._saved = saved

    def add(self, event: LogEvent) -> Iterator[Execution | Unreadable]:
        self._count += 1
        key = event.stream or str(event.path)
        environment = self._environments.get(key)
        if environment is None:
            environment = self._environments[key] = Environment()
            if len(self._environments) > _STREAM_LIMIT:
                yield from map(_of_nobody, self._environments.popitem(last=False)[1].waiting)
        match event.platform.kind if event.platform else None:
            case LineKind.START:
                yield from self._start(event, environment)
            case LineKind.REPORT:
                yield from self._report(event, environment)
            case _:
                yield from self._other(event, environment)
        environment.at = event.at or environment.at
        while self._closed and self._count - next(iter(self._closed.values())).closed > LOOK_AHEAD:
            yield from self._leave(self._closed.popitem(last=False)[1])
        while len(self._open) > OPEN_LIMIT:
            yield from self._leave(self._open.popitem(last=False)[1])

    def end(self) -> Iterator[Execution | Unreadable]:
        for environment in self._environments.values():
            last = self._closed.get(environment.last or "")
            for event in environment.waiting:
                mine = last is not None and (event.platform is not None or event.stream is not None)
                yield from self._attach(last, event) if mine and last else (_of_nobody(event),)
            environment.waiting = []
        for invocations in (self._closed, self._open):
            while invocations:
                yield from self._leave(invocations.popitem(last=False)[1])

    # what an event does

    def _start(self, event: LogEvent, environment: Environment) -> Iterator[Execution | Unreadable]:
        assert event.platform is not None
        request_id = event.platform.request_id or ""
        present = self._find(request_id)
        if present is not None and present.started:
            if present.start_at == event.at and present.report is None:
                # Files that overlap.
                yield from self._attach(present, event)
                return
            # The same request id again is the next attempt of an asynchronous invocation.
            self._forget(request_id)
            yield from self._leave(present)
            present = None
        present = present or self._begin(request_id, environment)
        if present.report is None and not present.ended:
            environment.running[request_id] = None
        yield from self._take_waiting(present)
        yield from self._attach(present, event)

    def _report(self, event: LogEvent, environment: Environment) -> Iterator[Execution | Unreadable]:
        assert event.platform is not None
        request_id = event.platform.request_id or ""
        present = self._find(request_id)
        if present is not None and present.report is not None:
            same = present.report == event.platform and present.report_at == event.at
            if same and UUID.fullmatch(request_id):
                # Files that overlap.
                return
            self._forget(request_id)
            yield from self._leave(present)
            present = None
        present = present or self._begin(request_id, environment)
        if not present.started:
            yield from self._take_waiting(present)
        present.closed = self._count
        environment.running.pop(request_id, None)
        environment.last = request_id
        self._open.pop(request_id, None)
        self._closed[request_id] = present
        yield from self._attach(present, event)

    def _other(self, event: LogEvent, environment: Environment) -> Iterator[Execution | Unreadable]:
        line = event.platform
        request_id = line.request_id if line else log_errors.request_id_of(event.message, event.record)
        if request_id is None:
            yield from self._without_id(event, environment)
            return
        present = self._find(request_id)
        if present is None:
            if request_id in self._attempts:
                reason = "came long after its invocation's REPORT"
                yield Unreadable(event.path, event.line, event.message, reason, unplaced=True)
                return
            present = self._begin(request_id, environment)
        if line is not None and line.kind is LineKind.END:
            environment.running.pop(request_id, None)
        yield from self._attach(present, event)

    def _without_id(self, event: LogEvent, environment: Environment) -> Iterator[Execution | Unreadable]:
        last = self._closed.get(environment.last or "")
        if event.platform is not None:
            environment.learn(event.platform)
            if event.platform.kind is LineKind.XRAY and last is not None:
                yield from self._attach(last, event)
                return
        running = list(environment.running)
        if len(running) > 1 and event.stream is None:
            # A file of many environments: only an id in the text can tell whose line it is.
            running = [found for found in UUID.findall(event.message) if found in environment.running]
            if len(set(running)) != 1:
                reason = "has no request id, and several invocations were running"
                yield Unreadable(event.path, event.line, event.message, reason, unplaced=True)
                return
        present = self._open.get(running[-1]) if running else None
        if present is None and last is not None and event.at is not None and last.report_at is not None:
            # What bears no later time than the REPORT was only listed after it.
            present = last if event.at <= last.report_at else None
        if present is not None:
            yield from self._attach(present, event)
            return
        environment.waiting.append(event)
        if len(environment.waiting) > _WAITING_LIMIT:
            yield _of_nobody(environment.waiting.pop(0))

    # invocations

    def _find(self, request_id: str) -> Invocation | None:
        return self._open.get(request_id) or self._closed.get(request_id)

    def _forget(self, request_id: str) -> None:
        self._open.pop(request_id, None)
        self._closed.pop(request_id, None)

    def _begin(self, request_id: str, environment: Environment) -> Invocation:
        # An id that was blotted out is no sign of a retry.
        attempt = self._attempts.get(request_id, 0) + 1 if UUID.fullmatch(request_id) else 1
        invocation = Invocation(request_id, environment, attempt, self._saved, environment.at)
        self._open[request_id] = invocation
        return invocation

    def _take_waiting(self, present: Invocation) -> Iterator[Unreadable]:
        """Give it the lines that were written in its environment before it began."""
        waiting, present.environment.waiting = present.environment.waiting, []
        init = False
        for event in waiting:
            if event.platform is not None:
                init = init or event.platform.kind in (LineKind.INIT_START, LineKind.RESTORE_START)
            elif not (init or event.stream or _of_a_runtime(event)):
                # In a file of many environments any text may stand between two invocations.
                yield _of_nobody(event)
                continue
            yield from self._attach(present, event)

    def _attach(self, present: Invocation, event: LogEvent) -> Iterator[Unreadable]:
        if present.size + len(event.message) > LOG_LIMIT and event.origin is not LogStream.PLATFORM:
            reason = f"one invocation has more than {LOG_LIMIT:,} characters of log lines"
            yield Unreadable(event.path, event.line, event.message, reason, unplaced=True)
        else:
            present.add(event)

    def _leave(self, invocation: Invocation) -> Iterator[Execution | Unreadable]:
        request_id = invocation.request_id
        invocation.environment.running.pop(request_id, None)
        self._attempts[request_id] = invocation.attempt
        self._attempts.move_to_end(request_id)
        if len(self._attempts) > _REMEMBERED:
            self._attempts.popitem(last=False)
        if invocation.report is None:
            # A longer log will tell how it ended, and must not find half of it here already.
            for line in invocation.lines:
                placed = line.origin is LogStream.PLATFORM or line.level is not None or invocation.stream
                yield Unreadable(line.path, line.number, line.message, _NO_REPORT, unplaced=bool(placed))
            return
        execution, dated = invocation.execution(self._function, self._region, self._same)
        self.undated += not dated
        yield execution


def _of_a_runtime(event: LogEvent) -> bool:
    """Whether the line has the form that a Lambda runtime gives to what is logged."""
    return (
        log_errors.level_of(event.message, event.record) is not None
        or log_errors.failure_of(event.message, event.record) is not None
    )


def _of_nobody(event: LogEvent) -> Unreadable:
    understood = event.platform is not None or event.stream is not None or _of_a_runtime(event)
    return Unreadable(event.path, event.line, event.message, _OUTSIDE, unplaced=understood)
