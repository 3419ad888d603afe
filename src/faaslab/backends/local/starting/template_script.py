"""The template's own process: it has imported what functions need, and forks into environments.

Rule: run as a script by the interpreter of the functions, so it imports nothing of faaslab and is written for
Python 3.9. Only modules that were named are imported here, none of them a function's own; all else that an
environment is made of is read by the child from a descriptor that this process only hands on, so that no
secret of one environment is ever in the memory that another begins with.

Messages, one to a packet: what to import, answered by what is there now; `fork` with descriptors (what the
child is to be, what takes its output, the lists of its cgroups), answered by a pid and its pidfd; a
pid to reap, by its code.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import socket
import sys
import threading
import time
import types
from typing import Any

_LARGEST = 1 << 20
_MARK = b"AWS_LAMBDA_LOG_STREAM_NAME="


def _serve() -> tuple[int, int, list[str]] | None:
    """Fork when told; None in the template at its end, in a child its two descriptors and the path."""
    control = socket.socket(fileno=int(sys.argv[1]))
    told = json.loads(control.recv(_LARGEST))
    # The first entry is this file's own folder.
    path = sys.path[1:]
    sys.path[:] = [*told["path"], *path, *(folder for folder in told["last"] if folder not in path)]
    for name in told["modules"]:
        with contextlib.suppress(BaseException):
            # The function's own import will say what is wrong with it.
            importlib.import_module(name)
    gc.collect()
    # What is there now stays as it is, so that collections in the children do not copy its pages.
    gc.freeze()
    control.send(json.dumps(_state(control.fileno())).encode())
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 64, 8)
        if not data:
            return None
        if data != b"fork":
            _, status = os.waitpid(int(data), 0)
            control.send(b"%d" % os.waitstatus_to_exitcode(status))
            continue
        pid = os.fork()
        if not pid:
            control.detach()
            return descriptors[0], descriptors[1], path
        watch = os.pidfd_open(pid)
        socket.send_fds(control, [b"%d" % pid], [watch])
        for group in descriptors[2:]:
            # Entering a cgroup can wait for a grace period of the kernel, 10 ms: the child need not.
            with contextlib.suppress(OSError):
                os.write(group, b"%d" % pid)
        for descriptor in (watch, *descriptors):
            os.close(descriptor)


def _state(control: int) -> dict[str, Any]:
    """What an owner must know before it uses this template."""
    opened = 0
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        with contextlib.suppress(OSError):
            os.fstat(int(name))  # the folder's own descriptor is closed again
            opened += int(name) not in (0, 1, 2, control)
    return {
        "modules": sorted({name.partition(".")[0] for name in sys.modules}),
        "threads": threading.active_count() - 1,
        "descriptors": opened,
    }


def _become(told: int, output: int, path: list[str]) -> str:
    """Turn this child into the process that `Popen` would have made; what it is to run."""
    with open(told, "rb") as file:
        file.seek(0)
        order = json.load(file)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.dup2(1, order["output"])
    _carry(order["variables"])
    os.environ.clear()
    os.environ.update(order["variables"])
    time.tzset()
    os.chdir(order["cwd"])
    more = order["variables"].get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = ["", *filter(None, more), *path]
    sys.argv[:] = ["-c"]
    _randomise()
    bootstrap: str = order["bootstrap"]
    return bootstrap


def _carry(variables: dict[str, str]) -> None:
    """Put the environment's mark where others look for it: `/proc/PID/environ` shows how a process began."""
    wanted = _MARK + os.fsencode(variables.get("AWS_LAMBDA_LOG_STREAM_NAME", "")) + b"\0"
    try:
        with open("/proc/self/stat", "rb") as file:
            start, end = map(int, file.read().rpartition(b")")[2].split()[47:49])
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            block = memory.read(end - start)
            at = block.find(_MARK)
            room = block.find(b"\0", at) + 1 - at
            if at >= 0 and len(wanted) <= room:
                memory.seek(start + at)
                memory.write(wanted.ljust(room, b"\0"))
    except (OSError, ValueError):
        return


def _randomise() -> None:
    """State of its own for what a fork copies (`random`, `tempfile` and OpenSSL renew theirs themselves)."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    tempfile = sys.modules.get("tempfile")
    if tempfile is not None:
        vars(tempfile)["tempdir"] = None


def _main() -> None:
    ordered = _serve()
    if ordered is None:
        # Nothing that the modules registered for their end is the template's to do.
        os._exit(0)
    bootstrap = _become(*ordered)
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__dict__.update(__annotations__={}, __builtins__=__builtins__)
    exec(compile(bootstrap, "<string>", "exec"), main.__dict__)  # noqa: S102 - as `-c` does


if __name__ == "__main__":
    _main()
