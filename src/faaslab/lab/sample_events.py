"""The sample events that come with faaslab, by their names."""

from __future__ import annotations

import copy
import functools
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound, nearest
from faaslab.events import samples
from faaslab.monitoring.shipped import shipped

if TYPE_CHECKING:
    from faaslab.events.samples import SampleEvent


@functools.cache
def sample_events() -> tuple[SampleEvent, ...]:
    """All of them, by name. One that is put into their folder is among them."""
    folder = shipped("events")
    found = []
    for path in [] if folder is None else sorted(folder.glob("*.json")):
        try:
            text = path.read_text("utf-8")
        except (OSError, ValueError) as error:
            raise InvalidValue(f"the sample cannot be read: {error}", place=str(path)) from None
        found.append(samples.read(path.stem, text))
    return tuple(found)


def sample_event(name: str) -> Any:
    """The event that a trigger of that kind delivers, such as `s3` or `sqs`; a copy of your own.

    `NotFound` with the nearest name, or with all of them.
    """
    known = {sample.name: sample for sample in sample_events()}
    if name not in known:
        near = nearest(name, known)
        raise NotFound("sample event", name, known, hint=None if near else f"there are: {', '.join(known)}")
    return copy.deepcopy(known[name].event)
