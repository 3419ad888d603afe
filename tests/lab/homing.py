"""One process of the home's tests: does what it is told, a JSON object a line, and answers with one.

Argument: a JSON object (store, cache, ttl_s). A shorter lease makes the tests shorter, nothing else.
"""

import json
import os
import sys

from faaslab import app
from faaslab.lab import home, standing

QUEUED = {}


def do(lab, told):
    match told["do"]:
        case "ensure":
            return lab.home.ensure()
        case "stand":
            lab.asynchronous.backend_started()
        case "serve":
            return lab.serve().address
        case "here":
            return lab.home.here
        case "find":
            found = lab.home.find()
            return None if found is None else [standing.process_of(found), found.address, found.epoch]
        case "submit":
            for number in range(told["first"], told["first"] + told["count"]):
                QUEUED[number] = lab.functions.submit("count", {"number": number}, invocation_type="Event")
        case "result":
            return QUEUED[told["number"]].result(120).result
        case "depth":
            return lab.asynchronous.depth()
        case "runs":
            return lab._backend is not None
        case "close":
            lab.close()
    return None


def main():
    task = json.loads(sys.argv[1])
    if "ttl_s" in task:
        home.TTL_S = standing.TTL_S = task["ttl_s"]
        home.RENEW_S = home.LOOK_S = task["ttl_s"] / 5
    with app.open(store=task["store"], cache=task["cache"], sandbox="off") as lab:
        print(json.dumps(os.getpid()), flush=True)
        for line in sys.stdin:
            try:
                answer = do(lab, json.loads(line))
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(answer), flush=True)


main()
