"""The Lab joins the parts: it hands what one neighbour gives to the next, one small file a service."""

from __future__ import annotations

from typing import Any


class Lab:
    """Functions, executions, monitoring, reports and the store of one project."""

    functions: Any
    executions: Any
    monitoring: Any
    reports: Any
    store: Any
