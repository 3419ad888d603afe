"""A runtime client that says whatever a test wants, in raw HTTP; it goes into the function's package.

A module that imports it at its top takes the runtime's place: the handler is never looked for.
"""

import json
import os
import socket


class Client:
    def __init__(self):
        self.open()

    def open(self):
        host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, method, path, body=b"", *headers, length=None):
        lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers]
        if method != "GET" and length is not False:
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def answer(self):
        status = int(self.file.readline().split()[1])
        headers = {}
        while line := self.file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, self.file.read(int(headers.get("content-length", 0)))

    def next(self):
        self.send("GET", "/2018-06-01/runtime/invocation/next")
        _, self.headers, self.event = self.answer()
        self.id = self.headers["lambda-runtime-aws-request-id"]
        return self.id

    def post(self, path, body=b"", *headers):
        """(status, error type) of what was answered."""
        self.send("POST", f"/2018-06-01/runtime/{path}", body, *headers)
        status, _, told = self.answer()
        try:
            return status, json.loads(told).get("errorType")
        except ValueError:
            return status, None

    def respond(self, body, *headers):
        return self.post(f"invocation/{self.id}/response", body, *headers)

    def chunks(self, *pieces, trailers=(), headers=()):
        """Stream a response."""
        self.begin(*headers)
        for piece in pieces:
            self.chunk(piece)
        return self.end(*trailers)

    def begin(self, *headers):
        path = f"/2018-06-01/runtime/invocation/{self.id}/response"
        mode = "Lambda-Runtime-Function-Response-Mode: streaming"
        self.send("POST", path, b"", mode, "Transfer-Encoding: chunked", *headers, length=False)

    def chunk(self, piece):
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))

    def end(self, *trailers):
        self.socket.sendall(b"0\r\n" + "".join(f"{line}\r\n" for line in trailers).encode() + b"\r\n")
        return self.answer()[0]
