"""What this machine's system offers to whoever runs processes: found out once, as one value.

Rule: nobody asks for the name of the system. Who needs something that only some systems have asks for that
thing here, and has another way where it is missing. So tests run the other way on Linux too.
"""

from __future__ import annotations

import functools
import os
import sys
from dataclasses import dataclass
from typing import Literal

System = Literal["auto", "portable"]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Each is True where the system has it; all False is what any POSIX system can do."""

    proc: bool = False
    """`/proc` tells of processes: parents, memory, variables (else psutil is asked, which is slower)."""
    cgroups: bool = False
    """Memory cgroups may be there; whether one may be made is found out by trying."""
    waitid: bool = False
    """A child's end can be seen without reaping it (macOS: from Python 3.13 on)."""
    timed_sockets: bool = False
    """A receive that gives up by itself: SO_RCVTIMEO takes Linux's `struct timeval`."""
    pipe_sizes: bool = False
    """A pipe can be made larger (F_SETPIPE_SZ)."""
    process_limits: bool = False
    """The limits of another process can be set (prlimit)."""
    sandbox: bool = False
    """There are namespaces, so bubblewrap can be tried."""
    fork_server: bool = False
    """Forking a process that imported much is safe; on macOS system libraries may break in the child."""


PORTABLE = Machine()


def machine(system: System = "auto") -> Machine:
    """This machine; with `portable`, as if it had nothing that is not everywhere."""
    return PORTABLE if system == "portable" else _found()


@functools.cache
def _found() -> Machine:
    linux = sys.platform == "linux"
    return Machine(
        proc=linux and os.path.isdir("/proc/self"),  # noqa: PTH112 - one look, before any Path
        cgroups=linux,
        waitid=hasattr(os, "waitid") and hasattr(os, "WNOWAIT"),
        timed_sockets=linux,
        pipe_sizes=linux,
        process_limits=linux,
        sandbox=linux,
        fork_server=linux,
    )
