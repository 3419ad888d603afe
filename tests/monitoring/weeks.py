"""Some weeks of a small company's functions and workflows, always the same: what pages are tried on.

The last whole week differs from the one before in what a reader must be told: definition 7 of `score` (since
Tuesday) takes twice as long, `thumbnails` is new, `legacy-export` is gone, `ingest` fails with an error of a
new kind, `mailer` starts cold more often. `rarely` has too few executions to say anything of.
`python -m tests.monitoring.weeks PATH [WEEKS]` writes such a store that ends now.
"""

import math
import random
import sys
from datetime import datetime, timedelta
from itertools import count

from faaslab.clock import SteppedClock
from faaslab.model.execution import Execution, ExecutionError, ExecutionStatus, Source
from faaslab.model.function import Function, FunctionConfiguration, InlineCode
from faaslab.store import Store
from faaslab.workflow.build import Parallel, Task, Wait, retry
from tests.monitoring.played import played

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:{}"


def task(name, function, **fields):
    return Task(name, FUNCTION.format(function), **fields)


ORDERS = (
    task("validate", "validate", retry=[retry("Busy", interval_seconds=2, max_attempts=2)])
    >> Parallel("prepare", task("reserve stock", "stock"), task("price", "price") >> task("tax", "tax"))
    >> Wait("cooling off", seconds=20)
    >> task("ship", "ship")
).definition()
CLOSING = (task("collect", "collect") >> task("close the books", "close")).definition()


class Busy(Exception):
    pass


class CardDeclined(Exception):
    pass


# name -> calls an hour at noon, median ms, spread, memory, used, init ms, idle minutes that an environment lives
FUNCTIONS = {
    "score": (26, 90, 0.35, 1024, 310, 620, 15),
    "resize": (14, 420, 0.5, 2048, 1710, 1450, 10),
    "ingest": (40, 35, 0.3, 512, 96, 240, 20),
    "mailer": (9, 180, 0.4, 256, 118, 380, 12),
    "thumbnails": (12, 260, 0.4, 1536, 640, 900, 10),
    "legacy-export": (2, 2400, 0.2, 3008, 900, 2100, 10),
    "rarely": (0.06, 700, 0.3, 512, 200, 1200, 10),
}


def _busy(at):
    """How busy an hour is, 0 to 1: office hours, little at night and at weekends."""
    day = math.exp(-(((at.hour + at.minute / 60) - 13) ** 2) / 18)
    return (0.06 + 0.94 * day) * (0.35 if at.isoweekday() > 5 else 1.0)


def executions(since, until, *, week, scale=1.0, source=Source.LOCAL):
    """All executions from `since` to `until`; `week` is when the last week begins."""
    chance, numbers = random.Random(7), count()
    for name, (most, median, spread, memory, used, init, idle) in FUNCTIONS.items():
        last_end, environment, changed = None, 0, week + timedelta(days=1, hours=9)
        at = since
        while True:
            at += timedelta(hours=chance.expovariate(1.0) / max(most * scale * _busy(at), 1e-6))
            if at >= until:
                break
            if (name == "thumbnails" and at < week + timedelta(days=2)) or (
                name == "legacy-export" and at >= week - timedelta(hours=9)
            ):
                continue
            new = name == "score" and at >= changed
            slow = 2.1 if new else 1.0
            ms = median * slow * math.exp(chance.gauss(0, spread)) * (4 if chance.random() < 0.01 else 1)
            lives = timedelta(minutes=4 if name == "mailer" and at >= week else idle)
            cold = last_end is None or at - last_end > lives or chance.random() < 0.01
            environment += cold
            init_ms = init * math.exp(chance.gauss(0, 0.15)) if cold else None
            error, status = None, ExecutionStatus.COMPLETED
            if name == "ingest" and at >= week + timedelta(days=3) and chance.random() < 0.03:
                error, status = (
                    ExecutionError(type="SchemaMismatch", message="no field 'amount'"),
                    ExecutionStatus.FAILED,
                )
            elif chance.random() < 0.004:
                error, status = (
                    ExecutionError(type="ConnectionError", message="peer closed"),
                    ExecutionStatus.FAILED,
                )
            elif name == "resize" and chance.random() < 0.003:
                ms, status = 10_000.0, ExecutionStatus.TIMEOUT
            number = next(numbers)
            ended = at + timedelta(milliseconds=ms + (init_ms or 0))
            last_end = ended
            yield Execution(
                id=f"e{number:08d}", request_id=f"r{number:08d}", function=name, definition=7 if new else 6 if name == "score" else 1,
                version="$LATEST", status=status, error=error, source=source, region="us-east-1", runtime="python3.13",
                architecture="arm64" if name == "ingest" else "x86_64", memory_mb=memory, timeout_s=10.0,
                started_at=at, ended_at=ended, duration_ms=ms, billed_ms=math.ceil(ms + (init_ms or 0)), init_ms=init_ms,
                cold_start=bool(cold), environment_id=f"{name}-{environment}", max_memory_mb=int(used * chance.uniform(0.8, 1.0)),
                payload_bytes=chance.randrange(100, 4000),
            )  # fmt: skip


def workflow_executions(since, until, *, week):
    """An order every few hours, the books closed each evening."""
    chance, at, number = random.Random(11), since, 0
    while at < until:
        number += 1
        late = at >= week
        answers = {
            "validate": [(1, Busy("later"))] * (chance.random() < 0.1) + [(chance.uniform(0.2, 0.8), {})],
            "reserve stock": [(chance.uniform(0.5, 3), 1)],
            "price": [(chance.uniform(0.2, 1), 1)],
            "tax": [(chance.uniform(0.2, 0.6), 1)],
            "ship": [(chance.uniform(1, 4) * (2 if late else 1), CardDeclined("no funds") if chance.random() < (0.25 if late else 0.05) else 1)],
        }  # fmt: skip
        yield played("orders", ORDERS, {}, at, answers, name=f"order-{number}", source=Source.LOCAL)
        if at.hour >= 18:
            answers = {
                "collect": [(chance.uniform(20, 60), 1)],
                "close the books": [(chance.uniform(5, 9), 1)],
            }
            yield played("closing", CLOSING, {}, at, answers, name=f"closing-{number}", source=Source.LOCAL)
        at += timedelta(hours=chance.uniform(1, 5))


def define(store, name, definition, at):
    memory = FUNCTIONS[name][3]
    store.definitions.put(
        Function(
            id=name,
            name=name,
            code=InlineCode(source=f"def handler(event, context): ...  # {definition}"),
            runtime="python3.13",
            handler="f.handler",
            definition=definition,
            configuration=FunctionConfiguration(memory_mb=memory, timeout_s=10),
            created_at=at,
            updated_at=at,
        ),
        action="created" if definition == 1 else "updated",
    )


def monday(at):
    """The last midnight of a Monday up to `at`."""
    return datetime(at.year, at.month, at.day) - timedelta(days=at.isoweekday() - 1)


def fill(path, now, *, weeks=4, scale=1.0, workflows=True, source=Source.LOCAL):
    """Write `weeks` whole weeks and what there is of the one that runs; the store's path."""
    clock = SteppedClock(now)
    week = monday(now) - timedelta(weeks=1)
    since = week - timedelta(weeks=weeks - 1)
    with Store(path, clock=clock) as store:
        rows = sorted(
            executions(since, now, week=week, scale=scale, source=source), key=lambda each: each.started_at
        )
        for begin in range(0, len(rows), 2000):
            store.record(*rows[begin : begin + 2000])
        if workflows:
            store.record(*workflow_executions(since, now, week=week))
        store.merge()
    for name in FUNCTIONS:
        last = 7 if name == "score" else 1
        for definition in range(1, last + 1):
            at = (
                week + timedelta(days=1, hours=9)
                if definition == 7
                else since + timedelta(minutes=definition)
            )
            if name == "thumbnails":
                at = week + timedelta(days=2)
            with Store(path, clock=SteppedClock(at)) as store:
                define(store, name, definition, at)
    return str(path)


if __name__ == "__main__":
    from faaslab.clock import SYSTEM

    print(fill(sys.argv[1], SYSTEM.now(), weeks=int(sys.argv[2]) if len(sys.argv) > 2 else 4))
