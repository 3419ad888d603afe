"""A server that answers every request at once with the same bytes: what a client costs by itself.

    python tests/bench/stub_server.py < ANSWER

Sockets and nothing else, one process, any number of connections. It prints its port, and ends with its stdin.
"""

import selectors
import socket
import sys

HEAD_END = b"\r\n\r\n"


def length_of(head):
    """What Content-Length says; 0 where there is none."""
    at = head.lower().find(b"content-length:")
    return int(head[at + 15 : head.find(b"\r\n", at)]) if at >= 0 else 0


class Connection:
    """One client: bytes in until a request is whole, then the answer out."""

    def __init__(self, there, answer):
        self.there = there
        self.answer = answer
        self.held = bytearray()
        self.wanted = None
        self.greeted = False

    def readable(self):
        """False when the client has gone."""
        data = self.there.recv(1 << 20)
        if not data:
            return False
        self.held += data
        while self._whole():
            self.there.setblocking(True)
            self.there.sendall(self.answer)
            self.there.setblocking(False)
        return True

    def _whole(self):
        if self.wanted is None:
            end = self.held.find(HEAD_END)
            if end < 0:
                return False
            head = bytes(self.held[: end + 2])
            self.wanted = end + 4 + length_of(head)
            self.greeted = b"100-continue" not in head.lower()
        if len(self.held) < self.wanted:
            if not self.greeted:
                self.greeted = True
                self.there.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            return False
        del self.held[: self.wanted]
        self.wanted = None
        return True


def main():
    """Serve until stdin ends."""
    body = sys.stdin.buffer.read(int(sys.argv[1]))
    answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-amz-executed-version: $LATEST\r\n"
        b"x-amzn-requestid: 00000000-0000-4000-8000-000000000000\r\ndate: Thu, 26 Nov 2026 21:00:00 GMT\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body)
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    with selectors.DefaultSelector() as ready:
        ready.register(listener, selectors.EVENT_READ, None)
        ready.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            for key, _ in ready.select():
                if key.fileobj is sys.stdin:
                    return
                if key.fileobj is listener:
                    there, _ = listener.accept()
                    there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    there.setblocking(False)
                    ready.register(there, selectors.EVENT_READ, Connection(there, answer))
                    continue
                try:
                    alive = key.data.readable()
                except OSError:
                    alive = False
                if not alive:
                    ready.unregister(key.fileobj)
                    key.fileobj.close()


if __name__ == "__main__":
    main()
