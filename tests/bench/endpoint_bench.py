"""What an invocation through the port costs, beside the same client against a server that answers at once.

    python tests/bench/endpoint_bench.py [--rounds 6] [--calls 300] [--seconds 4] [--clients 64] [--apart]

Prints medians and ratios of one run; stub and ours take turns, so that a slow minute meets both. Both are
processes of their own. Load comes from wrk (`apt install wrk`); without it that part is left out. `--apart`
has this client on one processor, and the servers with their functions on the other.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import boto3
from botocore.config import Config

HERE = Path(__file__).parent
SOURCE = "def handler(event, context):\n    return event\n"
PAYLOAD = b'{"x": 4, "y": "four"}'
LARGE = b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"'
SIGNED = (
    "AWS4-HMAC-SHA256 Credential=local/20261126/us-east-1/lambda/aws4_request, "
    "SignedHeaders=host;x-amz-date, Signature=0000"
)


@contextlib.contextmanager
def started(command, cpus, text=b""):
    """A server process and the port that it names in its first line."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if cpus:
        os.sched_setaffinity(process.pid, cpus)
    process.stdin.write(text)
    process.stdin.flush()
    try:
        line = process.stdout.readline().decode().strip()
        assert line, "the server did not start"
        yield int(line.rpartition(":")[2])
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(60)


def stub(body, cpus):
    """A server that answers with `body`."""
    return started([sys.executable, str(HERE / "stub_server.py"), str(len(body))], cpus, body)


def ours(folder, cpus):
    """`faaslab serve` over a store in `folder`."""
    store = str(Path(folder) / "bench.duckdb")
    return started([sys.executable, "-m", "faaslab", "serve", "--port", "0", "--store", store], cpus)


def client(port):
    """boto3's, without retries that would hide an error."""
    return boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}, max_pool_connections=64),
    )


def define(made, name, source=SOURCE):
    """A function through the port."""
    import io
    import zipfile

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("lambda_function.py", source)
    made.create_function(
        FunctionName=name,
        Runtime=f"python{sys.version_info[0]}.{sys.version_info[1]}",
        Handler="lambda_function.handler",
        Role="arn:aws:iam::000000000000:role/bench",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    made.get_waiter("function_active_v2").wait(FunctionName=name)


def invocations(made, payload, count):
    """Seconds of each of `count` invocations."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        answer = made.invoke(FunctionName="bench", Payload=payload)
        body = answer["Payload"].read()
        times.append(time.perf_counter() - began)
        assert len(body) == len(payload), body[:200]
        assert "FunctionError" not in answer
    return times


def compared(title, payload, servers, rounds, calls):
    """Stub and ours in turns; prints the medians and their ratio."""
    clients = {name: client(port) for name, port in servers.items()}
    times = {name: [] for name in clients}
    for made in clients.values():
        invocations(made, payload, max(calls // 10, 2))
    for _ in range(rounds):
        for name, made in clients.items():
            times[name] += invocations(made, payload, calls)
    median = {name: statistics.median(each) * 1000 for name, each in times.items()}
    tail = {name: statistics.quantiles(each, n=20)[-1] * 1000 for name, each in times.items()}
    for name in clients:
        print(f"{title:34s} {name:6s} p50 {median[name]:8.3f} ms   p95 {tail[name]:8.3f} ms")
    print(f"{title:34s} ratio  p50 {median['ours'] / median['stub']:8.2f}")


def under_load(servers, seconds, clients, cpus):
    """wrk with so many connections at once; prints what it says, and errors."""
    wrk = shutil.which("wrk")
    if wrk is None:
        print("wrk is not here (apt install wrk): no load from it")
        return
    script = f"""
wrk.method = "POST"
wrk.body = '{PAYLOAD.decode()}'
wrk.headers["Authorization"] = "{SIGNED}"
wrk.headers["Content-Type"] = "application/octet-stream"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{{"requests":%d,"us":%d,"p50":%f,"p99":%f,"errors":%d}}\\n', summary.requests,
    summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        for name, port in servers.items():
            url = f"http://127.0.0.1:{port}/2015-03-31/functions/bench/invocations"
            for turn in ("cold", "warm"):
                command = [
                    wrk,
                    "-t1",
                    f"-c{clients}",
                    f"-d{seconds}s",
                    "--timeout",
                    "30s",
                    "-s",
                    file.name,
                    url,
                ]
                run = subprocess.Popen(command, stdout=subprocess.PIPE)
                if cpus:
                    os.sched_setaffinity(run.pid, cpus)
                told = json.loads(run.communicate()[0].decode().splitlines()[-1])
                assert turn == "warm" or not told["errors"], told
            print(
                f"{f'wrk, {clients} connections':34s} {name:6s} p50 {told['p50']:8.3f} ms   p99 {told['p99']:8.3f} ms   "
                f"{told['requests'] / told['us'] * 1e6:8.0f} /s   {told['errors']} errors of {told['requests']}"
            )


def many_clients(servers, clients, each):
    """So many boto3 clients at once, in threads of this process."""
    for name, port in servers.items():
        made = [client(port) for _ in range(clients)]
        times, wrong = [], []

        def run(one, times=times, wrong=wrong):
            for _ in range(each):
                began = time.perf_counter()
                try:
                    answer = one.invoke(FunctionName="bench", Payload=PAYLOAD)
                    assert json.loads(answer["Payload"].read()) == json.loads(PAYLOAD)
                except Exception as error:
                    wrong.append(error)
                times.append(time.perf_counter() - began)

        threads = [threading.Thread(target=run, args=(one,)) for one in made]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        print(
            f"{f'boto3, {clients} clients at once':34s} {name:6s} p50 {statistics.median(times) * 1000:8.3f} ms   "
            f"{len(times) / took:17.0f} /s   {len(wrong)} errors of {len(times)}{f': {wrong[0]!r}' if wrong else ''}"
        )


def streams(port, rounds):
    """5 MB in pieces: when the first came, and how fast the rest."""
    made = client(port)
    firsts, rates = [], []
    for _ in range(rounds):
        began = time.perf_counter()
        events = made.invoke_with_response_stream(FunctionName="large")["EventStream"]
        size, first = 0, None
        for event in events:
            if "PayloadChunk" in event:
                first = first or time.perf_counter() - began
                size += len(event["PayloadChunk"]["Payload"])
            else:
                assert not event["InvokeComplete"].get("ErrorCode"), event
        firsts.append(first * 1000)
        rates.append(size / 1e6 / (time.perf_counter() - began))
    print(
        f"{'streamed, 5 MB':34s} {'ours':6s} first piece {statistics.median(firsts):8.3f} ms   "
        f"{statistics.median(rates):8.0f} MB/s"
    )


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--apart", action="store_true")
    parser.add_argument("--only", help="small, large, load, clients, streams")
    options = parser.parse_args()
    here = there = None
    if options.apart:
        first, *rest = sorted(os.sched_getaffinity(0))
        here, there = {first}, set(rest) or {first}
        os.sched_setaffinity(0, here)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        small = stack.enter_context(stub(PAYLOAD, there))
        large = stack.enter_context(stub(LARGE, there))
        port = stack.enter_context(ours(folder, there))
        define(client(port), "bench")
        define(client(port), "large", "def handler(event, context):\n    return 'x' * 5_000_000\n")

        def wanted(part):
            return options.only in (None, part)

        if wanted("small"):
            servers = {"stub": small, "ours": port}
            compared("boto3 invoke", PAYLOAD, servers, options.rounds, options.calls)
        if wanted("large"):
            servers = {"stub": large, "ours": port}
            compared(
                "boto3 invoke, 6 MB both ways", LARGE, servers, options.rounds, max(options.calls // 60, 2)
            )
        if wanted("streams"):
            streams(port, options.rounds)
        if wanted("load"):
            under_load({"stub": small, "ours": port}, options.seconds, options.clients, here)
        if wanted("clients"):
            many_clients({"stub": small, "ours": port}, options.clients, max(options.calls // 15, 2))


if __name__ == "__main__":
    main()
