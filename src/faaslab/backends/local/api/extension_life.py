"""The extensions of an environment through its incarnations: started before its runtime, told of its end.

Rule: where there are none this costs nothing: there is no room for them, no thread and no time at the end.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from faaslab.backends.local.api.extension_room import Room
from faaslab.backends.local.api.extension_states import MOST
from faaslab.backends.local.api.farewell import Party, farewell
from faaslab.backends.local.api.telemetry import Telemetry
from faaslab.backends.local.process import TICK_S
from faaslab.backends.local.started import Started

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from faaslab.backends.local.api.farewell import Reason
    from faaslab.backends.local.api.logs import Entry
    from faaslab.backends.local.api.runtime_api import RuntimeApi
    from faaslab.backends.local.process import Process
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.local.starting.children import Child
    from faaslab.backends.system_records import Event, Voice

    Launch = Callable[[str, int], Child]
    """Starts one by its name, its output into the descriptor; raises OSError."""


class Extensions:
    """Owned by whoever drives the environment."""

    def __init__(
        self,
        api: RuntimeApi,
        definition: Definition,
        voice: Voice,
        *,
        log_limit_bytes: int,
        forget: Callable[[int], None],
    ) -> None:
        """`forget` is told of a process that has ended, before it is reaped."""
        self._api = api
        self._definition = definition
        self._voice = voice
        self._log_limit = log_limit_bytes
        self._forget = forget
        self.room: Room | None = None
        """Where they are served, while there are any."""
        self.said: tuple[Event, ...] = ()
        """Where they stood at the end of the last init."""
        self.left: list[Entry] = []
        """What those wrote that have ended."""
        self.telemetry: Telemetry | None = None
        self._ending: Room | None = None
        self._bidden = False

    def start(self, launch: Launch, began: float, deadline: float) -> Started | None:
        """Start the external ones and wait until they have registered; how the init failed, if it did."""
        self.said = ()
        names = external_names(self._definition.opt)
        if not names:
            return None
        room = self._open()
        if len(names) > MOST:
            said = f"Extension limit ({MOST}) reached"
            return Started(0.0, "error", "Extension.TooManyExtensions", text=said)
        room.launch(names, lambda name: launch(name, room.output))
        while not room.registered():
            now = time.perf_counter()
            fault = room.fault()
            if fault is not None:
                return Started((now - began) * 1000, "error", fault.error_type, text=fault.text)
            if now >= deadline:
                return Started((now - began) * 1000, "timeout")
            self._api.wait(min(TICK_S, deadline - now))
            self._api.look()
        return None

    def _open(self) -> Room:
        function = self._definition.function
        facts = {
            "accountId": function.arn.split(":")[4],
            "functionName": function.name,
            "functionVersion": self._definition.version,
            "handler": function.handler,
        }
        self.telemetry = Telemetry(self._voice)
        self.room = Room(
            self._api,
            facts,
            subscribe=self.telemetry.subscribe,
            forget=self._forget,
            log_limit_bytes=self._log_limit,
        )
        return self.room

    def visited(self, connection: socket.socket, *, in_time: bool) -> None:
        """An extension calls: an internal one, where there was none before."""
        room = self.room or self._open()
        if not in_time:
            room.close_registration()
        room.visit(connection)

    def initialised(self) -> None:
        """The init is over."""
        if self.room is not None and self.telemetry is not None:
            self.telemetry.closed = True
            self.room.close_registration()
            self.said = (*self.telemetry.said, *self.room.described())

    def freeze(self) -> None:
        """Stop the external ones."""
        if self.room is not None:
            self.room.signal(signal.SIGSTOP)

    def take_logs(self) -> list[Entry]:
        """What they have written since this was last asked."""
        left, self.left = self.left, []
        return left if self.room is None else left + self.room.take_logs()

    # --- their end --------------------------------------------------------------------------------

    def party(self, process: Process | None) -> Party | None:
        """Who is to be told that it ends; that is done then, and not again in `end`."""
        if self.room is None:
            return None
        self._bidden = True
        if self.telemetry is not None:
            self.telemetry.urge()
        return Party(self.room, process)

    def end(self, process: Process | None, reason: Reason) -> bool:
        """Tell them, give them their time, and kill what is left; whether there were any.

        `close` follows when the runtime has ended too.
        """
        room, self.room = self.room, None
        if room is None:
            return False
        if self.telemetry is not None:
            self.telemetry.urge()
        if not self.said:
            self.said = room.described()
        if not self._bidden:
            farewell([Party(room, process)], reason)
        self._bidden = False
        room.kill()
        self._ending = room
        return True

    def close(self) -> None:
        """Let go of the room that has ended."""
        room, self._ending = self._ending, None
        telemetry, self.telemetry = self.telemetry, None
        if telemetry is not None:
            telemetry.close()
        if room is not None:
            room.close()
            self.left = room.take_logs()

    def abandon(self) -> None:
        """In a forked child: leave them to their owner."""
        room, self.room = self.room, None
        if room is not None:
            for child in room.children.values():
                child.abandon()
            room.let_go()


def external_names(opt: Path) -> list[str]:
    """The external extensions of a function: the files of `/opt/extensions`, in the order of their names."""
    try:
        with os.scandir(opt / "extensions") as found:
            return sorted(entry.name for entry in found if entry.is_file())
    except OSError:
        return []
