# ruff: noqa: INP001 - a folder for sys.path
"""SnapStart's hooks, for a function that registers some where AWS's package of this name is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hook = Callable[..., Any]
_before: list[tuple[Hook, tuple[Any, ...], dict[str, Any]]] = []
_after: list[tuple[Hook, tuple[Any, ...], dict[str, Any]]] = []


def register_before_snapshot(func: Hook, *args: Any, **kwargs: Any) -> Hook:
    """Call `func` before the snapshot is taken."""
    _before.append((func, args, kwargs))
    return func


def register_after_restore(func: Hook, *args: Any, **kwargs: Any) -> Hook:
    """Call `func` when an environment was restored from the snapshot."""
    _after.append((func, args, kwargs))
    return func


def get_before_snapshot() -> list[tuple[Hook, tuple[Any, ...], dict[str, Any]]]:
    """What was registered to run before, in the order of registration."""
    return _before


def get_after_restore() -> list[tuple[Hook, tuple[Any, ...], dict[str, Any]]]:
    """What was registered to run after, in the order of registration."""
    return _after
