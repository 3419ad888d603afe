"""What the tests of events and schedules share: when they begin, and waiting for what was decided."""

from datetime import timedelta

from faaslab.clock import SYSTEM

START = SYSTEM.now().replace(minute=0, second=0, microsecond=0)
"""The cloud has the machine's clock and refuses what is far from it, so these tests begin at a full hour."""
ECHO = "def handler(event, context):\n    return event\n"


def settled(lab):
    """Everything that is due was carried out."""
    assert lab.targets.wait(60)
    assert lab.targets.last_error is None
    assert lab.asynchronous.wait(60)
    assert lab.asynchronous.last_error is None


def ran(lab, function):
    """The payloads that the function was run with, in order."""
    found = lab.sql(f"SELECT id FROM executions WHERE function = '{function}' ORDER BY started_at, id")["id"]
    return [lab.executions.get(identity).payload for identity in found]


def arn(function):
    return f"arn:aws:lambda:us-east-1:000000000000:function:{function}"


def deliveries(lab):
    return lab.sql("SELECT target, status, attempt, error FROM deliveries ORDER BY delivered_at, attempt")


def told(minutes=0):
    """An instant after the start as events tell it."""
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
