"""A program that serves, invokes through its own port, and ends without closing anything.

Arguments: the store, the cache. It prints what the function answered. Its idle connections are kept for longer
than anybody waits for it to end.
"""

import sys

import faaslab
from faaslab.endpoint import lanes
from tests.endpoint.clients import client

lanes._IDLE_S = 600.0
lab = faaslab.open(sys.argv[1], cache=sys.argv[2], sandbox="off")
lab.functions.create("f", "def handler(event, context):\n    return event\n")
made = client(lab.serve().address)
print(made.invoke(FunctionName="f", Payload=b"1")["Payload"].read().decode(), flush=True)
