"""Process trees: who belongs to an environment, stopping them, and a keeper for when their owner is killed.

Rule: an environment is a session of its own, so one signal reaches all of it; what left the session is found
by parentage and by the environment's mark. The parent-death signal is of no use here: it follows the thread
that started the child, and it needs code between fork and exec.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = "AWS_LAMBDA_LOG_STREAM_NAME"
"""Every process of an environment inherits this variable, and its value is unique."""

# Reads lines `+pid folder cgroup`, `-pid`; at the end of its input (we closed it, or were killed) it kills
# what is still listed. Its own session keeps a terminal's Ctrl-C away from it.
_KEEPER = r"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
known = {}
for line in sys.stdin.buffer:
    word, _, rest = line.rstrip(b"\n").partition(b"\t")
    if word[:1] == b"+":
        known[int(word[1:])] = rest.split(b"\t")
    else:
        known.pop(int(word[1:]), None)
def kill(pid, one=os.kill):
    try:
        one(pid, signal.SIGKILL)
    except OSError:
        pass
if known:
    import shutil, time
    parents, marks = {}, {rest[2]: pid for pid, rest in known.items() if rest[2]}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as file:
                    parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
                with open("/proc/%s/environ" % name, "rb") as file:
                    text = file.read()
            except (OSError, IndexError, ValueError):
                continue
            if any(b"AWS_LAMBDA_LOG_STREAM_NAME=" + mark + b"\0" in text for mark in marks):
                kill(int(name))
    doomed = set(known)
    while True:
        more = {pid for pid, parent in parents.items() if parent in doomed} - doomed
        if not more:
            break
        doomed |= more
    for pid, (folder, group, mark) in known.items():
        kill(pid, os.killpg)
    for pid in doomed:
        kill(pid)
    for pid, (folder, group, mark) in known.items():
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        for attempt in range(50 if group else 0):
            try:
                os.rmdir(group)
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.02)
"""


class Keeper:
    """A small process that outlives a killed owner just long enough to kill its environments."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._known: dict[int, bytes] = {}
        self._closed = False

    def add(self, pid: int, *, folder: Path | None = None, group: Path | None = None, mark: str = "") -> None:
        """Watch over the session that `pid` leads; with it go its folder and its cgroup."""
        line = b"+%d\t%s\t%s\t%s\n" % (
            pid,
            os.fsencode(folder) if folder else b"",
            os.fsencode(group) if group else b"",
            mark.encode(),
        )
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

    @staticmethod
    def _started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _KEEPER],
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


def children(pid: int) -> list[int]:
    """The living children of a process (Linux; elsewhere empty)."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def descendants(pid: int) -> list[int]:
    """All processes below one, however deep."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for child in children(waiting.pop()):
            found.append(child)
            waiting.append(child)
    return found


def marked(mark: str) -> list[int]:
    """Processes that carry the mark of an environment, also when they left its session (Linux)."""
    wanted = f"{MARK}={mark}".encode() + b"\0"
    found = []
    for name in _process_numbers():
        try:
            if wanted in Path(f"/proc/{name}/environ").read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found


def _process_numbers() -> Iterable[str]:
    try:
        return [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names, 300 of them
    except OSError:
        return []


def kill_tree(pid: int, mark: str = "") -> None:
    """Kill a session, and what left it; SIGKILL works on stopped processes as well."""
    below = descendants(pid)
    _signal(os.killpg, pid, signal.SIGKILL)
    for other in below:
        _signal(os.kill, other, signal.SIGKILL)
    if mark:
        for other in marked(mark):
            if other != os.getpid():
                _signal(os.kill, other, signal.SIGKILL)


def _signal(how: object, pid: int, number: int) -> None:
    assert callable(how)
    with contextlib.suppress(OSError):
        how(pid, number)


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
