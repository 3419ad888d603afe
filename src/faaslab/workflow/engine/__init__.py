"""The engine of workflows: executions kept step by step, timers, children; it knows no store and no task."""

from faaslab.workflow.engine.engine import Engine
from faaslab.workflow.engine.handle import Handle
from faaslab.workflow.engine.signals import packed, unpacked

__all__ = ["Engine", "Handle", "packed", "unpacked"]
