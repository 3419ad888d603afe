"""One process of the crowd in test_many_processes: `writer`, `reader` or `merger`, until the stop file is there.

Argument: a JSON object (role, name, store, cache, folder). A writer notes an id in its file only after the
lab has answered; a reader first looks at those notes and then asks, so what was noted must be in the answer.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections import Counter
from pathlib import Path


def notes(folder, offsets):
    """The ids noted since the last call; a line that is still being written waits for the next."""
    found = []
    for path in sorted(folder.glob("*.answered")):
        with path.open("rb") as file:
            file.seek(offsets.get(path.name, 0))
            whole, newline, _ = file.read().rpartition(b"\n")
        if newline:
            offsets[path.name] = offsets.get(path.name, 0) + len(whole) + 1
            found += whole.decode().split("\n")
    return found


def write(lab, task, stopped):
    answered = os.open(task["folder"] / f"{task['name']}.answered", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    number = 0
    while not stopped():
        number += 1
        payload = {"writer": task["name"], "number": number}
        if number % 50 == 0:
            done = lab.functions.map(
                "echo", [{**payload, "part": part} for part in range(20)], n=2
            ).executions
        else:
            done = [lab.functions.invoke("echo", payload)]
        assert all(execution.ok for execution in done), done
        os.write(answered, "".join(f"{execution.id}\n" for execution in done).encode())
    return number


def read(lab, task, stopped):
    failures = []
    reads = [0, 0]

    def look(place):
        offsets, expected = {}, set()
        try:
            last = False
            while not last and not failures:
                # On a busy machine one question may take as long as the test: at least one is asked.
                last = stopped()
                expected |= set(notes(task["folder"], offsets))
                if place == 0:
                    seen = [row[0] for row in ask_by_connection()]
                else:
                    seen = lab.sql("SELECT id FROM executions")["id"].tolist()
                twice = [id_ for id_, count in Counter(seen).items() if count > 1]
                missed = expected - set(seen)
                assert not twice, f"seen twice: {twice[:5]} ({len(twice)})"
                assert not missed, f"missed: {sorted(missed)[:5]} ({len(missed)} of {len(expected)})"
                reads[place] += 1
        except BaseException:
            failures.append(traceback.format_exc())

    def ask_by_connection():
        with lab.store.connect() as connection:
            return connection.execute("SELECT id FROM executions").fetchall()

    threads = [threading.Thread(target=look, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise AssertionError("\n".join(failures))
    return reads


def merge(lab, task, stopped):
    moved = 0
    while not stopped():
        moved += lab.store.merge()
        # Back to back it would never let the opportunistic merges of the writers have a turn.
        time.sleep(0.02)
    return moved


def main():
    task = json.loads(sys.argv[1])
    task["folder"] = Path(task["folder"])
    stop = task["folder"] / "stop"
    from faaslab import app

    with app.open(store=task["store"], cache=task["cache"], keep_alive=60) as lab:
        work = {"writer": write, "reader": read, "merger": merge}[task["role"]]
        print("ready", flush=True)
        sys.stdin.readline()
        print(json.dumps(work(lab, task, stop.exists)), flush=True)


if __name__ == "__main__":
    main()
