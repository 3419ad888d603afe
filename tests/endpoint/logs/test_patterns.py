"""Filter patterns: the examples of the CloudWatch Logs User Guide, and what is no pattern."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.endpoint.logs import patterns

EVENT = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "latency": 55.5,
        "a.b": {"c d": 1},
    }
)
COMPOUND = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [
            {"id": 2, "email": "John.Doe@example.com"},
            {"id": 3, "email": "Jane.Doe@example.com"},
        ],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)
APACHE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


def matches(pattern, message):
    """As the store and whoever asks it do together."""

    def has(term):
        return re.search(term.text, message) is not None if term.regex else term.text in message

    return (
        all(map(has, pattern.all_of))
        and not any(map(has, pattern.none_of))
        and (not pattern.any_of or any(map(has, pattern.any_of)))
        and (pattern.test is None or pattern.test(message))
    )


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "Exiting with ERRORCODE: -1", True),
        ("ERROR", "an error", False),
        ("ERROR REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("ERROR REQUEST", "[ERROR 419] MISSING ARGUMENTS", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "ERROR SERVER INTERNAL", False),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ('ERROR - "Exiting"', "Exiting with ERRORCODE: -1", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("-ERROR", "fine", True),
        ("?ERROR ?WARN", "WARN message", True),
        ("?ERROR ?WARN", "INFO message", False),
        ("?ERROR ?WARN REQUEST", "INFO REQUEST", True),  # optional terms count for nothing beside others
        (r'"say \"no\""', 'they say "no"', True),
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("%^[hc]at$%", "cat", True),
        ("%^[hc]at$%", "a cat", False),
        ("-%a{3,5}%", "aa", True),
        ('{ $.eventType = "UpdateTrail" }', EVENT, True),
        ("{ $.eventType = Update* }", EVENT, True),
        ("{ $.eventType = *Tr*l }", EVENT, True),
        ("{ $.eventType = *TR*l }", EVENT, False),
        ("{ $.sourceIPAddress != 123.123.* }", EVENT, True),
        ("{ $.sourceIPAddress != 111.* }", EVENT, False),
        ('{ $.arrayKey[0] = "value" }', EVENT, True),
        ("{ $.objectList[1].id = 2 }", EVENT, True),
        ("{ $.objectList[*].id = 2 }", EVENT, True),
        ("{ $.objectList[2].id = 2 }", EVENT, False),
        ("{ $.SomeObject IS NULL }", EVENT, True),
        ("{ $.SomeOtherObject IS NULL }", EVENT, False),
        ("{ $.SomeOtherObject NOT EXISTS }", EVENT, True),
        ("{ $.SomeObject NOT EXISTS }", EVENT, False),
        ("{ $.ThisFlag IS TRUE }", EVENT, True),
        ("{ $.ThisFlag is false }", EVENT, False),
        ("{ $.latency > 50 }", EVENT, True),
        ("{ $.latency >= 5.55e1 }", EVENT, True),
        ("{ $.latency < +10e-3 }", EVENT, False),
        ("{ $.eventType > 1 }", EVENT, False),
        ('{ $.["a.b"]["c d"] = 1 }', EVENT, None),
        ('{ $["a.b"]["c d"] = 1 }', EVENT, True),
        ("{ $.latency = * }", EVENT, True),
        ("{ $.gone = * }", EVENT, False),
        ("{ $.gone != 1 }", EVENT, False),
        ("{ $.arrayKey = 1 }", EVENT, False),
        ("{ $.arrayKey != 1 }", EVENT, False),
        ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', COMPOUND, True),
        ('{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }', COMPOUND, False),
        (
            '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no && $.actions[2] = no }',
            COMPOUND,
            True,
        ),
        (
            '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = no) && $.actions[2] = no }',
            COMPOUND,
            False,
        ),
        ("{ $.a = 1 }", "no { json", False),
        ("{ $.a = 1 }", '{"a": 1} and more', False),
        ("[ip, user, username, timestamp, request, status_code, bytes]", APACHE, True),
        ("[ip, user, username, timestamp, request, status_code]", APACHE, False),
        ("[..., status_code = 4*, bytes]", APACHE, True),
        ("[..., request=*.html*, status_code=4*,]", APACHE, True),
        ("[ip, user, ...]", APACHE, True),
        ("[ip, user, ..., status_code, bytes > 2000]", APACHE, False),
        ("[ip, user, username = frank, ...]", APACHE, True),
        ("[..., status_code = 4* && status_code != 403, bytes]", APACHE, True),
        ("[..., status_code = 4* && status_code != 404, bytes]", APACHE, False),
        ("[w1=ERROR || w1=WARN, w2]", "WARN message", True),
        ("[w1=ERROR || w1=WARN, w2]", "INFO message", False),
        ("[w1=!ERROR&&w1=!WARN, w2]", "INFO message", True),
        ('[timestamp = "10/Oct*", ...]', APACHE, False),
        ('[..., timestamp = "10/Oct*", request, status_code, bytes]', APACHE, True),
    ],
)
def test_a_message_matches(pattern, message, expected):
    if expected is None:
        with pytest.raises(patterns.Malformed):
            patterns.read(pattern)
    else:
        assert matches(patterns.read(pattern), message) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "a:b",
        '"open',
        "%(group)%",
        "%[%",
        "%open",
        "{",
        "{ }",
        "{ $.a }",
        "{ $.a = }",
        "{ $.a = 1",
        "{ $.a = 1 } x",
        "{ $.a > b }",
        "{ $.a IS MAYBE }",
        "{ $.a = %x% }",
        "{ a = 1 }",
        "[",
        "[a",
        "[a, b] c",
        "[..., a, ...]",
        "[a > b]",
        "[a = 1 && b = 2]",
        "{ " + "(" * 200 + "$.a = 1" + ")" * 200 + " }",
        "x" * 1025,
    ],
)
def test_what_is_no_pattern_is_told(pattern):
    with pytest.raises(patterns.Malformed):
        patterns.read(pattern)


@given(st.text(alphabet='{}[]()$.*"%?-&|=!<> ,aIS1\\\n', max_size=60), st.text(max_size=60))
def test_a_pattern_is_read_or_refused_whatever_it_is(pattern, message):
    try:
        read = patterns.read(pattern)
    except patterns.Malformed:
        return
    assert matches(read, message) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "value", "message", "expected"),
    [
        ("ERROR", "1", "an ERROR", 1),
        ("{ $.latency = * }", "$.latency", EVENT, 55.5),
        ("{ $.latency = * }", "$.eventType", EVENT, None),
        ("{ $.latency = * }", "$.objectList[1].id", EVENT, 2),
        ("{ $.latency = * }", "$.gone", EVENT, None),
        ("[ip, user, username, timestamp, request, status_code=4*, bytes]", "$bytes", APACHE, 1534),
        ("[ip, ..., status_code > 1, bytes]", "$status_code", APACHE, 404),
        ("[ip, ..., bytes]", "$1", "1.5 a b", 1.5),
        ("{ $.a = * }", "$.a", '{"a": "1e999"}', None),
        ("ERROR", "many", "", "refused"),
        ("ERROR", "1e999", "", "refused"),
        ("ERROR", "$bytes", "", "refused"),
        ("[a, b]", "$c", "", "refused"),
        ("{ $.a = 1 }", "$.a b", "", "refused"),
    ],
)
def test_a_number_is_taken_out_of_a_message(pattern, value, message, expected):
    if expected == "refused":
        with pytest.raises(patterns.Malformed):
            patterns.number(pattern, value)
    else:
        assert patterns.number(pattern, value)(message) == expected
