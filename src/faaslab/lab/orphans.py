"""Executions of workflows whose process is gone: the home of the store takes them up.

Rule: light, and nothing is begun in a store that was not used here, nor by a process that only looks: it
must have started something, wait for something, or be told to be the home. While executions run in other
processes the home looks now and then whether those are still there.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from faaslab.errors import Closed, FaaslabError

if TYPE_CHECKING:
    from faaslab.lab import Lab

LOG = logging.getLogger(__name__)
LOOK_S = 2.0


class Orphans:
    """Of one Lab; its thread runs at the home, and only while anything runs elsewhere."""

    def __init__(self, lab: Lab, *, by_itself: bool) -> None:
        """`by_itself`: what the setting `run_queue` says."""
        self._lab = lab
        self._by_itself = by_itself
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_home = False

    def resume(self) -> None:
        """Be the home, where there is none, if anything is to be taken up: this process does something."""
        if self._by_itself and not self._lab.home.here and self._there_are():
            self._lab.home.stand()

    def begin(self, epoch: int) -> None:
        """This process is the home."""
        del epoch
        self._is_home = True
        self._stopping.clear()
        self.look()

    def look(self) -> None:
        """Begin to look after what runs elsewhere, if anything does."""
        if not self._is_home or self._lab.closed or not self._there_are():
            return
        with self._guard:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="faaslab-orphans", daemon=True)
                self._thread.start()

    def end(self) -> None:
        """This process is the home no more. May be called twice."""
        self._is_home = False
        self._stopping.set()
        with self._guard:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _there_are(self) -> bool:
        """Whether executions of this user run that are not of this process."""
        with suppress(FaaslabError, OSError):
            if self._lab.asynchronous.is_used_here():
                return self._lab.store.workflows.runs_elsewhere(self._owner())
        return False

    def _owner(self) -> str:
        return self._lab.workflows.runs.owner if self._lab.uses_workflows else ""

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._lab.workflows.resume()
            except Closed:
                break
            except Exception:
                LOG.exception("executions of workflows could not be taken up")
            with self._guard:
                if not self._there_are():
                    self._thread = None
                    return
            self._lab.clock.wait(self._stopping, LOOK_S)
        with self._guard:
            self._thread = None
