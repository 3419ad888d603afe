"""How asynchronous invocations are configured, for each function and qualifier.

These settings belong to the function and not to a version of it, as on Lambda: changing them makes no new
version and they go with the function.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from faaslab.errors import InvalidValue, NotFound
from faaslab.model.asynchronous import EVENT_AGE_S, LEAST_EVENT_AGE_S, RETRIES, EventInvokeConfig
from faaslab.model.function import LATEST, Function, function_arn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faaslab.lab import Lab
    from faaslab.lab.definitions import Definition

SETTINGS = ("maximum_retry_attempts", "maximum_event_age_s", "on_success", "on_failure")
_ARN = re.compile(
    r"arn:aws[a-z-]*:(?P<service>[a-z0-9-]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<resource>\S+)"
)
_FUNCTION = re.compile(r"(?:function:)?(?P<name>[a-zA-Z0-9_-]{1,64})(?::(?P<qualifier>[$a-zA-Z0-9_-]+))?")
_SERVICES = ("lambda", "sqs", "sns", "events", "s3")


def taken(options: dict[str, Any]) -> dict[str, Any]:
    """The settings of this room among the options of a function, taken out of them."""
    return {name: options.pop(name) for name in SETTINGS if name in options}


def told(definition: Definition, *, changed: bool) -> Definition:
    """These settings make no version, so that they changed is said beside what a definition did."""
    if not changed or definition.change == "created":
        return definition
    notes = (*definition.notes, "how its asynchronous invocations are handled has changed")
    return dataclasses.replace(definition, notes=notes)


def service_of(arn: str) -> str:
    """`lambda`, `sqs`, `sns`, `events` or `s3`."""
    return arn.split(":")[2]


def target_function(arn: str) -> tuple[str, str | None]:
    """(name, qualifier) of a function's ARN."""
    found = _FUNCTION.fullmatch(arn.split(":", 5)[5])
    assert found is not None
    return found["name"], found["qualifier"]


class EventInvokeConfigs:
    """`lab.asynchronous.configs`. A qualifier is a version or an alias; without one `$LATEST` is meant."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._store = lab.store
        self._generation: int | None = None
        self._known: dict[tuple[str, str], EventInvokeConfig | None] = {}

    def get(self, name: str, qualifier: str | None = None) -> EventInvokeConfig | None:
        """What was configured; None where all is Lambda's default."""
        generation = self._store.definitions.generation()
        if generation != self._generation:
            self._known, self._generation = {}, generation
        key = name, qualifier or LATEST
        if key not in self._known:
            self._known[key] = self._store.definitions.get(EventInvokeConfig, ":".join(key))
        return self._known[key]

    def effective(self, name: str, qualifier: str | None = None) -> EventInvokeConfig:
        """What holds: as configured, else Lambda's defaults."""
        return self.get(name, qualifier) or EventInvokeConfig(
            function=name, qualifier=qualifier or LATEST, updated_at=self._lab.clock.now()
        )

    def list(self, name: str) -> tuple[EventInvokeConfig, ...]:
        """All of one function."""
        return self._store.definitions.list(EventInvokeConfig, function=name)

    def put(self, name: str, qualifier: str | None = None, **settings: Any) -> EventInvokeConfig:
        """Configure it anew: what is not given has Lambda's default.

        `maximum_retry_attempts` 0 to 2, `maximum_event_age_s` 60 to 21600, `on_success` and `on_failure`: the
        name or ARN of a function, or the ARN of a standard queue, a topic, an event bus or (on_failure) a
        bucket.
        """
        return self._put(self._checked(name, qualifier, settings))

    def update(self, name: str, qualifier: str | None = None, **settings: Any) -> EventInvokeConfig:
        """Change what is given and leave the rest."""
        return self._put(self._checked(name, qualifier, self._kept(name, qualifier) | settings))

    def delete(self, name: str, qualifier: str | None = None) -> None:
        """Back to Lambda's defaults. Raises `NotFound` when nothing was configured."""
        self._store.definitions.delete(EventInvokeConfig, f"{name}:{qualifier or LATEST}")

    def checked(self, name: str, settings: Mapping[str, Any]) -> EventInvokeConfig:
        """As `put` would write it, for a function that may not be defined yet."""
        return self._checked(name, None, settings, exists=False)

    def changed(self, name: str, settings: Mapping[str, Any]) -> EventInvokeConfig:
        """As `update` would write it."""
        return self._checked(name, None, self._kept(name, None) | dict(settings), exists=False)

    def declare(self, wanted: EventInvokeConfig) -> bool:
        """Have it as a definition says, nothing where all is default; whether that changed anything."""
        present = self.get(wanted.function)
        if all(getattr(wanted, each) is None for each in SETTINGS):
            if present is None:
                return False
            self.delete(wanted.function)
            return True
        if present is not None and all(getattr(present, each) == getattr(wanted, each) for each in SETTINGS):
            return False
        self._put(wanted)
        return True

    def _kept(self, name: str, qualifier: str | None) -> dict[str, Any]:
        present = self.get(name, qualifier)
        return {} if present is None else {each: getattr(present, each) for each in SETTINGS}

    def _put(self, config: EventInvokeConfig) -> EventInvokeConfig:
        present = self._store.definitions.get(EventInvokeConfig, config.name)
        if present is None:
            return self._store.definitions.put(config, needs=((Function, config.function),))
        return self._store.definitions.put(config, expected_revision=present.revision_id, action="updated")

    def _checked(
        self, name: str, qualifier: str | None, settings: Mapping[str, Any], *, exists: bool = True
    ) -> EventInvokeConfig:
        unknown = [each for each in settings if each not in SETTINGS]
        if unknown:
            raise InvalidValue(f"there is no setting {unknown[0]!r}", hint=", ".join(SETTINGS))
        if exists:
            self._lab.functions.prepared(name, qualifier)
        return EventInvokeConfig(
            function=name,
            qualifier=qualifier or LATEST,
            maximum_retry_attempts=_whole("maximum_retry_attempts", settings, 0, RETRIES, "retries"),
            maximum_event_age_s=_whole(
                "maximum_event_age_s", settings, LEAST_EVENT_AGE_S, EVENT_AGE_S, "seconds"
            ),
            on_success=self._destination("on_success", name, settings),
            on_failure=self._destination("on_failure", name, settings),
            updated_at=self._lab.clock.now(),
        )

    def _destination(self, place: str, name: str, settings: Mapping[str, Any]) -> str | None:
        text = settings.get(place)
        if text in (None, "", "none"):
            return None
        found = _ARN.fullmatch(text) if isinstance(text, str) else None
        plain = (
            _FUNCTION.fullmatch(text if found is None else found["resource"])
            if isinstance(text, str)
            else None
        )
        if (found is None or found["service"] == "lambda") and plain is not None:
            return self._function(place, name, plain["name"], plain["qualifier"])
        services = _SERVICES if place == "on_failure" else _SERVICES[:-1]
        if found is None or found["service"] not in services or found["resource"].endswith(".fifo"):
            kinds = "a standard queue, a topic, an event bus" + (
                " or a bucket" if place == "on_failure" else ""
            )
            raise InvalidValue(
                f"{text!r} cannot be a destination",
                place=place,
                hint=f"the name of a function, or the ARN of a function, {kinds}",
            )
        return str(text)

    def _function(self, place: str, name: str, target: str, qualifier: str | None) -> str:
        if target == name:
            raise InvalidValue(
                "a function cannot be its own destination", place=place, hint="name another function"
            )
        try:
            function, _ = self._lab.functions.prepared(target, qualifier)
        except NotFound as error:
            raise InvalidValue(error.message, place=place, hint=error.hint or "define it first") from None
        arn = function_arn(target, function.region)
        return f"{arn}:{qualifier}" if qualifier else arn


def _whole(place: str, settings: Mapping[str, Any], low: int, high: int, unit: str) -> int | None:
    value = settings.get(place)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValue(f"{value!r} is not a whole number of {unit}", place=place)
    if not low <= value <= high:
        raise InvalidValue(f"{value} is out of range: {low} to {high} {unit}", place=place)
    return value
