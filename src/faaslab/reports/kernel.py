"""A kernel of this very interpreter, whatever kernels are installed on the machine."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

if TYPE_CHECKING:
    import signal

_made: list[OwnKernelManager] = []


class OwnKernelManager(AsyncKernelManager):
    """Starts ipykernel with `sys.executable`, without history and without the user's start-up files."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        _made.append(self)

    @property
    def kernel_spec(self) -> KernelSpec:
        """Not looked up by name: a `python3` that someone installed may be another Python."""
        return KernelSpec(
            argv=[
                sys.executable,
                "-Xfrozen_modules=off",
                "-m",
                "ipykernel_launcher",
                "-f",
                "{connection_file}",
                "--HistoryManager.enabled=False",
            ],
            display_name="faaslab report",
            language="python",
        )


def tell_kernels(number: signal.Signals) -> None:
    """Send a signal to the kernel that this process has started, from whatever thread."""
    for manager in _made:
        pid = getattr(manager.provisioner, "pid", None)
        if pid is not None:
            with suppress(OSError):
                os.kill(pid, number)
