"""What the states of an execution look like: a name, a hue and a mark for each. Data only.

The hues are those of the notebook's views, which give them to the same meanings.
"""

from __future__ import annotations

from typing import Literal, get_args

Standing = Literal["waiting", "running", "succeeded", "failed", "caught", "aborted"]
"""Where a state of an execution stands; `waiting` is one that was not entered."""

STANDINGS: tuple[Standing, ...] = get_args(Standing)
SAID: dict[Standing, str] = {
    "waiting": "Not started",
    "running": "In progress",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "caught": "Caught error",
    "aborted": "Aborted",
}
HUES: dict[Standing, str] = {
    "waiting": "#8a8f98",
    "running": "#3b82e6",
    "succeeded": "#1e9e58",
    "failed": "#dd3f3f",
    "caught": "#c98500",
    "aborted": "#5d6570",
}
BY_WEIGHT: tuple[Standing, ...] = ("running", "failed", "caught", "aborted", "succeeded")
"""Of several at the same time, the first one is what they are together."""
SAID_FIRST: tuple[Standing, ...] = ("succeeded", "caught", "failed", "aborted", "running")
"""The order in which counts of several are told."""
SIGNS: dict[Standing, str] = {
    "waiting": "·",
    "running": "…",
    "succeeded": "✓",
    "failed": "✗",
    "caught": "!",
    "aborted": "■",
}
"""Where there is only text."""
