"""Decides what happens next in an execution: signals in, events and effects out. Pure.

`Run` is one execution. `inspection` tries one state by itself.
"""

from __future__ import annotations

from faaslab.workflow.interpret.run import Run

__all__ = ["Run"]
