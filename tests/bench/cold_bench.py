"""Cold starts, measured in one run: the bare client, a new process, a sandbox, a fork of a template; idle cost.

    python tests/bench/cold_bench.py [--colds 15] [--idle 50] [--window 5]

Medians and ratios; the contenders take turns, so that a slow minute of the machine meets all of them.
"""

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent.parent / "src"))

from bare_client import BareEnvironment
from runtime_bench import PAYLOAD, REQUEST, SOURCE, function_in

from faaslab.backends.local import LocalBackend, LocalSettings
from faaslab.model.function import FunctionConfiguration

PANDAS = "import pandas\n\ndef handler(event, context):\n    return len(pandas.DataFrame([event]))\n"
HAS_SANDBOX = any(field.name == "sandbox" for field in dataclasses.fields(LocalSettings))


class Ours:
    """One way to start a function of ours."""

    def __init__(self, root, name, source, *, preload=(), requires=(), **settings):
        self.function = function_in(
            root,
            name,
            source,
            configuration=FunctionConfiguration(
                timeout_s=30, memory_mb=512, preload=preload, requires=requires
            ),
        )
        self.backend = LocalBackend(
            root / "cache", code_of=lambda f: root / f"{f.name}.zip", settings=LocalSettings(**settings)
        )

    def start(self):
        """(whole invocation, its recorded init) of a cold start, and how it was started."""
        self.backend.retire(self.function.name)
        began = time.perf_counter()
        execution = self.backend.invoke(self.function, PAYLOAD, request=REQUEST, complete=lambda done: None)
        whole = (time.perf_counter() - began) * 1000
        assert execution.ok, execution.error
        assert execution.cold_start
        return whole, execution.init_ms, execution.start_method

    def warm_up(self):
        self.start()
        self.backend._templates.await_all(60)


def bare_start(folder):
    began = time.perf_counter()
    environment = BareEnvironment(folder)
    took = (time.perf_counter() - began) * 1000
    environment.close()
    return took, environment.cold_ms, "spawn"


def cold(arguments, root):
    """Median init of each way, beside the bare client with the same handler."""
    for kind, source, preload in (("plain", SOURCE, ("json",)), ("imports pandas", PANDAS, ("pandas",))):
        folder = root / f"bare-{preload[0]}"
        folder.mkdir()
        (folder / "lambda_function.py").write_text(source)
        off = {"sandbox": "off"} if HAS_SANDBOX else {}
        more = {"requires": ("pandas",)} if "pandas" in preload else {}
        ways = {
            "a new process": Ours(root, f"{preload[0]}-spawn", source, templates="off", **off, **more),
            "a template": Ours(root, f"{preload[0]}-fork", source, preload=preload, **more),
        }
        if HAS_SANDBOX:
            try:
                ways["a new process in the sandbox"] = Ours(
                    root, f"{preload[0]}-sandbox", source, templates="off", sandbox="on", **more
                )
                ways["a new process in the sandbox"].start()
            except Exception as error:
                print(f"(sandbox not measured: {error})")
                ways.pop("a new process in the sandbox", None)
        for way in ways.values():
            way.warm_up()
        measured = {name: [] for name in ("the bare client", *ways)}
        for _ in range(arguments.colds):
            measured["the bare client"].append(bare_start(folder))
            for name, way in ways.items():
                measured[name].append(way.start())
        base = statistics.median(init for _, init, _ in measured["the bare client"])
        for name, starts in measured.items():
            inits = sorted(init for _, init, _ in starts)
            whole = statistics.median(took for took, _, _ in starts)
            print(
                f"cold, {kind}: {name:30} init {statistics.median(inits):8.2f} ms {statistics.median(inits) / base:6.2f}x"
                f"   p95 {inits[int(len(inits) * 0.95) - 1]:8.2f}   whole {whole:8.2f}   {starts[-1][2]}"
            )
        for way in ways.values():
            way.backend.close()


def idle(arguments, root):
    """CPU and memory of many idle environments: all processes of theirs, and what their owner spends."""
    count = arguments.idle
    function = function_in(root, "idle", "import time\ndef handler(e, c):\n    time.sleep(0.3)\n")
    for kind, settings in (("new processes", {"templates": "off"}), ("forks", {"templates": "on"})):
        backend = LocalBackend(
            root / "cache", code_of=lambda f: root / f"{f.name}.zip", settings=LocalSettings(**settings)
        )
        with backend:
            if kind == "forks":
                backend.invoke(function, PAYLOAD, request=REQUEST, complete=lambda done: None)
                backend._templates.await_all(60)
                backend.retire("idle")
            list(
                backend.map(
                    function,
                    [PAYLOAD] * count * 2,
                    request=REQUEST,
                    concurrency=count,
                    complete=lambda done: None,
                )
            )
            pids = [environment.pid for environment in backend.environments()]
            time.sleep(0.5)
            before, own = sum(map(ticks, pids)), ticks(os.getpid())
            time.sleep(arguments.window)
            spent = (sum(map(ticks, pids)) - before) / os.sysconf("SC_CLK_TCK") / arguments.window
            ours = (ticks(os.getpid()) - own) / os.sysconf("SC_CLK_TCK") / arguments.window
            held = statistics.median(map(proportional_kib, pids)) / 1024
            print(
                f"idle, {len(pids)} environments, {kind}: theirs {spent:.2%} of a core, ours {ours:.2%}, "
                f"{held:.1f} MB each (PSS)"
            )


def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def proportional_kib(pid):
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--colds", type=int, default=15)
    parser.add_argument("--idle", type=int, default=50)
    parser.add_argument("--window", type=float, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        cold(arguments, root)
        idle(arguments, root)


if __name__ == "__main__":
    main()
