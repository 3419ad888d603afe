"""Whether the packages of the extra `cloud` are installed."""

from __future__ import annotations

import importlib.util

from faaslab.errors import MissingExtra

_NEEDED = ("moto", "flask", "flask_cors", "werkzeug")


def installed() -> bool:
    """Whether the embedded cloud can be started; loads nothing."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def require() -> None:
    """Raise `MissingExtra` where it cannot."""
    if not installed():
        raise MissingExtra(
            "the embedded cloud (S3, SQS, DynamoDB, …) is not installed",
            hint='pip install "faaslab[cloud]"',
        )
