"""Figures of the store: writes/s from 1 and 4 processes, merge rows/s, latencies of reads while others write.

Run as `python -m tests.bench.store_bench` (or as a file) from the root of the project; --json for one document.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from faaslab.model.execution import Execution, ExecutionStatus, LogLine
from faaslab.store import Store

START = datetime(2026, 3, 1)


def execution(name: str, number: int) -> Execution:
    """One of 25 filled columns and three log lines, as a warm invocation leaves them."""
    at = START + timedelta(milliseconds=number)
    return Execution(
        id=f"{name}-{number}",
        function="resize",
        request_id=f"{name}-{number}-0000-0000-0000-000000000000",
        status=ExecutionStatus.COMPLETED,
        version="3",
        runtime="python3.11",
        architecture="x86_64",
        region="us-east-1",
        memory_mb=512,
        timeout_s=3.0,
        started_at=at,
        ended_at=at + timedelta(milliseconds=2),
        duration_ms=1.87,
        billed_ms=2,
        cold_start=False,
        init_type="on-demand",
        environment_id="environment-1",
        log_stream="2026/03/01/[3]0123456789abcdef",
        max_memory_mb=41,
        code_sha256="j" * 43,
        payload_body=b'{"bucket": "photos", "key": "2026/03/01/1.jpg", "width": 640}',
        result_body=b'{"ok": true, "bytes": 48120}',
        logs=(
            LogLine(at=at, message="START RequestId: 0 Version: 3"),
            LogLine(at=at, message="resized 2026/03/01/1.jpg to 640 pixels", level="INFO"),
            LogLine(at=at, message="END RequestId: 0"),
        ),
    )


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def milliseconds(values: list[float]) -> dict[str, float]:
    return {
        "p50_ms": round(percentile(values, 0.5) * 1000, 3),
        "p99_ms": round(percentile(values, 0.99) * 1000, 3),
        "max_ms": round(max(values) * 1000, 3) if values else float("nan"),
    }


def write_role(path: str, name: str, seconds: float, per_second: float) -> dict[str, object]:
    """Record for so long, unpaced when `per_second` is 0."""
    taken = []
    with Store(path) as store:
        store.record(execution(name, 10_000_000))
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        number = 0
        while (now := time.perf_counter()) < began + seconds:
            one = execution(name, number)
            before = time.perf_counter()
            store.record(one)
            taken.append(time.perf_counter() - before)
            number += 1
            if per_second:
                time.sleep(max(0.0, began + number / per_second - now))
        ended = time.perf_counter()
    return {"per_s": number / (ended - began), "taken": taken}


def read_role(path: str, seconds: float) -> dict[str, object]:
    """Ask two questions again and again: the latest executions, and counts by function."""
    taken = []
    with Store(path) as store, store.connect() as connection:
        connection.execute("SELECT 1").fetchall()
        print("ready", flush=True)
        sys.stdin.readline()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for question in (
                "SELECT id, status, duration_ms FROM executions ORDER BY started_at DESC LIMIT 20",
                "SELECT function, count(*), avg(duration_ms) FROM executions GROUP BY function",
            ):
                before = time.perf_counter()
                connection.execute(question).fetchall()
                taken.append(time.perf_counter() - before)
                time.sleep(0.02)
    return {"taken": taken}


class Roles:
    """Processes that start together."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def add(self, *arguments: object) -> None:
        self.processes.append(
            subprocess.Popen(
                [sys.executable, __file__, *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def run(self) -> list[dict[str, object]]:
        answers: list[dict[str, object]] = [{} for _ in self.processes]
        for process in self.processes:
            process.stdout.readline()
        for process in self.processes:
            process.stdin.write("go\n")
            process.stdin.flush()

        def collect(index: int) -> None:
            answers[index] = json.loads(self.processes[index].communicate()[0].splitlines()[-1])

        threads = [threading.Thread(target=collect, args=(i,)) for i in range(len(answers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


def writes(folder: Path, processes: int, seconds: float) -> dict[str, object]:
    roles = Roles()
    for number in range(processes):
        roles.add("write", folder / f"writes{processes}.duckdb", f"w{number}", seconds, 0)
    answers = roles.run()
    taken = [one for answer in answers for one in answer["taken"]]
    return {"per_s": round(sum(answer["per_s"] for answer in answers)), **milliseconds(taken)}


def merges(folder: Path, rows: int) -> dict[str, object]:
    with Store(folder / "merges.duckdb") as store:
        store.merge()
        store._merger.nudge = lambda _rows: None
        for start in range(0, rows, 1000):
            store.record(*(execution("m", number) for number in range(start, start + 1000)))
        began = time.perf_counter()
        moved = store.merge()
        took = time.perf_counter() - began
        return {
            "executions_per_s": round(moved / took),
            "table_rows_per_s": round(moved * 5 / took),
            "longest_hold_ms": round(store._merger.longest_hold_s * 1000, 1),
        }


def reads(folder: Path, per_second: float, seconds: float) -> dict[str, object]:
    path = folder / f"reads{per_second:.0f}.duckdb"
    with Store(path) as store:
        store.record(*(execution("before", number) for number in range(10_000)))
    roles = Roles()
    for number in range(4):
        roles.add("write", path, f"w{number}", seconds, per_second / 4)
    for _ in range(2):
        roles.add("read", path, seconds)
    answers = roles.run()
    return milliseconds([one for answer in answers[4:] for one in answer["taken"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faaslab-bench-") as name:
        folder = Path(name)
        figures = {
            "writes, 1 process": writes(folder, 1, options.seconds),
            "writes, 4 processes": writes(folder, 4, options.seconds),
            "merge": merges(folder, 40_000),
            "reads by 2, 20 writes/s by 4": reads(folder, 20, options.seconds),
            "reads by 2, 800 writes/s by 4": reads(folder, 800, options.seconds),
        }
    if options.json:
        print(json.dumps(figures))
        return
    for what, found in figures.items():
        print(f"{what:32}", "  ".join(f"{key} {value}" for key, value in found.items()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        print(json.dumps(write_role(sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))))
    elif sys.argv[1:2] == ["read"]:
        print(json.dumps(read_role(sys.argv[2], float(sys.argv[3]))))
    else:
        main()
