"""bubblewrap (`bwrap`) of this machine: found, tried once, and what runs in it.

Rule: a sandbox is a PID namespace of its own, so the end of its first process is the end of everything in it,
whatever a function forked. bwrap stands around that process and gives back how it ended.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from faaslab.backends.local.host.cgroups import PROCESSES
from faaslab.backends.local.host.trees import trees
from faaslab.backends.local.runtimes.programs import TMP
from faaslab.backends.local.starting.children import SpawnedChild
from faaslab.backends.local.starting.sandbox import ACCOUNTS, ETC, LIVE, TOP, Host, View, without_homes, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faaslab.backends.local.host.machine import Machine
    from faaslab.backends.local.runtimes.definition import Definition
    from faaslab.backends.local.starting.storage import Storage

INSTALL = "install it: apt install bubblewrap"
_TRIAL_S = 20
_END_MS = 2000


class Bubblewrap:
    """Makes the command line of a sandbox. `folder` keeps the small files that every sandbox sees."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self._machine = machine
        self._folder = folder
        self._lock = threading.Lock()
        self._tried = False
        self._fault: str | None = None
        self.program = ""
        self.host = Host(folders=(), links=(), etc=folder, live=())

    def fault(self) -> str | None:
        """Why there can be no sandbox here, in a few words; None when there can be. Found out once."""
        with self._lock:
            if not self._tried:
                self._fault = self._found()
                self._tried = True
            return self._fault

    def _found(self) -> str | None:
        program = shutil.which("bwrap") if self._machine.sandbox else None
        if not self._machine.sandbox:
            return "this system has no bubblewrap"
        if program is None:
            return f"bubblewrap is not installed ({INSTALL})"
        self.program = program
        self.host = _host(self._folder)
        memory = ("--perms", "1777", "--size", "1048576", "--tmpfs", TMP)
        view = View(folders=(), temporary=memory, directory="/")
        try:
            done = subprocess.run(
                (program, *words(self.host, view), "--", shutil.which("true") or "/bin/true"),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TRIAL_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            os.close(os.pidfd_open(os.getpid()))
        except (OSError, AttributeError, subprocess.TimeoutExpired) as error:
            return f"bubblewrap does not run here: {error}"
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            return f"bubblewrap does not run here: {said[-1] if said else f'exit status {done.returncode}'}"
        return None

    def command(
        self,
        definition: Definition,
        storage: Storage,
        variables: Mapping[str, str],
        *,
        block: int,
        information: int,
    ) -> tuple[list[str], dict[str, str]]:
        """All up to the command that is to run in it, and bwrap's own variables, which are handed on.

        It waits for the end of `block`. What the loader obeys (LD_PRELOAD) is not for bwrap.
        """
        program = definition.program
        needs = without_homes(program.needs, [Path.home()])
        folders = []
        if program.root is None:
            folders = [
                (definition.task_root, Path("/var/task")),
                *_opt(definition.opt, needs),
                (definition.runtime_root, Path("/var/runtime")),
            ]
        view = View(
            folders=tuple(folders),
            temporary=storage.words,
            needs=tuple(needs),
            root=program.root,
            directory=program.directory or "/var/task",
        )
        said = [*words(self.host, view), "--info-fd", str(information), "--block-fd", str(block)]
        handed = dict(variables)
        for name in [name for name in handed if name.startswith("LD_")]:
            said += ["--setenv", name, handed.pop(name)]
        return [self.program, *said, "--"], handed


def _opt(opt: Path, needs: Sequence[Path]) -> list[tuple[Path, Path]]:
    """The layers. An interpreter under /opt, as conda's may be, needs a place beside them."""
    if any(need.is_relative_to("/opt") for need in needs):
        return [(entry, Path("/opt") / entry.name) for entry in sorted(opt.iterdir())]
    return [(opt, Path("/opt"))]


def _host(folder: Path) -> Host:
    folders, links = [], []
    for name in TOP:
        path = Path("/") / name
        if path.is_symlink():
            links.append((str(path.readlink()), str(path)))
        elif path.is_dir():
            folders.append(path)
    sources = {name: Path("/etc") / name for name in ETC if (Path("/etc") / name).exists()}
    live = tuple((sources[name], name) for name in LIVE if name in sources)
    texts = {**ACCOUNTS, "hosts": _hosts()}
    return Host(
        folders=tuple(folders), links=tuple(links), etc=_etc_of(folder, sources, live, texts), live=live
    )


def _etc_of(
    folder: Path, sources: Mapping[str, Path], live: Sequence[tuple[Path, str]], texts: Mapping[str, str]
) -> Path:
    """The copies, made when there are none of what is there now."""
    looks = [(name, (found := path.stat()).st_mtime_ns, found.st_size) for name, path in sources.items()]
    etc = folder / hashlib.sha256(repr((looks, sorted(texts.items()))).encode()).hexdigest()[:16]
    if etc.is_dir():
        return etc
    made = folder / f"{etc.name}-{os.getpid()}-{os.urandom(4).hex()}"
    made.mkdir(parents=True)
    for name, path in sources.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        # What cannot be read here could not be read there.
        with contextlib.suppress(OSError, shutil.Error):
            if path.is_dir():
                shutil.copytree(path, made / name, symlinks=True, dirs_exist_ok=True)
            else:
                shutil.copyfile(path, made / name)
    for name, text in texts.items():
        (made / name).write_text(text, "utf-8")
    for _, name in live:
        # Something to mount it on.
        (made / name).touch()
    try:
        made.rename(etc)
    except OSError:
        # Another process was as quick.
        shutil.rmtree(made, ignore_errors=True)
    return etc


def _hosts() -> str:
    """This machine's names, and the one that extensions listen at for telemetry."""
    try:
        text = Path("/etc/hosts").read_text("utf-8", "replace")
    except OSError:
        text = "127.0.0.1 localhost\n"
    return f"{text.rstrip()}\n127.0.0.1 sandbox.localdomain sandbox\n"


class SandboxedChild(SpawnedChild):
    """bwrap around a process: its first process inside is `first`, as this machine numbers it."""

    contained = True

    def __init__(self, process: subprocess.Popen[bytes], machine: Machine, first: int | None) -> None:
        super().__init__(process, machine)
        self._below = trees(machine).below
        self._first = first
        self._worker: int | None = None
        self._lock = threading.Lock()
        self._handle = -1
        if first is not None:
            with contextlib.suppress(OSError):
                self._handle = os.pidfd_open(first)

    @property
    def started(self) -> bool:
        """Once bwrap has made the sandbox, its first process starts the command as its first child."""
        if self._worker is None and self._first is not None:
            self._worker = next(iter(self._below(self._first)), None)
        return self._worker is not None

    @property
    def worker(self) -> int:
        """The function's own process once it is there; before that what is to become its parent."""
        return self._worker if self.started and self._worker else self._first or self.pid

    def kill(self) -> None:
        """Kill the first process inside; the kernel kills the others, and bwrap reaps and ends."""
        with self._lock:
            if self._handle >= 0:
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    if not self.exited():
                        os.kill(self.pid, signal.SIGCONT)
            else:
                super().kill()

    def _gone(self, within_ms: int) -> bool:
        """Whether all inside ends within that time."""
        if self._handle < 0:
            return True
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        return bool(poll.poll(within_ms))

    def wait(self) -> int:
        """Its exit code; bwrap says a signal as 128 and its number. Then nothing is left inside."""
        if not self._gone(0 if self.exited() else _END_MS):
            # Whatever holds it up: no thread of ours waits for ever.
            super().kill()
        code = super().wait()
        with self._lock:
            if self._handle >= 0:
                # Also when bwrap itself was killed, and could not see to it.
                with contextlib.suppress(OSError):
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
                self._gone(_END_MS)
                os.close(self._handle)
                self._handle = -1
        return 128 - code if 128 < code <= 128 + signal.SIGRTMAX else code


def limits_processes() -> bool:
    """Whether RLIMIT_NPROC counts a sandbox's own processes: from Linux 5.14 on, and never for root.

    Before, all processes of a user would count.
    """
    return os.geteuid() != 0 and _kernel() >= (5, 14)


def limit_processes(first: int) -> None:
    """The limit of a sandbox, given to its first process before that starts another."""
    if limits_processes():
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(first, resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))


def _kernel() -> tuple[int, ...]:
    return tuple(int(word) for word in re.findall(r"\d+", os.uname().release)[:2])


def first_process(information: int) -> int | None:
    """What bwrap says of the process that it started; None when it could not."""
    said = b""
    while b"}" not in said:
        data = os.read(information, 4096)
        if not data:
            return None
        said += data
    return int(json.loads(said)["child-pid"])
