"""What may be chosen about the local backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from faaslab.backends.local.host.machine import System


@dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """Limits of this machine, not of a function (those stand in its configuration)."""

    keep_alive_s: float = 300.0
    """An environment that was idle for so long is ended."""
    concurrency: int = 100
    """Invocations at once over all functions, as the account limit on Lambda; more are throttled."""
    scaling_rate: int = 1000
    """New environments that a function may get in 10 seconds, refilled all the time; more are throttled."""
    init_timeout_s: float = 10.0
    """Lambda's limit for the init phase; what takes longer is run again inside the invocation."""
    log_limit_bytes: int = 4 * 1024 * 1024
    """Log bytes kept of one invocation; what is above is counted and dropped."""
    freeze: bool = True
    """Stop an environment between its invocations, background threads included, as Lambda does."""
    memory: Literal["auto", "cgroup", "watch", "off"] = "auto"
    """How the memory limit is held: a memory cgroup, a look at the processes every few milliseconds."""
    system: System = "auto"
    """What of this system is used; `portable`: only what every POSIX system has, as on macOS."""
    runtime_client: Literal["auto", "official", "ours"] = "auto"
    """AWS's awslambdaric, or faaslab's own client where that cannot be had (its wheels are for Linux)."""
    network: bool = True
    """False: functions reach nothing but the Runtime API; where that cannot be held, nothing runs."""
    cpu: bool = False
    """Give an environment the share of the CPU that its memory stands for, where a cpu cgroup can be made."""
    sandbox: Literal["auto", "on", "off"] = "auto"
    """Run environments in bubblewrap: when it works here, always, or never."""
    own_interpreter: bool = False
    """Run a Python runtime that is not installed here on the interpreter that runs faaslab."""
    kernel_packages: bool = False
    """Let Python functions import all that is installed for their interpreter, which Lambda has not."""
    templates: Literal["auto", "on", "off"] = "auto"
    """Which Python functions are forked from a process that has imported their modules: those that name any
    to `preload`, all (what their source imports at its top), none. Linux only. With `sandbox` auto they run
    outside of it."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for every function, below the function's own."""
    pip_arguments: tuple[str, ...] = ()
    """Added to `pip install` of a function's requirements, such as `--no-index`."""
    submit_threads: int = 32
    """Background invocations (`submit`) that are driven at once; the others wait their turn."""
