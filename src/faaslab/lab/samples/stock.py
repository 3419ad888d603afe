"""Puts articles aside in a stock that is not always to be reached, and does not have everything."""

import random
import time


class OutOfStock(Exception):
    """There are fewer than were ordered."""


def handler(event, context):
    time.sleep(random.uniform(0.01, 0.06))
    if random.random() < 0.08:
        raise ConnectionError("the stock does not answer")
    if event["quantity"] > 4:
        raise OutOfStock(f"{event['quantity']} of {event['sku']} were ordered, 4 are there")
    return {"sku": event["sku"], "reserved": event["quantity"]}
