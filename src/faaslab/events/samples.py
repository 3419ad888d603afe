"""Events as each kind of trigger delivers them: read from JSON texts. Pure.

A sample is a document of three fields: `title` for people, `documented` (the address of AWS's page that
shows the shape) and `event`, which is what a function gets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from faaslab.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class SampleEvent:
    """An event to try a function with. `name` is the word for it, such as `s3`."""

    name: str
    title: str
    documented: str
    event: Any


def read(name: str, text: str) -> SampleEvent:
    """The sample that stands in a text; `InvalidValue` for one that is none."""
    try:
        body = json.loads(text)
        return SampleEvent(name=name, title=body["title"], documented=body["documented"], event=body["event"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidValue(f"this is no sample of an event: {error}", place=name) from None
