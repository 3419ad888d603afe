"""Processes of ours that a debugger of this process does not follow.

Rule: debugpy (JupyterLab's debugger, an editor's) starts every Python below a debugged process under itself,
which an environment must not notice and the keeper would not survive. Whoever wants that asks with --attach.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


def unfollowed() -> AbstractContextManager[None]:
    """Within the body this thread starts processes as they are asked for."""
    monkey = sys.modules.get("_pydev_bundle.pydev_monkey")
    skip = None if monkey is None else getattr(monkey, "skip_subprocess_arg_patch", None)
    followed: AbstractContextManager[None] = contextlib.nullcontext() if skip is None else skip()
    return followed
