"""Where the data files that come with faaslab are: in a wheel inside the package, in a checkout around it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def shipped(what: str) -> Path | None:
    """The folder of `prices`, `events` or `notebooks`: in the installed package, else in the source tree."""
    package = Path(str(resources.files("faaslab")))
    in_tree = Path(what) if what == "notebooks" else Path("data") / what
    places = (package / "_shipped" / what, package.parents[1] / in_tree)
    return next((place for place in places if place.is_dir()), None)
