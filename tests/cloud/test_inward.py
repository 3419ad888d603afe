"""What the cloud's process may not do, by Python's audit events."""

import pytest

from faaslab.cloud.child.inward import check


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.connect", (None, ("127.8.9.1", 80))),
        ("socket.connect", (None, ("::1", 80, 0, 0))),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0)),
        ("socket.getaddrinfo", (b"127.0.0.1", 80, 0, 0, 0)),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0)),
        ("socket.sendmsg", (None, None)),
        ("open", ("/etc/hosts", "r", 0)),
    ],
)
def test_this_machine_is_reached(event, arguments):
    check(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.connect", (None, ("192.0.2.1", 80))),
        ("socket.connect", (None, ("0.0.0.0", 80))),
        ("socket.connect", (None, ("169.254.169.254", 80))),
        ("socket.connect", (None, ("127.0.0.1.example.org", 80))),
        ("socket.connect", (None, "/var/run/docker.sock")),
        ("socket.sendto", (None, ("192.0.2.1", 53))),
        ("socket.getaddrinfo", ("127.example.org", 80, 0, 0, 0)),
        ("socket.getaddrinfo", ("localhost.example.org", 80, 0, 0, 0)),
        ("socket.gethostbyname", ("sns.us-east-1.amazonaws.com",)),
        ("subprocess.Popen", ("docker", ["docker"], None, None)),
        ("os.system", (b"true",)),
        ("os.fork", ()),
    ],
)
def test_nothing_else_is(event, arguments):
    with pytest.raises((ConnectionRefusedError, PermissionError), match="embedded cloud"):
        check(event, arguments)
