"""What the product costs beside the bare runtime client, measured in one run on one machine.

    python tests/bench/runtime_bench.py [--rounds 5] [--calls 400] [--colds 15] [--environments 4] [--apart]

Prints medians and ratios. Bare and ours take turns, so that a slow minute of the machine meets both.

Two processes that only talk to each other are put on one processor by the kernel when the others are busy: the
bare cycle then takes half as long as on an idle machine, and whoever does anything beside it looks slow. With
`--apart` warm invocations are measured as on an idle machine: this process on one processor, functions on another.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "src"))

from bare_client import BareEnvironment, fan_out

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.model.function import Function, FunctionConfiguration, InlineCode
from faaslab.model.invocation import Invocation

SOURCE = "def handler(event, context):\n    return event\n"
PAYLOAD = b'{"x": 4, "y": "four"}'
REQUEST = Invocation()


def function_in(root, name="bench", source=SOURCE, configuration=FunctionConfiguration(timeout_s=30)):
    archive = root / f"{name}.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("lambda_function.py", source)
    now = datetime.now(UTC).replace(tzinfo=None)
    return Function(
        id=name,
        name=name,
        runtime=f"python{sys.version_info[0]}.{sys.version_info[1]}",
        handler="lambda_function.handler",
        code=InlineCode(source=source),
        configuration=configuration,
        code_digest=hashlib.sha256(archive.read_bytes()).hexdigest(),
        created_at=now,
        updated_at=now,
    )


def timed(call, count):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return times


def put_apart(functions):
    """This process on the first processor that it may use, those processes on the last."""
    processors = sorted(os.sched_getaffinity(0))
    for pid, processor in ((os.getpid(), processors[0]), *((pid, processors[-1]) for pid in functions)):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(thread), {processor})
    return processors


def warm(arguments, root, show):
    """p50 of a warm invocation: the bare cycle, the backend alone, with the store, through the Lab."""
    function = function_in(root)
    task_root = root / "bare"
    task_root.mkdir()
    (task_root / "lambda_function.py").write_text(SOURCE)
    bare = BareEnvironment(task_root)
    contenders = {"bare cycle": lambda: bare.cycle(PAYLOAD)}
    backend = LocalBackend(root / "cache", code_of=lambda f: root / f"{f.name}.zip")
    contenders["backend alone"] = lambda: backend.invoke(
        function, PAYLOAD, request=REQUEST, complete=lambda executions: None
    )
    closing = [bare, backend]
    try:
        from faaslab.store import Store

        store = Store(root / "store" / "faaslab.duckdb")
        closing.append(store)
        contenders["backend and store.record"] = lambda: backend.invoke(
            function, PAYLOAD, request=REQUEST, complete=lambda executions: store.record(*executions)
        )
    except Exception as error:
        print(f"(store not measured: {error!r})")
    try:
        import faaslab

        lab = faaslab.open(root / "lab" / "faaslab.duckdb")
        closing.append(lab)
        lab.functions.create("bench", SOURCE, handler="lambda_function.handler", timeout_s=30)
        value = json.loads(PAYLOAD)
        contenders["lab.functions.invoke"] = lambda: lab.functions.invoke("bench", value)
    except Exception as error:
        print(f"(lab not measured: {error!r})")
    measured = {name: [] for name in contenders}
    for call in contenders.values():
        timed(call, 50)
    if arguments.apart:
        started = [*backend.environments(), *lab.backend.environments()]
        processors = put_apart([bare.process.pid, *(each.pid for each in started)])
    for _ in range(arguments.rounds):
        for name, call in contenders.items():
            measured[name] += timed(call, arguments.calls)
    base = statistics.median(measured["bare cycle"])
    for name, times in measured.items():
        show(f"warm, {name}", statistics.median(times), "ms", base, sorted(times)[int(len(times) * 0.99)])
    for thing in closing:
        thing.close()
    if arguments.apart:
        os.sched_setaffinity(0, processors)
    return measured


def cold(arguments, root, show):
    """Process start to the first `next`; in the open, and in a sandbox where one works here."""
    task_root = root / "bare"
    ways = {"off": [], "on": []}
    called = {"off": [], "on": []}
    bare = []
    function = function_in(root)

    def backend_of(way):
        return LocalBackend(
            root / f"cache-{way}",
            code_of=lambda f: root / f"{f.name}.zip",
            settings=LocalSettings(sandbox=way),
        )

    with backend_of("off") as opened, backend_of("on") as contained:
        backends = {"off": opened, "on": contained}
        if not contained.enforced()["sandbox"].startswith("held"):
            print(f"(sandbox not measured: {contained.enforced()['sandbox']})")
            del backends["on"]
        for backend in backends.values():
            backend.invoke(function, PAYLOAD, request=REQUEST, complete=lambda executions: None)
        for _ in range(arguments.colds):
            environment = BareEnvironment(task_root)
            bare.append(environment.cold_ms)
            environment.close()
            for way, backend in backends.items():
                backend.retire(function.name)
                began = time.perf_counter()
                execution = backend.invoke(
                    function, PAYLOAD, request=REQUEST, complete=lambda executions: None
                )
                called[way].append((time.perf_counter() - began) * 1000)
                ways[way].append(execution.init_ms)
                assert execution.cold_start
    base = statistics.median(bare)
    show("cold, bare client", base, "ms", base, max(bare))
    for way, name in (("off", "ours"), ("on", "in the sandbox")):
        if ways[way]:
            show(f"cold, {name}: init", statistics.median(ways[way]), "ms", base, max(ways[way]))
            show(f"cold, {name}: whole invoke", statistics.median(called[way]), "ms", base, max(called[way]))


def wide(arguments, root, show):
    """1,000 invocations over a few warm environments."""
    count = arguments.environments
    payloads = [json.dumps({"x": n}).encode() for n in range(1000)]
    bares = [BareEnvironment(root / "bare") for _ in range(count)]
    rates = {"bare fan-out": [], "backend.map": [], "backend.map and store.record": []}
    function = function_in(root)
    store = None
    try:
        from faaslab.store import Store

        store = Store(root / "store2" / "faaslab.duckdb")
    except Exception as error:
        print(f"(store not measured: {error!r})")
    with LocalBackend(root / "cache", code_of=lambda f: root / f"{f.name}.zip") as backend:

        def mapped(complete):
            began = time.perf_counter()
            ended = list(
                backend.map(function, payloads, request=REQUEST, concurrency=count, complete=complete)
            )
            assert len(ended) == 1000
            assert all(execution.ok for _, execution in ended)
            return 1000 / (time.perf_counter() - began)

        mapped(lambda executions: None)
        for _ in range(arguments.rounds):
            rates["bare fan-out"].append(1000 / fan_out(bares, payloads))
            for bare in bares:
                bare.close()
            bares = [BareEnvironment(root / "bare") for _ in range(count)]
            rates["backend.map"].append(mapped(lambda executions: None))
            if store is not None:
                rates["backend.map and store.record"].append(
                    mapped(lambda executions: store.record(*executions))
                )
    for bare in bares:
        bare.close()
    if store is not None:
        store.close()
    base = statistics.median(rates["bare fan-out"])
    for name, values in rates.items():
        if values:
            show(f"1,000 over {count}, {name}", statistics.median(values), "/s", base, min(values))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--colds", type=int, default=15)
    parser.add_argument("--environments", type=int, default=4)
    parser.add_argument("--apart", action="store_true")
    arguments = parser.parse_args()

    def show(name, value, unit, base, extreme):
        print(f"{name:45} {value:10.3f} {unit:3}  {value / base:5.2f}x   (worst {extreme:.3f})")

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("store", "store2", "lab"):
            (root / name).mkdir()
        warm(arguments, root, show)
        cold(arguments, root, show)
        wide(arguments, root, show)


if __name__ == "__main__":
    main()
