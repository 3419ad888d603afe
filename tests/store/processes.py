"""What the processes of the store's tests do; run as `python processes.py ROLE STORE …`.

A role ends when the file STORE.stop exists. It prints one JSON line when it is ready and one at its end.
"""

import json
import os
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from faaslab.model.execution import Execution, ExecutionStatus, LogLine
from faaslab.store import Store

START = datetime(2026, 3, 1)
ACK = 9  # characters of one acknowledgement


def execution(identity: str, **fields) -> Execution:
    at = fields.pop("started_at", START)
    values = {
        "function": "f",
        "request_id": identity,
        "status": ExecutionStatus.COMPLETED,
        "memory_mb": 128,
        "duration_ms": 1.5,
        "billed_ms": 2,
        "cold_start": False,
        "payload_body": b'{"n": 1}',
        "result_body": b"null",
        "logs": (
            LogLine(at=at, message="START RequestId: x"),
            LogLine(at=at, message="hello"),
            LogLine(at=at, message="END RequestId: x"),
        ),
    }
    return Execution(id=identity, started_at=at, **{**values, **fields})


def say(**what):
    print(json.dumps(what), flush=True)


def stopped(path: Path) -> bool:
    return Path(f"{path}.stop").exists()


def write(path: Path, name: str, per_second: str) -> None:
    """Record as fast as allowed; after each answer of the store add a line to an acknowledgement file."""
    acknowledged = os.open(f"{path}.{name}.acks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pause, number, started = 1 / float(per_second), 0, time.monotonic()
    with Store(path) as store:
        say(ready=name)
        while not stopped(path):
            level = "durable" if number % 50 == 0 else "written"
            at = START + timedelta(milliseconds=number)
            store.record(execution(f"{name}-{number}", function=name, started_at=at), level=level)
            os.write(acknowledged, b"%08d\n" % number)
            number += 1
            time.sleep(max(0.0, started + number * pause - time.monotonic()))
    say(done=name, written=number)


def acknowledged(path: Path, name: str) -> int:
    try:
        return os.stat(f"{path}.{name}.acks").st_size // ACK
    except FileNotFoundError:
        return 0


def read(path: Path, writers: str) -> None:
    """Two threads that ask again and again; what contradicts the acknowledgements is a fault."""
    names = writers.split(",")
    faults, latencies, lock = [], [], threading.Lock()

    def ask(store):
        with store.connect() as connection:
            while not stopped(path):
                before = {name: acknowledged(path, name) for name in names}
                began = time.perf_counter()
                try:
                    rows = connection.execute(
                        "SELECT function, count(*), count(DISTINCT id), "
                        "max(CAST(split_part(id, '-', 2) AS INTEGER)), "
                        "(SELECT count(*) FROM logs l WHERE l.function = e.function) "
                        "FROM executions e GROUP BY function"
                    ).fetchall()
                except Exception as error:
                    with lock:
                        faults.append(f"{type(error).__name__}: {error}")
                    continue
                found = {row[0]: row[1:] for row in rows}
                with lock:
                    latencies.append(time.perf_counter() - began)
                    for name in names:
                        count, distinct, newest, logs = found.get(name, (0, 0, -1, 0))
                        if count != distinct:
                            faults.append(f"{name}: {count - distinct} seen twice")
                        if count < before[name]:
                            faults.append(f"{name}: {before[name]} acknowledged, {count} seen")
                        if newest + 1 != distinct:
                            faults.append(f"{name}: {newest + 1 - distinct} missing below {newest}")
                        if logs != 3 * count:
                            faults.append(f"{name}: {count} executions but {logs} log lines")

    with Store(path) as store:
        say(ready="reader")
        threads = [threading.Thread(target=ask, args=(store,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    latencies.sort()
    say(
        reads=len(latencies),
        faults=faults[:20],
        p50_ms=latencies[len(latencies) // 2] * 1000 if latencies else None,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000 if latencies else None,
    )


def merge(path: Path) -> None:
    merges = moved = 0
    with Store(path) as store:
        say(ready="merger")
        while not stopped(path):
            moved += store.merge()
            merges += 1
        say(merges=merges, moved=moved)


def hold(path: Path, mode: str) -> None:
    """A foreign program: a plain DuckDB connection to the file, until a line comes on stdin."""
    import duckdb

    connection = duckdb.connect(str(path), read_only=mode == "read")
    say(ready="holder", rows=connection.execute("SELECT count(*) FROM executions").fetchone()[0])
    sys.stdin.readline()
    connection.close()
    say(done="holder")


def leave(path: Path) -> None:
    """End the interpreter while a daemon thread is inside a long query."""
    store = Store(path)
    store.record(execution("one"))
    inside = threading.Event()

    def ask():
        connection = store.connect()
        connection.execute("SELECT 1")
        inside.set()
        connection.execute(
            "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range = b.range + 1"
        )

    threading.Thread(target=ask, daemon=True).start()
    inside.wait(30)
    time.sleep(0.2)  # long enough to be within the query; it is right whenever it comes
    say(leaving=True)


if __name__ == "__main__":
    roles = {"write": write, "read": read, "merge": merge, "hold": hold, "leave": leave}
    roles[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
