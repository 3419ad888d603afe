"""Executions of workflows beside moto's interpreter in one run, and what ten thousand waiting ones cost.

    python tests/bench/workflow_bench.py [--rounds 5] [--passes 100] [--items 1000] [--waiting 10000]
                                         [--only moto|lab|port|waiting|timers]

Ours keeps every step and the whole history durably; moto's keeps both in memory. They take turns, so that a
slow minute of the machine meets both; moto's thread is joined, so that nothing is polled for. Medians.
Through a lab, executions of functions are beside the same calls without a workflow; through the port they are
beside a server that answers at once. What waits for the disk there is beside what one fdatasync takes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "src"))

import psutil
from endpoint_bench import ours as served
from endpoint_bench import stub

import faaslab
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

    def run(self, machine: dict, text: str) -> tuple[float, float]:
        """(seconds, seconds of processor) of one execution."""
        self.count += 1
        began, worked = time.perf_counter(), time.process_time()
        ended = self.engine.start(execution(f"x{self.count}", text), machine).wait(60)
        took = time.perf_counter() - began, time.process_time() - worked
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

    def run(self, machine: dict, text: str) -> tuple[float, float]:
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
        began, worked = time.perf_counter(), time.process_time()
        started = self.backend.start_execution(arn, f"x{self.count}", text)
        self.threads[mine].join()
        took = time.perf_counter() - began, time.process_time() - worked
        assert started.exec_status == "SUCCEEDED", (started.exec_status, started.error, started.cause)
        return took


def middle(seconds: list[float]) -> float:
    """The median in milliseconds."""
    return statistics.median(seconds) * 1000


def timed(act: Callable[[], object], count: int = 1) -> list[float]:
    """Seconds of each of so many."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return times


def compared(found: dict, name: str, ours: list[float], reference: list[float], what: str) -> None:
    """Say and note two medians and how the first is to the second."""
    mine, theirs = middle(ours), middle(reference)
    found[name] = {"ms": mine, "reference_ms": theirs, "ratio": mine / theirs}
    print(f"{name}: {mine:.2f} ms, {what}: {theirs:.2f} ms, ratio {mine / theirs:.2f}", flush=True)


def sync_of(folder: Path) -> Callable[[], None]:
    """One write that waits for the disk."""
    file = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY)

    def write() -> None:
        os.write(file, b"x" * 8192)
        os.fdatasync(file)

    return write


def through_the_lab(options: argparse.Namespace, found: dict) -> None:
    """Tasks that are functions, beside the same calls without a workflow."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "source").mkdir()
        (folder / "source" / "lambda_function.py").write_text(
            "def handler(event, context):\n    return event\n"
        )
        sync = sync_of(folder)
        with faaslab.open(folder / "bench.duckdb") as lab:
            lab.functions.create("echo", source=folder / "source", handler="lambda_function.handler")
            task = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "echo", "End": True}}}
            many = {"Type": "Map", "MaxConcurrency": 8, "ItemProcessor": task, "End": True}
            flows = lab.workflows
            for each, machine in (
                ("passes", PASSES), ("task", task), ("many", {"StartAt": "M", "States": {"M": many}}),
            ):  # fmt: skip
                flows.create(each, machine)
            items = [{"n": number} for number in range(100)]

            def run(workflow: str, given: object) -> str:
                ended = flows.start(workflow, given).wait(60)
                assert ended is not None
                assert ended.status == "SUCCEEDED", ended.error
                return ended.id

            figures: dict[str, list[float]] = {}

            def take(what: str, act: Callable[[], object], count: int) -> None:
                figures.setdefault(what, []).extend(timed(act, count))

            lab.functions.map("echo", items, 8)
            for _ in range(options.rounds):
                take("invoke", lambda: lab.functions.invoke("echo", {"n": 1}), 20)
                take("start", lambda: flows.start("passes", {"n": 1}), 50)
                for _ in range(20):
                    take("sync", sync, 1)
                    take("task", lambda: run("task", {"n": 1}), 1)
                take("map", lambda: lab.functions.map("echo", items, 8), 1)
                take("workflow map", lambda: run("many", items), 1)
                last = run("passes", {})
                take("execution", lambda: flows.execution(last), 20)  # noqa: B023 - it is called at once
                take("events", lambda: flows.events(last), 20)  # noqa: B023
                take("sql", lambda: lab.sql("SELECT count(*) FROM workflow_executions"), 3)
            for what, beside, kind in (
                ("start", "invoke", "an invocation"),
                ("task", "invoke", "an invocation"),
                ("task", "sync", "one fdatasync"),
                ("workflow map", "map", "functions.map of the same 100"),
                ("execution", "sql", "a question to the history"),
                ("events", "sql", "a question to the history"),
            ):
                compared(found, f"lab: {what} to {beside}", figures[what], figures[beside], kind)
            thousand(lab, found)


def thousand(lab: faaslab.Lab, found: dict) -> None:
    """A thousand executions of one function each, started at once, beside a thousand calls."""
    most = 0

    def started() -> None:
        nonlocal most
        runs = [lab.workflows.start("task", {"n": number}) for number in range(1000)]
        most = threading.active_count()
        ended = [run.wait(120) for run in runs]
        assert all(each is not None and each.status == "SUCCEEDED" for each in ended)

    def called() -> None:
        for each in [lab.functions.submit("echo", {"n": number}) for number in range(1000)]:
            each.result()

    before = megabytes()
    took, calls = timed(started), timed(called)
    compared(found, "lab: 1000 executions to calls", took, calls, "1000 calls")
    found["lab: 1000 executions to calls"] |= {"threads": most, "grown_mb": megabytes() - before}
    print(f"({most} threads, {megabytes() - before:.0f} MB more)")


def through_the_port(options: argparse.Namespace, found: dict) -> None:
    """boto3 to `faaslab serve`, beside boto3 to a server that answers at once."""
    import boto3
    from botocore.config import Config

    about = {"executionArn": f"{ARN}x", "startDate": 1.0, "stopDate": 1.0, "status": "SUCCEEDED", "name": "x"}
    about |= {"stateMachineArn": ARN.replace("execution:m:", "stateMachine:m"), "input": "{}", "output": "{}"}
    with (
        tempfile.TemporaryDirectory() as folder,
        stub(json.dumps(about).encode(), None) as other,
        served(folder, None) as port,
    ):
        clients = [
            boto3.client(
                "stepfunctions",
                endpoint_url=f"http://127.0.0.1:{each}",
                region_name="us-east-1",
                aws_access_key_id="local",
                aws_secret_access_key="local",
                config=Config(retries={"max_attempts": 0}, inject_host_prefix=False),
            )
            for each in (port, other)
        ]
        arns = {
            kind: clients[0].create_state_machine(
                name=kind,
                type=kind,
                definition=json.dumps(PASSES),
                roleArn="arn:aws:iam::000000000000:role/r",
            )["stateMachineArn"]
            for kind in ("STANDARD", "EXPRESS")
        }
        machine, express = arns["STANDARD"], arns["EXPRESS"]
        big = json.dumps(MAP)
        arn = clients[0].create_state_machine(
            name="big", definition=big, roleArn="arn:aws:iam::000000000000:role/r"
        )["stateMachineArn"]
        text = json.dumps(list(range(6_000)))
        long = clients[0].start_execution(stateMachineArn=arn, input=text)["executionArn"]
        while clients[0].describe_execution(executionArn=long)["status"] == "RUNNING":
            time.sleep(0.05)
        asked: dict[str, Callable[[Any], object]] = {
            "StartSyncExecution": lambda to: to.start_sync_execution(stateMachineArn=express, input=INPUT),
            "StartExecution and DescribeExecution": lambda to: to.describe_execution(
                executionArn=to.start_execution(stateMachineArn=machine, input=INPUT)["executionArn"]
            ),
            "a page of 100 of 24,000 events": lambda to: to.get_execution_history(
                executionArn=long, maxResults=100, reverseOrder=True
            ),
        }
        figures: dict[tuple[str, int], list[float]] = {}
        for _ in range(options.rounds):
            for name, ask in asked.items():
                for place, to in enumerate(clients):
                    figures.setdefault((name, place), []).extend(timed(lambda: ask(to), 30))  # noqa: B023
        for name in asked:
            compared(
                found, f"port: {name}", figures[name, 0], figures[name, 1], "a server that answers at once"
            )


def against_moto(options: argparse.Namespace, found: dict) -> None:
    items = json.dumps([{"n": number} for number in range(options.items)])
    with tempfile.TemporaryDirectory() as folder:
        ours, moto = Ours(Path(folder)), Moto()
        for who in (ours, moto):
            who.run(PASSES, INPUT)
        figures: dict[str, dict[str, list[tuple[float, float]]]] = {"passes": {}, "map": {}}
        for _ in range(options.rounds):
            for name, who, passes, maps in (
                ("ours", ours, options.passes, 5),
                ("moto", moto, max(options.passes // 5, 1), 1),
            ):
                for case, machine, text, count in (
                    ("passes", PASSES, INPUT, passes),
                    ("map", MAP, items, maps),
                ):
                    took = [who.run(machine, text) for _ in range(count)]
                    figures[case].setdefault(name, []).extend(took)
        rows = ours.store.connect().execute("SELECT count(*) FROM workflow_history").fetchone()[0]
        ours.close()
    assert rows > options.rounds * options.items * 4
    for case, title in (("passes", "3 Pass states"), ("map", f"inline Map over {options.items} items")):
        found[case] = {}
        for place, kind in enumerate(("wall", "cpu")):
            mine, theirs = (middle([each[place] for each in figures[case][who]]) for who in ("ours", "moto"))
            found[case] |= {
                f"ours_{kind}_ms": mine,
                f"moto_{kind}_ms": theirs,
                f"{kind}_ratio": theirs / mine,
            }
            print(f"{title}, {kind}: ours {mine:.2f} ms, moto {theirs:.2f} ms, ratio {theirs / mine:.1f}")
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


def those_that_wait(options: argparse.Namespace, found: dict) -> None:
    for what in ("hour", "token"):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.duckdb"
            found[what] = child(what, path, options.waiting)
            found[what] |= {f"again_{name}": value for name, value in child("resume", path).items()}
        each = ", ".join(f"{name} {value:.2f}" for name, value in found[what].items())
        print(f"{options.waiting} that wait ({what}): {each}", flush=True)


def how_late(options: argparse.Namespace, found: dict) -> None:  # noqa: ARG001 - as the others
    with tempfile.TemporaryDirectory() as folder:
        late = sorted(timers(Path(folder)))
    found["timers"] = {
        "median_ms": statistics.median(late),
        "p99_ms": late[int(len(late) * 0.99)],
        "most_ms": late[-1],
    }
    print("timers are late by " + ", ".join(f"{name} {value:.1f}" for name, value in found["timers"].items()))


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
    parser.add_argument("--only", choices=tuple(PARTS))
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
    for name, act in PARTS.items():
        if options.only in (None, name):
            act(options, found)
    if options.json:
        print(json.dumps(found))
    return 0


PARTS = {
    "moto": against_moto,
    "lab": through_the_lab,
    "port": through_the_port,
    "waiting": those_that_wait,
    "timers": how_late,
}

if __name__ == "__main__":
    os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "1")
    sys.exit(main())
