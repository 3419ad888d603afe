"""One process of the queue's tests: `hand_over` queues events and runs them, `run` only runs what waits.

Argument: a JSON object (role, store, cache, acknowledged, first, count). What was handed over is noted in the
file `acknowledged`, a number a line, after the lab has answered. Both go on until a line comes on stdin.
"""

import json
import os
import sys

from faaslab import app


def main() -> None:
    task = json.loads(sys.argv[1])
    with app.open(store=task["store"], cache=task["cache"], sandbox="off") as lab:
        if task["role"] == "hand_over":
            noted = os.open(task["acknowledged"], os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            for number in range(task["first"], task["first"] + task["count"]):
                lab.functions.submit("count", {"number": number}, invocation_type="Event")
                os.write(noted, f"{number}\n".encode())
        else:
            lab.asynchronous.run_all()
        print("ready", flush=True)
        sys.stdin.readline()
        assert lab.asynchronous.last_error is None


main()
