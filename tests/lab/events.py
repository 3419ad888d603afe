"""What the tests of asynchronous invocations share: functions, questions, waiting."""

import time

ECHO = "def handler(event, context):\n    return event\n"
FAIL = "def handler(event, context):\n    raise ValueError('boom')\n"
QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:dead"


def ask(lab, question):
    with lab.store.connect() as connection:
        return [[*row] for row in connection.execute(question).fetchall()]


def rows(lab, columns="function, status, attempt, request_id"):
    """Executions in the order in which they ended."""
    return ask(lab, f"SELECT {columns} FROM executions ORDER BY started_at, attempt, id")


def settled(lab):
    assert lab.asynchronous.wait(60)
    assert lab.asynchronous.last_error is None


def until(condition):
    """Wait for what another thread or process does; the test's own timeout ends it."""
    while not condition():
        time.sleep(0.002)
