"""A keeper for when the owner of environments is killed, and how Lambda words the end of a process.

Rule: the keeper is told of every process before anything can happen to its owner. The parent-death signal is
of no use here: it follows the thread that started the child, and it needs code between fork and exec.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from faaslab.backends.local.host.machine import Machine, machine
from faaslab.backends.local.host.unfollowed import unfollowed

_SCRIPT = Path(__file__).with_name("keeper_script.py")


class Keeper:
    """A small process that outlives a killed owner just long enough to kill its environments."""

    def __init__(self, around: Machine | None = None) -> None:
        self._proc = (around or machine()).proc
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._known: dict[int, bytes] = {}
        self._closed = False

    def add(
        self, pid: int, *, folder: Path | None = None, groups: tuple[Path, ...] = (), mark: str = ""
    ) -> None:
        """Watch over the session that `pid` leads; with it go its folder and its cgroups."""
        words = (
            b"+%d" % pid,
            os.fsencode(folder) if folder else b"",
            mark.encode(),
            *map(os.fsencode, groups),
        )
        line = b"\t".join(words) + b"\n"
        with self._lock:
            self._known[pid] = line
            self._write(line)

    def remove(self, pid: int) -> None:
        """It ended; call this before it is reaped, while its number cannot be given to another."""
        with self._lock:
            if self._known.pop(pid, None) is not None:
                self._write(b"-%d\n" % pid)

    def _write(self, line: bytes) -> None:
        if self._closed:
            return
        for _ in range(2):
            if self._process is None:
                self._process = self._started()
                line = b"".join(self._known.values())
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(line)
                return
            except OSError:
                # Somebody killed the keeper: start another and tell it all.
                self._process.kill()
                self._process.wait()
                self._process.stdin.close()
                self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        with unfollowed():
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SCRIPT), *([] if self._proc else [_psutil_folder()])],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env={},
                start_new_session=True,
            )

    def close(self) -> None:
        """End it; whatever it still watches over is killed. May be called twice."""
        with self._lock:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()

    def abandon(self) -> None:
        """In a forked child: let go of the pipe, so that the keeper sees the real owner's end."""
        self._lock = threading.Lock()
        self._closed = True
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            process.returncode = 0


def _psutil_folder() -> str:
    spec = importlib.util.find_spec("psutil")
    return str(Path(spec.origin).parent.parent) if spec and spec.origin else os.devnull


def exit_text(returncode: int) -> str:
    """How Lambda words the end of a runtime process."""
    if returncode == 0:
        return "Runtime exited without providing a reason"
    if returncode > 0:
        return f"Runtime exited with error: exit status {returncode}"
    name = _SIGNALS.get(-returncode, f"signal {-returncode}")
    return f"Runtime exited with error: signal: {name}"


# Go's words, since Lambda's supervisor is written in Go.
_SIGNALS: dict[int, str] = {
    signal.SIGABRT: "aborted",
    signal.SIGALRM: "alarm clock",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGHUP: "hangup",
    signal.SIGILL: "illegal instruction",
    signal.SIGINT: "interrupt",
    signal.SIGKILL: "killed",
    signal.SIGPIPE: "broken pipe",
    signal.SIGQUIT: "quit",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
}
