"""The bare runtime client: a loopback Runtime API of a few lines and awslambdaric, no product code around."""

import os
import select
import socket
import subprocess
import sys
import time

ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
EVENT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
    b"Lambda-Runtime-Deadline-Ms: 2542409706888\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:bare\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)


def whole(data):
    """Whether a request has arrived; the client writes head and body by themselves."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    at = head.find(b"content-length: ")
    return at < 0 or len(body) >= int(head[at + 16 :].split(b"\r\n", 1)[0])


def receive(connection):
    data = connection.recv(65536)
    while not whole(data):
        data += connection.recv(65536)
    return data


class BareEnvironment:
    """One process of the official client and the socket that it is served on."""

    def __init__(self, task_root, handler="lambda_function.handler"):
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
            "PYTHONPATH": str(task_root),
        }
        began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=task_root,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        self.connection, _ = self.listener.accept()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        receive(self.connection)
        self.cold_ms = (time.perf_counter() - began) * 1000

    def cycle(self, payload):
        """From one `next` to the next."""
        self.connection.sendall(EVENT % (len(payload), payload))
        receive(self.connection)
        self.connection.sendall(ACCEPTED)
        receive(self.connection)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.connection.close()
        self.listener.close()


def fan_out(environments, payloads):
    """Serve the payloads over the environments with one epoll loop; seconds."""
    poll = select.epoll()
    by_descriptor = {}
    waiting = list(payloads)
    left = len(waiting)
    began = time.perf_counter()
    for environment in environments:
        by_descriptor[environment.connection.fileno()] = environment.connection
        poll.register(environment.connection, select.EPOLLIN)
        payload = waiting.pop()
        environment.connection.sendall(EVENT % (len(payload), payload))
    while left:
        for descriptor, _ in poll.poll():
            connection = by_descriptor[descriptor]
            data = receive(connection)
            if data.startswith(b"GET"):
                if waiting:
                    payload = waiting.pop()
                    connection.sendall(EVENT % (len(payload), payload))
            else:
                connection.sendall(ACCEPTED)
                left -= 1
    elapsed = time.perf_counter() - began
    poll.close()
    return elapsed
