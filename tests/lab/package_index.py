"""A package index on loopback that answers when a test lets it: real pip, held up at will."""

import io
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name, version="1.0", body="VALUE = 42\n"):
    info, data = f"{name}-{version}.dist-info", io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(f"{name}/__init__.py", body)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return data.getvalue()


class Index:
    """Serves the packages it is given; `hold()` makes it wait in the middle of an answer."""

    def __init__(self, *names):
        self.wheels = self.wheels_of(*names)
        self.asked = threading.Event()
        self.open = threading.Event()
        self.open.set()
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                index.asked.set()
                index.open.wait(60)
                last = self.path.rstrip("/").rpartition("/")[2]
                if last in index.wheels:
                    body, kind = index.wheels[last], "application/octet-stream"
                else:
                    links = [
                        f'<a href="/files/{each}">{each}</a>'
                        for each in index.wheels
                        if each.startswith(last)
                    ]
                    body, kind = (
                        f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode(),
                        "text/html",
                    )
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", kind)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # the installer was ended meanwhile

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @staticmethod
    def wheels_of(*names):
        return {f"{name}-1.0-py3-none-any.whl": wheel(name) for name in names}

    def arguments(self):
        return (
            f"--index-url=http://127.0.0.1:{self.server.server_port}/simple",
            "--trusted-host=127.0.0.1",
            "--no-cache-dir",
            "--retries=0",
        )

    def hold(self):
        self.asked.clear()
        self.open.clear()

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
