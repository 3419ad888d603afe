"""A kernel of this very interpreter, whatever kernels are installed on the machine."""

from __future__ import annotations

import sys

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager


class OwnKernelManager(AsyncKernelManager):
    """Starts ipykernel with `sys.executable`, without history and without the user's start-up files."""

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
