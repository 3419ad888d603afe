"""The talk with a runtime client during one invocation: the event, its answer, and whatever else it says.

Rule: what a client says is judged as Lambda's supervisor judges it (RIE: `rapi/handler`, `core/states.go`).
An answer for another request, a second one, or one that nobody asked for gets its error and changes nothing;
asking again while an event is open gives the same event again; a connection that closes means nothing while
the process lives.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING, NamedTuple

from faaslab.backends.local.api import runtime_replies as replies
from faaslab.backends.local.api.connection import CLOSED, NEXT
from faaslab.backends.local.api.runtime_replies import ACCEPTED, RESPONSE_LIMIT, STREAM_LIMIT
from faaslab.backends.local.process import LAST_WORDS_S, TICK_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from faaslab.backends.local.api.connection import Request
    from faaslab.backends.local.api.extension_life import Extensions
    from faaslab.backends.local.api.extension_room import Room
    from faaslab.backends.local.api.logs import LogPipe
    from faaslab.backends.local.api.runtime_api import RuntimeApi
    from faaslab.backends.local.process import Process

_AT_ONCE_S = 0.0002
"""A function that answered within it will do so again: to sleep and be woken would cost its caller 40 us."""
_GIVES_WAY = hasattr(os, "sched_yield")
_HASTE_S = 0.2
"""So long after its connection closed, a process is looked at often: it is probably ending."""


class Reply(NamedTuple):
    """How an invocation ended: `response`, `error`, `too_large`, `timeout`, `exit`, `memory`, or `fault`.

    `phases` has `init` for one that failed, and `cancelled`, whose body tells when, besides.
    """

    kind: str
    body: bytes = b""
    error_type: str | None = None
    returncode: int = 0
    length: int | None = None
    """What a streamed response was in all, where `body` holds only its beginning."""
    limit: int = RESPONSE_LIMIT


class Dialogue:
    """One environment's talk. `kill` ends its process and gives the exit code."""

    def __init__(self, api: RuntimeApi, logs: LogPipe, kill: Callable[[], int]) -> None:
        self._api = api
        self._logs = logs
        self._kill = kill
        self.process: Process | None = None
        self.extensions: Extensions | None = None
        self._sink: Callable[[bytes, str | None], None] | None = None
        self.meanwhile: Callable[[], None] | None = None
        """Called now and then while somebody waits for an answer that does not come at once."""
        self.owes_next = False
        self.alone = False
        """Nothing else runs in this backend: whoever waits may do so awake for a moment."""
        self._at_once = False
        self._request_id = ""
        self._event = b""
        self._deadline = 0.0
        self._streamed = 0
        self._hasty_until = 0.0
        self._truncated = False

    # --- the event and its answer -----------------------------------------------------------------

    def send(self, event: bytes, request_id: str, deadline: float) -> None:
        """Give it the event, head and body in one, and let it run. A dead listener shows in the reply."""
        process = self.process
        assert process is not None
        if len(event) > 65536:
            # More than the socket holds: somebody must be reading.
            process.thaw()
        self.owes_next = True
        self._request_id = request_id
        self._event = event
        self._deadline = deadline
        assert self.extensions is not None
        if (room := self.extensions.room) is not None:
            room.signal(signal.SIGCONT)
        self._api.give(event, deadline)
        process.thaw()
        if process.fresh:
            # The init's memory belongs to the first invocation.
            process.fresh = False
        else:
            process.memory.reset()

    def await_reply(self) -> Reply:
        """Wait for the function's answer, its end, or the deadline that came with the event."""
        deadline, process = self._deadline, self.process
        if process is not None and process.near:
            request = self._api.look()
        else:
            began = time.perf_counter()
            request = self._awake(began) if self._at_once and self.alone and _GIVES_WAY else None
            if request is None:
                request = self._api.receive()
            self._at_once = time.perf_counter() - began < _AT_ONCE_S
        while True:
            if request is not None:
                reply = self._reply(request)
                if reply is not None:
                    return reply
            reply = self._trouble(deadline)
            if reply is not None:
                return reply
            self._api.wait(min(self._tick(), deadline - time.perf_counter()), self._logs.descriptor)
            request = self._api.look()

    def _awake(self, began: float) -> Request | None:
        """Look for an answer that is due now, and let everybody else have the processor before."""
        while (request := self._api.receive(socket.MSG_DONTWAIT)) is None:
            if time.perf_counter() - began >= _AT_ONCE_S:
                return None
            os.sched_yield()
        return request

    def answered(self) -> Reply | None:
        """The function's answer, if there is one already."""
        request = self._api.receive(socket.MSG_DONTWAIT)
        return None if request is None else self._reply(request)

    def _tick(self) -> float:
        if self._hasty_until and time.perf_counter() < self._hasty_until:
            return 0.001
        return TICK_S if self.process is None else self.process.tick

    def _reply(self, request: Request) -> Reply | None:
        """What a request of the runtime client means for the invocation; None when it does not end it."""
        kind = request.kind
        if kind == "response":
            if request.request_id != self._request_id:
                self._api.send(replies.INVALID_ID)
                return None
            if request.mode is not None:
                return self._stream_ended(request)
            if request.length > RESPONSE_LIMIT:
                self._api.send(replies.TOO_LARGE)
                return Reply("too_large")
            self._api.send(ACCEPTED)
            return Reply("response", request.body)
        if kind == "error":
            if request.request_id != self._request_id:
                self._api.send(replies.INVALID_ID)
                return None
            if request.length > RESPONSE_LIMIT:
                self._api.send(replies.TOO_LARGE)
                return Reply("too_large")
            self._api.send(ACCEPTED)
            return Reply("error", request.body, request.error_type)
        return self._unusual(request)

    def _unusual(self, request: Request) -> Reply | None:
        kind = request.kind
        if kind == "chunk":
            self._piece(request)
        elif request is CLOSED:
            self._hasty_until = time.perf_counter() + _HASTE_S
        elif request is NEXT:
            self._api.give(self._event, self._deadline)
        elif kind == "truncated":
            if request.request_id == self._request_id:
                self._hasty_until = time.perf_counter() + _HASTE_S
                self._truncated = True
        else:
            self._api.send(refused(request, replies.RUNNING))
        return None

    # --- streaming --------------------------------------------------------------------------------

    def stream_to(self, sink: Callable[[bytes, str | None], None] | None) -> None:
        """Where the pieces of a streamed response go as they come; None buffers it."""
        self._sink = sink
        self._streamed = 0

    def _piece(self, request: Request) -> None:
        if self._sink is not None and request.request_id == self._request_id:
            self._streamed += len(request.body)
            if self._streamed <= STREAM_LIMIT:
                self._sink(request.body, request.content_type)

    def _stream_ended(self, request: Request) -> Reply:
        """The end of a response that named a mode."""
        if request.mode != "streaming":
            self._api.send(replies.INVALID_MODE)
            return Reply("fault", b"Invalid function response mode", "Runtime.InvalidResponseModeHeader")
        streams = self._sink is not None
        if streams and not self._streamed and request.body:
            # It came whole: no piece of it was seen on its way.
            self._piece(request)
        self._streamed = 0
        limit = STREAM_LIMIT if streams else RESPONSE_LIMIT
        if request.length > limit:
            self._api.send(replies.TOO_LARGE)
            return Reply("too_large", limit=limit)
        self._api.send(ACCEPTED)
        if request.late_error is not None:
            kind, body = request.late_error
            return Reply("error", body, kind)
        return Reply("response", request.body[:RESPONSE_LIMIT], length=request.length)

    # --- what else may end it ---------------------------------------------------------------------

    def _trouble(self, deadline: float) -> Reply | None:
        """Whether the invocation must end for another reason than an answer; keeps the log pipe flowing."""
        self._logs.drain()
        if self.meanwhile is not None:
            self.meanwhile()
        process = self.process
        if process is not None and process.over_memory():
            self._truncated = False
            self._kill()
            return Reply("memory", returncode=-signal.SIGKILL)
        if time.perf_counter() >= deadline:
            self._truncated = False
            return Reply("timeout")
        room = None if self.extensions is None else self.extensions.room
        if room is not None and (fault := room.fault()) is not None:
            self._kill()
            return Reply("fault", fault.text.encode(), fault.error_type)
        if self._truncated and time.perf_counter() >= self._hasty_until:
            # Not because its process ended, which would be the better reason.
            self._truncated = False
            return Reply("fault", b"HTTP request detected as truncated", "Runtime.TruncatedResponse")
        if process is None or process.exited():
            # Its last answer may still be in the socket.
            while (request := self._api.look()) is not None and request is not CLOSED:
                reply = self._reply(request)
                if reply is not None:
                    return reply
            return self._ended()
        return None

    def _ended(self) -> Reply:
        process = self.process
        self._truncated = False
        if process is None:
            return Reply("exit")
        killed = process.out_of_memory()
        return Reply("memory" if killed else "exit", returncode=self._kill())

    def await_extensions(self, room: Room) -> Reply | None:
        """Wait until all extensions are done with the invocation; what ended it instead, if something did."""
        while True:
            fault = room.fault()
            if fault is not None:
                self._kill()
                return Reply("fault", fault.text.encode(), fault.error_type)
            if room.done():
                return None
            now = time.perf_counter()
            if now >= self._deadline:
                return Reply("timeout")
            request = self._api.look()
            if request is NEXT:
                self.owes_next = False
            elif request is not None and request is not CLOSED:
                self._late(request)
            else:
                self._logs.drain()
                if self.meanwhile is not None:
                    self.meanwhile()
                self._api.wait(min(TICK_S, self._deadline - now), self._logs.descriptor)

    # --- between invocations ----------------------------------------------------------------------

    def asked(self) -> bool:
        """Whether the runtime client has asked for the next event already."""
        if not self.owes_next:
            return True
        request = self._api.receive(socket.MSG_DONTWAIT)
        if request is NEXT:
            self.owes_next = False
            return True
        if request is not None and request is not CLOSED:
            self._late(request)
        return False

    def await_next(self) -> bool:
        """Wait until the runtime client asks for the next event; False when it does not within seconds."""
        if self.asked():
            return True
        process = self.process
        if process is not None:
            # It may have been stopped on its way to ask.
            process.thaw()
        request = self._api.receive()
        until = time.perf_counter() + LAST_WORDS_S
        while request is not NEXT:
            if request is not None and request is not CLOSED:
                self._late(request)
            elif process is None or process.exited() or time.perf_counter() >= until:
                return False
            self._api.wait(min(self._tick(), until - time.perf_counter()))
            request = self._api.look()
        self.owes_next = False
        return True

    def _late(self, request: Request) -> None:
        """A word of a client whose invocation is over."""
        if request.kind in ("chunk", "truncated"):
            return
        known = request.request_id == self._request_id
        if request.kind in ("response", "error") and not known:
            self._api.send(replies.INVALID_ID)
        else:
            self._api.send(refused(request, replies.RESPONSE_SENT))


def refused(request: Request, state: str) -> bytes:
    """The answer to a request that does not fit `state`."""
    wanted = {
        "response": replies.RESPONSE,
        "error": replies.ERROR_RESPONSE,
        "init_error": replies.INIT_ERROR,
    }.get(request.kind)
    if state == replies.RESTORING and request.kind == "restore_next":
        wanted = replies.READY
    # Without SnapStart the routes of a restore do not exist.
    return replies.NOT_FOUND if wanted is None else replies.invalid_transition(state, wanted)
