"""A process that runs a function, for the tests of what runs: prints its process id, then what came of it.

Arguments: the store, the cache, the function, the payload as JSON.
"""

import json
import os
import sys

from faaslab import app


def main():
    store, cache, function, payload = sys.argv[1:]
    with app.open(store=store, cache=cache, sandbox="off") as lab:
        print(os.getpid(), flush=True)
        execution = lab.functions.invoke(function, json.loads(payload))
        print(json.dumps([execution.id, str(execution.status), execution.result]), flush=True)


main()
