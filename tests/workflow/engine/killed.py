"""A process that starts executions and is killed, again and again; run as `python killed.py STORE ROUNDS SEED`.

This one imports all there is and forks one child a round, so that a round is short. A child takes up what its
predecessors left, starts executions of its own, and is killed at a random moment; the last one works until all
have ended. A task appends a line to a file of its execution, and syncs it. Between two rounds what is recorded
of tasks is read; all of it is printed as one JSON document.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from faaslab.store import Store
from faaslab.workflow.effects import Failed, Succeeded
from faaslab.workflow.engine import Engine
from tests.workflow.engine.shop import FUNCTION, execution, machine, task, wait

A_ROUND = 4
RETRY = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 2}]
ONE = {"n.$": "$", "retried.$": "$$.State.RetryCount"}
WORK = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemProcessor": machine(("Double", task(Parameters=ONE, Retry=RETRY))),
            "Next": "Both",
        },
        "Both": {
            "Type": "Parallel",
            "Branches": [
                machine(("Pause", wait(1)), ("Left", task(Parameters={"n": 1}))),
                machine(("Right", task(Parameters={"n": 2}, Retry=RETRY))),
            ],
            "Next": "Rest",
        },
        "Rest": {**wait(1), "Next": "Last"},
        "Last": {"Type": "Task", "Resource": FUNCTION, "Parameters": {"n.$": "$[1]"}, "End": True},
    },
}


class Tasks:
    """Carries out tasks in threads: a line of the file is (round, key)."""

    def __init__(self, folder, number):
        self.folder = folder
        self.number = number
        self.pool = ThreadPoolExecutor(4)
        self.engine = None

    def __call__(self, wanted, execution, told):
        self.pool.submit(self.work, wanted, execution)

    def work(self, wanted, execution):
        line = json.dumps([self.number, wanted.key]) + "\n"
        file = os.open(self.folder / execution.name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, line.encode())
        os.fsync(file)
        os.close(file)
        asked = wanted.parameters
        flaky = asked["n"] == 3 and asked["retried"] == 0
        answer = Failed(wanted.key, "Flaky", "try again") if flaky else Succeeded(wanted.key, asked["n"] * 2)
        self.engine.signal(execution.id, answer)

    forget = note = ended = lambda *_: None


def work(path, number, ready, *, last):
    tasks = Tasks(path.parent / "lines", number)
    with Store(path) as store:
        with Engine(store.workflows, tasks, owner=f"round {number}", is_gone=lambda owner: True) as engine:
            tasks.engine = engine
            engine.resume()
            os.write(ready, b".")
            for each in range(0 if last else A_ROUND):
                engine.start(execution(f"{number}-{each}", "[1,2,3]"), WORK)
                time.sleep(0.01)
            while not last or engine.running():
                time.sleep(0.01)
            tasks.pool.shutdown()


def recorded(path):
    """(execution, key) of every answer that is kept, and the executions that succeeded."""
    state = Path(f"{path}.state")
    if not state.exists():
        return {"answers": [], "succeeded": []}
    with closing(sqlite3.connect(state)) as connection:
        try:
            steps = connection.execute("SELECT execution_id, signal FROM workflow_steps").fetchall()
            ended = connection.execute(
                "SELECT id FROM workflow_executions WHERE status = 'SUCCEEDED'"
            ).fetchall()
        except sqlite3.OperationalError:  # killed before there was anything
            return {"answers": [], "succeeded": []}
    signals = [(name.rpartition(":")[2], json.loads(text)) for name, text in steps]
    return {
        "answers": [(name, said["key"]) for name, said in signals if said["kind"] in ("Succeeded", "Failed")],
        "succeeded": [name.rpartition(":")[2] for (name,) in ended],
    }


def fork(path, number, *, last):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(path, number, write, last=last)
            status = 0
        finally:
            os._exit(status)
    os.close(write)
    os.read(read, 1)  # it has taken up what there was, or died
    os.close(read)
    return pid


def main():
    path, rounds, chance = Path(sys.argv[1]), int(sys.argv[2]), random.Random(sys.argv[3])
    (path.parent / "lines").mkdir()
    before = {}
    for number in range(rounds):
        before[number] = recorded(path)
        pid = fork(path, number, last=False)
        time.sleep(chance.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    before[rounds] = recorded(path)
    _, status = os.waitpid(fork(path, rounds, last=True), 0)
    print(json.dumps({"status": status, "before": before}))


if __name__ == "__main__":
    main()
