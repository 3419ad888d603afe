"""Extensions of one environment: who registered, for what, and where each stands. Pure.

Rule: states, codes and words are those of Lambda's supervisor (RIE: `core/externalagent_states.go`,
`rapi/handler/agent*.go`). Nothing here knows a socket or a process: requests go in, answers come out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from faaslab.backends.local.api.runtime_replies import fault, rendered

MOST = 10
"""Extensions of a function, of both kinds."""
_ACCEPTED = rendered(202, b'{"status":"OK"}\n')
_NOT_ALLOWED = "State transition is not allowed"


class Answer(NamedTuple):
    """What a request is answered. `waits`: not yet, but with the next event."""

    data: bytes = b""
    waits: bool = False


@dataclass
class Extension:
    """One extension; the external ones are known before they register, by their files' names."""

    name: str
    identifier: str
    external: bool
    state: str = "Started"
    events: tuple[str, ...] = ()
    error_type: str | None = None
    """In its own words, where it told of an error."""
    ready_once: bool = False
    waiting: bool = False
    """A request of it is held until there is an event."""


@dataclass(kw_only=True)
class Registry:
    """All of them. `identifiers` gives random UUIDs."""

    facts: Mapping[str, str]
    """What a registration is told: functionName, functionVersion, handler, accountId."""
    identifiers: Any
    closed: bool = False
    """The init is over: nobody may come any more."""
    extensions: list[Extension] = field(default_factory=list)

    def expect(self, names: Sequence[str]) -> None:
        """External ones, which are about to be started."""
        for name in names:
            self.extensions.append(Extension(name, self.identifiers(), external=True))

    # --- requests ---------------------------------------------------------------------------------

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[Extension | None, Answer]:
        """Whose request it was, and the answer; header names are in lower case."""
        if path == "/2020-01-01/extension/register" and method == "POST":
            return self._register(headers, body)
        routes = {
            ("GET", "/2020-01-01/extension/event/next"): self._next,
            ("POST", "/2020-01-01/extension/init/error"): self._init_error,
            ("POST", "/2020-01-01/extension/exit/error"): self._exit_error,
        }
        route = routes.get((method, path))
        if route is None:
            known = path.startswith("/2020-01-01/extension/") and any(path == each for _, each in routes)
            return None, Answer(rendered(405, b"") if known else rendered(404, b"404 page not found\n"))
        extension, refusal = self.identified(headers)
        if extension is None:
            return None, refusal
        return extension, route(extension, headers)

    def identified(self, headers: Mapping[str, str]) -> tuple[Extension | None, Answer]:
        """Whose identifier it carries, or why that is nobody's."""
        given = headers.get("lambda-extension-identifier", "")
        if not given:
            return None, _refused(
                "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"
            )
        if len(given) != 36 or given.count("-") != 4:
            return None, _refused(
                "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"
            )
        for extension in self.extensions:
            if extension.identifier == given and extension.state != "Started":
                return extension, Answer()
        return None, _refused("Extension.UnknownExtensionIdentifier", f"Unknown extension {given}")

    def _register(self, headers: Mapping[str, str], body: bytes) -> tuple[Extension | None, Answer]:
        name = headers.get("lambda-extension-name", "")
        if not name:
            return None, _refused("Extension.InvalidExtensionName", "Empty extension name")
        try:
            told = json.loads(body)
            events = tuple(told.get("events") or ())
            if told.get("configurationKeys"):
                raise ValueError("configurationKeys are deprecated; use environment variables instead")
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            return None, _refused("InvalidRequestFormat", str(error))
        extension = next((each for each in self.extensions if each.name == name), None)
        external = extension is not None and extension.external
        for event in events:
            if event not in ("INVOKE", "SHUTDOWN"):
                return None, _refused("Extension.InvalidEventType", f"{event}: ErrorInvalidEventType")
            if event == "SHUTDOWN" and not external:
                return None, _refused(
                    "Extension.InvalidEventType",
                    "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
                )
        if extension is None or not external:
            if self.closed:
                return None, _refused("Extension.RegistrationClosed", "Extension registration closed already")
            if extension is not None:
                return None, _refused(
                    "Extension.InvalidExtensionState", "Extension with this name already registered"
                )
            if len(self.extensions) >= MOST:
                return None, _refused("Extension.TooManyExtensions", f"Extension limit ({MOST}) reached")
            extension = Extension(name, self.identifiers(), external=False)
            self.extensions.append(extension)
        elif extension.state != "Started":
            return None, _wrong(extension, "Registered", name)
        extension.events = events
        extension.state = "Registered"
        facts = {key: value for key, value in self.facts.items() if key != "accountId"}
        features = headers.get("lambda-extension-accept-feature", "").split(",")
        if "accountId" in (each.strip() for each in features):
            facts["accountId"] = self.facts["accountId"]
        reply = json.dumps(facts, separators=(",", ":")).encode()
        return extension, Answer(rendered(200, reply, f"Lambda-Extension-Identifier: {extension.identifier}"))

    @staticmethod
    def _next(extension: Extension, headers: Mapping[str, str]) -> Answer:  # noqa: ARG004
        if extension.state not in ("Registered", "Running"):
            return _wrong(extension, "Ready")
        extension.state = "Ready"
        extension.ready_once = True
        return Answer(waits=True)

    @staticmethod
    def _init_error(extension: Extension, headers: Mapping[str, str]) -> Answer:
        return _told_error(extension, headers, ("Registered",), "InitError")

    @staticmethod
    def _exit_error(extension: Extension, headers: Mapping[str, str]) -> Answer:
        return _told_error(extension, headers, ("Registered", "Ready", "Running"), "ExitError")

    # --- what the environment asks ----------------------------------------------------------------

    def registered(self) -> bool:
        """Whether every external one has registered, so that the runtime may be started."""
        return all(each.state != "Started" for each in self.extensions if each.external)

    def initialised(self) -> bool:
        """Whether every one has asked for its first event."""
        return all(each.ready_once for each in self.extensions)

    def done(self) -> bool:
        """Whether every one that got the invocation's event has asked for the next."""
        return all(each.state != "Running" for each in self.extensions)

    def subscribed(self, event: str) -> list[Extension]:
        """Those that wait for an event of that type."""
        return [each for each in self.extensions if event in each.events]

    def troubled(self) -> Extension | None:
        """One that told of an error of its own."""
        return next((each for each in self.extensions if each.error_type is not None), None)


def _told_error(
    extension: Extension, headers: Mapping[str, str], allowed: tuple[str, ...], state: str
) -> Answer:
    told = headers.get("lambda-extension-function-error-type", "")
    if not told:
        return _refused("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
    if extension.state == state:
        return Answer(_ACCEPTED)
    if extension.state not in allowed:
        return _wrong(extension, "Exited" if state == "ExitError" else state)
    extension.state, extension.error_type = state, told
    return Answer(_ACCEPTED)


def _refused(kind: str, message: str) -> Answer:
    return Answer(fault(403, kind, message))


def _wrong(extension: Extension, wanted: str, named: str | None = None) -> Answer:
    return _refused(
        "Extension.InvalidExtensionState",
        f"State transition from {extension.state} to {wanted} failed for extension "
        f"{named or extension.identifier}. Error: {_NOT_ALLOWED}",
    )


def event(identifier: str, **told: Any) -> bytes:
    """The answer to `event/next`. `told` as Lambda names it: eventType, deadlineMs and so on."""
    body = json.dumps(told, separators=(",", ":")).encode()
    return rendered(200, body, f"Lambda-Extension-Event-Identifier: {identifier}")
