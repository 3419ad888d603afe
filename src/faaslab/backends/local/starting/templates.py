"""Templates: processes that have imported what functions need, so that an environment begins as their fork.

Rule: a template never stands in anybody's way. While there is none, when it died, or when it cannot be used,
a new process is started as ever; one is made only after a function was started that way. What was forked
belongs to its environment alone: it lives on when its template dies, and only its exit code is then unknown.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.host.trees import LinuxTrees
from faaslab.backends.local.host.unfollowed import unfollowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.backends.local.host.processes import Keeper
    from faaslab.backends.local.runtimes.programs import Warm
    from faaslab.clock import Clock

_SCRIPT = Path(__file__).with_name("template_script.py")
_ANSWER_S = 5
_MOST = 8
"""Templates at once: each holds what it imported, 10 to 100 MB."""
_IMPORTS_S = 60
_ROOM_FOR_MARK = "x" * 160


class ForkedChild:
    """A child of a template, seen through its pidfd, which no other process can take over."""

    method = "fork"
    started = True
    contained = False

    def __init__(self, template: Template, pid: int, watch: int) -> None:
        self._template = template
        self._watch = watch
        self._code: int | None = None
        self.pid = self.worker = pid

    def exited(self) -> bool:
        """Whether it has ended; it is not reaped here."""
        return self._watch < 0 or _ended(self._watch, 0)

    def kill(self) -> None:
        """Kill its session."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit code; 0 when its template is gone, which alone could tell."""
        if self._watch >= 0:
            _ended(self._watch, None)
            self._code = self._template.reap(self.pid)
            self.abandon()
        return self._code or 0

    def abandon(self) -> None:
        """Let go of it."""
        if self._watch >= 0:
            os.close(self._watch)
            self._watch = -1


def _ended(watch: int, timeout_ms: int | None) -> bool:
    # A poll object is for one thread at a time, and whoever ends a map asks from another one.
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    return bool(poll.poll(timeout_ms))


class Template:
    """One template process."""

    def __init__(self, warm: Warm, folder: Path, keeper: Keeper) -> None:
        """Start it. Raises OSError when no process can be started."""
        self._warm = warm
        self._folder = folder
        self._keeper = keeper
        self._lock = threading.Lock()
        self.children: set[int] = set()
        self.used_at = 0.0
        self.gone = False
        self.modules: frozenset[str] = frozenset()
        """The modules that a child of it would not import anew, by their first name."""
        folder.mkdir(mode=0o700, parents=True)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs, unfollowed():
                self._process = subprocess.Popen(
                    [warm.interpreter, *warm.options, str(_SCRIPT), str(theirs.fileno())],
                    # `_ROOM_FOR_MARK`: a child writes its own mark there.
                    env={
                        **dict(warm.variables),
                        "HOME": str(folder),
                        "TMPDIR": str(folder),
                        "AWS_LAMBDA_LOG_STREAM_NAME": _ROOM_FOR_MARK,
                    },
                    cwd="/",
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                )
        except BaseException:
            self._control.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self.pid = self._process.pid
        keeper.add(self.pid, folder=folder)

    def prepare(self) -> str | None:
        """Wait for its imports; why it cannot be used, or None. Raises OSError, ValueError, EOFError."""
        warm = self._warm
        self._wait_at_most(_IMPORTS_S)
        told = {"path": warm.path, "last": warm.last, "modules": warm.modules}
        self._control.send(json.dumps(told).encode())
        state = json.loads(self._answer())
        self._wait_at_most(_ANSWER_S)
        self.modules = frozenset(state["modules"])
        if state["threads"]:
            return "an imported module starts threads, which a fork would not have"
        if state["descriptors"]:
            return "an imported module keeps files open, which forks would share"
        return None

    def _wait_at_most(self, seconds: int) -> None:
        self._control.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", seconds, 0))

    def _answer(self) -> bytes:
        data = self._control.recv(1 << 20)
        if not data:
            raise EOFError("the template has ended")
        return data

    def fork(self, order: Mapping[str, object], output: int, groups: tuple[Path, ...]) -> ForkedChild | None:
        """A child with what the order says, in these cgroups; None when the template has ended."""
        with self._lock, contextlib.ExitStack() as opened:
            told = opened.enter_context(os.fdopen(os.memfd_create("faaslab-order"), "wb"))
            told.write(json.dumps(order).encode())
            told.flush()
            handed = [told.fileno(), output]
            for group in groups:
                with contextlib.suppress(OSError):
                    handed.append(opened.enter_context((group / "cgroup.procs").open("wb")).fileno())
            try:
                socket.send_fds(self._control, [b"fork"], handed)
                data, descriptors, _, _ = socket.recv_fds(self._control, 64, 1)
                pid = int(data)
            except (OSError, ValueError):
                self.gone = True
                return None
            self.children.add(pid)
            return ForkedChild(self, pid, descriptors[0])

    def reap(self, pid: int) -> int | None:
        """The exit code of a child that has ended; None when the template died before."""
        with self._lock:
            self.children.discard(pid)
            try:
                self._control.send(b"%d" % pid)
                return int(self._answer())
            except (OSError, ValueError, EOFError):
                self.gone = True
                return None

    def kill(self) -> None:
        """From any thread: end its process. Its children go on, but for one that nobody was told of."""
        self.gone = True
        if self._process.returncode is None:
            below = LinuxTrees()
            known = {pid for child in self.children for pid in (child, *below.below(child))}
            for pid in {self.pid, *below.below(self.pid)} - known:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and let go of what belongs to it; may be called twice."""
        with self._lock:
            # Not between the birth of a child and the moment when it is known.
            self.kill()
        self._keeper.remove(self.pid)
        self._process.wait()
        self._control.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def abandon(self) -> None:
        """In a forked child of ours: it is its owner's."""
        self._control.close()
        self._process.returncode = 0


class Templates:
    """The templates of a backend, by what they have imported."""

    def __init__(self, root: Path, keeper: Keeper, clock: Clock) -> None:
        self._root = root
        self._keeper = keeper
        self._clock = clock
        self._lock = threading.Lock()
        self._ready: dict[Warm, Template] = {}
        self._starting: dict[Warm, threading.Thread] = {}
        self._unfinished: set[Template] = set()
        self._useless: dict[Warm, str] = {}
        self._closed = False

    def usable(self, warm: Warm, own: frozenset[str]) -> Template | None:
        """A template for code that has modules of these names of its own; None when there is none now."""
        template = self._ready.get(warm)
        if template is None:
            return None
        if template.gone:
            self._drop(warm, template)
            return None
        if template.modules & own:
            return None
        template.used_at = self._clock.monotonic()
        return template

    def want(self, warm: Warm) -> None:
        """Have one for the next time; it is started beside whoever asks.

        When there are many already it takes the place of the one that was used least lately and has no
        children; when all have some there is none for it.
        """
        with self._lock:
            if self._closed or warm in self._ready or warm in self._starting or warm in self._useless:
                return
            ended = None
            if len(self._ready) + len(self._starting) >= _MOST:
                unused = [each for each, template in self._ready.items() if not template.children]
                if not unused:
                    return
                oldest = min(unused, key=lambda each: self._ready[each].used_at)
                ended = self._ready.pop(oldest)
            thread = threading.Thread(target=self._start, args=(warm,), name="faaslab-template", daemon=True)
            self._starting[warm] = thread
        if ended is not None:
            ended.close()
        thread.start()

    def await_all(self, timeout_s: float) -> None:
        """Wait for those that are just being started."""
        for thread in list(self._starting.values()):
            thread.join(timeout_s)

    def _start(self, warm: Warm) -> None:
        template, trouble = None, None
        try:
            template = Template(warm, self._root / os.urandom(8).hex(), self._keeper)
            self._unfinished.add(template)
            if not self._closed:
                trouble = template.prepare()
        except (OSError, ValueError, EOFError) as error:
            trouble = f"one could not be started: {error}"
        with self._lock:
            del self._starting[warm]
            self._unfinished = {each for each in self._unfinished if each is not template}
            if trouble is not None:
                self._useless[warm] = trouble
            elif template is not None and not self._closed:
                template.used_at = self._clock.monotonic()
                self._ready[warm] = template
                return
        if template is not None:
            template.close()

    def _drop(self, warm: Warm, template: Template) -> None:
        with self._lock:
            if self._ready.get(warm) is template:
                del self._ready[warm]
        template.close()

    def expire(self, now: float, keep_alive_s: float) -> None:
        """End those that nothing was forked from for so long and that have no children."""
        with self._lock:
            old = [
                (warm, template)
                for warm, template in self._ready.items()
                if not template.children and now - template.used_at >= keep_alive_s
            ]
        for warm, template in old:
            self._drop(warm, template)

    def describe(self) -> str:
        """How many there are, and why others are not used."""
        with self._lock:
            ready, troubles = len(self._ready), sorted({*self._useless.values()})
        return "; ".join((f"{ready} ready", *troubles))

    def close(self) -> None:
        """End all; may be called twice."""
        with self._lock:
            self._closed = True
            templates = list(self._ready.values())
            self._ready.clear()
            starting = list(self._starting.values())
            unfinished = list(self._unfinished)
        for template in templates:
            template.close()
        for template in unfinished:
            # Whoever waits for its imports sees its end, and closes it.
            template.kill()
        for thread in starting:
            thread.join()

    def abandon(self) -> None:
        """In a forked child of ours."""
        self._lock, self._closed = threading.Lock(), True
        for template in self._ready.values():
            template.abandon()
        self._ready, self._starting = {}, {}
