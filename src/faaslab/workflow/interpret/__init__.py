"""Decides what happens next in an execution: signals in, events and effects out. Pure.

`Run` is one execution; `StateTrial` is one state by itself, for TestState.
"""

from __future__ import annotations

from faaslab.workflow.interpret.run import Run
from faaslab.workflow.interpret.trial import Mock, StateTrial, Tried

__all__ = ["Mock", "Run", "StateTrial", "Tried"]
