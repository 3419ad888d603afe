"""What is kept of payloads and results: a setting, and redaction by JSON pointer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from faaslab.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator

REDACTED = "[redacted]"


@dataclass(frozen=True, kw_only=True)
class Capture:
    """`payloads`: keep the texts (`all`), only their lengths (`sizes`), or neither (`none`).

    `redact` are JSON pointers (RFC 6901) into payload and result; `*` stands for every member or item.
    What they point at is replaced before anything is written. A text that is not JSON is then not kept.
    """

    payloads: Literal["all", "sizes", "none"] = "all"
    redact: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.payloads not in ("all", "sizes", "none"):
            raise InvalidValue(
                f"payloads are captured as all, sizes or none, not {self.payloads!r}", place="capture"
            )
        for pointer in self.redact:
            if not pointer.startswith("/"):
                raise InvalidValue(
                    f"{pointer!r} is not a JSON pointer",
                    place="redact",
                    hint="write /user/email, or /users/*/email for every item",
                )

    def text(self, body: bytes) -> bytes | None:
        """What of `body` is written; None for nothing."""
        if self.payloads != "all":
            return None
        if not self.redact:
            return body
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return None
        for pointer in self.redact:
            value = _redacted(value, _steps(pointer))
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    def pointed(self, value: Any) -> list[Any]:
        """What the pointers of `redact` point at in a JSON value, as far as they find anything."""
        return [found for pointer in self.redact for found in _pointed(value, _steps(pointer))]


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _pointed(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        for item in value.values() if step == "*" else [value[step]] if step in value else []:
            yield from _pointed(item, rest)
    elif isinstance(value, list):
        if step == "*":
            for item in value:
                yield from _pointed(item, rest)
        elif step.isascii() and step.isdigit() and int(step) < len(value):
            yield from _pointed(value[int(step)], rest)


def _redacted(value: Any, steps: list[str]) -> Any:
    if not steps:
        return REDACTED
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        if step == "*":
            return {key: _redacted(item, rest) for key, item in value.items()}
        return {**value, step: _redacted(value[step], rest)} if step in value else value
    if isinstance(value, list):
        if step == "*":
            return [_redacted(item, rest) for item in value]
        if step.isascii() and step.isdigit() and int(step) < len(value):
            return [_redacted(item, rest) if i == int(step) else item for i, item in enumerate(value)]
    return value
