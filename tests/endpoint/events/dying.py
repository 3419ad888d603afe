"""A home that is killed: it moves its clock on by a minute, has done what is due, and says so, for ever.

Argument: a JSON object (store, cache, start, minute, address and secret of the cloud). A line for each minute.
"""

import json
import sys
from datetime import datetime, timedelta

from botocore import xform_name

from faaslab import app
from faaslab.clock import SteppedClock
from faaslab.cloud import client
from faaslab.cloud.forwarding import SECRET_HEADER
from tests.lab.events import until


def main() -> None:
    task = json.loads(sys.argv[1])
    minute = task["minute"]
    clock = SteppedClock(datetime.fromisoformat(task["start"]) + timedelta(minutes=minute))
    clients = {}

    def asked(service, operation, params, *, region):
        if service not in clients:
            headers = {SECRET_HEADER: task["secret"]}
            clients[service] = client(service, task["address"], region, headers=headers)
        return getattr(clients[service], xform_name(operation))(**params)

    with app.open(store=task["store"], cache=task["cache"], clock=clock, run_queue=False) as lab:
        lab.targets.serve_with(asked, asked)
        lab.targets.begin()
        while True:
            # What the one before held is free when it is seen to be dead.
            until(lambda: lab.targets.schedules.next("schedule", "every", "us-east-1") > clock.now())
            print(minute, flush=True)
            clock.advance(60)
            minute += 1


main()
