"""Other tools that run functions locally, beside ours in one run: a warm echo, and a thousand of them.

    python tests/bench/peers_bench.py [--calls 200] [--fan-out 1000] [--only NAME …] [--folder DIR]

Each is installed with its own package manager into a folder of its own (kept with `--folder`), is called through
its own local entry point, on loopback only, and left out with the reason where it does not install or run.
Ours writes its record; none of the others has one.
"""

import argparse
import http.client
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "src"))

EVENT = {"x": 4, "y": "four"}
BODY = json.dumps(EVENT).encode()
WORKERS = 4
LONGEST_S = 60
"""A fan-out that takes longer is stopped; its rate is that of what was done."""
SLOW_CALLS = 20
"""For a peer whose call takes a second."""


class Skipped(Exception):
    """Why a peer is not measured."""


def run(*command, cwd=None, seconds=300):
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skipped(f"{Path(command[0]).name}: {error}") from None
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Skipped(f"{Path(command[0]).name} ended with {done.returncode}: {lines[-1] if lines else ''}")
    return done.stdout


def virtual(folder, *packages):
    """The Python of a virtual environment with these packages."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    return python


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def warm(call, count):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


class Served:
    """A peer that serves HTTP: one keep-alive connection a thread, as a client would have."""

    path = "/"

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.command(),
            cwd=self.folder,
            env=os.environ | self.variables(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 60
        while True:
            try:
                answer = self.caller()()
            except (OSError, http.client.HTTPException):
                answer = None
            if answer is not None:
                if json.loads(answer) != EVENT:
                    raise Skipped(f"it answers {answer[:200]!r}")
                return
            if self.process.poll() is not None or time.monotonic() > until:
                raise Skipped("it does not answer")
            time.sleep(0.1)

    def variables(self):
        return {}

    def caller(self):
        """A function that invokes once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

        def call():
            connection.request("POST", self.path, BODY, {"Content-Type": "application/json"})
            response = connection.getresponse()
            data = response.read()
            if response.status != 200:
                raise http.client.HTTPException(f"{response.status} {data[:200]!r}")
            return data

        return call

    def measure(self, calls, count):
        call = self.caller()
        warm(call, min(calls, 20))
        return warm(call, calls), self.fan_out(count)

    def fan_out(self, count):
        left, done, lock = count, 0, threading.Lock()
        until = time.perf_counter() + LONGEST_S

        def work():
            nonlocal left, done
            call = self.caller()
            while True:
                with lock:
                    if not left or time.perf_counter() > until:
                        return
                    left -= 1
                call()
                with lock:
                    done += 1

        threads = [threading.Thread(target=work) for _ in range(WORKERS)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return done / (time.perf_counter() - began)

    def stop(self):
        if self.process is not None:
            # A session of its own: what it started ends with it.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class FunctionsFramework(Served):
    def install(self):
        self.python = virtual(self.folder / "venv", "functions-framework")
        (self.folder / "main.py").write_text(
            "import flask\n\ndef echo(request):\n    return flask.jsonify(request.get_json())\n"
        )

    def command(self):
        program = self.python.with_name("functions-framework")
        return [str(program), "--target", "echo", "--host", "127.0.0.1", "--port", str(self.port)]


class ServerlessOffline(Served):
    path = "/2015-03-31/functions/bench-dev-echo/invocations"

    def install(self):
        npm = shutil.which("npm")
        if npm is None:
            raise Skipped("npm is not installed")
        # The last pair that runs without an account.
        run(
            npm,
            "install",
            "--no-audit",
            "--no-fund",
            "serverless@3",
            "serverless-offline@13",
            cwd=self.folder,
        )
        (self.folder / "handler.js").write_text("exports.echo = async (event) => event;\n")
        (self.folder / "serverless.yml").write_text(
            "service: bench\nframeworkVersion: '3'\nprovider:\n  name: aws\n  runtime: nodejs20.x\n"
            "plugins: [serverless-offline]\nfunctions:\n  echo:\n    handler: handler.echo\n"
        )

    def variables(self):
        return {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off"}

    def command(self):
        ports = {"--lambdaPort": self.port, "--httpPort": free_port(), "--albPort": free_port()}
        program = self.folder / "node_modules" / ".bin" / "serverless"
        more = [word for flag, port in ports.items() for word in (flag, str(port))]
        return [str(program), "offline", "start", "--host", "127.0.0.1", *more]


class Ministack(Served):
    path = "/2015-03-31/functions/echo/invocations"

    def install(self):
        self.python = virtual(self.folder / "venv", "ministack", "boto3")

    def variables(self):
        return {"GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1"}

    def command(self):
        return [str(self.python.with_name("ministack"))]

    def start(self):
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("echo.py", "def handler(event, context):\n    return event\n")
        (self.folder / "echo.zip").write_bytes(code.getvalue())
        self._created = False
        super().start()

    def caller(self):
        if not self._created:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    pass
            except OSError:
                return super().caller()
            self._created = True
            run(str(self.python), "-c", _CREATE.format(port=self.port), cwd=self.folder)
        return super().caller()


_CREATE = """
import boto3, sys
client = boto3.client("lambda", endpoint_url="http://127.0.0.1:{port}", region_name="us-east-1",
                      aws_access_key_id="x", aws_secret_access_key="x")
client.create_function(FunctionName="echo", Runtime="python%d.%d" % sys.version_info[:2], Handler="echo.handler",
                       Role="arn:aws:iam::000000000000:role/x", Code=dict(ZipFile=open("echo.zip", "rb").read()))
"""


class Lithops:
    """Runs its own measure in its own interpreter."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def install(self):
        self.python = virtual(self.folder / "venv", "lithops")

    def start(self):
        pass

    def measure(self, calls, count):
        program = _LITHOPS.format(calls=min(calls, SLOW_CALLS), count=min(count, 100))
        # Its workers are started as `python`.
        path = f"{self.python.parent}{os.pathsep}{os.environ['PATH']}"
        told = run("/usr/bin/env", f"PATH={path}", str(self.python), "-c", program, cwd=self.folder)
        took, rate = json.loads(told.strip().splitlines()[-1])
        return took, rate

    def stop(self):
        pass


_LITHOPS = """
import json, statistics, sys, time
import lithops
def echo(x):
    return x
executor = lithops.FunctionExecutor(config={{
    "lithops": {{"backend": "localhost", "storage": "localhost", "log_level": "ERROR"}},
    "localhost": {{"runtime": sys.executable}}}})
times = []
executor.call_async(echo, 4).result()
for _ in range({calls}):
    began = time.perf_counter()
    executor.call_async(echo, 4).result()
    times.append(time.perf_counter() - began)
began = time.perf_counter()
assert len(executor.get_result(executor.map(echo, range({count})))) == {count}
print(json.dumps([statistics.median(times) * 1000, {count} / (time.perf_counter() - began)]))
"""

PEERS = {
    "functions-framework": FunctionsFramework,
    "serverless-offline": ServerlessOffline,
    "ministack": Ministack,
    "lithops localhost": Lithops,
}


def ours(folder, calls, count):
    """The warm p50 of `lab.functions.invoke`, and a map; both with the record written."""
    import faaslab

    with faaslab.open(folder / "faaslab.duckdb", cache=folder / "cache") as lab:
        lab.functions.create("echo", "def handler(event, context):\n    return event\n")

        def call():
            assert lab.functions.invoke("echo", EVENT).ok

        warm(call, 50)
        took = warm(call, calls)
        lab.functions.map("echo", [EVENT] * WORKERS * 2, WORKERS)
        began = time.perf_counter()
        mapped = lab.functions.map("echo", [EVENT] * count, WORKERS)
        rate = count / (time.perf_counter() - began)
        assert mapped.df["status"].eq("completed").all()
        return took, rate


def measured(peer, calls, count):
    try:
        peer.install()
        peer.start()
        return peer.measure(calls, count)
    finally:
        peer.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--fan-out", type=int, default=1000)
    parser.add_argument("--only", nargs="*", choices=PEERS, default=[*PEERS])
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = arguments.folder or Path(temporary)
        root.mkdir(exist_ok=True)
        for name in arguments.only:
            try:
                took, rate = measured(PEERS[name](root / name.split()[0]), arguments.calls, arguments.fan_out)
            except (Skipped, OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
                print(f"{name:28} not measured: {error}")
                continue
            # Ours at once after each, so that both had the same minute of the machine.
            with tempfile.TemporaryDirectory() as own:
                our_took, our_rate = ours(Path(own), arguments.calls, arguments.fan_out)
            print(f"{name:20} warm p50 {took:9.3f} ms, 1,000-way {rate:6.0f} /s")
            print(
                f"{'  faaslab, recorded':20} warm p50 {our_took:9.3f} ms, 1,000-way {our_rate:6.0f} /s: "
                f"{took / our_took:.1f} and {our_rate / rate:.1f} times as fast"
            )


if __name__ == "__main__":
    main()
