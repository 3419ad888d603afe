"""Programs of this machine may use the port, pages of a browser may not, nor may others without the token."""

import pytest

from faaslab.endpoint import guard
from faaslab.endpoint.credentials import Scope, scope
from faaslab.endpoint.guard import Guard
from faaslab.endpoint.messages import Fault

SIGNED = (
    "AWS4-HMAC-SHA256 Credential=AKID/20261126/eu-west-1/lambda/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=00"
)


@pytest.mark.parametrize(
    ("header", "query", "expected"),
    [
        (SIGNED, "", Scope("AKID", "lambda", "eu-west-1")),
        (SIGNED.replace(", ", ","), "", Scope("AKID", "lambda", "eu-west-1")),
        (
            "AWS4-ECDSA-P256-SHA256 Credential=AKID/20261126/s3/aws4_request, SignedHeaders=host, Signature=0",
            "",
            Scope("AKID", "s3", None),
        ),
        (
            "AWS4-HMAC-SHA256 SignedHeaders=host, Credential=AKID/20261126/us-east-1/s3/aws4_request, Signature=0",
            "",
            Scope("AKID", "s3", "us-east-1"),
        ),
        (
            "",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=local%2F20261126%2Fus-east-1%2Fs3%2Faws4_request",
            Scope("local", "s3", "us-east-1"),
        ),
        ("AWS AKID:c2lnbmF0dXJl", "", Scope("AKID", "s3", None)),
        ("", "AWSAccessKeyId=a%2Fb&Signature=x&Expires=1", Scope("a/b", "s3", None)),
        ("", "", None),
        ("Basic dXNlcjpwYXNz", "", None),
        ("AWS4-HMAC-SHA256 Credential=AKID/20261126/us-east-1/lambda", "", None),
        ("AWS4-HMAC-SHA256 Credential=" + "A" * 100_000, "", None),
        ("AWS4-HMAC-SHA256 " + "Credential" * 10_000, "", None),
    ],
)
def test_a_request_is_for_what_it_was_signed_for(header, query, expected):
    assert scope({"authorization": header}, query) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:4566", True),
        ("127.0.0.1", True),
        ("127.3.2.1:80", True),
        ("localhost:4566", True),
        ("LOCALHOST.", True),
        ("bucket.s3.localhost:4566", True),
        ("[::1]:4566", True),
        ("[::1]", True),
        ("", False),
        ("evil.example", False),
        ("evil.example:4566", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example:80", False),
        ("10.0.0.1", False),
        ("0.0.0.0:4566", False),
        ("notlocalhost", False),
        ("[::ffff:10.0.0.1]:80", False),
    ],
)
def test_only_names_of_the_loopback_are_answered_to(host, expected):
    assert guard.is_loopback(host) is expected


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"host": "127.0.0.1:1"}, None),
        ({"host": "localhost", "sec-fetch-site": "none"}, None),
        ({"host": "evil.example"}, "AccessDeniedException"),
        ({}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "origin": "http://evil.example"}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "origin": "null"}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "origin": "http://127.0.0.1:1"}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "sec-fetch-site": "cross-site"}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "sec-fetch-site": "same-origin"}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "user-agent": "Mozilla/5.0 (Macintosh)"}, "AccessDeniedException"),
        ({"host": "127.0.0.1:1", "user-agent": "Mozilla/5.0", "sec-fetch-site": "none"}, None),
        ({"host": "127.0.0.1:1", "user-agent": "Boto3/1.44.8 md/Botocore"}, None),
    ],
)
def test_a_page_cannot_drive_the_port(headers, code):
    assert _code(Guard(), headers, None) == code


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("sesame", None),
        ("Sesame", "UnrecognizedClientException"),
        ("sésame", "UnrecognizedClientException"),
        (None, "UnrecognizedClientException"),
    ],
)
def test_with_a_token_the_access_key_must_be_it(key, code):
    signed = Scope(key, "lambda", "us-east-1") if key else None
    assert _code(Guard(token="sesame"), {"host": "10.0.0.7:4566"}, signed) == code


def test_an_address_that_is_a_key_itself_needs_no_token_and_pages_stay_out():
    Guard(token="sesame").check({"host": "10.0.0.7:4566"}, None, has_key=True)
    for headers in ({"host": "10.0.0.7", "origin": "http://evil.example"},):
        with pytest.raises(Fault):
            Guard(token="sesame").check(headers, None, has_key=True)
    with pytest.raises(Fault):
        Guard().check({"host": "evil.example"}, None, has_key=True)


def test_a_token_keeps_pages_out_as_well():
    headers = {"host": "10.0.0.7", "origin": "http://evil.example"}
    assert _code(Guard(token="t"), headers, Scope("t", "s3", None)) == "AccessDeniedException"


def _code(admits, headers, signed):
    try:
        admits.check(headers, signed)
    except Fault as fault:
        return fault.code
    return None


@pytest.mark.parametrize(
    ("length", "code"),
    [
        ("0", None), ("100", None), ("101", "RequestEntityTooLargeException"), ("9" * 5000, "RequestEntityTooLargeException"),
        ("-1", "InvalidRequestContentException"), ("1e3", "InvalidRequestContentException"), ("²", "InvalidRequestContentException"),
    ],
)  # fmt: skip
def test_a_body_that_says_that_it_is_too_long_is_not_read(length, code):
    if code is None:
        guard.check_length({"content-length": length}, 100)
        return
    with pytest.raises(Fault) as told:
        guard.check_length({"content-length": length}, 100)
    assert told.value.code == code
