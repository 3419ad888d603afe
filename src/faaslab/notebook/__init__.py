"""The notebook face: `%%faas`, `%faas`, and how the model looks in a cell."""

from __future__ import annotations

from typing import Any


def load(ipython: Any) -> None:
    """Register the magics, the completion and the formatters."""


def unload(ipython: Any) -> None:
    """Take them back."""
