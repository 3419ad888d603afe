"""An endpoint small enough to hand to a Lab: it answers with the name of its lab, the epoch and what came."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Endpoint:
    def __init__(self, lab, host, port, token, epoch):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                told = {"lab": id(lab), "epoch": epoch, "path": self.path, "bytes": len(body)}
                answer = json.dumps(told).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer((host, port), Handler)
        self.server.daemon_threads = True
        self.epoch, self.token = epoch, token
        self.address = f"http://{host}:{self.server.server_address[1]}"
        self.closed = False
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self, drain_s):
        if not self.closed:
            self.closed = True
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
