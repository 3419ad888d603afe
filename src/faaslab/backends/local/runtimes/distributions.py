"""What is installed for the Python that runs faaslab, and which of it a list of requirements means.

Rule: all or nothing. Where one requirement, or one that it leads to, is not to be had here as pip would have
it, the answer is None and an installer does the whole. Nothing is imported; metadata is read, and read again
when an installer was there.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import importlib.metadata
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.metadata import Distribution

LAMBDA_BRINGS = (
    "awslambdaric", "simplejson", "snapshot_restore_py", "boto3", "botocore", "s3transfer", "jmespath",
    "python-dateutil", "six", "urllib3",
)  # fmt: skip
"""What a Python function finds on Lambda without naming it.

Source: Developer Guide, lambda-python (runtime-included SDK versions), and what those require.
"""
_METADATA = (".dist-info", ".egg-info")


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One distribution, as it stands in a folder of packages."""

    name: str
    version: str
    folder: Path
    entries: tuple[str, ...]
    """What belongs to it there, relative: `pandas`, `six.py`, `__pycache__/six.cpython-311.pyc`."""


State = tuple[tuple[str, int], ...]
"""The folders of packages on the path, and when an installer was there last."""


def brought_along() -> tuple[Installed, ...]:
    """What Lambda brings, as far as it is installed here."""
    return _brought_along(_state())


@functools.lru_cache(maxsize=1)
def _brought_along(state: State) -> tuple[Installed, ...]:
    found = [_found(name, state) for name in LAMBDA_BRINGS]
    read = [_installed(distribution) for distribution in found if distribution is not None]
    return tuple(each for each in read if each is not None)


def satisfying(requirements: Iterable[str]) -> tuple[Installed, ...] | None:
    """All that the requirements lead to, by name; None where pip has to see to them.

    That is: something is missing, of another version, editable or from an address; two share a folder of
    theirs; or a requirement is no name (a path, a URL).
    """
    return _satisfying(tuple(requirements), _state())


@functools.lru_cache(maxsize=64)
def _satisfying(requirements: tuple[str, ...], state: State) -> tuple[Installed, ...] | None:
    distributions = _closure(requirements, state)
    if distributions is None:
        return None
    found: dict[str, Installed] = {}
    owners: dict[str, str] = {}
    for name, distribution in sorted(distributions.items()):
        installed = _installed(distribution)
        if installed is None:
            return None
        for entry in installed.entries:
            if owners.setdefault(entry, name) != name:
                return None
        found[name] = installed
    return tuple(found.values())


@functools.lru_cache(maxsize=64)
def providing(module: str) -> str | None:
    """The package that a module here belongs to (`sklearn`: `scikit-learn`), if only one has it."""
    names = set(importlib.metadata.packages_distributions().get(module, ()))
    return names.pop() if len(names) == 1 else None


def _state() -> State:
    """A project that lies in the notebook's own folder is not installed, and not looked at."""
    found = []
    for entry in dict.fromkeys(sys.path):
        if Path(entry).name in ("site-packages", "dist-packages"):
            with contextlib.suppress(OSError):
                found.append((entry, Path(entry).stat().st_mtime_ns))
    return tuple(found)


def _closure(requirements: Sequence[str], state: State) -> dict[str, Distribution] | None:
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        waiting = [(Requirement(each), "") for each in requirements]
        found: dict[str, Distribution] = {}
        seen: set[tuple[str, str]] = set()
        while waiting:
            wanted, asked_by = waiting.pop()
            if wanted.marker is not None and not wanted.marker.evaluate({"extra": asked_by}):
                continue
            name = canonicalize_name(wanted.name)
            distribution = found.get(name) or _found(wanted.name, state)
            if wanted.url or distribution is None or not _is_plain(distribution):
                return None
            # pip, too, is content with a release candidate that is there. None: its metadata was cut off.
            version: str | None = distribution.version
            if version is None or not wanted.specifier.contains(version, prereleases=True):
                return None
            found[name] = distribution
            for extra in ("", *wanted.extras):
                if (name, extra) not in seen:
                    seen.add((name, extra))
                    waiting += [(Requirement(each), extra) for each in distribution.requires or ()]
    except (InvalidRequirement, ValueError, KeyError):
        return None
    return found


def _found(name: str, state: State) -> Distribution | None:
    finder = importlib.metadata.MetadataPathFinder()
    context = importlib.metadata.DistributionFinder.Context(name=name, path=[folder for folder, _ in state])
    return next(iter(finder.find_distributions(context)), None)


def _is_plain(distribution: Distribution) -> bool:
    """Whether it is what an index has under this name and version."""
    text = distribution.read_text("direct_url.json")
    if text is None:
        return True
    try:
        told = json.loads(text)
        editable = bool(told.get("dir_info", {}).get("editable"))
    except (ValueError, AttributeError):
        return False
    # conda's builds name the folder that they were built in.
    return not editable and (distribution.read_text("INSTALLER") or "").strip() == "conda"


def _installed(distribution: Distribution) -> Installed | None:
    metadata = Path(str(getattr(distribution, "_path", "")))
    entries = _entries(metadata, distribution)
    if entries is None:
        return None
    name: str = distribution.metadata["Name"]
    return Installed(name=name, version=distribution.version, folder=metadata.parent, entries=entries)


def _entries(metadata: Path, distribution: Distribution) -> tuple[str, ...] | None:
    """None where it is not known, a part of it is gone, or others have files in a folder of it."""
    folder = metadata.parent
    record = distribution.read_text("RECORD")
    if record is not None:
        paths = {row[0].replace("\\", "/") for row in csv.reader(record.splitlines()) if row}
    else:
        paths = set()
        for name in (distribution.read_text("top_level.txt") or "").split():
            paths |= {f"{name}/__init__.py"} if (folder / name).is_dir() else {f"{name}.py"}
    entries = {metadata.name} if metadata.name.endswith(_METADATA) else set()
    for path in paths:
        first, separator, rest = path.partition("/")
        if first in ("..", "", ".") or first.endswith((".pth", *_METADATA)):
            continue
        if first != "__pycache__":
            entries.add(first)
        elif separator and "/" not in rest and re.search(rf"\.{sys.implementation.cache_tag}\.pyc$", rest):
            # A module that is one file: without it, it would be compiled at each start.
            entries.add(path)
    modules = {entry for entry in entries if not entry.endswith(_METADATA)}
    for entry in modules:
        if not (folder / entry).exists():
            if entry.startswith("__pycache__/"):
                entries.discard(entry)
                continue
            return None
        if not _is_its_own(folder, entry, paths):
            return None
    return tuple(sorted(entries)) if modules else None


def _is_its_own(folder: Path, entry: str, paths: set[str]) -> bool:
    """A folder without `__init__.py` may be shared by several (a namespace package)."""
    if f"{entry}/__init__.py" in paths or not (folder / entry).is_dir():
        return True
    listed = {path.split("/")[1] for path in paths if path.startswith(f"{entry}/")}
    return all(path.name in listed or path.name == "__pycache__" for path in (folder / entry).iterdir())
