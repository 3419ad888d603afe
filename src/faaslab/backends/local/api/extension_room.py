"""Where an environment's extensions are served: a thread that exists only while there are extensions.

Rule: whoever drives the environment never waits for this thread with its lock held, and is woken through
`wake` when something changed. The thread also stands at the door: connections of the runtime go on to the
Runtime API.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
import uuid
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from faaslab.backends import system_records
from faaslab.backends.local.api import extension_states
from faaslab.backends.local.api.extension_client import Client
from faaslab.backends.local.api.extension_states import Registry
from faaslab.backends.local.api.logs import Entry, LogPipe
from faaslab.backends.local.api.runtime_api import foreign
from faaslab.backends.local.host.processes import exit_text

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence

    from faaslab.backends.local.api.runtime_api import RuntimeApi
    from faaslab.backends.local.starting.children import Child
    from faaslab.backends.system_records import Event

_LOOK_S = 0.25
"""Whoever speaks, hangs up or knocks is seen at once; this is for those that end without a word."""
_CLIENTS = 64


class Fault(NamedTuple):
    """What an extension did that ends the environment: its type in Lambda's words, and the text."""

    error_type: str
    text: str


class Room:
    """The extensions of one incarnation of an environment."""

    def __init__(
        self,
        api: RuntimeApi,
        facts: Mapping[str, str],
        *,
        subscribe: Callable[[str, str, bytes], bytes],
        forget: Callable[[int], None],
        log_limit_bytes: int,
    ) -> None:
        """`subscribe` answers a subscription to telemetry: extension, API, body.

        `forget` is told of a process that has ended, before it is reaped.
        """
        self._api = api
        self.lock = threading.RLock()
        self.registry = Registry(facts=facts, identifiers=lambda: str(uuid.uuid4()))
        self.children: dict[str, Child] = {}
        self._subscribe = subscribe
        self._forget = forget
        self._launch_fault: Fault | None = None
        self._clients: dict[int, Client] = {}
        self._doorstep: dict[int, socket.socket] = {}
        self._held: dict[str, Client] = {}
        self._pending: dict[str, bytes] = {}
        self._heard: deque[Entry] = deque()
        reading, self.output = os.pipe()
        os.set_blocking(reading, False)
        self._logs = LogPipe(reading, limit_bytes=log_limit_bytes)
        self._wake, self._bell = socket.socketpair()
        self._wake.setblocking(False)
        self._bell.setblocking(False)
        self._ended = False
        api.wake = self._wake
        self._thread = threading.Thread(target=self._serve, name="faaslab-extensions", daemon=True)
        self._thread.start()

    # --- external ones ----------------------------------------------------------------------------

    def launch(self, names: Sequence[str], start: Callable[[str], Child]) -> None:
        """Start the external ones; `start` raises OSError for one that cannot be started."""
        with self.lock:
            self.registry.expect(names)
        for name in names:
            try:
                self.children[name] = start(name)
            except OSError as error:
                said = f"fork/exec /opt/extensions/{name}: {(error.strerror or str(error)).lower()}"
                self._launch_fault = Fault("Extension.LaunchError", said)
                return

    def fault(self) -> Fault | None:
        """What an extension did that ends the environment, or None."""
        if self._launch_fault is not None:
            return self._launch_fault
        with self.lock:
            troubled = self.registry.troubled()
            if troubled is not None:
                kind = "Extension.InitError" if troubled.state == "InitError" else "Extension.ExitError"
                return Fault(kind, troubled.error_type or "")
        for name, child in self.children.items():
            if child.exited():
                code = self._reap(child)
                said = f"exit code {code}" if code >= 0 else f"signal: {exit_text(code).rpartition(': ')[2]}"
                self._launch_fault = Fault("Extension.Crash", said)
                with self.lock:
                    for each in self.registry.extensions:
                        if each.name == name:
                            each.state, each.error_type = "Crashed", "Extension.Crash"
                return self._launch_fault
        return None

    def _reap(self, child: Child) -> int:
        self._forget(child.pid)
        return child.wait()

    # --- what the environment asks ----------------------------------------------------------------

    def registered(self) -> bool:
        """Whether the runtime may be started."""
        with self.lock:
            return self.registry.registered()

    def initialised(self) -> bool:
        """Whether all have asked for their first event."""
        with self.lock:
            return self.registry.initialised()

    def done(self) -> bool:
        """Whether all are done with the invocation."""
        with self.lock:
            return self.registry.done()

    def described(self) -> tuple[Event, ...]:
        """Where each of them stands, as the platform says it."""
        with self.lock:
            return tuple(
                system_records.extension(
                    name=each.name, state=each.state, events=each.events, error_type=each.error_type
                )
                for each in self.registry.extensions
            )

    def close_registration(self) -> None:
        """The init is over."""
        with self.lock:
            self.registry.closed = True

    def tell(self, kind: str, **told: Any) -> None:
        """Give an event to all who subscribed to it; it waits for those that are not asking yet."""
        with self.lock:
            for extension in self.registry.subscribed(kind):
                if extension.state not in ("Ready", "Registered", "Running"):
                    continue
                data = extension_states.event(str(uuid.uuid4()), eventType=kind, **told)
                client = self._held.pop(extension.identifier, None)
                extension.state = "Running"
                if client is None or not client.write(data):
                    self._pending[extension.identifier] = data

    def take_logs(self) -> list[Entry]:
        """What the extensions have written since this was last asked."""
        taken = []
        with contextlib.suppress(IndexError):
            while True:
                taken.append(self._heard.popleft())
        return taken

    # --- its thread -------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._ended:
            poll = select.poll()
            waiting: dict[int, Any] = {
                self._logs.descriptor: self._logs,
                self._api.listener.fileno(): self._api,
            }
            waiting[self._bell.fileno()] = self._bell
            waiting |= dict(self._clients)
            waiting |= dict(self._doorstep)
            waiting.pop(-1, None)
            for descriptor in waiting:
                poll.register(descriptor, select.POLLIN)
            try:
                ready = poll.poll(_LOOK_S * 1000)
            except OSError:
                return
            for descriptor, _ in ready:
                what = waiting[descriptor]
                if what is self._logs:
                    self._hear()
                elif what is self._api:
                    self._answer_the_door()
                elif what is self._bell:
                    with contextlib.suppress(OSError):
                        self._bell.recv(4096)
                elif isinstance(what, socket.socket):
                    self._let_in(what)
                else:
                    self._listen(what)
            if not ready and any(child.exited() for child in list(self.children.values())):
                self.ring()

    def _nudge(self) -> None:
        """Wake the thread."""
        with contextlib.suppress(OSError):
            self._wake.send(b"x")

    def ring(self) -> None:
        """Wake whoever drives the environment."""
        with contextlib.suppress(OSError):
            self._bell.send(b"x")

    def _hear(self) -> None:
        self._logs.drain()
        entries, _ = self._logs.take()
        now = time.time_ns() // 1000
        self._heard.extend(each if each.micros is not None else each._replace(micros=now) for each in entries)

    def _answer_the_door(self) -> None:
        try:
            connection, _ = self._api.listener.accept()
        except OSError:
            return
        if len(self._doorstep) >= _CLIENTS:
            self._doorstep.pop(next(iter(self._doorstep))).close()
        # Whoever comes need not say at once what they want.
        self._doorstep[connection.fileno()] = connection

    def _let_in(self, connection: socket.socket) -> None:
        self._doorstep.pop(connection.fileno(), None)
        try:
            line = connection.recv(256, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            line = b""
        if foreign(line):
            self.visit(connection)
        elif line:
            self._api.offer(connection)
            self.ring()
        else:
            connection.close()

    def visit(self, connection: socket.socket) -> None:
        """A connection that is an extension's."""
        connection.setblocking(True)
        connection.settimeout(5)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self._clients) >= _CLIENTS:
            connection.close()
            return
        client = Client(connection)
        self._clients[connection.fileno()] = client
        if threading.current_thread() is not self._thread:
            # It has spoken already.
            self._nudge()
            return
        self._listen(client)

    def _listen(self, client: Client) -> None:
        requests = client.read()
        for method, path, headers, body in requests:
            with self.lock:
                self._handle(client, method, path, headers, body)
        if client.closed:
            self._clients.pop(client.descriptor, None)
            with self.lock:
                self._held = {key: each for key, each in self._held.items() if each is not client}
        if requests or client.closed:
            self.ring()

    def _handle(
        self, client: Client, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        apis = {"/2022-07-01/telemetry": "telemetry", "/2020-08-15/logs": "logs"}
        if method == "PUT" and path in apis:
            extension, refusal = self.registry.identified(headers)
            if extension is None:
                client.write(refusal.data)
            else:
                client.write(self._subscribe(extension.name, apis[path], body))
            return
        known, _ = self.registry.identified(headers)
        if known is not None and known.state == "Ready" and known.identifier not in self._held:
            # Its connection broke while it waited: it may ask again.
            known.state = "Running"
        extension, answer = self.registry.answer(method, path, headers, body)
        if not answer.waits or extension is None:
            client.write(answer.data)
            return
        pending = self._pending.pop(extension.identifier, None)
        if pending is not None:
            extension.state = "Running"
            client.write(pending)
        else:
            self._held[extension.identifier] = client

    # --- its processes ----------------------------------------------------------------------------

    def signal(self, number: signal.Signals) -> None:
        """To the sessions of all external ones that run."""
        for child in self.children.values():
            if not child.exited():
                with contextlib.suppress(OSError):
                    os.killpg(child.pid, number)

    def kill(self) -> None:
        """End all external ones."""
        for child in self.children.values():
            if not child.exited():
                child.kill()
            self._reap(child)

    def kill_those_not_subscribed(self) -> None:
        """Who did not ask to be told of a shutdown gets no time for it."""
        with self.lock:
            told = {each.name for each in self.registry.subscribed("SHUTDOWN")}
        for name, child in self.children.items():
            if name not in told and not child.exited():
                child.kill()

    def ended(self) -> bool:
        """Whether no external one runs any more."""
        return all(child.exited() for child in self.children.values())

    # --- its end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop serving and let go of everything; its processes were ended before. May be called twice."""
        if self._ended:
            return
        self._ended = True
        self._nudge()
        if self._thread is not threading.current_thread():
            self._thread.join()
        self._hear()
        self.let_go()

    def let_go(self) -> None:
        """Close what it holds, also in a forked child of ours, where there is no thread."""
        self._ended = True
        if self._api.wake is self._wake:
            self._api.wake = None
        for client in self._clients.values():
            client.close()
        for connection in self._doorstep.values():
            connection.close()
        self._doorstep = {}
        self._clients, self._held = {}, {}
        self._logs.close()
        if self.output >= 0:
            os.close(self.output)
            self.output = -1
        self._wake.close()
        self._bell.close()
