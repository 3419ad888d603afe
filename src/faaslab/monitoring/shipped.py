"""Where the data files that come with faaslab are: in a wheel inside the package, in a checkout around it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def shipped(what: str) -> Path | None:
    """The folder of `prices` or `notebooks`: in the installed package, else in the source tree around it."""
    package = Path(str(resources.files("faaslab")))
    in_tree = {"prices": Path("data") / "prices"}.get(what, Path(what))
    places = (package / "_shipped" / what, package.parents[1] / in_tree)
    return next((place for place in places if place.is_dir()), None)
