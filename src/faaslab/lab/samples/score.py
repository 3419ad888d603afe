"""A model that scores customers: it builds a table when it starts, then computes."""

import math

# What is at the top runs once, when an environment starts: the init that a cold start pays.
WEIGHTS = [math.sin(i) / (1 + i % 7) for i in range(150_000)]


def handler(event, context):
    features = event["features"]
    steps = event.get("steps", 2_000)
    total = sum(WEIGHTS[(i * 7919) % len(WEIGHTS)] * features[i % len(features)] for i in range(steps))
    return {"customer": event["customer"], "score": round(1 / (1 + math.exp(-total / 100)), 4)}
