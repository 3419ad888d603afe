"""The phases of one invocation in its environment: the init where it is due, then the invoke.

Rule: as Lambda does. An init has a limit of its own; when it fails it is run again inside the invocation, and
after a crash or a time-out it is part of the invocation from the start.

`run` is what a warm invocation waits for, with `Lab.functions.invoke` above it, `record.finished` and
`Store.record` behind it: some 25 system calls and 50 us of Python. Not to be added there: a thread or queue
between the caller and the socket, opening a file, a poll, a look at other processes, one more statement of
SQL, a dataclass made through its `__init__`, logging. A feature that is off costs one comparison. What a
caller waits for awake, and how long, is `Dialogue.await_reply`'s.
"""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from faaslab.backends import report_line, system_records
from faaslab.backends.local import record
from faaslab.backends.local.api.dialogue import Reply
from faaslab.backends.local.process import TICK_S
from faaslab.errors import Closed

if TYPE_CHECKING:
    import threading

    from faaslab.backends.local.environment import Environment
    from faaslab.backends.local.flight import Flight, Ids
    from faaslab.backends.local.settings import LocalSettings
    from faaslab.backends.local.started import Started
    from faaslab.model.execution import Execution

_SNAPSHOT_INIT_S = 130.0
_RESTORE_S = 10.0
"""For a restore with its after-restore hooks."""


class Phases:
    """Drives environments through invocations; the calling thread owns the environment meanwhile."""

    def __init__(self, settings: LocalSettings, closing: threading.Event, ids: Ids) -> None:
        self._settings = settings
        self._closing = closing
        self._ids = ids

    def run(self, environment: Environment, flight: Flight) -> Execution:
        """From the event to the finished Execution.

        The environment then still owes its next request; the next invocation waits for it, which is rarely
        any time at all, and not this one.
        """
        reply: Reply | None = None
        if environment.exited() or not environment.dialogue.await_next():
            reply = self._initialised(environment, flight)
        else:
            flight.begin(environment.timeout_s)
        if reply is None:
            self.give(environment, flight)
            return self.await_end(environment, flight)
        return self.end(environment, flight, reply, time.perf_counter())

    def give(self, environment: Environment, flight: Flight) -> None:
        """Give its runtime the event, and do what can be done while the function runs."""
        room = environment.extensions.room
        if room is not None:
            room.tell("INVOKE", **flight.told(environment.arn))
        environment.dialogue.send(flight.event(environment.arn), flight.request_id, flight.deadline)
        # From here to the answer everything is free: the function runs on another core.
        if environment.voice.plain:
            flight.say(report_line.start_line(flight.request_id, environment.definition.version))
        else:
            _say_start(environment, flight)
        self._ids.draw()

    def await_end(self, environment: Environment, flight: Flight) -> Execution:
        """Wait for what comes of an event that was given."""
        dialogue, room = environment.dialogue, environment.extensions.room
        reply = dialogue.await_reply()
        if room is not None and reply.kind in ("response", "error", "too_large"):
            if not environment.voice.plain:
                _say_runtime_done(environment, flight, reply)
            # The invocation is over when its extensions are done as well, within the same timeout.
            reply = dialogue.await_extensions(room) or reply
        return self.end(environment, flight, reply, time.perf_counter())

    def end(self, environment: Environment, flight: Flight, reply: Reply, ended: float) -> Execution:
        """The Execution of an invocation that ended just now; `ended` on `time.perf_counter`."""
        if ended - flight.began > 0.003 and environment.out_of_memory():
            environment.kill()
            reply = Reply("memory")
        environment.invocations += 1
        peak_mb = environment.peak_mb()
        if reply.kind == "timeout":
            environment.kill("timeout")
        elif reply.kind == "exit" and environment.cancelled.is_set():
            reply = Reply("cancelled")
        if self._closing.is_set() and reply.kind in ("exit", "init", "fault"):
            raise Closed("the local backend was closed while the function ran")
        return record.finished(environment, flight, reply, ended, peak_mb)

    def interrupted(self, environment: Environment, flight: Flight) -> Execution:
        """The Execution of an invocation that its own thread waits for no more."""
        ended = time.perf_counter()
        environment.invocations += 1
        peak_mb = environment.peak_mb()
        environment.kill()
        if not flight.began:
            flight.began = ended
        return record.finished(environment, flight, Reply("cancelled"), ended, peak_mb)

    def _initialised(self, environment: Environment, flight: Flight) -> Reply | None:
        """Run the init, as Lambda does: by itself first, and when that fails again inside the invocation."""
        environment.kill()
        environment.logs.take(last=True)
        definition = environment.definition
        timeout_s = definition.function.configuration.timeout_s
        if environment.cancelled.is_set():
            return _given_up(environment, flight, "before it began")
        flight.cold = True
        if environment.snaps:
            return self._restored(environment, flight)
        if environment.reset:
            # After a crash the init has no phase of its own: it counts as part of the invocation.
            flight.suppressed = True
            _say_init_start(environment, flight, "invoke")
        else:
            environment.reset = True
            _say_init_start(environment, flight, "init")
            started = environment.start(time.perf_counter() + self._settings.init_timeout_s)
            self._heard(environment, flight)
            _say_init_report(environment, flight, started, "init")
            if started.status == "ok" or environment.cancelled.is_set():
                flight.init_ms = round(started.ms, 3)
            if environment.cancelled.is_set():
                return _given_up(environment, flight, f"during its init, after {started.ms / 1000:.1f} s")
            if started.status == "ok":
                flight.begin(timeout_s)
                return None
        flight.begin(timeout_s)
        started = environment.start(flight.deadline)
        self._heard(environment, flight)
        if started.status == "ok":
            _say_init_report(environment, flight, started, "invoke")
            return None
        if started.returncode == -signal.SIGSEGV:
            # Lambda does not notice a segmentation fault in an init: the invocation runs into its time-out.
            if not environment.voice.json:
                said = "signal: segmentation fault"
                flight.say(report_line.fault_line(flight.request_id, said, "Runtime.ExitError"))
            while (
                left_s := flight.deadline - time.perf_counter()
            ) > 0 and not environment.cancelled.is_set():
                if self._closing.wait(min(left_s, TICK_S)):
                    break
            started = started._replace(status="timeout", error_type=None, ms=timeout_s * 1000.0)
        _say_init_report(environment, flight, started, "invoke")
        _say_start(environment, flight)
        if environment.cancelled.is_set():
            return Reply("cancelled", b"during its init")
        if started.status == "timeout":
            return Reply("timeout")
        kind, body = record.failed_init(flight, started)
        return Reply("init", body, kind)

    def _restored(self, environment: Environment, flight: Flight) -> Reply | None:
        """SnapStart: an init up to the snapshot, which costs the invocation nothing, and the restore.

        Both are not run again when they fail. On Lambda the init was when the version was published, and
        serves all environments; here every environment has its own.
        """
        timeout_s = environment.definition.function.configuration.timeout_s
        _say_init_start(environment, flight, "init")
        started = environment.start(time.perf_counter() + max(_SNAPSHOT_INIT_S, timeout_s))
        self._heard(environment, flight)
        _say_init_report(environment, flight, started, "init")
        if started.status == "ok":
            _say_restore_start(environment, flight)
            started = environment.restore(time.perf_counter() + _RESTORE_S)
            self._heard(environment, flight)
            flight.restore_ms = round(started.ms, 3)
            _say_restore_report(environment, flight, started)
        if environment.cancelled.is_set():
            return _given_up(environment, flight, "during its init")
        flight.begin(timeout_s)
        if started.status == "ok":
            return None
        _say_start(environment, flight)
        if started.status == "timeout":
            text = "Lambda couldn't restore the snapshot within the timeout limit."
            started = started._replace(error_type="SnapStartTimeoutException", text=text)
        kind, body = record.failed_init(flight, started)
        return Reply("init", body, kind)

    @staticmethod
    def _heard(environment: Environment, flight: Flight) -> None:
        """What an init wrote, and where its extensions stand."""
        flight.hear_extensions(environment.extensions)
        flight.hear(environment)
        for event in environment.extensions.said:
            flight.announce(environment.voice, event)


def _given_up(environment: Environment, flight: Flight, when: str) -> Reply:
    """It was cancelled before its function ran at all."""
    flight.begin(environment.timeout_s)
    _say_start(environment, flight)
    return Reply("cancelled", when.encode())


def _say_start(environment: Environment, flight: Flight) -> None:
    event = system_records.start(
        request_id=flight.request_id,
        arn=environment.arn,
        version=environment.definition.version,
        traced=flight.traced,
    )
    flight.announce(environment.voice, event)


def _say_runtime_done(environment: Environment, flight: Flight, reply: Reply) -> None:
    """Extensions wait for it, and for what the function wrote, before they are done themselves."""
    flight.hear(environment)
    event = system_records.runtime_done(
        request_id=flight.request_id,
        status="success" if reply.kind == "response" else "error",
        error_type=None if reply.kind == "response" else record.reported_type(reply.error_type),
        duration_ms=round((time.perf_counter() - flight.began) * 1000, 3),
        produced_bytes=len(reply.body) if reply.length is None else reply.length,
        traced=flight.traced,
    )
    flight.done_told = True
    flight.announce(environment.voice, event)


def _say_init_start(environment: Environment, flight: Flight, phase: str) -> None:
    environment.voice.recent.clear()
    definition = environment.definition
    event = system_records.init_start(
        text=definition.init_start,
        runtime_version=definition.program.label,
        runtime_version_arn=definition.runtime_version_arn,
        environment=environment.described,
        phase=phase,
    )
    flight.announce(environment.voice, event)


def _say_init_report(environment: Environment, flight: Flight, started: Started, phase: str) -> None:
    """What an init came to; a text log says it only of one that failed, or ended at a snapshot."""
    status = "success" if started.status == "ok" else started.status
    text = None
    if status != "success" or environment.snaps:
        told = None if status == "success" else status
        text = report_line.init_report_line(
            init_ms=started.ms, phase=phase, status=told, error_type=started.error_type
        )
    init_type = environment.init_type
    done = system_records.init_runtime_done(
        init_type=init_type, phase=phase, status=status, error_type=started.error_type
    )
    flight.announce(environment.voice, done)
    report = system_records.init_report(
        init_type=init_type,
        phase=phase,
        init_ms=started.ms,
        status=status,
        error_type=started.error_type,
        text=text,
    )
    flight.announce(environment.voice, report)


def _say_restore_start(environment: Environment, flight: Flight) -> None:
    definition = environment.definition
    label, arn = definition.program.label, definition.runtime_version_arn
    event = system_records.restore_start(
        text=report_line.restore_start_line(label, arn),
        runtime_version=label,
        runtime_version_arn=arn,
        environment=environment.described,
    )
    flight.announce(environment.voice, event)


def _say_restore_report(environment: Environment, flight: Flight, started: Started) -> None:
    status = "success" if started.status == "ok" else started.status
    done = system_records.restore_runtime_done(status=status, error_type=started.error_type)
    flight.announce(environment.voice, done)
    told = None if status == "success" else status
    report = system_records.restore_report(
        restore_ms=started.ms,
        status=status,
        error_type=started.error_type,
        text=report_line.restore_report_line(
            restore_ms=started.ms, status=told, error_type=started.error_type
        ),
    )
    flight.announce(environment.voice, report)
