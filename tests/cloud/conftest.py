"""A cloud in a process of its own, and a small server that hands everything on to it."""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from faaslab.cloud import CloudProcess, client

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="session", autouse=True)
def _state_of_nobody(tmp_path_factory):
    """The key that signs snapshots is the user's; tests have one of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    made = CloudProcess(tmp_path_factory.mktemp("cloud") / "kept", NOWHERE)
    yield made
    made.close()


class Door(BaseHTTPRequestHandler):
    """As an endpoint would do it: the body goes on in pieces as it comes, and so does the answer."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _pieces(self):
        left = int(self.headers.get("Content-Length") or 0)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        while left:
            piece = self.rfile.read(min(left, 1 << 16))
            left -= len(piece)
            yield piece

    def _serve(self):
        self.server.seen.append((self.command, self.path, dict(self.headers)))
        streamed = self.command in ("PUT", "POST") and "s3" in self.headers.get("Authorization", "")
        body = self._pieces() if streamed else b"".join(self._pieces())
        status, headers, pieces = self.server.cloud.forward(
            self.command, self.path, self.headers.items(), body
        )
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve


@pytest.fixture(scope="module")
def door(cloud):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    server.cloud, server.seen = cloud, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def through(door):
    def made(service, region="us-east-1", **config):
        return client(service, f"http://127.0.0.1:{door.server_address[1]}", region, **config)

    return made


class Lives:
    """One folder, and a cloud on it that can end and come again."""

    def __init__(self, folder, **options):
        self.folder, self.options = folder, options
        self.cloud = CloudProcess(folder, NOWHERE, **options)

    def again(self, way="kill"):
        if way == "kill":
            os.kill(self.cloud.pid, signal.SIGKILL)
        elif way == "journal alone":
            os.kill(self.cloud.pid, signal.SIGKILL)
            (self.folder / "snapshot").unlink(missing_ok=True)
        self.cloud.close()
        self.cloud = CloudProcess(self.folder, NOWHERE, **self.options)

    def client(self, *given, **options):
        return self.cloud.client(*given, **options)

    def lines(self):
        return (self.folder / "journal").read_bytes().splitlines()


@pytest.fixture
def lives(tmp_path):
    made = Lives(tmp_path / "kept")
    yield made
    made.cloud.close()


@pytest.fixture
def short(tmp_path):
    """A cloud whose journal is soon long."""
    made = Lives(tmp_path / "kept", limits={"longest_journal": 20_000, "most_spare": 300_000})
    yield made
    made.cloud.close()
