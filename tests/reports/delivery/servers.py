"""Servers on loopback that take letters and posts, and keep what came."""

import base64
import contextlib
import datetime as dt
import email
import email.policy
import ipaddress
import json
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Mail(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")

    def finish(self):
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def handle(self):
        server = self.server
        if server.silent:
            server.released.wait(30)
            return
        secure, user, sender, to = False, None, None, []
        self.say("220 here")
        while line := self.rfile.readline():
            word, _, rest = line.decode().strip().partition(" ")
            word = word.upper()
            if word == "EHLO":
                self.say("250-here")
                if server.context and not secure:
                    self.say("250-STARTTLS")
                self.say("250 AUTH PLAIN")
            elif word == "STARTTLS":
                self.say("220 go on")
                try:
                    self.connection = server.context.wrap_socket(self.request, server_side=True)
                except (ssl.SSLError, OSError):
                    return
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
                secure = True
            elif word == "AUTH":
                _, user, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                self.say("235 welcome" if password == server.password else "535 wrong password")
            elif word == "MAIL":
                sender, to = rest, []
                self.say("250 ok")
            elif word == "RCPT":
                if "nobody" in rest:
                    self.say("550 no such user")
                else:
                    to.append(rest[4:-1])
                    self.say("250 ok")
            elif word == "DATA":
                if not to:
                    self.say("554 for nobody")
                    continue
                self.say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line[1:] if line.startswith(b"..") else line)
                message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                server.letters.append(
                    {"secure": secure, "user": user, "from": sender, "to": to, "message": message}
                )
                self.say("250 ok")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class _Post(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        server = self.server
        content = self.rfile.read(int(self.headers["Content-Length"]))
        server.posts.append((self.path, dict(self.headers), content, json.loads(content)))
        status, headers = server.answers.pop(0) if server.answers else (200, {})
        if status is None:  # an answer that never comes to its end
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not server.released.wait(0.05):
                try:
                    self.wfile.write(b"X-More: 1\r\n")
                except OSError:
                    return
            return
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()


class _MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, *_):
        pass  # who spoke to it hung up: that is what some tests are about


@contextlib.contextmanager
def _running(server):
    server.released = threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def mail_server(*, context=None, password="open sesame", silent=False):
    server = _MailServer(("127.0.0.1", 0), _Mail)
    server.letters, server.context, server.password, server.silent = [], context, password, silent
    with _running(server):
        server.port = server.server_address[1]
        yield server


@contextlib.contextmanager
def post_server(*answers, context=None):
    """Answers (status, headers) in turn, then 200; a status of None is an answer without an end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Post)
    server.posts, server.answers = [], list(answers)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    with _running(server):
        scheme = "https" if context else "http"
        server.url = f"{scheme}://localhost:{server.server_address[1]}"
        yield server


def certificate(folder):
    """A server's context, and the file that those who trust it have as SSL_CERT_FILE."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / "trusted.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = folder / "key.pem"
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, secret)
    return context, trusted
