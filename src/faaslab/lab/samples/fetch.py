"""Asks another service and waits for it: the bill is for waiting, and now and then time runs out."""

import time


def handler(event, context):
    time.sleep(event["upstream_ms"] / 1000)
    return {"page": event["page"], "left_ms": context.get_remaining_time_in_millis()}
