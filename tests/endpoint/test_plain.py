"""What is an invocation in the plainest form, and what the server has to read itself."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faaslab.endpoint import plain
from faaslab.endpoint.guard import BODY_BYTES

TARGET = "/2015-03-31/functions/f/invocations"


def request(target=TARGET, *headers, method="POST", version="1.1", body=b""):
    lines = [f"{method} {target} HTTP/{version}", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def test_an_invocation_as_sdks_send_it_is_plain():
    data = request(
        f"{TARGET}?Qualifier=7",
        "Host: localhost:1",
        "X-Amz-Log-Type: Tail",
        "x-a: 1",
        "X-A: 2",
        "Content-Length: 3",
        body=b"123",
    )
    found = plain.head(data)
    assert (found.path, found.query, found.length, data[found.size :]) == (TARGET, "Qualifier=7", 3, b"123")
    assert found.headers == {
        "host": "localhost:1",
        "x-amz-log-type": "Tail",
        "x-a": "1,2",
        "content-length": "3",
    }


@pytest.mark.parametrize(
    "name", ["f", "f:prod", "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "%2e%2e"]
)
def test_any_name_is_plain(name):
    assert (
        plain.head(request(f"/2015-03-31/functions/{name}/invocations", "Host: h")).path.split("/")[3] == name
    )


@pytest.mark.parametrize(
    "headers", [(), ("Content-Length: 0",), ("Connection: keep-alive",), ("Connection: Keep-Alive",)]
)
def test_a_request_without_a_body_is_plain(headers):
    assert plain.head(request(TARGET, "Host: h", *headers)).length == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        plain.BEGINNING,
        request(TARGET, "Host: h")[:-1],
        request(TARGET, "Host: h", method="PUT"),
        request(TARGET, "Host: h", version="1.0"),
        request(TARGET, "Host: h", version="2.0"),
        request("/2015-03-31/functions/f/configuration", "Host: h"),
        request("/2015-03-31/functions/f/invocations/", "Host: h"),
        request("/2015-03-31/functions//invocations", "Host: h"),
        request("/2015-03-31/functions/a/b/invocations", "Host: h"),
        request("/2015-03-31/functions/f/invocations#x", "Host: h"),
        request("/2015-03-31/functions/" + "f" * 513 + "/invocations", "Host: h"),
        request(f"http://h{TARGET}", "Host: h"),
        request(TARGET, "Transfer-Encoding: chunked"),
        request(TARGET, "Transfer-Encoding: chunked", "Content-Length: 3"),
        request(TARGET, "Content-Length: 3", "Content-Length: 3"),
        request(TARGET, "Content-Length: 3", "Content-Length: 4"),
        request(TARGET, "Content-Length: -3"),
        request(TARGET, "Content-Length: three"),
        request(TARGET, f"Content-Length: {BODY_BYTES + 1}"),
        request(TARGET, "Content-Length: 99999999999999999999999"),
        request(TARGET, "Expect: 100-continue", "Content-Length: 3"),
        request(TARGET, "Connection: close"),
        request(TARGET, "Connection: upgrade", "Upgrade: websocket"),
        request(TARGET, "Connection: keep-alive, te", "TE: trailers"),
        request(TARGET, "No colon here"),
        request(TARGET, "Host : h"),
        request(TARGET, "X-Long: " + "x" * 20_000),
        b"POST /2015-03-31/functions/f/invocations HTTP/1.1\nHost: h\n\n",
        b"POST /2015-03-31/functions/f/invocations\r\n\r\n",
    ],
)  # fmt: skip
def test_in_doubt_it_is_not_plain(data):
    assert plain.head(data) is None


@given(st.binary(max_size=200), st.integers(0, 200))
def test_whatever_comes_is_read_or_left(noise, at):
    whole = request(TARGET, "Host: h", "X-A: b", "Content-Length: 2", body=b"{}")
    data = whole[:at] + noise + whole[at:]
    found = plain.head(data)
    if found is not None:
        assert data.startswith(plain.BEGINNING)
        assert 0 <= found.length <= BODY_BYTES
        assert data[: found.size].endswith(b"\r\n\r\n")


class Read:
    def __init__(self):
        self.headers, self.body, self.done = {}, b"", False

    def on_header(self, name, value):
        self.headers[name.lower()] = value

    def on_body(self, body):
        self.body += body

    def on_message_complete(self):
        self.done = True


@pytest.mark.parametrize(("status", "length"), [(200, 5), (200, 0), (202, 0), (429, 5), (503, 5), (204, 0)])
def test_an_answer_is_read_by_a_parser(status, length):
    head = plain.answer_head(
        status, [("X-Amzn-RequestId", "r"), ("content-length", "7"), ("Date", "d"), ("X-A", "ü€")], length,
        date="Thu, 26 Nov 2026 22:00:00 GMT", closes=status == 503,
    )  # fmt: skip
    read = Read()
    parser = httptools.HttpResponseParser(read)
    parser.feed_data(head + b"x" * length)
    assert (parser.get_status_code(), read.done, len(read.body)) == (status, True, length)
    assert read.headers[b"x-amzn-requestid"] == b"r"
    assert read.headers[b"date"] == b"Thu, 26 Nov 2026 22:00:00 GMT"
    assert read.headers.get(b"content-length") == (None if status == 204 else str(length).encode())
    assert read.headers.get(b"connection") == (b"close" if status == 503 else None)
