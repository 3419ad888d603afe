"""A client of the Debug Adapter Protocol, as small as the tests need: what VS Code says to debugpy."""

import json
import socket


class DebugClient:
    """One session; requests wait for their answer, events are kept until they are asked for."""

    def __init__(self, host, port):
        self._socket = socket.create_connection((host, port), timeout=30)
        self._rest = b""
        self._number = 0
        self._events = []

    def request(self, command, arguments=None, *, wait=True):
        self._number += 1
        message = {
            "seq": self._number,
            "type": "request",
            "command": command,
            "arguments": arguments or {},
        }
        body = json.dumps(message).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        number = self._number
        return self.answer(number) if wait else number

    def answer(self, number):
        while True:
            message = self._read()
            if message["type"] == "response" and message["request_seq"] == number:
                assert message["success"], message
                return message.get("body")
            if message["type"] == "event":
                self._events.append(message)

    def event(self, name):
        while True:
            for index, message in enumerate(self._events):
                if message["event"] == name:
                    return self._events.pop(index).get("body")
            message = self._read()
            if message["type"] == "event":
                self._events.append(message)

    def _read(self):
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._more()
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length:")[2])
        while len(rest) < length:
            rest += self._more()
        self._rest = rest[length:]
        return json.loads(rest[:length])

    def _more(self):
        data = self._socket.recv(65536)
        assert data, "the debugger is gone"
        return data

    def attach(self, configuration, breakpoints):
        """As an editor does: breakpoints are {path: lines}; then the process goes on."""
        self.request("initialize", {"adapterID": "tests", "pathFormat": "path", "linesStartAt1": True})
        self.request("attach", configuration, wait=False)
        self.event("initialized")
        told = [
            self.request(
                "setBreakpoints",
                {"source": {"path": str(path)}, "breakpoints": [{"line": line} for line in lines]},
            )
            for path, lines in breakpoints.items()
        ]
        # What follows may be over before it is answered: the environment ends with its invocation.
        self.request("configurationDone", wait=False)
        return told

    def close(self):
        self._socket.close()
