"""What the Extensions API answers, row by row (RIE's words)."""

import json

import pytest

from faaslab.backends.local.api.extension_states import Registry, event

ID = "00000000-0000-4000-8000-{:012d}"
FACTS = {"accountId": "000000000000", "functionName": "f", "functionVersion": "$LATEST", "handler": "a.b"}
REGISTER = ("POST", "/2020-01-01/extension/register")
NEXT = ("GET", "/2020-01-01/extension/event/next")
INIT_ERROR = ("POST", "/2020-01-01/extension/init/error")
EXIT_ERROR = ("POST", "/2020-01-01/extension/exit/error")
NAMED = {"lambda-extension-name": "ext"}
EVENTS = b'{"events": ["INVOKE", "SHUTDOWN"]}'
TOLD = {"lambda-extension-function-error-type": "Extension.Mine"}


@pytest.fixture
def registry():
    numbers = iter(range(1, 100))
    made = Registry(facts=FACTS, identifiers=lambda: ID.format(next(numbers)))
    made.expect(["ext"])
    return made


def asked(registry, route, headers=None, body=b""):
    """(status, headers, document) of the answer; (0, ...) when it waits."""
    _, answer = registry.answer(*route, headers or {}, body)
    if answer.waits:
        return 0, {}, None
    head, _, text = answer.data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    names = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), names, json.loads(text) if text.startswith(b"{") else text


def me(number=1, **more):
    return {"lambda-extension-identifier": ID.format(number), **more}


REFUSED = {
    "no name": (REGISTER, {}, EVENTS, "Extension.InvalidExtensionName", "Empty extension name"),
    "no JSON": (REGISTER, NAMED, b"{", "InvalidRequestFormat", "Expecting"),
    "a list": (REGISTER, NAMED, b"[]", "InvalidRequestFormat", ""),
    "old keys": (REGISTER, NAMED, b'{"configurationKeys": ["a"]}', "InvalidRequestFormat", "deprecated"),
    "unknown event": (REGISTER, NAMED, b'{"events": ["BOO"]}', "Extension.InvalidEventType", "BOO: ErrorInvalidEventType"),
    "internal shutdown": (
        REGISTER, {"lambda-extension-name": "inner"}, EVENTS, "Extension.InvalidEventType",
        "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension",
    ),
    "no identifier": (NEXT, {}, b"", "Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header"),
    "a bad identifier": (NEXT, {"lambda-extension-identifier": "x"}, b"", "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier"),
    "an unknown identifier": (NEXT, me(9), b"", "Extension.UnknownExtensionIdentifier", "Unknown extension " + ID.format(9)),
    "not registered": (NEXT, me(1), b"", "Extension.UnknownExtensionIdentifier", "Unknown extension " + ID.format(1)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name, registry):
    route, headers, body, kind, message = REFUSED[name]
    status, _, told = asked(registry, route, headers, body)
    assert status == 403
    assert list(told) == ["errorMessage", "errorType"]
    assert told["errorType"] == kind
    assert message in told["errorMessage"]


# Steps that were taken, the one that is judged, and the answer (0: it waits for an event).
READY = [("register",), ("next",)]
STATES = {
    "registered": ([], "register", 200, None),
    "twice": ([("register",)], "register", 403, "State transition from Registered to Registered failed for extension ext."),
    "first next": ([("register",)], "next", 0, None),
    "next while it waits": (READY, "next", 403, f"State transition from Ready to Ready failed for extension {ID.format(1)}."),
    "next after an event": ([*READY, ("run",)], "next", 0, None),
    "init error": ([("register",)], "init_error", 202, None),
    "init error twice": ([("register",), ("init_error",)], "init_error", 202, None),
    "init error too late": (READY, "init_error", 403, f"State transition from Ready to InitError failed for extension {ID.format(1)}."),
    "next after an init error": ([("register",), ("init_error",)], "next", 403, "from InitError to Ready"),
    "exit error": (READY, "exit_error", 202, None),
    "exit error while it runs": ([*READY, ("run",)], "exit_error", 202, None),
    "exit error twice": ([*READY, ("exit_error",)], "exit_error", 202, None),
    "next after an exit error": ([*READY, ("exit_error",)], "next", 403, "from ExitError to Ready"),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_where_it_stands_decides(name, registry):
    steps, judged, status, message = STATES[name]
    calls = {
        "register": (REGISTER, NAMED, EVENTS),
        "next": (NEXT, me(), b""),
        "init_error": (INIT_ERROR, me(**TOLD), b""),
        "exit_error": (EXIT_ERROR, me(**TOLD), b""),
    }
    for (step,) in steps:
        if step == "run":
            registry.extensions[0].state = "Running"
        else:
            asked(registry, *calls[step])
    found, _, told = asked(registry, *calls[judged])
    assert found == status
    if message is not None:
        assert told["errorType"] == "Extension.InvalidExtensionState"
        assert message in told["errorMessage"]
        assert told["errorMessage"].endswith("Error: State transition is not allowed")


def test_a_registration_is_told_of_the_function(registry):
    status, headers, told = asked(registry, REGISTER, NAMED, EVENTS)
    assert (status, headers["Lambda-Extension-Identifier"]) == (200, ID.format(1))
    assert told == {"functionName": "f", "functionVersion": "$LATEST", "handler": "a.b"}
    inner = {"lambda-extension-name": "inner", "lambda-extension-accept-feature": "other, accountId"}
    _, headers, told = asked(registry, REGISTER, inner, b'{"events": ["INVOKE"]}')
    assert headers["Lambda-Extension-Identifier"] == ID.format(2)
    assert told == FACTS


def test_an_error_needs_its_type(registry):
    asked(registry, REGISTER, NAMED, EVENTS)
    for route in (INIT_ERROR, EXIT_ERROR):
        status, _, told = asked(registry, route, me())
        assert (status, told["errorType"]) == (403, "Extension.MissingHeader")


def test_ten_are_the_most_and_after_the_init_nobody_comes(registry):
    for number in range(9):
        assert asked(registry, REGISTER, {"lambda-extension-name": f"inner{number}"}, b"{}")[0] == 200
    *_, told = asked(registry, REGISTER, {"lambda-extension-name": "one more"}, b"{}")
    assert told == {
        "errorMessage": "Extension limit (10) reached",
        "errorType": "Extension.TooManyExtensions",
    }
    registry.closed = True
    *_, told = asked(registry, REGISTER, {"lambda-extension-name": "late"}, b"{}")
    assert told["errorType"] == "Extension.RegistrationClosed"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/2020-01-01/extension/register", 404),
        ("POST", "/2020-01-01/extension/event/next", 405),
        ("GET", "/2020-01-01/extension/elsewhere", 404),
    ],
)
def test_what_is_no_route(method, path, status, registry):
    assert asked(registry, (method, path))[0] == status


def test_an_event_is_lambdas():
    head, _, body = event("some-id", eventType="SHUTDOWN", shutdownReason="spindown", deadlineMs=5).partition(
        b"\r\n\r\n"
    )
    assert b"Lambda-Extension-Event-Identifier: some-id" in head
    assert body == b'{"eventType":"SHUTDOWN","shutdownReason":"spindown","deadlineMs":5}'
