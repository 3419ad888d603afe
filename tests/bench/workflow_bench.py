"""Executions of workflows beside moto's interpreter in one run, and what ten thousand waiting ones cost.

    python tests/bench/workflow_bench.py [--rounds 5] [--passes 100] [--items 1000] [--waiting 10000]

Ours keeps every step and the whole history durably; moto's keeps both in memory. They take turns, so that a
slow minute of the machine meets both; moto's thread is joined, so that nothing is polled for. Medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "src"))

import psutil

from faaslab.clock import SYSTEM
from faaslab.model.workflow import WorkflowExecution, WorkflowExecutionStatus
from faaslab.store import Store
from faaslab.workflow.engine import Engine

ARN = "arn:aws:states:us-east-1:000000000000:execution:m:"
PASSES = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Pass", "Result": {"x": 1}, "ResultPath": "$.b", "Next": "C"},
        "C": {"Type": "Pass", "End": True},
    },
}
MAP = {
    "StartAt": "M",
    "States": {
        "M": {
            "Type": "Map",
            "ItemProcessor": {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
            "End": True,
        }
    },
}
HOUR = {
    "StartAt": "W",
    "States": {"W": {"Type": "Wait", "Seconds": 3600, "Next": "C"}, "C": {"Type": "Pass", "End": True}},
}
TOKEN = {
    "StartAt": "T",
    "States": {
        "T": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}},
            "End": True,
        }
    },
}
INPUT = json.dumps({"n": 1, "who": "somebody"})


class Nobody:
    """Carries out nothing: tasks of these machines wait for their tokens."""

    def __call__(self, wanted, execution, told):
        pass

    forget = note = ended = lambda *_: None


def execution(name: str, text: str) -> WorkflowExecution:
    """One that begins now."""
    return WorkflowExecution(
        id=ARN + name, workflow="m", name=name, status=WorkflowExecutionStatus.RUNNING,
        started_at=SYSTEM.now(), input=text,
    )  # fmt: skip


class Ours:
    """Our engine over a store in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "bench.duckdb")
        self.engine = Engine(self.store.workflows, Nobody(), owner="bench")
        self.count = 0

    def run(self, machine: dict, text: str) -> float:
        self.count += 1
        began = time.perf_counter()
        ended = self.engine.start(execution(f"x{self.count}", text), machine).wait(60)
        took = time.perf_counter() - began
        assert ended.status == "SUCCEEDED", ended.error
        return took

    def close(self) -> None:
        self.engine.close()
        self.store.close()


class Moto:
    """Moto's own interpreter, through its backend in this process."""

    def __init__(self) -> None:
        from moto.stepfunctions.parser import utils
        from moto.stepfunctions.parser.models import stepfunctions_parser_backends

        self.threads = utils.TMP_THREADS
        self.backend = stepfunctions_parser_backends["000000000000"]["us-east-1"]
        self.arns: dict[int, str] = {}
        self.count = 0

    def run(self, machine: dict, text: str) -> float:
        arn = self.arns.get(id(machine))
        if arn is None:
            created = self.backend.create_state_machine(
                f"m{len(self.arns)}",
                json.dumps(machine),
                "arn:aws:iam::000000000000:role/r",
                sm_type="STANDARD",
            )
            arn = self.arns[id(machine)] = created.arn
        self.count += 1
        mine = len(self.threads)  # where the thread of this execution comes to stand
        began = time.perf_counter()
        started = self.backend.start_execution(arn, f"x{self.count}", text)
        self.threads[mine].join()
        took = time.perf_counter() - began
        assert started.exec_status == "SUCCEEDED", (started.exec_status, started.error, started.cause)
        return took


def against_moto(options: argparse.Namespace, found: dict) -> None:
    items = json.dumps([{"n": number} for number in range(options.items)])
    with tempfile.TemporaryDirectory() as folder:
        ours, moto = Ours(Path(folder)), Moto()
        for who in (ours, moto):
            who.run(PASSES, INPUT)
        figures: dict[str, dict[str, list[float]]] = {"passes": {}, "map": {}}
        for _ in range(options.rounds):
            for name, who, count in (
                ("ours", ours, options.passes),
                ("moto", moto, max(options.passes // 5, 1)),
            ):
                took = [who.run(PASSES, INPUT) for _ in range(count)]
                figures["passes"].setdefault(name, []).append(statistics.median(took))
                figures["map"].setdefault(name, []).append(who.run(MAP, items))
        rows = ours.store.connect().execute("SELECT count(*) FROM workflow_history").fetchone()[0]
        ours.close()
    assert rows > options.rounds * options.items * 4
    for case, title in (("passes", "3 Pass states"), ("map", f"inline Map over {options.items} items")):
        mine, theirs = (statistics.median(figures[case][name]) * 1000 for name in ("ours", "moto"))
        found[case] = {"ours_ms": mine, "moto_ms": theirs, "ratio": theirs / mine}
        print(f"{title}: ours {mine:.2f} ms, moto {theirs:.2f} ms, ratio {theirs / mine:.1f}")
    print(f"(ours stored {rows} events)")


def megabytes() -> float:
    return psutil.Process().memory_info().rss / 1e6


def cpu_share(seconds: float) -> float:
    """The share of one processor that this process takes when nothing is asked of it, in percent."""
    process = psutil.Process()
    before = sum(process.cpu_times()[:2])
    time.sleep(seconds)
    return (sum(process.cpu_times()[:2]) - before) / seconds * 100


def waiting(path: Path, machine: dict, count: int) -> None:
    """Start so many that wait; what they cost; then how long it takes to take them up again, elsewhere."""
    with Store(path) as store:
        engine = Engine(store.workflows, Nobody(), owner="one")
        before, began = megabytes(), time.perf_counter()
        for number in range(count):
            engine.start(execution(f"w{number}", INPUT), machine)
        started = time.perf_counter() - began
        used = megabytes()
        store.merge()  # else it would be going on beside what is measured now
        idle = cpu_share(5)
        engine.close()
    said = {"start_s": started, "rss_mb": used, "grown_mb": used - before, "idle_cpu_percent": idle}
    print(json.dumps(said), flush=True)


def resumed(path: Path) -> None:
    with Store(path) as store:
        engine = Engine(store.workflows, Nobody(), owner="two")
        began = time.perf_counter()
        count = engine.resume()
        print(json.dumps({"resumed": count, "resume_s": time.perf_counter() - began, "rss_mb": megabytes()}))
        engine.close()


def timers(folder: Path) -> list[float]:
    """How late 200 timers of half a second to three and a half are, in milliseconds."""
    late = []
    with Store(folder / "timers.duckdb") as store, Engine(store.workflows, Nobody(), owner="t") as engine:
        handles = []
        for number in range(200):
            seconds = 1 + number % 3
            machine = {**HOUR, "States": {**HOUR["States"], "W": {**HOUR["States"]["W"], "Seconds": seconds}}}
            handles.append((seconds, engine.start(execution(f"t{number}", INPUT), machine)))
            time.sleep(0.005)
        for seconds, handle in handles:
            ended = handle.wait(30)
            late.append(
                (ended.ended_at - ended.started_at - timedelta(seconds=seconds)) / timedelta(milliseconds=1)
            )
    return late


def child(*arguments: object) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--child", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=100)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="one document at the end")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, path, *rest = options.child
        if what == "resume":
            resumed(Path(path))
        else:
            waiting(Path(path), HOUR if what == "hour" else TOKEN, int(rest[0]))
        return 0
    found: dict = {}
    against_moto(options, found)
    for what in ("hour", "token"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.duckdb"
            found[what] = child(what, path, options.waiting)
            found[what] |= {f"again_{name}": value for name, value in child("resume", path).items()}
        each = ", ".join(f"{name} {value:.2f}" for name, value in found[what].items())
        print(f"{options.waiting} that wait ({what}): {each}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        late = sorted(timers(Path(folder)))
    found["timers"] = {
        "median_ms": statistics.median(late),
        "p99_ms": late[int(len(late) * 0.99)],
        "most_ms": late[-1],
    }
    print("timers are late by " + ", ".join(f"{name} {value:.1f}" for name, value in found["timers"].items()))
    if options.json:
        print(json.dumps(found))
    return 0


if __name__ == "__main__":
    os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "1")
    sys.exit(main())
