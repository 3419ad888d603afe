"""Finds and reads the price tables: data files with their sources and the month they were read in."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from faaslab.errors import InvalidValue, NotFound
from faaslab.monitoring.cost import PriceTable, table
from faaslab.monitoring.shipped import shipped


def read(name: str = "aws-lambda") -> PriceTable:
    """The shipped table of that name, or the table in a file of your own (a path that ends in .json)."""
    if name.endswith(".json"):
        return _read(Path(name).expanduser())
    folder = shipped("prices")
    known = () if folder is None else tuple(sorted(path.stem for path in folder.glob("*.json")))
    if folder is None or name not in known:
        raise NotFound("price table", name, known)
    return _read(folder / f"{name}.json")


@functools.lru_cache(maxsize=8)
def _read(path: Path) -> PriceTable:
    try:
        body = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidValue(f"the price table cannot be read: {error}", place=str(path)) from None
    return table(body, place=str(path))
