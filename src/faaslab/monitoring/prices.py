"""Finds and reads the price tables: data files with their sources and the month they were read in."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound
from faaslab.monitoring import cost, workflow_cost
from faaslab.monitoring.shipped import shipped

if TYPE_CHECKING:
    from faaslab.monitoring.cost import PriceTable
    from faaslab.monitoring.workflow_cost import WorkflowPrices


def read(name: str = "aws-lambda") -> PriceTable:
    """The shipped table of that name, or the table in a file of your own (a path that ends in .json)."""
    return _read(_path(name))


def read_workflows(name: str = "aws-step-functions") -> WorkflowPrices:
    """The same of Step Functions."""
    return _read_workflows(_path(name))


@functools.lru_cache(maxsize=8)
def _read(path: Path) -> PriceTable:
    return cost.table(_body(path), place=str(path))


@functools.lru_cache(maxsize=8)
def _read_workflows(path: Path) -> WorkflowPrices:
    return workflow_cost.table(_body(path), place=str(path))


def _path(name: str) -> Path:
    if name.endswith(".json"):
        return Path(name).expanduser()
    folder = shipped("prices")
    known = () if folder is None else tuple(sorted(path.stem for path in folder.glob("*.json")))
    if folder is None or name not in known:
        raise NotFound("price table", name, known)
    return folder / f"{name}.json"


def _body(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidValue(f"the price table cannot be read: {error}", place=str(path)) from None
